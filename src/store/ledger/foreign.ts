/**
 * Looks for what others have written to the store: an operator, or a program of another release. The store's own change index is the sequence: one query waits until it is
 * another one, and answers in a few bytes however many records there are. One that no transaction of the ledger had is somebody else's, which is looked for at once. A transaction right
 * after it hides it: while the ledger writes, all records are compared, too, one slice after another with pauses. Effects: the store, timers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind, keys } from '../../model/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { StateStore } from '../contract.ts';

/** Records that are compared at a time. */
const SLICE = 1_000;
/** Between two questions for the change index, however much we write. */
const ASK_MS = 1_000;
/** Between two slices. */
const PAUSE_MS = 3_000;
/** Between two slices when somebody else has written for certain. */
const SHORT_PAUSE_MS = 50;
/** At least between the beginnings of two comparisons of all. */
const ROUND_MS = 30_000;
const RETRY_MS = 2_000;

export interface ForeignDeps {
  readonly store: Pick<StateStore, 'changeIndex' | 'indexes'>;
  /** Keys that begin so, as the ledger knows them, sorted. */
  readonly known: (prefix: string) => readonly string[];
  /** What the store is known to hold at a key: its modify index; 0: nothing. */
  readonly indexOf: (key: string) => number;
  /** The store had this change index after a transaction of the ledger, and not long ago. */
  readonly isOwn: (index: number) => boolean;
  /** Resolves when no transaction is under way. */
  readonly idle: () => Promise<void>;
  /** These keys are not as they were left. */
  readonly found: (keys: readonly string[]) => Promise<void>;
  readonly log: Logger;
  readonly slice?: number;
  readonly pauses?: { readonly askMs: number; readonly pauseMs: number; readonly shortMs: number; readonly roundMs: number };
}

/** Keys under a prefix that differ twice in a row: once may be a write under way. */
export async function foreignUnder(
  prefix: string,
  { store, known, indexOf, idle }: Pick<ForeignDeps, 'known' | 'indexOf' | 'idle'> & { readonly store: Pick<StateStore, 'indexes'> },
): Promise<readonly string[]> {
  let differing: ReadonlySet<string> | undefined;
  for (let reading = 0; reading < 2; reading++) {
    await idle();
    const found = await store.indexes(prefix);
    const before = differing;
    const now = new Set<string>();
    for (const [key, index] of found) if (!isOfLedger(key) && index !== indexOf(key)) now.add(key);
    for (const key of known(prefix)) if (!found.has(key) && indexOf(key) !== 0) now.add(key);
    if (now.size === 0) return [];
    differing = before === undefined ? now : new Set([...now].filter((key) => before.has(key)));
  }
  return [...(differing ?? [])].sort();
}

/** Those of sorted keys that begin so: a look costs as much as it finds. */
export function beginningWith(prefix: string, sorted: readonly string[]): readonly string[] {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] ?? '') < prefix) from = middle + 1;
    else to = middle;
  }
  while (sorted[to]?.startsWith(prefix) === true) to += 1;
  return sorted.slice(from, to);
}

const isOfLedger = (key: string): boolean => key === keys.leader || key === keys.barrier;

/** Prefixes that have at most so many of these keys each, and all of them together. `sorted`: all begin with the prefix. */
export function slicesOf(prefix: string, sorted: readonly string[], most = SLICE): readonly string[] {
  if (sorted.length <= most) return [prefix];
  const slices: string[] = [];
  for (let from = 0; from < sorted.length; ) {
    const next = (sorted[from] ?? '').slice(0, prefix.length + 1);
    let to = from + 1;
    while (to < sorted.length && (sorted[to] ?? '').startsWith(next)) to += 1;
    // a key that is the prefix itself has the others behind it
    if (next === prefix) slices.push(next);
    else slices.push(...slicesOf(next, sorted.slice(from, to), most));
    from = to;
  }
  return slices;
}

/** Looks until the signal aborts. Never rejects. */
export async function watchForeign(deps: ForeignDeps, signal: AbortSignal): Promise<void> {
  const { store, known, isOwn, idle, found, log, slice = SLICE } = deps;
  const { askMs, pauseMs, shortMs, roundMs } = deps.pauses ?? {
    askMs: ASK_MS,
    pauseMs: PAUSE_MS,
    shortMs: SHORT_PAUSE_MS,
    roundMs: ROUND_MS,
  };
  /** Somebody else has written; and: anybody has, since all was compared. */
  let [isAlarmed, isWritten] = [false, true];
  const wakes = new Set<() => void>();
  const pause = async (ms: number): Promise<void> => {
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    wakes.add(wake);
    await sleep(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined);
    wakes.delete(wake);
  };
  const lasting = async <T>(act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await act();
    } catch (err) {
      if (!signal.aborted) log.debug({ err }, 'store not compared');
      // who leads no more has nothing to compare
      await sleep(isKind(err, 'not-leader') ? roundMs : RETRY_MS, undefined, { signal }).catch(() => undefined);
      return undefined;
    }
  };

  async function listen(): Promise<void> {
    let seen: number | undefined;
    while (!signal.aborted) {
      const now = await lasting(() => store.changeIndex(keys.root, signal, seen));
      if (now !== undefined && now !== seen) {
        await idle();
        isWritten = true;
        if (seen !== undefined && !isOwn(now)) {
          isAlarmed = true;
          for (const wake of wakes) wake();
        }
        seen = now;
      }
      await sleep(askMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async function compare(): Promise<void> {
    // all was read a moment ago
    await pause(roundMs);
    while (!signal.aborted) {
      if (!isAlarmed && !isWritten) {
        await pause(askMs);
        continue;
      }
      const beganMs = performance.now();
      const isUrgent = (): boolean => isAlarmed;
      const wasAlarmed = isAlarmed;
      [isAlarmed, isWritten] = [false, false];
      // Listed once a round: one that is deleted meanwhile holds nothing any more, and one that comes is of the next.
      const all = known(keys.root);
      // templates and other parts are of no known key
      for (const prefix of [...slicesOf(keys.root, all, slice), keys.parts]) {
        const foreign = await lasting(() => foreignUnder(prefix, { ...deps, known: (of) => beginningWith(of, all) }));
        if (foreign === undefined) isWritten = true;
        else if (foreign.length > 0) await lasting(() => found(foreign));
        if (signal.aborted) return;
        await pause(wasAlarmed || isUrgent() ? shortMs : pauseMs);
      }
      if (!isUrgent()) await pause(Math.max(0, roundMs - (performance.now() - beganMs)));
    }
  }

  await Promise.all([listen(), compare()]);
}
