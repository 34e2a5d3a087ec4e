import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { LogLines } from '../../../src/engine/log-lines.ts';

const frame = (stream: number, text: string): Buffer => {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
};
const cut = (lines: LogLines, chunks: readonly Buffer[]): readonly string[] =>
  [...chunks.flatMap((chunk) => [...lines.push(chunk)]), ...lines.end()].map(({ stream, line }) => `${stream} ${line.toString()}`);

describe('the lines of a log', () => {
  it('are the same whatever the pieces the stream comes in, letters of several bytes too', () => {
    const whole = Buffer.concat([frame(1, 'grüße\nhal'), frame(2, 'err\n'), frame(1, 'b\n'), frame(1, ''), frame(1, '\nrest')]);
    const wanted = ['1 grüße', '2 err', '1 halb', '1 ', '1 rest'];
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length)), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        assert.deepEqual(
          cut(
            new LogLines(false),
            at.slice(1).map((end, i) => whole.subarray(at[i], end)),
          ),
          wanted,
        );
      }),
      { seed: 6, numRuns: 200 },
    );
  });

  it('of a terminal have no frames and end as there', () => {
    assert.deepEqual(cut(new LogLines(true), [Buffer.from('a\r\nb'), Buffer.from('\r\n\r\nc')]), ['1 a', '1 b', '1 ', '1 c']);
  });

  it('are cut where they are too long, so that none fills the memory', () => {
    const lines = new LogLines(false, 10);
    assert.deepEqual(cut(lines, [frame(1, 'x'.repeat(25)), frame(1, '\nshort\n')]), [
      `1 ${'x'.repeat(10)}`,
      `1 ${'x'.repeat(10)}`,
      '1 xxxxx',
      '1 short',
    ]);
  });

  it('are never waited for to the end of a frame that says it is huge', () => {
    const head = Buffer.from([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    const lines = new LogLines(false, 1_000);
    assert.equal([...lines.push(head), ...lines.push(Buffer.alloc(10_000, 'x'))].length, 10);
  });
});
