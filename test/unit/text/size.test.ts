import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { dockerBytes, formatBytes, formatSize, parseSize } from '../../../src/text/size.ts';

describe('a size', () => {
  it('is read as go-units reads it: binary units, either case, a fraction, one space', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['32', 32],
      ['32b', 32],
      ['32k', 32 * 1024],
      ['32KB', 32 * 1024],
      ['32KiB', 32 * 1024],
      ['32 mb', 32 * 1024 ** 2],
      ['1.5g', 1.5 * 1024 ** 3],
      ['.5K', 512],
      ['32.', 32],
      ['2T', 2 * 1024 ** 4],
      ['1p', 1024 ** 5],
      ['0', 0],
    ];
    for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes, text);
  });

  it('is nothing else', () => {
    for (const text of ['', 'hello', '-32', '.', '32bb', '32ki', '32ib', '32  m', ' 32', '32m ', '1.2.3m', '32kbb', '0x10', '1e3'])
      assert.equal(parseSize(text), undefined, text);
  });

  it('is cut to whole bytes', () => {
    assert.equal(parseSize('1.0001k'), 1024);
  });

  it('is written in the largest unit that says it exactly, and read back as the same', () => {
    assert.deepEqual([0, 1, 1500, 1024, 1536, 4 * 1024 ** 2].map(formatSize), ['0', '1', '1500', '1KiB', '1536', '4MiB']);
    fc.assert(fc.property(fc.nat(), fc.nat(4), (count, power) => parseSize(formatSize(count * 1024 ** power)) === count * 1024 ** power));
  });

  it('is rounded for people', () => {
    assert.deepEqual([0, 512, 1023, 1024, 1536, 64 * 1024 ** 2, 3.14 * 1024 ** 3, 72 * 1024 ** 3, 5 * 1024 ** 6].map(formatBytes), [
      '0 B',
      '512 B',
      '1023 B',
      '1 KiB',
      '1.5 KiB',
      '64 MiB',
      '3.1 GiB',
      '72 GiB',
      '5120 PiB',
    ]);
  });

  it('is rounded to four digits as docker info does', () => {
    assert.deepEqual([0, 256 * 1024 ** 2, 15.512345 * 1024 ** 3, 1000 * 1024].map(dockerBytes), ['0B', '256MiB', '15.51GiB', '1000KiB']);
  });
});
