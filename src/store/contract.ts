/**
 * The state store's contract: Consul's KV, transactions, sessions and blocking queries, as far as arpanet needs them, so that an embedded
 * database can stand behind it too. test/conformance/store.ts holds every behaviour below against each implementation.
 *
 * Values are JSON. A modify index is a positive integer that grows with every write of that key; 0 means "absent".
 * Errors: `unavailable` when the store does not answer; `not-leader` when a fence is broken.
 */
export interface Entry {
  readonly key: string;
  readonly value: unknown;
  readonly modifyIndex: number;
}

/** One line of a transaction. All of them hold, or none is done. */
export type Operation =
  | { readonly op: 'set'; readonly key: string; readonly value: unknown }
  /** Compare-and-set; modifyIndex 0: only if absent. */
  | { readonly op: 'cas'; readonly key: string; readonly value: unknown; readonly modifyIndex: number }
  | { readonly op: 'delete'; readonly key: string }
  | { readonly op: 'delete-cas'; readonly key: string; readonly modifyIndex: number }
  /** Holds if the key has this modify index; 0: is absent. */
  | { readonly op: 'check'; readonly key: string; readonly modifyIndex: number };

export type TransactionResult =
  /** Modify index by key, for every key written (0: deleted). */
  | { readonly kind: 'committed'; readonly indexes: ReadonlyMap<string, number> }
  /** Positions, in the operations given, of those that did not hold. */
  | { readonly kind: 'conflict'; readonly failed: readonly number[] };

/** Proof of leadership that rides in a transaction: it is refused once the lock is lost. */
export interface Fence {
  readonly key: string;
  readonly session: string;
}

export interface Lock {
  readonly fence: Fence;
  /** Aborts when the lock is lost, or can no longer be known to be held. Never un-aborts. */
  readonly lost: AbortSignal;
  /** Gives the lock up at once. Idempotent. */
  release(): Promise<void>;
}

export interface Holder {
  readonly session: string;
  readonly value: unknown;
}

export interface StateStore extends AsyncDisposable {
  readonly kind: 'embedded' | 'consul';
  get(key: string, signal?: AbortSignal): Promise<Entry | undefined>;
  /** All entries whose key starts with `prefix`, by key. */
  list(prefix: string, signal?: AbortSignal): Promise<readonly Entry[]>;
  /** At most 63 operations and 512 KB with a fence (64 without): Consul's limits hold for every implementation (`too-large`). */
  transact(operations: readonly Operation[], fence?: Fence, signal?: AbortSignal): Promise<TransactionResult>;
  /** Yields the entries under `prefix` now, and again after every change (changes close together may be one). Survives store elections. */
  watch(prefix: string, signal: AbortSignal): AsyncIterable<readonly Entry[]>;
  /** Waits until the lock is ours. `value` is what others read at the key while it is held. */
  lock(key: string, value: unknown, options: { readonly ttlMs: number; readonly name: string }, signal: AbortSignal): Promise<Lock>;
  /** Who holds the lock now. */
  holder(key: string, signal?: AbortSignal): Promise<Holder | undefined>;
  /** Yields the holder now and at every change. */
  watchHolder(key: string, signal: AbortSignal): AsyncIterable<Holder | undefined>;
  /** Ends the session of a holder whose process is proven dead, so that the lock is free at once. Fencing makes a wrong call harmless. */
  evict(key: string, session: string): Promise<void>;
}
