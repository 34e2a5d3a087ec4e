/** This leader itself: whether it can answer, whether it may change anything, and who it is. */
import type { UnreadableRecord } from '../model/index.ts';

/** What a leader calls itself, for info and status. */
export interface LeaderIdentity {
  readonly name: string;
  /** Grows by one with every election. */
  readonly epoch: number;
  readonly clusterId: string;
  /** How containers are placed: `spread`, `binpack` or `random`. */
  readonly strategy: string;
  /** Names of all schedulers known. */
  readonly schedulers: readonly string[];
}

export interface LeaderStatus {
  /** Resolves when the view is complete: all known hosts have joined, or their grace is over. Rejects `unavailable` after 10 s or on abort. */
  readonly ready: (signal: AbortSignal) => Promise<void>;
  /** Why nothing may be changed now (the store is unreachable); reads, logs and exec go on. Undefined: everything may be done. */
  readonly frozen: () => string | undefined;
  readonly about: () => LeaderIdentity;
  /** Records of the store that cannot be read and are set aside, by key. */
  readonly unreadable: () => readonly UnreadableRecord[];
  /** Deletes one of them, by its key, and what belongs to it alone. Rejects with `not-found`, or as a commit does. */
  readonly discard: (key: string) => Promise<void>;
  /** Lets every reconciler of the scheduler run once, now. Resolves when they are done; rejects with the first error. */
  readonly reconcile: () => Promise<void>;
}
