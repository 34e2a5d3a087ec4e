/** What a reload (SIGHUP) of a process applies: settings that can be changed while it runs. Pure. */
import { isDeepStrictEqual } from 'node:util';

export interface Reload {
  /** Names of settings, as fields are called, that are in force at once. */
  readonly taken: readonly string[];
  /** Those that differ, and count only after a restart. */
  readonly wantRestart: readonly string[];
}

/** What differs between the settings that a process runs with and those that it would be started with now. */
export function reloadOf(running: object, wanted: object, live: readonly string[]): Reload {
  const [before, after] = [new Map(Object.entries(running)), new Map(Object.entries(wanted))];
  const names = [...new Set([...before.keys(), ...after.keys()])].filter((name) => !isDeepStrictEqual(before.get(name), after.get(name)));
  return { taken: names.filter((name) => live.includes(name)), wantRestart: names.filter((name) => !live.includes(name)) };
}
