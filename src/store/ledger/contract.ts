/**
 * The leader's copy of the store: what rooms read and write.
 *
 * Only the leader writes, so its memory is the truth as long as its fence holds. A write is seen by `get` and `list` at once (so that two
 * requests in one process never choose the same address), rides in the next fenced transaction together with others that wait (group commit),
 * and is taken back if that transaction does not commit.
 */
export type Change =
  /** Creates or replaces. */
  | { readonly kind: 'put'; readonly key: string; readonly value: unknown }
  /** Fails with `conflict` if the key exists. */
  | { readonly kind: 'create'; readonly key: string; readonly value: unknown }
  /** Deleting what is absent is no error. */
  | { readonly kind: 'delete'; readonly key: string };

export interface Ledger extends AsyncDisposable {
  /** The value as of all commits begun. Never change what it returns. */
  get<T>(key: string): T | undefined;
  /** Key and value of all entries under a prefix, by key. */
  list<T>(prefix: string): readonly (readonly [string, T])[];
  /**
   * Applies all changes together or none. Throws `conflict` synchronously-before-any-effect if a `create` key exists or the store disagrees
   * (someone else wrote: the ledger reloads those keys, the caller decides anew), `unavailable` if the store is out of reach, `not-leader` if
   * the fence is broken. After any throw nothing has changed, in memory or in the store.
   */
  commit(changes: readonly Change[]): Promise<void>;
  /**
   * Keys that the store holds otherwise than this ledger left them: another hand was there. With `repair` they are put back, through the fence.
   * Throws `unavailable`, `not-leader`.
   */
  compare(repair: boolean): Promise<readonly string[]>;
}
