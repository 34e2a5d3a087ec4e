import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pacedWriter } from '../../../src/async/paced-writer.ts';

const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await turn();
};

describe('a paced writer', () => {
  it('holds each of its writers back while nobody reads, and goes on in order once somebody does', async () => {
    const out = new PassThrough({ highWaterMark: 1_000 });
    const write = pacedWriter(out);
    const writers = ['a', 'b', 'c'].map(async (name) => {
      for (let i = 0; i < 100; i++) await write(`${name}${String(i).padStart(99, ' ')}\n`);
    });
    await settled();
    assert.ok(out.writableLength + out.readableLength < 5_000, `${out.writableLength + out.readableLength} bytes wait`);
    let text = '';
    out.on('data', (chunk) => (text += String(chunk)));
    await Promise.all(writers);
    await settled();
    const lines = text.trimEnd().split('\n');
    assert.equal(lines.length, 300);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('b')).map((line) => Number(line.slice(1))),
      Array.from({ length: 100 }, (_, i) => i),
    );
  });

  it('ends when its reader is gone, also while it waits', async () => {
    const out = new PassThrough({ highWaterMark: 10 });
    const write = pacedWriter(out);
    await write('x'.repeat(100));
    const waiting = [write('y'), write('z')];
    out.destroy();
    assert.deepEqual(await Promise.all(waiting), [false, false]);
    assert.equal(await write('later'), false);
  });

  it('lets others have their turn, however fast the reader', async () => {
    const write = pacedWriter(new Writable({ write: (_chunk, _encoding, done) => done() }));
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    for (let i = 0; i < 10_000; i++) await write('\n');
    isDone = true;
    assert.ok(turns >= 8, `${turns} turns`);
  });
});
