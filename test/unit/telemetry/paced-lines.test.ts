/** Which of the lines that are said again and again are written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pacedLines } from '../../../src/telemetry/paced-lines.ts';

describe('lines that are said again and again', () => {
  it('are written as they come, if they are few', () => {
    const lines = pacedLines();
    for (let minute = 0; minute < 60; minute++) assert.equal(lines.take('a host went', minute * 60_000), 0);
  });

  it('are a few a minute while something stays broken, and none of them is lost from the count', () => {
    const lines = pacedLines();
    let written = 0;
    let counted = 0;
    for (let second = 0; second < 3_600; second++) {
      const leftOut = lines.take('it is broken', second * 1_000);
      if (leftOut === undefined) continue;
      written += 1;
      counted += 1 + leftOut;
    }
    assert.ok(written <= 20 + 3 * 60 + 1, `${written} lines in an hour`);
    assert.ok(counted >= 3_600 - 20, `${counted} of 3600 are accounted for`);
  });

  it('leave room for others', () => {
    const lines = pacedLines();
    for (let n = 0; n < 100; n++) lines.take('it is broken', 0);
    assert.equal(lines.take('it is broken', 0), undefined);
    assert.equal(lines.take('something else', 0), 0);
  });

  it('take a bounded memory, however many texts there are', () => {
    const lines = pacedLines();
    for (let n = 0; n < 10_000; n++) assert.equal(lines.take(`text ${n}`, n), 0);
  });
});
