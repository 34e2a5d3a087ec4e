import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { protocolFault, storeSchemaFault } from '../../../src/model/index.ts';

describe('releases that work together', () => {
  it('are one protocol apart at most, either way; an agent that says none speaks the first', () => {
    for (const [theirs, ours] of [
      [4, 4],
      [3, 4],
      [5, 4],
      [undefined, 1],
      [undefined, 2],
    ] as const)
      assert.equal(protocolFault('scheduler s2', theirs, ours), undefined);
    assert.equal(
      protocolFault('the agent of host h1', 2, 4),
      'the agent of host h1 speaks protocol 2, and this leader 4: they work together if they are one apart at most; upgrade the agent of host h1 first',
    );
    assert.match(protocolFault('the agent of host h1', undefined, 3) ?? '', /speaks protocol 1, .*upgrade the agent of host h1 first$/);
    assert.match(protocolFault('scheduler s2', 6, 4) ?? '', /upgrade the leader first$/);
  });

  it('read a store of their own schema or a lower one, and none that is newer or says something else', () => {
    for (const [found, ours] of [
      [undefined, 1],
      [1, 1],
      [1, 2],
      [2, 2],
    ] as const)
      assert.equal(storeSchemaFault(found, ours), undefined);
    assert.match(storeSchemaFault(3, 2) ?? '', /records of schema 3, and this release reads schemas up to 2/);
    for (const odd of [0, 1.5, '1', null, {}]) assert.notEqual(storeSchemaFault(odd, 2), undefined, JSON.stringify(odd));
  });
});
