import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beginDrain, type Drain, type DrainEvent, drainAfter, nextLookMs } from '../../../src/scheduler/containers/drain-state.ts';
import { createLeaving } from '../../../src/scheduler/containers/leaving.ts';

const TIMES = { answerMs: 3_000, drainMs: 2_000 };
const after = (drain: Drain, ...events: readonly (readonly [DrainEvent, number])[]): Drain =>
  events.reduce((now, [event, atMs]) => drainAfter(now, event, atMs), drain);
const left = (host: string): DrainEvent => ({ kind: 'left', host });
const time: DrainEvent = { kind: 'time' };

describe('an instance that leaves', () => {
  it('is stopped after every host has said that it leads nothing to it, and the drain time from then', () => {
    const began = beginDrain(['h1', 'h2'], 1_000, TIMES);
    assert.equal(began.phase, 'leaving');
    const one = after(began, [left('h1'), 1_500], [time, 3_500]);
    assert.deepEqual([one.phase, [...one.waits]], ['leaving', ['h2']]);
    const both = after(one, [left('h2'), 3_900]);
    assert.deepEqual([both.phase, nextLookMs(both, 3_900)], ['draining', 2_000]);
    assert.equal(after(both, [time, 5_899]).phase, 'draining');
    assert.equal(after(both, [time, 5_900]).phase, 'over');
    assert.deepEqual(both.unanswered, []);
  });

  it('does not wait longer than its time for a host that says nothing, and names it, and one that cannot', () => {
    const began = beginDrain(['h1', 'h2', 'h3'], 0, TIMES);
    assert.equal(nextLookMs(began, 1_000), 2_000);
    const late = after(began, [left('h1'), 10], [{ kind: 'failed', host: 'h3' }, 20], [time, 3_000]);
    assert.deepEqual([late.phase, late.unanswered], ['draining', ['h3', 'h2']]);
    assert.equal(after(late, [left('h2'), 3_100]).untilMs, 5_000, 'a late answer changes nothing');
  });

  it('waits for no host that is lost, and not at all once the instance has ended by itself', () => {
    const began = beginDrain(['h1', 'h2'], 0, TIMES);
    const lost = after(began, [{ kind: 'lost', host: 'h1' }, 10], [left('h2'), 20]);
    assert.deepEqual([lost.phase, lost.unanswered], ['draining', []]);
    assert.equal(after(began, [{ kind: 'ended' }, 5]).phase, 'over');
    assert.equal(after(lost, [{ kind: 'ended' }, 25]).phase, 'over');
  });

  it('without hosts that lead to it only the drain time counts; without that it is stopped at once', () => {
    assert.equal(beginDrain([], 7, TIMES).untilMs, 2_007);
    assert.equal(beginDrain([], 7, { ...TIMES, drainMs: 0 }).phase, 'over');
  });

  it('never comes back, whatever is heard in the middle', () => {
    const events: readonly DrainEvent[] = [
      left('h1'),
      left('h2'),
      { kind: 'failed', host: 'h1' },
      { kind: 'lost', host: 'h2' },
      time,
      { kind: 'ended' },
    ];
    const order = { leaving: 0, draining: 1, over: 2 } as const;
    let seed = 7;
    for (let run = 0; run < 200; run++) {
      let drain = beginDrain(['h1', 'h2'], 0, TIMES);
      for (let at = 0; at < 12; at++) {
        seed = (seed * 48_271) % 2_147_483_647;
        const event = events[seed % events.length] ?? time;
        const next = drainAfter(drain, event, at * 700);
        assert.ok(order[next.phase] >= order[drain.phase]);
        drain = next;
      }
    }
  });
});

describe('a scheduler that no longer leads', () => {
  it('waits no longer for an instance to leave', async () => {
    const lost = new AbortController();
    const container = { id: 'c1', name: 'web', facts: { inspect: { State: { Running: true } } } };
    const core = { deps: { now: () => 0 }, view: { byId: () => container }, hub: {}, recordIndex: {}, lost: lost.signal };
    const leaving = createLeaving(core as never, { next: () => new Promise(() => undefined) });
    const over = assert.rejects(leaving(container as never, 300_000), { kind: 'unavailable' });
    lost.abort();
    await over;
  });
});
