import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSkip } from '../../../src/operator-api/terminals/skip.ts';

describe('an interrupt of a terminal that floods', () => {
  const lastOf = (...chunks: readonly string[]): string => {
    let last = '';
    const skip = createSkip((left) => (last = left.toString()));
    for (const chunk of chunks) skip.take(Buffer.from(chunk));
    skip.end();
    return last;
  };

  it('leaves whole lines of the last 4 KiB', () => {
    assert.equal(lastOf('y\n'.repeat(100_000), '^C\n', '$ '), `${'y\n'.repeat(2_045)}^C\n$ `);
    assert.equal(lastOf('^C\n$ '), '^C\n$ ');
  });

  it('keeps no more of a line without end', () => {
    const last = lastOf(...Array.from({ length: 100 }, () => 'x'.repeat(64 << 10)), '^C');
    assert.equal(last.length, 4 << 10);
    assert.ok(last.endsWith('x^C'));
  });
});
