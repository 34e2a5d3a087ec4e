import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { humanDuration } from '../../../src/text/human-duration.ts';
import { healthStatus, statusText } from '../../../src/engine/status.ts';
import type { ContainerInspect } from '../../../src/model/index.ts';
import { zeroTime } from '../../support/fakes/literal-cluster.ts';

const s = 1_000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;

describe('a duration', () => {
  it("has go-units' text, at each border", () => {
    // from go-units' own duration_test.go, and the borders between its words
    const words: readonly (readonly [number, string])[] = [
      [-5 * s, 'Less than a second'],
      [450, 'Less than a second'],
      [s, '1 second'],
      [1_999, '1 second'],
      [45 * s, '45 seconds'],
      [59_999, '59 seconds'],
      [m, 'About a minute'],
      [2 * m - 1, 'About a minute'],
      [3 * m, '3 minutes'],
      [35 * m + 40 * s, '35 minutes'],
      [46 * m - 1, '45 minutes'],
      [46 * m, 'About an hour'],
      [h, 'About an hour'],
      [h + 29 * m, 'About an hour'],
      [h + 31 * m, '2 hours'],
      [3 * h + 29 * m, '3 hours'],
      [3 * h + 31 * m, '4 hours'],
      [47 * h + 29 * m, '47 hours'],
      [47 * h + 31 * m, '2 days'],
      [2 * d + 12 * h - 1, '2 days'],
      [7 * d, '7 days'],
      [13 * d + 5 * h + m, '13 days'],
      [14 * d, '2 weeks'],
      [21 * d, '3 weeks'],
      [49 * d, '7 weeks'],
      [59 * d, '8 weeks'],
      [60 * d, '2 months'],
      [320 * d, '10 months'],
      [729 * d, '24 months'],
      [730 * d - 0.25 * h, '1 years'],
      [730 * d, '2 years'],
      [3 * 365 * d, '3 years'],
    ];
    for (const [elapsedMs, text] of words) assert.equal(humanDuration(elapsedMs).text, text, `${elapsedMs} ms`);
  });

  it('says until when its words hold: not a millisecond less, not one more', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: 0, max: 2 * h }), fc.integer({ min: 0, max: 900 * d })), (elapsedMs) => {
        const { text, untilMs } = humanDuration(elapsedMs);
        assert.ok(untilMs > elapsedMs);
        assert.equal(humanDuration(untilMs - 1).text, text);
        assert.notEqual(humanDuration(untilMs).text, text);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('a Status', () => {
  const nowMs = Date.parse('2026-01-01T01:00:00Z');
  const state = (over: Partial<ContainerInspect['State']>): ContainerInspect['State'] => ({
    Status: 'running',
    Running: true,
    Paused: false,
    Restarting: false,
    Dead: false,
    ExitCode: 0,
    StartedAt: '2026-01-01T00:57:00.25Z',
    FinishedAt: zeroTime,
    ...over,
  });
  const ended = { Running: false, FinishedAt: '2026-01-01T00:59:55Z' };

  it("is written as the Engine's State.String()", () => {
    const texts: readonly (readonly [Partial<ContainerInspect['State']>, string])[] = [
      [{}, 'Up 2 minutes'],
      [{ Paused: true }, 'Up 2 minutes (Paused)'],
      [{ Restarting: true, ExitCode: 1, FinishedAt: '2026-01-01T00:59:57Z' }, 'Restarting (1) 3 seconds ago'],
      [{ Health: { Status: 'healthy' } }, 'Up 2 minutes (healthy)'],
      [{ Health: { Status: 'unhealthy' } }, 'Up 2 minutes (unhealthy)'],
      [{ Health: { Status: 'starting' } }, 'Up 2 minutes (health: starting)'],
      [{ Health: { Status: 'healthy' }, Paused: true }, 'Up 2 minutes (Paused)'],
      [{ Health: null }, 'Up 2 minutes'],
      [{ ...ended, Status: 'exited' }, 'Exited (0) 5 seconds ago'],
      [{ ...ended, Status: 'exited', ExitCode: 137 }, 'Exited (137) 5 seconds ago'],
      [{ ...ended, Status: 'removing' }, 'Removal In Progress'],
      [{ ...ended, Status: 'dead', Dead: true }, 'Dead'],
      [{ Running: false, Status: 'created', StartedAt: zeroTime }, 'Created'],
      [{ Running: false, Status: 'exited' }, ''],
    ];
    for (const [over, text] of texts) assert.equal(statusText(state(over), nowMs).text, text);
  });

  it('knows when it will change, or that time alone never changes it', () => {
    assert.equal(statusText(state({}), nowMs).untilMs, Date.parse('2026-01-01T01:00:00.25Z'));
    assert.equal(statusText(state({ ...ended, Status: 'exited' }), nowMs).untilMs, nowMs + 1_000);
    assert.equal(statusText(state({ Running: false, StartedAt: zeroTime }), nowMs).untilMs, Number.POSITIVE_INFINITY);
  });

  it('has the health that the filter compares with', () => {
    assert.equal(healthStatus(state({})), 'none');
    assert.equal(healthStatus(state({ Health: { Status: '' } })), 'unhealthy');
    assert.equal(healthStatus(state({ Health: { Status: 'starting' } })), 'starting');
  });
});
