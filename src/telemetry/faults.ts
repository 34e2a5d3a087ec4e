/**
 * The one place where an unexpected error in a handler of packets, messages, timers or events ends: it is logged with its stack and counted, and
 * the process goes on. State: the counts of this process.
 */
import type { Logger } from './log.ts';

/** What went wrong in one place, since the process started. */
export interface FaultCount {
  readonly count: number;
  /** When it happened last: milliseconds since 1970. */
  readonly lastMs: number;
}

const counts = new Map<string, FaultCount>();
/** Logged one by one up to here for each place, then every hundredth: a peer that causes errors must not fill the disk. */
const LOGGED = 10;
const LOGGED_EVERY = 100;

/** The errors of this process, by place. */
export function faultCounts(): ReadonlyMap<string, FaultCount> {
  return counts;
}

/** All of them. */
export function faultTotal(): number {
  return [...counts.values()].reduce((sum, { count }) => sum + count, 0);
}

/** All of this process and the newest, with the messages that it refused: a `ProcessFaults` of the model. `nowMs`: since 1970. */
export function processFaults(refusedMessages: number, nowMs: number) {
  const unexpectedErrors = faultTotal();
  const newest = [...counts].toSorted(([, a], [, b]) => b.lastMs - a.lastMs)[0];
  if (newest === undefined) return { unexpectedErrors, refusedMessages };
  const [lastPlace, { lastMs }] = newest;
  return { unexpectedErrors, refusedMessages, lastMsAgo: Math.max(0, nowMs - lastMs), lastPlace };
}

/** Counts an error that is logged elsewhere; returns how many there were in this place. */
export function countFault(place: string): number {
  const count = (counts.get(place)?.count ?? 0) + 1;
  counts.set(place, { count, lastMs: Date.now() });
  return count;
}

/** Logs and counts one error. `place`: what was going on, in a few words, such as `dns packet`. */
export function reportFault(log: Logger, place: string, err: unknown): void {
  const count = countFault(place);
  if (count <= LOGGED || count % LOGGED_EVERY === 0) log.error({ err, place, count }, `unexpected error in ${place}; going on`);
}

/** For work that nobody waits for: what it rejects with goes to `reportFault`. */
export function inBackground(log: Logger, place: string, work: Promise<unknown>): void {
  work.catch((err: unknown) => reportFault(log, place, err));
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
      if (result instanceof Promise) inBackground(log, place, result);
    } catch (err) {
      reportFault(log, place, err);
    }
  };
}
