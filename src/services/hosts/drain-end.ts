/** When a drain ends before all is moved: its deadline is over, or the host takes containers again. Effects: timers. */
import type { DrainDeadline } from '../../model/index.ts';
import { formatMs } from '../../text/duration.ts';

export interface DrainEnd extends Disposable {
  readonly signal: AbortSignal;
  /** For a person: why what has not moved stays; once the signal has aborted. */
  readonly why: () => string;
}

const LOOK_EVERY_MS = 500;

/** `deadline`: undefined: none. `isCancelled` is asked often. */
export function watchDrain(deadline: DrainDeadline | undefined, nowMs: number, isCancelled: () => boolean): DrainEnd {
  const over = new AbortController();
  let why = '';
  const end = (reason: string): void => {
    if (over.signal.aborted) return;
    why = reason;
    over.abort();
  };
  const { afterMs, atMs } = deadline ?? { afterMs: 0, atMs: Number.POSITIVE_INFINITY };
  const timer =
    deadline === undefined
      ? undefined
      : setTimeout(() => end(`the deadline of ${formatMs(afterMs)} is over`), Math.min(Math.max(0, atMs - nowMs), afterMs));
  const looking = setInterval(() => {
    if (isCancelled()) end('the drain was cancelled: the host takes containers again');
  }, LOOK_EVERY_MS);
  return {
    signal: over.signal,
    why: () => why,
    [Symbol.dispose]() {
      clearTimeout(timer);
      clearInterval(looking);
    },
  };
}
