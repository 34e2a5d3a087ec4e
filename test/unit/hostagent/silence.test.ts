import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { watchSilence } from '../../../src/hostagent/images/silence.ts';

describe('the silence of work', () => {
  function world(t: TestContext, answers: () => Promise<boolean>) {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let nowMs = 0;
    const silence = watchSilence(answers, 'nothing of image web has come', { boundMs: 10_000, now: () => nowMs });
    t.after(silence.end);
    const pass = async (ms: number) => {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs += 1_000;
        t.mock.timers.tick(1_000);
        await turn();
      }
    };
    return { silence, pass };
  }

  it('ends it after ten seconds in which nothing moved and nobody answered, with the reason', async (t) => {
    const { silence, pass } = world(t, async () => false);
    await pass(9_000);
    assert.equal(silence.signal.aborted, false);
    await pass(1_000);
    const { kind, message } = silence.signal.reason as { kind: string; message: string };
    assert.deepEqual([kind, message], ['timeout', 'nothing of image web has come for 10 s']);
  });

  it('is broken by what passes, and by an Engine that answers while it packs', async (t) => {
    let isAlive = false;
    const { silence, pass } = world(t, async () => isAlive);
    const stream = silence.tap(new PassThrough());
    await pass(9_000);
    stream.write('a layer');
    await turn();
    await pass(5_000);
    assert.equal(silence.signal.aborted, false, 'bytes came');
    isAlive = true;
    await pass(60_000);
    assert.equal(silence.signal.aborted, false, 'it answers');
    isAlive = false;
    await pass(12_000);
    assert.equal(silence.signal.aborted, true);
  });
});
