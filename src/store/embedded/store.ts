/**
 * Effects: the state store of one machine: several processes that open the same directory. No daemon; LMDB does the locking.
 * A change made by another process is seen within POLL_MS.
 */
import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { ArpanetError } from '../../model/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Fence, Holder, Lock, Operation, StateStore, TransactionResult } from '../contract.ts';
import { bootId, type EmbeddedDb, nowMs, openDb, type Writer } from './db.ts';
import { type ClusterKeys, readClusterKeys } from '../../security/index.ts';
import { withSealedRecords } from '../sealed-records.ts';
import { withLargeRecords } from '../large/large-records.ts';
import { type EncodedOperation, encodeAll } from '../limits.ts';

const POLL_MS = 100;
/** How long one waits for a change: as long as with Consul. */
const WAIT_MS = 30_000;

/** Where the cluster key of the store in this directory is, unless an operator keeps it elsewhere: who moves or mounts the directory has both. */
export const keyFileOf = (dir: string): string => join(resolve(dir), 'cluster.key');

/**
 * Opens the database in `dir`, or creates it; its secrets are sealed if there are keys, which are asked for once there is a database. Throws `unavailable` if
 * that fails, `invalid` for a bad key file.
 */
export async function openEmbedded(
  dir: string,
  log: Logger,
  keys: () => ClusterKeys | undefined = () => readClusterKeys(keyFileOf(dir)),
): Promise<StateStore> {
  const db = await openDb(dir);
  const cluster = await keysOr(db, keys);
  const closing = new AbortController();
  const held = new Set<Lock>();
  const waiting = new Set<() => void>();

  function wake(): void {
    for (const resume of waiting) resume();
  }
  /** Waits until this process changes something, or until POLL_MS for the changes of others. False: the signal has aborted. */
  async function pause(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    await new Promise<void>((resolve) => {
      const resume = () => {
        clearTimeout(timer);
        waiting.delete(resume);
        signal.removeEventListener('abort', resume);
        resolve();
      };
      const timer = setTimeout(resume, POLL_MS);
      waiting.add(resume);
      signal.addEventListener('abort', resume);
    });
    return !signal.aborted;
  }
  function write<T>(change: (writer: Writer) => T): T {
    const result = db.write(change);
    wake();
    return result;
  }
  /** Yields what `look` finds, now and whenever its `mark` differs. */
  async function* changes<T>(mark: () => string, look: () => T, signal: AbortSignal): AsyncGenerator<T> {
    const ended = AbortSignal.any([signal, closing.signal]);
    let last: string | undefined;
    do {
      const now = mark();
      if (now !== last) {
        last = now;
        yield look();
      }
    } while (await pause(ended));
  }
  function holder(key: string): Holder | undefined {
    const lock = db.lockOf(key);
    return lock === undefined ? undefined : { session: lock.session, value: db.get(key)?.value };
  }

  const store: StateStore = {
    kind: 'embedded',
    async get(key) {
      return db.get(key);
    },
    async list(prefix) {
      return db.list(prefix);
    },
    // of any prefix: who renews a lock changes no entry
    async changeIndex(_prefix, signal, after) {
      const ended = AbortSignal.any([closing.signal, AbortSignal.timeout(WAIT_MS), ...(signal === undefined ? [] : [signal])]);
      while (db.generation() === after && (await pause(ended)));
      signal?.throwIfAborted();
      return db.generation();
    },
    async indexes(prefix) {
      return db.indexes(prefix);
    },
    async transact(operations, fence, signal) {
      signal?.throwIfAborted();
      const encoded = encodeAll(operations, fence !== undefined);
      return write((writer) => {
        if (fence !== undefined && !isHeld(db, fence)) throw new ArpanetError('not-leader', `the lock ${fence.key} is no longer held`);
        return perform(db, writer, encoded);
      });
    },
    watch(prefix, signal) {
      let generation = -1;
      let signature = '';
      const mark = () => {
        const now = db.generation();
        if (now !== generation) signature = db.signature(prefix);
        generation = now;
        return signature;
      };
      return changes(mark, () => db.list(prefix), signal);
    },
    async lock(key, value, { ttlMs, name }, signal) {
      const session = randomUUID();
      const json = JSON.stringify(value);
      const record = () => ({ session, name, boot: bootId, expiresMs: nowMs() + ttlMs });
      const ended = AbortSignal.any([signal, closing.signal]);
      const acquire = (): boolean =>
        db.lockOf(key) === undefined &&
        write((writer) => {
          if (db.lockOf(key) !== undefined) return false;
          writer.putLock(key, record());
          writer.put(key, json);
          return true;
        });
      while (!acquire()) {
        await pause(ended);
        ended.throwIfAborted();
      }
      const lock = hold({ key, session }, ttlMs, () => {
        write((writer) => {
          if (isHeld(db, { key, session })) writer.putLock(key, record());
        });
      });
      held.add(lock);
      return lock;
    },
    async holder(key) {
      return holder(key);
    },
    watchHolder(key, signal) {
      return changes(
        () => `${db.lockOf(key)?.session ?? ''} ${db.indexOf(key)}`,
        () => holder(key),
        signal,
      );
    },
    trouble: () => undefined,
    answerMs: () => 0,
    async evict(key, session) {
      free({ key, session });
    },
    async [Symbol.asyncDispose]() {
      for (const lock of held) await lock.release().catch((err: unknown) => log.warn({ err }, 'lock not released'));
      closing.abort(new ArpanetError('unavailable', `the state store in ${dir} is closed`));
      await db.close();
    },
  };
  return withLargeRecords(withSealedRecords(store, cluster));

  function free(fence: Fence): void {
    if (!isHeld(db, fence)) return;
    write((writer) => {
      if (isHeld(db, fence)) writer.removeLock(fence.key);
    });
  }
  /** Renews at a third of the time to live; checks every POLL_MS that the lock is still held. */
  function hold(fence: Fence, ttlMs: number, renew: () => void): Lock {
    const lost = new AbortController();
    let expiresMs = nowMs() + ttlMs;
    let renewAtMs = nowMs() + ttlMs / 3;
    const timer = setInterval(() => {
      try {
        if (nowMs() >= expiresMs || !isHeld(db, fence)) return lose();
        if (nowMs() < renewAtMs) return;
        renewAtMs = nowMs() + Math.min(1000, ttlMs / 10);
        const renewed = nowMs();
        renew();
        expiresMs = renewed + ttlMs;
        renewAtMs = renewed + ttlMs / 3;
      } catch (err) {
        log.warn({ err, lock: fence.key }, 'lock not renewed');
      }
    }, POLL_MS);
    const lose = () => {
      clearInterval(timer);
      held.delete(lock);
      lost.abort();
    };
    const lock: Lock = {
      fence,
      lost: lost.signal,
      async release() {
        if (lost.signal.aborted) return;
        lose();
        free(fence);
      },
    };
    return lock;
  }
}

