import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatMs, goDuration, parseDuration, parseDurationMs, parseLongDurationMs } from '../../../src/text/duration.ts';

describe('a duration', () => {
  it("is read as Go's time.ParseDuration reads it, in nanoseconds", () => {
    const cases: readonly (readonly [string, number])[] = [
      ['0', 0],
      ['-0', 0],
      ['5s', 5e9],
      ['1m30s', 90e9],
      ['-5.1s', -5.1e9],
      ['+500ms', 500e6],
      ['.5h', 1800e9],
      ['1.s', 1e9],
      ['3us', 3e3],
      ['3µs', 3e3],
      ['3μs', 3e3],
      ['7ns', 7],
      ['1h10m0.5s', 4_200.5e9],
    ];
    for (const [text, nanoseconds] of cases) assert.equal(parseDuration(text), nanoseconds, text);
    assert.equal(parseDurationMs('1h10m0.5s'), 4_200_500);
  });

  it('is nothing else', () => {
    for (const text of ['', '3', '-', 's', '.', '.s', '+.s', '1d', '1h-2m', '1m 30s', ' 1s', '1S', '1sec', '1e3s'])
      assert.equal(parseDuration(text), undefined, text);
  });

  it('may have days where that is asked for', () => {
    assert.deepEqual(['7d', '1d12h', '10m', 'd', '1d2', '1h1d'].map(parseLongDurationMs), [
      604_800_000,
      129_600_000,
      600_000,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is written as Go writes it, and read back as the same', () => {
    assert.deepEqual([0, 7, 3e3, 1.5e6, 90e9, 3600e9, 3661.5e9].map(goDuration), [
      '0s',
      '7ns',
      '3µs',
      '1.5ms',
      '1m30s',
      '1h0m0s',
      '1h1m1.5s',
    ]);
    fc.assert(fc.property(fc.nat(10_000_000), (milliseconds) => parseDurationMs(goDuration(milliseconds * 1e6)) === milliseconds));
  });

  it('is written in one unit where it is a setting', () => {
    assert.deepEqual([0, 60_000, 1_500].map(formatMs), ['0s', '60s', '1500ms']);
    fc.assert(fc.property(fc.nat(), (milliseconds) => parseDurationMs(formatMs(milliseconds)) === milliseconds));
  });
});
