/** What a check by label makes of a container: its health, as an Engine would tell that of a HEALTHCHECK. Pure. Source: moby daemon/health.go, `handleProbeResult`. */
import type { ContainerInspect } from '../../model/docker.ts';
import type { ContainerFacts } from '../../model/facts.ts';
import type { CheckSpec } from '../../text/check-label.ts';

export interface Probe {
  readonly isGood: boolean;
  /** What came back, or why nothing did. */
  readonly output: string;
  /** Since 1970. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface CheckState {
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  readonly failingStreak: number;
  /** When a failure counted last, since 1970. */
  readonly countedMs?: number;
  /** The newest last. */
  readonly log: readonly Probe[];
}

export const STARTING: CheckState = { status: 'starting', failingStreak: 0, log: [] };
/** Docker's own (daemon/health.go, `maxLogEntries`). */
const LOG_KEPT = 5;

/**
 * `startedMs`: when the container started, since 1970. While it is starting it is asked sooner than its interval says; of these failures one an
 * interval counts, the first when the first interval and the start period are over, so that `retries` failures take as long as on an Engine.
 */
export function afterProbe(
  state: CheckState,
  probe: Probe,
  { retries, startPeriodMs, intervalMs }: Pick<CheckSpec, 'retries' | 'startPeriodMs' | 'intervalMs'>,
  startedMs: number,
): CheckState {
  const log = [...state.log, probe].slice(-LOG_KEPT);
  if (probe.isGood) return { status: 'healthy', failingStreak: 0, log };
  const countsFromMs = state.countedMs === undefined ? startedMs + Math.max(startPeriodMs, intervalMs) : state.countedMs + intervalMs;
  if (state.status === 'starting' && probe.endMs < countsFromMs) return { ...state, log };
  const failingStreak = state.failingStreak + 1;
  return { status: failingStreak >= retries ? 'unhealthy' : state.status, failingStreak, countedMs: probe.endMs, log };
}

const iso = (ms: number): string => new Date(ms).toISOString();
const WORDS = { starting: 'health: starting', healthy: 'healthy', unhealthy: 'unhealthy' } as const;
const RANK: readonly string[] = ['healthy', 'starting', 'unhealthy'];

/** The facts with that health; of one that has a HEALTHCHECK as well, the worse of the two. */
export function withHealth(facts: ContainerFacts, { status, failingStreak, log }: CheckState): ContainerFacts {
  const { inspect, summary } = facts;
  const own = inspect.State.Health?.Status ?? 'none';
  if (!inspect.State.Running || RANK.indexOf(own) >= RANK.indexOf(status)) return facts;
  const Log = log.map(({ isGood, output, startMs, endMs }) => ({
    Start: iso(startMs),
    End: iso(endMs),
    ExitCode: isGood ? 0 : 1,
    Output: output,
  }));
  const State: ContainerInspect['State'] = {
    ...inspect.State,
    Health: { Status: status, FailingStreak: failingStreak, Log } as { Status: string },
  };
  const Status = `${summary.Status.replace(/ \((?:healthy|unhealthy|health: starting)\)$/, '')} (${WORDS[status]})`;
  return { summary: { ...summary, Status }, inspect: { ...inspect, State } };
}
