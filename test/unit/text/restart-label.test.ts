import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatRestartRule, parseRestartRule } from '../../../src/text/restart-label.ts';

describe('a restart rule', () => {
  it('is read as it is written', () => {
    const rule = { condition: 'on-failure', delayMs: 5_000, attempts: 3, windowMs: 120_000 } as const;
    assert.deepEqual(parseRestartRule(formatRestartRule(rule)), rule);
    assert.deepEqual(parseRestartRule('on-failure, delay=5s, window=2m, attempts=3'), rule);
    assert.deepEqual(parseRestartRule('any'), { condition: 'any', delayMs: 0, attempts: 0, windowMs: 0 });
  });

  it('with anything else in it is none', () => {
    for (const bad of ['', 'always', 'any,delay', 'any,delay=x', 'any,attempts=-1', 'any,attempts=1.5', 'any,else=1', 'any,delay=-5s'])
      assert.equal(parseRestartRule(bad), undefined, bad);
  });
});
