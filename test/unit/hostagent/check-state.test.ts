import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterProbe, type CheckState, STARTING, withHealth } from '../../../src/hostagent/checks/check-state.ts';
import type { ContainerFacts } from '../../../src/model/facts.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';

const spec = { retries: 2, startPeriodMs: 1_000, intervalMs: 500 };
const probe = (isGood: boolean, atMs: number) => ({ isGood, output: 'said', startMs: atMs, endMs: atMs });
const after = (state: CheckState, ...probes: readonly (readonly [boolean, number])[]): CheckState =>
  probes.reduce((now, [isGood, atMs]) => afterProbe(now, probe(isGood, atMs), spec, 0), state);

describe('the health that checks give a container', () => {
  it('is healthy with the first success, unhealthy after so many failures in a row, healthy again with the next success', () => {
    assert.equal(after(STARTING, [true, 1]).status, 'healthy');
    const ill = after(STARTING, [true, 1], [false, 2_000], [false, 2_001]);
    assert.deepEqual([ill.status, ill.failingStreak], ['unhealthy', 2]);
    assert.equal(after(STARTING, [true, 1], [false, 2_000], [true, 2_001], [false, 2_002]).status, 'healthy');
    assert.equal(after(ill, [true, 3_000]).status, 'healthy');
  });

  it('does not count failures of its start period, and keeps the last five results', () => {
    const starting = after(STARTING, [false, 1], [false, 500], [false, 999]);
    assert.deepEqual([starting.status, starting.failingStreak], ['starting', 0]);
    assert.equal(after(starting, [false, 1_000], [false, 1_500]).status, 'unhealthy');
    assert.equal(after(starting, [true, 2], [true, 3], [true, 4]).log.length, 5);
  });

  it('is unhealthy only after so many intervals, though it is asked sooner while it is starting', () => {
    const slow = { retries: 3, startPeriodMs: 0, intervalMs: 10_000 };
    const statuses = Array.from({ length: 61 }, (_, index) => index * 500);
    let state = STARTING;
    const illAt = statuses.find((atMs) => (state = afterProbe(state, probe(false, atMs), slow, 0)).status === 'unhealthy');
    assert.deepEqual([illAt, state.failingStreak], [30_000, 3]);
    assert.equal(afterProbe(afterProbe(STARTING, probe(false, 500), slow, 0), probe(true, 1_000), slow, 0).status, 'healthy');
  });

  it('is shown as an Engine shows that of a HEALTHCHECK; of two the worse counts', () => {
    const of = (Health?: { Status: string }): ContainerFacts => {
      const { facts } = literalView(literalRecord('abc_web_1'));
      const State = { ...facts.inspect.State, ...(Health && { Health }) };
      return { summary: { ...facts.summary, Status: 'Up 3 minutes (healthy)' }, inspect: { ...facts.inspect, State } };
    };
    const shown = (facts: ContainerFacts) => [facts.inspect.State.Health?.Status, facts.summary.Status];
    assert.deepEqual(shown(withHealth(of(), STARTING)), ['starting', 'Up 3 minutes (health: starting)']);
    const ill = after(STARTING, [false, 2_000], [false, 2_500]);
    assert.deepEqual(shown(withHealth(of({ Status: 'healthy' }), ill)), ['unhealthy', 'Up 3 minutes (unhealthy)']);
    assert.deepEqual(
      shown(withHealth(of({ Status: 'unhealthy' }), after(STARTING, [true, 1]))),
      ['unhealthy', 'Up 3 minutes (healthy)'],
      'as it is',
    );
  });
});
