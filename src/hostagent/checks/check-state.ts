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
  /** The newest last. */
  readonly log: readonly Probe[];
}

export const STARTING: CheckState = { status: 'starting', failingStreak: 0, log: [] };
/** Docker's own (daemon/health.go, `maxLogEntries`). */
const LOG_KEPT = 5;

/** `startedMs`: when the container started, since 1970. */
export function afterProbe(
  state: CheckState,
  probe: Probe,
  { retries, startPeriodMs }: Pick<CheckSpec, 'retries' | 'startPeriodMs'>,
  startedMs: number,
): CheckState {
  const log = [...state.log, probe].slice(-LOG_KEPT);
  if (probe.isGood) return { status: 'healthy', failingStreak: 0, log };
  const isForgiven = state.status === 'starting' && probe.endMs - startedMs < startPeriodMs;
  const failingStreak = isForgiven ? 0 : state.failingStreak + 1;
  return { status: failingStreak >= retries ? 'unhealthy' : state.status, failingStreak, log };
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
