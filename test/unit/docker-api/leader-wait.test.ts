import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { leaderWaitMs } from '../../../src/docker-api/follower.ts';

describe('a request that waits for a leader', () => {
  it('waits for ten seconds, longer with a store so slow that an election takes longer, and never for more than a minute', () => {
    assert.deepEqual(
      [0, 5, 1_000].map((ms) => leaderWaitMs(ms, false)),
      [10_000, 10_000, 10_000],
    );
    // five calls between two leaders
    assert.ok(leaderWaitMs(2_400, false) > 5 * 2_400 + 5_000);
    assert.equal(leaderWaitMs(30_000, false), 60_000);
    assert.equal(leaderWaitMs(5_000, true), 10_000, 'it was slow, and answers no more');
  });
});
