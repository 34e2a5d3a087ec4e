import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressesNeeded, type Wave } from '../../../src/compose/index.ts';
import { UPDATE_DEFAULTS } from '../../../src/model/index.ts';

const wave = (count: number, networks: readonly string[], more: Partial<Wave> = {}): Wave => ({
  service: 'web',
  after: [],
  count,
  isGlobal: false,
  update: { ...UPDATE_DEFAULTS, order: 'stop-first' },
  steps: [
    {
      service: 'web',
      container: 'abc-web-1',
      action: 'create',
      request: { NetworkingConfig: { EndpointsConfig: Object.fromEntries(networks.map((name) => [name, {}])) } },
    },
  ],
  ...more,
});

describe('what a network of a deploy needs', () => {
  it('is room for its instances twice, for those that run beside them for a while, for the hosts and the gateway', () => {
    const update = (parallelism: number) => ({ update: { ...UPDATE_DEFAULTS, parallelism } });
    const needed = (...waves: readonly Wave[]) => addressesNeeded(waves, 'abc_front', 3);
    assert.equal(needed(), 4);
    assert.equal(needed(wave(10, ['abc_back'])), 4, 'not for those of other networks');
    assert.equal(needed(wave(10, ['abc_front', 'abc_back'])), 20 + 1 + 4, 'a drain moves one after the other');
    assert.equal(needed(wave(10, ['abc_front'], update(4)), wave(1, ['abc_front'])), 22 + 4 + 1 + 4);
    assert.equal(needed(wave(10, ['abc_front'], update(0))), 20 + 10 + 4, 'all at once');
    assert.equal(needed(wave(3, ['abc_front'], { isGlobal: true })), 6 + 4);
    assert.equal(needed(wave(0, ['abc_front'])), 4);
  });
});