function isHeld(db: EmbeddedDb, fence: Fence): boolean {
  return db.lockOf(fence.key)?.session === fence.session;
}

/** First checks all operations, each as if those before it were done; then writes. */
function perform(db: EmbeddedDb, writer: Writer, encoded: readonly EncodedOperation[]): TransactionResult {
  const indexes = new Map<string, number>();
  const failed: number[] = [];
  for (const [position, { operation }] of encoded.entries()) {
    const found = indexes.get(operation.key) ?? db.indexOf(operation.key);
    if (!holds(operation, found)) failed.push(position);
    else if (operation.op === 'delete' || operation.op === 'delete-cas') indexes.set(operation.key, 0);
    else if (operation.op !== 'check') indexes.set(operation.key, writer.index);
  }
  if (failed.length > 0) return { kind: 'conflict', failed };
  for (const { operation, json } of encoded) {
    if (operation.op === 'set' || operation.op === 'cas') writer.put(operation.key, json);
    else if (operation.op !== 'check') writer.remove(operation.key);
  }
  return { kind: 'committed', indexes };
}

/** As in Consul, deleting an absent key succeeds. */
function holds(operation: Operation, found: number): boolean {
  if (operation.op === 'set' || operation.op === 'delete') return true;
  return found === operation.modifyIndex || (operation.op === 'delete-cas' && found === 0);
}

/** A database whose keys cannot be read is closed. */
async function keysOr(db: EmbeddedDb, keys: () => ClusterKeys | undefined): Promise<ClusterKeys | undefined> {
  try {
    return keys();
  } catch (error) {
    await db.close();
    throw error;
  }
}
