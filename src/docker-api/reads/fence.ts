/** One entry of a list that cannot be shown costs itself alone. Effects: the log, once for each. */
import { ArpanetError } from '../../model/index.ts';
import type { Logger } from '../../telemetry/log.ts';

/** Names that were logged, so that a list that is read every second does not fill the log. */
const logged = new WeakMap<Logger, Set<string>>();
const MOST_NAMES = 10_000;

/**
 * What `show` makes of each entry, in order. Where it throws, that entry is left out and logged by name; only what it refuses because of the
 * request (an ArpanetError) is thrown on.
 */
export function* fenced<T, R>(
  log: Logger,
  kind: string,
  entries: Iterable<T>,
  nameOf: (entry: T) => string,
  show: (entry: T) => Iterable<R>,
): Generator<R> {
  for (const entry of entries) {
    let shown: readonly R[];
    try {
      shown = [...show(entry)];
    } catch (error) {
      if (error instanceof ArpanetError) throw error;
      logOnce(log, kind, nameOf(entry), error);
      continue;
    }
    yield* shown;
  }
}

function logOnce(log: Logger, kind: string, name: string, error: unknown): void {
  const names = logged.get(log) ?? new Set();
  logged.set(log, names);
  const key = `${kind} ${name}`;
  if (names.has(key) || names.size >= MOST_NAMES) return;
  names.add(key);
  log.error({ err: error, [kind]: name }, `the ${kind} cannot be shown and is left out of lists`);
}
