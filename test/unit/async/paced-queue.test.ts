import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { merged } from '../../../src/async/merged.ts';
import { pacedQueue } from '../../../src/async/paced-queue.ts';

const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await turn();
};

describe('a paced queue', () => {
  it('sends in order, as fast as its reader reads', async () => {
    const out = new PassThrough({ highWaterMark: 100 });
    const queue = pacedQueue(out, { limitBytes: 1_000_000, overflow: () => assert.fail('it overflowed') });
    const lines = Array.from({ length: 5_000 }, (_, n) => `line ${n}\n`);
    for (const line of lines) queue.push(Buffer.from(line));
    await settled();
    assert.ok(out.readableLength + out.writableLength < 500, 'nobody reads');
    assert.ok(queue.waitingBytes() > 40_000);
    let text = '';
    out.on('data', (chunk) => (text += String(chunk)));
    await queue.drained();
    await settled();
    assert.equal(text, lines.join(''));
    assert.equal(queue.waitingBytes(), 0);
  });

  it('holds no more than its limit, and says once that it is over', async () => {
    const out = new PassThrough({ highWaterMark: 10 });
    let overflows = 0;
    const queue = pacedQueue(out, { limitBytes: 1_000, overflow: () => (overflows += 1) });
    for (let n = 0; n < 1_000; n++) queue.push(Buffer.alloc(100));
    assert.ok(queue.waitingBytes() <= 1_000);
    assert.equal(overflows, 1);
    out.destroy();
    await queue.drained();
  });
});

describe('sorted sequences', () => {
  async function* of(...items: readonly number[]): AsyncGenerator<number> {
    yield* items;
  }

  it('are merged in order, of each no more than one element ahead', async () => {
    let read = 0;
    async function* endless(): AsyncGenerator<number> {
      for (;;) yield 100 + read++;
    }
    const got: number[] = [];
    for await (const item of merged([of(1, 4, 9), of(), endless(), of(2, 4, 103)], (a, b) => a < b)) {
      got.push(item);
      if (item === 103) break;
    }
    assert.deepEqual(got, [1, 2, 4, 4, 9, 100, 101, 102, 103]);
    assert.ok(read <= 5, `${read} were read`);
  });

  it('that throw end all of them', async () => {
    let isEnded = false;
    async function* ends(): AsyncGenerator<number> {
      try {
        yield 1;
        yield 3;
      } finally {
        isEnded = true;
      }
    }
    async function* fails(): AsyncGenerator<number> {
      yield 2;
      throw new Error('no');
    }
    await assert.rejects(async () => {
      for await (const _ of merged([ends(), fails()], (a, b) => a < b));
    }, /no/);
    await settled();
    assert.ok(isEnded);
  });
});
