import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { factsDigest } from '../../../src/engine/index.ts';
import type { ContainerFacts } from '../../../src/model/index.ts';
import { createSharedParts } from '../../../src/scheduler/view/shared-parts.ts';

/** As it comes from the wire: an object of its own each time. */
function facts(n: number, env = 'as in the file'): ContainerFacts {
  const Labels = { 'com.example.number': String(n), 'com.example.text': 'one that all instances of the service have' };
  const Env = Array.from({ length: 20 }, (_, i) => `SETTING_${i}=${env}`);
  const HostConfig = {
    NetworkMode: 'n',
    Binds: null,
    RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
    MaskedPaths: ['/proc/asound', '/proc/acpi'],
  };
  const Id = String(n).padStart(64, '0');
  const one = {
    summary: { Id, Names: [`/c${n}`], Labels },
    inspect: { Id, Name: `/c${n}`, State: { Running: true }, Config: { Hostname: `c${n}`, Env, Labels }, HostConfig, Mounts: [] },
  };
  return JSON.parse(JSON.stringify(one)) as ContainerFacts;
}

describe('what containers have in common', () => {
  it('is held once: settings of a service, and labels that an Engine says twice', () => {
    const parts = createSharedParts();
    const [first, second, other] = [parts.of(facts(1)), parts.of(facts(2)), parts.of(facts(3, 'another'))];
    assert.equal(second.inspect.HostConfig, first.inspect.HostConfig);
    assert.equal(second.inspect.Config.Env, first.inspect.Config.Env);
    assert.notEqual(other.inspect.Config.Env, first.inspect.Config.Env);
    assert.equal(other.inspect.HostConfig, first.inspect.HostConfig);
    assert.equal(first.inspect.Config.Labels, first.summary.Labels);
    assert.equal(parts.size(), 3);
  });

  it('changes nothing of what is shown: not a value, and not the order in which it is said', () => {
    const parts = createSharedParts();
    for (const n of [1, 2]) {
      const made = parts.of(facts(n));
      assert.equal(JSON.stringify(made), JSON.stringify(facts(n)));
      assert.equal(factsDigest(made), factsDigest(facts(n)));
      assert.equal(parts.of(made), made, 'a host that comes back as it was has the same facts');
    }
  });

  it('is not taken for equal where it differs in the order of its keys alone', () => {
    const parts = createSharedParts();
    const [one] = [parts.of(facts(1))];
    const turned = facts(2);
    const HostConfig = Object.fromEntries(Object.entries(turned.inspect.HostConfig).toReversed());
    const made = parts.of({ ...turned, inspect: { ...turned.inspect, HostConfig } });
    assert.notEqual(made.inspect.HostConfig, one.inspect.HostConfig);
    assert.deepEqual(Object.keys(made.inspect.HostConfig), Object.keys(HostConfig));
  });
});
