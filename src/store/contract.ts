/**
 * The state store's contract: Consul's KV, transactions, sessions and blocking queries, as far as arpanet needs them; an embedded database
 * implements it too. test/conformance/store.ts checks every behaviour below against each implementation.
 *
 * Values are JSON. A modify index is a positive integer that grows with every write of that key; 0 means "absent".
 * Errors: `unavailable` when the store does not answer; `not-leader` when a fence is broken.
 */
export interface Entry {
  readonly key: string;
  /** Undefined if `fault` is set. */
  readonly value: unknown;
  readonly modifyIndex: number;
  /** Why the stored bytes are no JSON; absent: they are. */
  readonly fault?: string;
}

/** One operation of a transaction. Either all are done, or none. */
export type Operation =
  | { readonly op: 'set'; readonly key: string; readonly value: unknown }
  /** Compare-and-set; modifyIndex 0: only if absent. */
  | { readonly op: 'cas'; readonly key: string; readonly value: unknown; readonly modifyIndex: number }
  | { readonly op: 'delete'; readonly key: string }
  | { readonly op: 'delete-cas'; readonly key: string; readonly modifyIndex: number }
  /** Succeeds if the key has this modify index; 0: if it is absent. */
  | { readonly op: 'check'; readonly key: string; readonly modifyIndex: number };

export type TransactionResult =
  /** Modify index by key, for every key written (0: deleted). */
  | { readonly kind: 'committed'; readonly indexes: ReadonlyMap<string, number> }
  /** Positions of the operations that failed. */
  | { readonly kind: 'conflict'; readonly failed: readonly number[] };

/** Proof of leadership within a transaction: the transaction is refused once the lock is lost. */
export interface Fence {
  readonly key: string;
  readonly session: string;
}

/** A lock that this process has acquired. */
export interface Lock {
  readonly fence: Fence;
  /** Aborts when the lock is lost, or when it is no longer certain that it is held. */
  readonly lost: AbortSignal;
  /** Releases the lock at once. Idempotent; never rejects. */
  release(): Promise<void>;
}

/** The holder of a lock, and the value written with it. */
export interface Holder {
  readonly session: string;
  readonly value: unknown;
}

/** A state store. Every method throws `unavailable` when the store does not answer. */
export interface StateStore extends AsyncDisposable {
  readonly kind: 'embedded' | 'consul';
  get(key: string, signal?: AbortSignal): Promise<Entry | undefined>;
  /** All entries whose key begins with `prefix`, sorted by key. */
  list(prefix: string, signal?: AbortSignal): Promise<readonly Entry[]>;
  /**
   * A number that is another one after every change of an entry under `prefix`, by whomever, and the same while there is none. Its answer is as short
   * where there are many entries. After a transaction under `prefix` it is the modify index of what that wrote. `knownIndex`: waits until it is another than this
   * one, or half a minute.
   */
  changeIndex(prefix: string, signal?: AbortSignal, knownIndex?: number): Promise<number>;
  /** The modify index of each entry whose key begins with `prefix`, whatever it holds. */
  indexes(prefix: string, signal?: AbortSignal): Promise<ReadonlyMap<string, number>>;
  /** At most 63 operations and 512 KB with a fence (64 without): Consul's limits hold for every implementation (`too-large`). */
  transact(operations: readonly Operation[], fence?: Fence, signal?: AbortSignal): Promise<TransactionResult>;
  /** Yields the entries under `prefix` now, and again after changes; several changes may be yielded together. Outages are waited for. */
  watch(prefix: string, signal: AbortSignal): AsyncIterable<readonly Entry[]>;
  /** Waits until this process has the lock. Others read `value` at the key while it is held. `ttlMs`: expiry without renewal. */
  lock(key: string, value: unknown, options: { readonly ttlMs: number; readonly name: string }, signal: AbortSignal): Promise<Lock>;
  /** The current holder. */
  holder(key: string, signal?: AbortSignal): Promise<Holder | undefined>;
  /** Yields the holder now and after every change. */
  watchHolder(key: string, signal: AbortSignal): AsyncIterable<Holder | undefined>;
  /** Ends the session of a holder whose process is dead, so that the lock is free at once. If it is not dead, the fence refuses its writes. */
  evict(key: string, session: string): Promise<void>;
  /** Keys of secrets that this process has read as plain text, and not written since; absent: nothing is sealed here. */
  readonly unsealed?: () => readonly string[];
  /** Seals the parts of large records with the key that seals now; absent: nothing is sealed here. Throws `not-leader` when the fence is broken. */
  readonly resealParts?: (fence: Fence) => Promise<void>;
  /** How long its answers have taken lately, in ms: the slowest, less with each one that was faster. 0: not known. */
  answerMs(): number;
  /** What was tried last and why it failed, in one line; undefined: the store answers. */
  trouble(): string | undefined;
}
