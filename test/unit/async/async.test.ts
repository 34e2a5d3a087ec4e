import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createBatchQueue } from '../../../src/async/batch-queue.ts';
import { mapBounded, tryAll } from '../../../src/async/limit.ts';
import { singleFlight } from '../../../src/async/single-flight.ts';
import { patientlyFor, within } from '../../../src/async/within.ts';

describe('a single flight', () => {
  it('runs once for all who ask while a run is under way, and after that run', async () => {
    let runs = 0;
    const flight = singleFlight(async () => {
      runs += 1;
      await turn();
    });
    await Promise.all([flight(), flight(), flight(), flight()]);
    assert.equal(runs, 2);
  });

  it('goes on after a run that failed, and tells those who asked for it', async () => {
    let runs = 0;
    const flight = singleFlight(async () => {
      await turn();
      if (++runs === 1) throw new Error('first');
    });
    const [first, second] = await Promise.allSettled([flight(), flight()]);
    assert.deepEqual([first.status, second.status, runs], ['rejected', 'fulfilled', 2]);
  });
});

const fail = (error: unknown): never => assert.fail(String(error));

describe('a batch queue', () => {
  it('works on whatever came meanwhile as one batch', async () => {
    const batches: (readonly number[])[] = [];
    const queue = createBatchQueue<number>(async (batch) => {
      batches.push(batch);
      await turn();
    }, fail);
    for (const item of [1, 2, 3]) queue.add(item);
    while (batches.length < 2) await turn();
    assert.deepEqual(batches, [[1], [2, 3]]);
  });

  it('whose work fails says so, and goes on with the next batch', async () => {
    const failures: unknown[] = [];
    const done: number[] = [];
    const queue = createBatchQueue<number>(
      async ([item = 0]) => {
        if (item === 1) throw new Error('no');
        done.push(item);
      },
      (error) => failures.push(error),
    );
    queue.add(1);
    queue.add(2);
    while (done.length < 1) await turn();
    assert.deepEqual([failures.length, done], [1, [2]]);
  });
});

describe('mapBounded', () => {
  it('keeps the order, and no more than the width under way', async () => {
    let running = 0;
    let most = 0;
    const results = await mapBounded([1, 2, 3, 4, 5], 2, async (item) => {
      most = Math.max(most, ++running);
      await turn();
      running -= 1;
      return item * 2;
    });
    assert.deepEqual([results, most], [[2, 4, 6, 8, 10], 2]);
  });
});

describe('tryAll', () => {
  it('goes on after failures, and gives them as errors', async () => {
    const tried: number[] = [];
    const failures = await tryAll([1, 2, 3, 4], 2, async (item) => {
      tried.push(item);
      await turn();
      if (item === 2) throw new Error('two');
      if (item === 3) await Promise.reject('three');
    });
    assert.deepEqual(tried, [1, 2, 3, 4]);
    assert.deepEqual(
      failures.map(({ message }) => message),
      ['two', 'three'],
    );
  });
});

describe('mapBounded, after a failure,', () => {
  it('rejects with it, and begins no other', async () => {
    const begun: number[] = [];
    const work = mapBounded([1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      await turn();
      if (item === 1) throw new Error('one');
    });
    await assert.rejects(work, /one/);
    for (let i = 0; i < 5; i++) await turn();
    assert.deepEqual(begun.includes(5), false);
  });
});

describe('within', () => {
  it('rejects once the time has passed, and gives the result before', async () => {
    assert.equal(await within(10_000, Promise.resolve('in time'), () => new Error('late')), 'in time');
    await assert.rejects(
      within(1, new Promise(() => undefined), () => new Error('late')),
      /late/,
    );
  });
});

describe('patience for work', () => {
  const never = new Promise<never>(() => undefined);
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

  it('ends with the work or with the time, whichever is first, and leaves no timer', async () => {
    const before = timers();
    const { signal } = new AbortController();
    await patientlyFor(60_000, Promise.resolve(), signal);
    await patientlyFor(1, never, signal);
    assert.equal(timers(), before);
  });

  it('rejects with the reason of the signal, and with that of the work', async () => {
    const reason = new Error('lost');
    await assert.rejects(patientlyFor(60_000, never, AbortSignal.abort(reason)), reason);
    const later = new AbortController();
    const waited = patientlyFor(60_000, never, later.signal);
    later.abort(reason);
    await assert.rejects(waited, reason);
    await assert.rejects(patientlyFor(60_000, Promise.reject(reason), new AbortController().signal), reason);
  });
});
