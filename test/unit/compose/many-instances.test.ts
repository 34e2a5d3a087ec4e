/** What the leader does for a file with many instances: it plans them all at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planStack } from '../../../src/compose/index.ts';
import { sentProject } from '../../../src/deployments/sent-files.ts';

describe('a service of many instances', () => {
  const plan = (scale: number, ports = '80') => {
    const yaml = `services:\n  web: {image: busybox, scale: ${scale}, ports: ["${ports}"]}\n`;
    const { stack, files } = sentProject({ files: { 'compose.yml': yaml } });
    let hashes = 0;
    const around = {
      project: 'abc',
      folder: '/srv/abc',
      files,
      network: (name: string) => name,
      volume: (name: string) => name,
      envFiles: () => ({}),
      variables: {},
      isFig: false,
      imageId: () => undefined,
      storedId: (_kind: string, key: string) => key,
      hostCount: 1,
      hash: () => String(++hashes),
    };
    const { waves } = planStack(stack, around, [], { profiles: [], only: [] });
    return { hashes, steps: waves[0]?.steps ?? [] };
  };

  it('is read once, whatever their number; each has its own', () => {
    const { hashes, steps } = plan(50);
    assert.equal(hashes, 1);
    assert.deepEqual(
      [steps.length, new Set(steps.map(({ request }) => request?.Labels?.['com.docker.compose.container-number'])).size],
      [50, 50],
    );
  });

  it('is refused where they are more than a leader plans', () => {
    assert.throws(() => plan(10_001), { kind: 'invalid', message: /10001 instances: a service has at most 10000/ });
  });

  it('publishes a range of ports, and is refused with more than a leader plans', () => {
    const range = '10000-20000:10000-20000/udp';
    assert.equal(Object.keys(plan(2, range).steps[1]?.request?.HostConfig?.PortBindings ?? {}).length, 10_001);
    assert.throws(() => plan(3, range), { kind: 'invalid', message: /30003 published ports: a service has at most 25000/ });
    assert.throws(() => plan(1, '1-65535:1-65535'), { message: /^.*65535 published ports: .*network_mode: host$/ });
  });
});
