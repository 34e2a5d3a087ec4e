import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { startProgress, statusLine } from '../../../src/cli/output/progress.ts';

describe('progress of long work', () => {
  it('is a bar where the work is counted, else a mark that turns, with the time', () => {
    assert.equal(statusLine('abc/web: abc-web-1 -> abc-web-2 on h3 (1 of 4)', 12_345), '[######------------------] 1 of 4 · 12 s');
    assert.equal(statusLine('abc/web: 5 of 5 running', 3_000), '[########################] 5 of 5 · 3 s');
    assert.deepEqual(
      [2_000, 2_200, 2_400, 2_600].map((ms) => statusLine('', ms)),
      ['- 2 s', '\\ 2 s', '| 2 s', '/ 2 s'],
    );
    assert.match(statusLine('7 of 2', 0), /^\| 0 s$/, 'what counts past its end is no bar');
  });

  it('is drawn below the output on a terminal, after two seconds, and removed at the end', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    let nowMs = 0;
    mock.method(performance, 'now', () => nowMs);
    const written: string[] = [];
    const progress = startProgress({ isTTY: true, write: (text) => written.push(text) }, (line) => written.push(`${line}\n`));
    const pass = (ms: number) => {
      nowMs += ms;
      mock.timers.tick(ms);
    };
    pass(1_800);
    progress.say('1 of 2 moved');
    assert.deepEqual(written, ['1 of 2 moved\n'], 'short work is left alone');
    pass(400);
    assert.equal(written.at(-1), '\r\u001b[K[############------------] 1 of 2 · 2 s');
    progress.say('2 of 2 moved');
    assert.deepEqual(written.slice(-2), ['\r\u001b[K', '2 of 2 moved\n']);
    pass(200);
    progress.end();
    assert.equal(written.at(-1), '\r\u001b[K');
    const count = written.length;
    pass(5_000);
    assert.equal(written.length, count);
    mock.restoreAll();
    mock.timers.reset();
  });

  it('is not drawn where nobody looks', () => {
    const said: string[] = [];
    const say = (line: string): void => void said.push(line);
    assert.equal(startProgress({}, say).say, say);
  });
});
