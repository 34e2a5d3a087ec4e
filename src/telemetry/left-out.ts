/**
 * The one fence around the entries of a list, table or plan: an entry that cannot be handled costs itself alone. It is left out, logged once,
 * and named by `arpanet status` and `arpanet audit` until it can be handled again or is gone. State: what this process leaves out now.
 */
import type { Logger } from './log.ts';

/** Where entries are handled. */
export interface Place {
  /** What an entry is: `container`. */
  readonly kind: string;
  /** What it is an entry of: `the list of containers`. */
  readonly of: string;
  /** Errors that are not the entry's fault, such as the refusal of a filter: they are thrown on. */
  readonly passOn?: (error: unknown) => boolean;
  /** The entries given are some of those at this place: what is left out of the others stays named. */
  readonly isPart?: true;
}

/** An entry that is left out now, of what, and why. */
export interface LeftOut {
  readonly kind: string;
  readonly name: string;
  readonly of: string;
  readonly why: string;
}

/** What is left out beyond these is only counted: it is one cause many times. */
const MOST_NAMES = 1_000;
const leftOut = new Map<string, LeftOut>();
let count = 0;
let sink: Pick<Logger, 'error'> | undefined;

/** From now on what is left out is logged here. */
export function logLeftOut(log: Pick<Logger, 'error'>): void {
  sink = log;
}

/** A new leadership begins without what an earlier one left out. */
export function forgetLeftOut(): void {
  leftOut.clear();
}

/** What is left out now, and of what; by place and name. */
export function leftOutNow(): readonly LeftOut[] {
  return [...leftOut.values()];
}

/** How often an entry was left out since this process began. */
export function leftOutTotal(): number {
  return count;
}

/** What `handle` makes of each entry, in order, without the entries at which it throws. */
export function each<T, R>(place: Place, entries: Iterable<T>, nameOf: (entry: T) => string, handle: (entry: T) => R): R[] {
  return [...fenced(place, entries, nameOf, (entry) => [handle(entry)])];
}

/** Entries that are handled in one step. */
const MOST_IN_A_STEP = 250;

/** As `each`, pausing after every 250 entries. */
export function* eachInSteps<T, R>(
  place: Place,
  entries: Iterable<T>,
  nameOf: (entry: T) => string,
  handle: (entry: T) => R,
): Generator<void, R[], void> {
  const made: R[] = [];
  for (const one of fenced(place, entries, nameOf, (entry) => [handle(entry)])) {
    made.push(one);
    if (made.length % MOST_IN_A_STEP === 0) yield;
  }
  return made;
}

/** The same where `handle` makes any number of results of an entry. */
export function* fenced<T, R>(
  place: Place,
  entries: Iterable<T>,
  nameOf: (entry: T) => string,
  handle: (entry: T) => Iterable<R>,
): Generator<R> {
  const before = place.isPart === true ? new Set<string>() : new Set(keysAt(place));
  for (const entry of entries) {
    let made: readonly R[] | undefined;
    try {
      const results = handle(entry);
      made = Array.isArray(results) ? (results as readonly R[]) : [...results];
      if (leftOut.size > 0) {
        const key = keyOf(place, nameOf(entry));
        if (leftOut.delete(key)) before.delete(key);
      }
    } catch (error) {
      if (place.passOn?.(error) === true) throw error;
      before.delete(leaveOut(place, nameIn(entry, nameOf), error));
    }
    if (made !== undefined) yield* made;
  }
  for (const gone of before) leftOut.delete(gone);
}

function leaveOut({ kind, of }: Place, name: string, error: unknown): string {
  const key = keyOf({ kind, of }, name);
  const why = error instanceof Error ? error.message : String(error);
  count += 1;
  if (!leftOut.has(key)) sink?.error({ err: error, kind, name, of }, `the ${kind} ${name} cannot be handled and is left out of ${of}`);
  if (leftOut.has(key) || leftOut.size < MOST_NAMES) leftOut.set(key, { kind, name, of, why });
  return key;
}

function* keysAt(place: Place): Generator<string> {
  if (leftOut.size === 0) return;
  const prefix = keyOf(place, '');
  for (const key of leftOut.keys()) if (key.startsWith(prefix)) yield key;
}

const keyOf = ({ kind, of }: Pick<Place, 'kind' | 'of'>, name: string): string => `${of}\0${kind}\0${name}`;

/** An entry that is nothing at all has no name either. */
function nameIn<T>(entry: T, nameOf: (entry: T) => string): string {
  try {
    return nameOf(entry);
  } catch {
    return 'without a name';
  }
}
