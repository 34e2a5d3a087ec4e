import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { atOnce, inSlices, lazily, type Steps } from '../../../src/async/steps.ts';

describe('work in steps', () => {
  function* counted(to: number): Steps<number> {
    for (let at = 0; at < to; at++) yield;
    return to;
  }

  it('lets everything else have its turn after each slice, and is the same at once', async () => {
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    // a slice of no time has one step
    assert.equal(await inSlices(counted(20), 0), 20);
    isOver = true;
    assert.ok(turns >= 20, `${turns} turns`);
    assert.equal(atOnce(counted(20)), 20);
  });

  it('that fails, fails for whoever waits for it', async () => {
    function* failing(): Steps<never> {
      yield;
      throw new Error('no');
    }
    await assert.rejects(inSlices(failing(), 0), /no/);
  });
});

describe('an object made lazily', () => {
  it('makes each part when it is first asked for, once, and has all of them', () => {
    let made = 0;
    const whole = lazily<{ readonly a: number; readonly b: string }>({ a: () => ++made, b: () => 'x' });
    assert.equal(made, 0);
    assert.deepEqual([whole.a, whole.a, made], [1, 1, 1]);
    assert.deepEqual({ ...whole }, { a: 1, b: 'x' });
  });
});
