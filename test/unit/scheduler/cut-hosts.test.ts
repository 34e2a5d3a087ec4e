import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCutHosts } from '../../../src/scheduler/agents/cut-hosts.ts';

describe('a host that sends malformed messages', () => {
  it('is refused for 5 s, then twice as long each time, at most a minute; after ten quiet minutes it begins anew', () => {
    const clock = { ms: 0 };
    const cut = createCutHosts(() => clock.ms);
    const penalties: number[] = [];
    for (let n = 0; n < 6; n++) {
      penalties.push(cut.malformed('h1', `reason ${n}`));
      assert.equal(cut.penaltyOf('h1'), `reason ${n}`);
      clock.ms += penalties.at(-1) ?? 0;
      assert.equal(cut.penaltyOf('h1'), undefined, 'it may come back');
    }
    assert.deepEqual(penalties, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    clock.ms += 600_000;
    assert.deepEqual([cut.list(), cut.malformed('h1', 'again')], [[], 5_000]);
    assert.equal(cut.malformedTotal(), 7);
  });

  it('keeps its reason while its hellos are refused for it', () => {
    const cut = createCutHosts(() => 0);
    cut.malformed('h1', 'no load');
    cut.refused('h1', 'sent a malformed message');
    cut.refused('h2', 'odd routes');
    cut.malformed(undefined, 'no hello');
    assert.deepEqual(cut.list(), [
      { host: 'h1', reason: 'no load', isMalformed: true, msAgo: 0 },
      { host: 'h2', reason: 'odd routes', isMalformed: false, msAgo: 0 },
      { host: '', reason: 'no hello', isMalformed: true, msAgo: 0 },
    ]);
  });

  it('cannot fill the memory with names', () => {
    const cut = createCutHosts(() => 0);
    for (let n = 0; n < 1_000; n++) cut.refused(`h${n}`, 'no');
    assert.equal(cut.list().length, 100);
  });
});
