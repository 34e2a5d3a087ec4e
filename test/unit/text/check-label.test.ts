import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCheck } from '../../../src/text/check-label.ts';

describe('the label of a check', () => {
  it('names what is asked, and how often, for how long and how patiently', () => {
    const otherwise = { intervalMs: 10_000, timeoutMs: 3_000, startPeriodMs: 0, retries: 3 };
    assert.deepEqual(parseCheck('tcp:5432'), { kind: 'tcp', port: 5432, path: '/', ...otherwise });
    assert.deepEqual(parseCheck('http:80'), { kind: 'http', port: 80, path: '/', ...otherwise });
    assert.deepEqual(parseCheck(' http:8080/healthz?deep=1 interval=5s timeout=500ms retries=2 start-period=1m30s '), {
      kind: 'http',
      port: 8080,
      path: '/healthz?deep=1',
      intervalMs: 5_000,
      timeoutMs: 500,
      startPeriodMs: 90_000,
      retries: 2,
    });
  });

  for (const text of [
    '',
    'http',
    'udp:53',
    'tcp:0',
    'tcp:65536',
    'tcp:80/healthz',
    'http:80/a b',
    'http:80/ interval=5',
    'http:80/ interval=1ms',
    'http:80/ interval=2h',
    'http:80/ retries=0',
    'http:80/ retries=1.5',
    'http:80/ often=1s',
    'https:443/',
  ])
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseCheck(text), undefined));
});
