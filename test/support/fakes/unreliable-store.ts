/** A StateStore in front of a real one whose transactions fail on demand, in the ways a network makes them fail. */
import { ArpanetError } from '../../../src/model/index.ts';
import type { StateStore } from '../../../src/store/index.ts';

/**
 * refuse: never arrives. lose: is done, but the answer is lost. delay: is reported as failed, and arrives at the next call of `deliver`.
 * deaf: cannot even be read.
 */
export type Fault = 'none' | 'refuse' | 'lose' | 'delay' | 'deaf';

export interface UnreliableStore extends StateStore {
  /** What happens to the next transactions, in order; those after them succeed. */
  readonly faults: Fault[];
  /** What was delayed arrives now. */
  deliver(): Promise<void>;
}

export function unreliable(inner: StateStore): UnreliableStore {
  const faults: Fault[] = [];
  const delayed: (() => Promise<unknown>)[] = [];
  const gone = () => new ArpanetError('unavailable', 'the test took the store away');
  const readable = <T>(read: () => Promise<T>): Promise<T> => {
    if (faults[0] !== 'deaf') return read();
    faults.shift();
    return Promise.reject(gone());
  };
  return {
    kind: inner.kind,
    faults,
    async deliver() {
      for (const arrive of delayed.splice(0)) await arrive().catch(() => undefined);
    },
    async transact(operations, fence, signal) {
      const fault = faults.shift() ?? 'none';
      if (fault === 'delay') delayed.push(() => inner.transact(operations, fence));
      if (fault === 'lose') await inner.transact(operations, fence, signal);
      if (fault !== 'none') throw gone();
      return inner.transact(operations, fence, signal);
    },
    get: (key, signal) => readable(() => inner.get(key, signal)),
    list: (prefix, signal) => readable(() => inner.list(prefix, signal)),
    changeIndex: (...asked) => inner.changeIndex(...asked),
    indexes: (prefix, signal) => inner.indexes(prefix, signal),
    watch: (prefix, signal) => inner.watch(prefix, signal),
    lock: (key, value, options, signal) => inner.lock(key, value, options, signal),
    holder: (key, signal) => inner.holder(key, signal),
    watchHolder: (key, signal) => inner.watchHolder(key, signal),
    trouble: () => inner.trouble(),
    answerMs: () => inner.answerMs(),
    evict: (key, session) => inner.evict(key, session),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}
