/** The `Status` text of a container as moby's `State.String()` writes it, and when it changes next. Pure. */
import type { ContainerInspect } from '../model/index.ts';
import { humanDuration } from '../text/human-duration.ts';

export interface StatusText {
  readonly text: string;
  /** Unix time in milliseconds up to which the text holds; Infinity if time does not change it. */
  readonly untilMs: number;
}

type State = ContainerInspect['State'];

/** `nowMs`: Unix time. Source: https://github.com/moby/moby/blob/v26.1.5/container/state.go#L78 */
export function statusText(state: State, nowMs: number): StatusText {
  if (state.Running) {
    if (state.Paused) return since(state.StartedAt, nowMs, (elapsed) => `Up ${elapsed} (Paused)`);
    if (state.Restarting) return since(state.FinishedAt, nowMs, (elapsed) => `Restarting (${state.ExitCode}) ${elapsed} ago`);
    const health = healthText(state.Health);
    return since(state.StartedAt, nowMs, (elapsed) => (health === undefined ? `Up ${elapsed}` : `Up ${elapsed} (${health})`));
  }
  if (state.Status === 'removing') return forever('Removal In Progress');
  if (state.Dead || state.Status === 'dead') return forever('Dead');
  if (isZeroTime(state.StartedAt)) return forever('Created');
  if (isZeroTime(state.FinishedAt)) return forever('');
  return since(state.FinishedAt, nowMs, (elapsed) => `Exited (${state.ExitCode}) ${elapsed} ago`);
}

/** Go's zero time, which stands for "never". */
export function isZeroTime(time: string): boolean {
  return time === '' || time.startsWith('0001-01-01T00:00:00');
}

/** `none` where there is no health check: the value that the filter `health` compares with. */
export function healthStatus(state: State): string {
  const health = state.Health;
  if (health === undefined || health === null) return 'none';
  return health.Status === '' ? 'unhealthy' : health.Status;
}

function healthText(health: State['Health']): string | undefined {
  if (health === undefined || health === null || health.Status === 'none') return undefined;
  return health.Status === 'starting' ? 'health: starting' : health.Status;
}

function since(time: string, nowMs: number, format: (elapsed: string) => string): StatusText {
  const startMs = Date.parse(time);
  const { text, untilMs } = humanDuration(nowMs - startMs);
  return { text: format(text), untilMs: startMs + untilMs };
}

function forever(text: string): StatusText {
  return { text, untilMs: Number.POSITIVE_INFINITY };
}
