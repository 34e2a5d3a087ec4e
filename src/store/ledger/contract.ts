/**
 * The leader's copy of the store: what rooms read and write.
 *
 * Only the leader writes, so its memory is correct as long as its fence is valid. `get` and `list` show a write at once, so that two requests never
 * choose the same address; it is written with the next fenced transaction, together with others that wait (group commit), and undone in memory if
 * that transaction fails.
 */
import type { UnreadableRecord } from '../../model/index.ts';

/** One change of a commit. */
export type Change =
  /** Creates or replaces. */
  | { readonly kind: 'put'; readonly key: string; readonly value: unknown }
  /** Fails with `conflict` if the key exists. */
  | { readonly kind: 'create'; readonly key: string; readonly value: unknown }
  /** Deleting an absent key is no error. */
  | { readonly kind: 'delete'; readonly key: string };

/** The leader's copy of all records of the store, and the only way to write them. Errors: `unavailable` while the store is unreachable, `conflict`. */
export interface Ledger extends AsyncDisposable {
  /** The value, commits under way included. Must not be modified. */
  get<T>(key: string): T | undefined;
  /** Keys and values of all entries under a prefix, sorted by key. Must not be modified. */
  list<T>(prefix: string): readonly (readonly [string, T])[];
  /**
   * Applies all changes or none. Rejects with `conflict` if a `create` key exists, or if somebody else has written to the store (the ledger reloads
   * those keys, and the caller may plan again); `unavailable` if the store is unreachable; `not-leader` if the fence is broken; `too-large`,
   * `invalid`. After a rejection nothing has changed, in memory or in the store.
   */
  commit(changes: readonly Change[]): Promise<void>;
  /** Calls the listener at once whenever what `get` gives for a key under the prefix may have changed; until the ledger is disposed of. */
  watch(prefix: string, listener: (key: string) => void): void;
  /** Records that are set aside, by key: `get` and `list` do not give them. Creating, replacing or deleting one ends it. */
  unreadable(): readonly UnreadableRecord[];
  /**
   * Keys whose entry in the store was modified, added or deleted by somebody else. With `repair` the ledger's values are written back, under the
   * fence. Throws `unavailable`, `not-leader`.
   */
  compare(repair: boolean): Promise<readonly string[]>;
  /**
   * Compares by itself, and repairs, until the signal aborts: a change by somebody else is looked for at once, however many records there are; one that is hidden by a
   * commit right after it, within minutes. Never rejects.
   */
  guard(signal: AbortSignal): Promise<void>;
}
