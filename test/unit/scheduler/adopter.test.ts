import assert from 'node:assert/strict';
import { it, mock } from 'node:test';
import { startAdopter } from '../../../src/scheduler/containers/adopter.ts';
import type { Core } from '../../../src/scheduler/core.ts';
import { createTriggers } from '../../../src/scheduler/triggers.ts';
import { quietLog } from '../../support/cluster/lab.ts';

it('all hosts are compared each half minute, ten a second, and what nobody holds is given back after the last', async () => {
  mock.timers.enable({ apis: ['setInterval'] });
  const over = new AbortController();
  const clock = { ms: 0 };
  const seen: string[] = [];
  const hosts = Array.from({ length: 25 }, (_, i) => ({ name: `h${i}` }));
  const core = {
    view: { hosts: () => hosts },
    triggers: createTriggers(),
    deps: { log: quietLog, now: () => clock.ms },
    lost: over.signal,
  };
  const adopt = { host: async (name: string) => seen.push(name) > 0, leftovers: async () => void seen.push('leftovers') };
  startAdopter(core as unknown as Core, adopt, { removed: async () => undefined });
  const turns = async (count: number): Promise<readonly string[]> => {
    seen.length = 0;
    for (let i = 0; i < count; i++) {
      clock.ms += 1_000;
      mock.timers.tick(1_000);
      await new Promise(setImmediate);
    }
    return [...seen];
  };
  const names = hosts.map(({ name }) => name);
  assert.deepEqual(await turns(29), []);
  assert.deepEqual(await turns(1), names.slice(0, 10));
  assert.deepEqual(await turns(1), names.slice(10, 20));
  assert.deepEqual(await turns(1), [...names.slice(20), 'leftovers']);
  assert.deepEqual(await turns(27), []);
  assert.deepEqual(await turns(3), [...names, 'leftovers']);
  over.abort();
  mock.timers.reset();
});
