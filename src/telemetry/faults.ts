/**
 * The one place where an unexpected error in a handler of packets, messages, timers or events ends: it is logged with its stack and counted, and
 * the process goes on. State: the counts of this process.
 */
import type { Logger } from './log.ts';

const counts = new Map<string, number>();
/** Logged one by one up to here for each place, then every hundredth: a peer that causes errors must not fill the disk. */
const LOGGED = 10;
const LOGGED_EVERY = 100;

/** How many errors there were in each place. */
export function faultCounts(): ReadonlyMap<string, number> {
  return counts;
}

/** All of them. */
export function faultTotal(): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** Logs and counts one error. `place`: what was going on, in a few words, such as `dns packet`. */
export function reportFault(log: Logger, place: string, err: unknown): void {
  const count = (counts.get(place) ?? 0) + 1;
  counts.set(place, count);
  if (count <= LOGGED || count % LOGGED_EVERY === 0) log.error({ err, place, count }, `unexpected error in ${place}; going on`);
}

/** The handler, which neither throws nor rejects any more: `reportFault` takes what it throws. */
export function guarded<Args extends readonly unknown[]>(
  log: Logger,
  place: string,
  handler: (...args: Args) => unknown,
): (...args: Args) => void {
  return (...args) => {
    try {
      const result = handler(...args);
      if (result instanceof Promise) result.catch((err: unknown) => reportFault(log, place, err));
    } catch (err) {
      reportFault(log, place, err);
    }
  };
}
