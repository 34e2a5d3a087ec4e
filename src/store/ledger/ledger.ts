/**
 * Effects: the ledger of contract.ts: a copy of the store in memory, written by one fenced transaction at a time.
 *
 * `stored` is what the store is known to hold; `visible` is that plus the commits under way. A commit that fails is removed from `visible`
 * together with later ones that wrote the same keys. When the outcome of a transaction stays unknown (`unavailable`), all commits under way fail.
 * Before anything else is written, a repair makes sure that this transaction cannot be done later (every transaction checks the barrier key,
 * and the repair changes it), and writes back the old values if it was done.
 */
import { randomUUID } from 'node:crypto';
import { ArpanetError, isKind, keys, type UnreadableRecord } from '../../model/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { counter, histogram } from '../../telemetry/metrics.ts';
import type { Fence, Operation, StateStore, TransactionResult } from '../contract.ts';
import { KeyTree } from './key-tree.ts';
import type { Change, Ledger } from './contract.ts';
import { watchForeign } from './foreign.ts';
import { recordProblem } from './record-check.ts';
import { fold } from '../large/fold.ts';
import { encode, MAX_BYTES, MAX_OPERATIONS } from '../limits.ts';

/** Without the fence and the barrier. */
const MAX_CHANGES = MAX_OPERATIONS - 2;
/** From here a transaction takes no further commit: a smaller one is answered sooner. */
const FLUSH_BYTES = 400 * 1024;
const REPAIR_AGAIN_MS = 1000;
/** More than are made between two looks at the store's change index. */
const OWN_KEPT = 4_096;

const transactions = counter({
  name: 'arpanet_store_transactions_total',
  help: 'Transactions of the leader in the state store, by outcome: committed, conflict (modified by something else), failed (no answer).',
  labels: ['outcome'],
});
const transactionDuration = histogram({
  name: 'arpanet_store_transaction_duration_seconds',
  help: 'How long the state store takes for a transaction.',
});

interface Stored {
  readonly value: unknown;
  readonly modifyIndex: number;
  /** Why what the store holds is no JSON; `value` is undefined then. */
  readonly fault?: string | undefined;
}
/** A commit under way. */
interface Pending {
  /** New value by key; undefined: delete. */
  readonly writes: ReadonlyMap<string, unknown>;
  readonly bytes: number;
  settle(error?: ArpanetError): void;
}

/** Loads the whole state. Throws `unavailable`. */
export async function openLedger(store: StateStore, fence: Fence, log: Logger): Promise<Ledger> {
  const stored = new Map<string, Stored>();
  const visible = new KeyTree<unknown>();
  /** Of `stored`, what is set aside. */
  const unreadable = new Map<string, UnreadableRecord>();
  const watches: { readonly prefix: string; readonly listener: (key: string) => void }[] = [];
  let barrier = 0;
  for (const { key, value, modifyIndex, fault } of await store.list(keys.root)) {
    if (key === keys.barrier) barrier = modifyIndex;
    if (key === keys.leader || key === keys.barrier) continue;
    stored.set(key, { value, modifyIndex, fault });
    if (isReadable(key, value, fault)) visible.set(key, value);
  }

  /** Commits in the order made: those in the transaction under way, and those that wait for the next. */
  let pending: Pending[] = [];
  let draining: Promise<void> | undefined;
  /** Keys of transactions with unknown outcome. */
  const unverified = new Set<string>();
  let repairTimer: NodeJS.Timeout | undefined;
  let ended: ArpanetError | undefined;
  /** Set while the store stays unreachable: commits are then refused at once. */
  let trouble: ArpanetError | undefined;
  let isRepairing = false;
  /** The store's change index when all was as it is known here. */
  let agreedAt: number | undefined;
  /** Change indexes of the store after the last transactions. */
  const own = new Set<number>();

  /** What is not is set aside, with a line in the log for each. */
  function isReadable(key: string, value: unknown, fault?: string): boolean {
    const why = fault ?? recordProblem(key, value);
    if (why === undefined) {
      unreadable.delete(key);
      return true;
    }
    if (unreadable.get(key)?.why !== why) log.error({ key, why }, 'a record in the state store cannot be read and is set aside');
    const name = typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string' ? value.name : undefined;
    unreadable.set(key, { key, why, name });
    return false;
  }
  function show(key: string): void {
    const last = pending.findLast((each) => each.writes.has(key));
    const value = last === undefined ? stored.get(key)?.value : last.writes.get(key);
    const fault = last === undefined ? stored.get(key)?.fault : undefined;
    const isAbsent = value === undefined && fault === undefined;
    // what waits has passed plan()
    if (isAbsent || last !== undefined) unreadable.delete(key);
    if (isAbsent || (last === undefined && !isReadable(key, value, fault))) visible.delete(key);
    else visible.set(key, value);
    for (const { prefix, listener } of watches) if (key.startsWith(prefix)) listener(key);
  }
  function settle(commits: readonly Pending[], error?: ArpanetError): void {
    const settled = new Set(commits);
    pending = pending.filter((each) => !settled.has(each));
    if (error !== undefined) for (const each of commits) for (const key of each.writes.keys()) show(key);
    for (const each of commits) each.settle(error);
  }
  function write(key: string, value: unknown, modifyIndex: number, fault?: string): void {
    if (modifyIndex === 0) stored.delete(key);
    else stored.set(key, { value, modifyIndex, fault });
  }

  /** One transaction after another until no commit waits. */
  async function drain(): Promise<void> {
    // The commits made in this turn go together.
    await Promise.resolve();
    while (ended === undefined && (pending.length > 0 || unverified.size > 0)) {
      try {
        await (unverified.size > 0 ? repair() : flush(takeBatch(pending)));
      } catch (error) {
        fail(error);
        return;
      }
    }
  }
  async function flush(batch: readonly Pending[]): Promise<void> {
    const writes = [...new Map(batch.flatMap((each) => [...each.writes]))];
    const operations = writes.map(([key, value]) => operation(key, value, stored.get(key)?.modifyIndex ?? 0));
    for (const [key] of writes) unverified.add(key);
    const sinceMs = performance.now();
    // a store does not say which index a deletion has
    const mark: Operation = writes.some(([, value]) => value !== undefined)
      ? { op: 'check', key: keys.barrier, modifyIndex: barrier }
      : { op: 'cas', key: keys.barrier, value: randomUUID(), modifyIndex: barrier };
    const result = await store.transact([...operations, mark], fence);
    transactionDuration.observe((performance.now() - sinceMs) / 1000);
    transactions.inc({ outcome: result.kind });
    // Only this ledger writes the barrier: if it has changed, nothing is certain.
    if (result.kind === 'committed' || !result.failed.includes(operations.length)) unverified.clear();
    if (result.kind === 'committed') {
      noteOwn(result);
      barrier = result.indexes.get(keys.barrier) ?? barrier;
      for (const [key, value] of writes) write(key, value, result.indexes.get(key) ?? 0);
      settle(batch);
      return;
    }
    const changed = result.failed.map((position) => writes[position]?.[0]).filter((key) => key !== undefined);
    log.warn({ keys: changed }, 'state store modified externally; the commits that depend on it fail');
    await Promise.all(changed.map(reload));
    const error = new ArpanetError('conflict', `the state store was modified externally (${changed.join(', ')}): try again`);
    settle(dependents(pending, changed), error);
  }
  async function reload(key: string): Promise<void> {
    const entry = await store.get(key);
    write(key, entry?.value, entry?.modifyIndex ?? 0, entry?.fault);
    show(key);
  }
  async function repair(): Promise<void> {
    const found = (await store.get(keys.barrier))?.modifyIndex ?? 0;
    // A new value each time: Consul does not raise the index for a write that changes nothing.
    const raised = await store.transact([{ op: 'cas', key: keys.barrier, value: randomUUID(), modifyIndex: found }], fence);
    if (raised.kind === 'conflict') return;
    noteOwn(raised);
    barrier = raised.indexes.get(keys.barrier) ?? 0;
    for (const key of unverified) await restore(key);
    log.info({ keys: [...unverified] }, 'state store checked after a transaction of unknown outcome');
    unverified.clear();
    trouble = undefined;
    isRepairing = false;
  }
  /** Writes back the old value: the caller's commit was rejected. */
  async function restore(key: string): Promise<void> {
    const entry = await store.get(key);
    const index = entry?.modifyIndex ?? 0;
    const before = stored.get(key);
    if (isSame(entry, before)) return;
    const result = await store.transact([operation(key, before?.value, index)], fence);
    if (result.kind === 'conflict') throw new ArpanetError('unavailable', `${key} is being modified externally in the state store`);
    noteOwn(result);
    write(key, before?.value, result.indexes.get(key) ?? 0);
  }
  function noteOwn({ indexes }: Extract<TransactionResult, { kind: 'committed' }>): void {
    const index = Math.max(0, ...indexes.values());
    if (index > 0) own.add(index);
    for (const old of own)
      if (own.size > OWN_KEPT) own.delete(old);
      else break;
  }
  function fail(cause: unknown): void {
    const error = cause instanceof ArpanetError ? cause : new ArpanetError('unavailable', 'the state store cannot be written', { cause });
    if (isKind(error, 'not-leader')) ended = error;
    else if (unverified.size > 0) {
      // After the first failure commits wait for the repair: it may be a short outage.
      if (isRepairing) trouble = error;
      isRepairing = true;
      repairTimer = setTimeout(start, REPAIR_AGAIN_MS);
    }
    transactions.inc({ outcome: 'failed' });
    log.warn({ err: error, commits: pending.length }, 'commits failed');
    settle(pending, error);
  }
  function start(): void {
    clearTimeout(repairTimer);
    draining ??= drain().finally(() => {
      draining = undefined;
      // Made while the last transaction failed.
      if (pending.length > 0) start();
    });
  }
  async function idle(): Promise<void> {
    if (draining === undefined) return;
    await draining;
    await idle();
  }

  /** Keys that differ twice in a row, in what they hold as well: once may be a write under way. */
  async function foreign(): Promise<readonly string[]> {
    const readings: ReadonlySet<string>[] = [];
    for (let reading = 0; reading < 2; reading++) {
      await idle();
      const found = new Map((await store.list(keys.root)).map((entry) => [entry.key, entry]));
      for (const key of [keys.leader, keys.barrier]) found.delete(key);
      const all = new Set([...found.keys(), ...stored.keys()]);
      readings.push(new Set([...all].filter((key) => !isSame(found.get(key), stored.get(key)))));
      if (readings[0]?.size === 0) return [];
    }
    return [...(readings[1] ?? [])].filter((key) => readings[0]?.has(key) === true).sort();
  }

  async function setRight(changed: readonly string[]): Promise<void> {
    if (ended !== undefined) throw ended;
    log.warn({ keys: changed }, 'state store modified externally; restoring the previous values');
    // an unreadable record is no state to restore: an operator may repair or delete it
    for (const key of changed) {
      if (unreadable.has(key)) await reload(key);
      else unverified.add(key);
    }
    start();
    await idle();
  }

  return {
    async compare(repair) {
      if (ended !== undefined) throw ended;
      const now = await store.changeIndex(keys.root);
      // nobody has written since all was compared
      if (now === agreedAt) return [];
      const changed = await foreign();
      agreedAt = changed.length === 0 ? now : undefined;
      if (repair && changed.length > 0) await setRight(changed);
      return changed;
    },
    guard: (signal) =>
      watchForeign(
        {
          store,
          known: (prefix) =>
            [...visible.list(prefix).map(([key]) => key), ...unreadable.keys()].filter((key) => key.startsWith(prefix)).sort(),
          indexOf: (key) => stored.get(key)?.modifyIndex ?? 0,
          isOwn: (index) => own.has(index),
          idle,
          found: setRight,
          log,
        },
        signal,
      ),
    unreadable: () => [...unreadable.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
    get: <T>(key: string) => visible.get(key) as T | undefined,
    watch(prefix, listener) {
      watches.push({ prefix, listener });
    },
    list: <T>(prefix: string) => visible.list(prefix) as readonly (readonly [string, T])[],
    commit(changes) {
      if (ended !== undefined) return Promise.reject(ended);
      if (trouble !== undefined) {
        start();
        return Promise.reject(trouble);
      }
      const { promise, resolve, reject } = withResolvers();
      try {
        const writes = plan(changes, visible, unreadable);
        if (writes.size === 0) return Promise.resolve();
        const bytes = sizeOf(writes);
        pending.push({ writes, bytes, settle: (error) => (error === undefined ? resolve() : reject(error)) });
        for (const key of writes.keys()) show(key);
      } catch (error) {
        return Promise.reject(error);
      }
      start();
      return promise;
    },
    async [Symbol.asyncDispose]() {
      await idle();
      clearTimeout(repairTimer);
      ended ??= new ArpanetError('not-leader', 'this scheduler no longer leads');
    },
  };
}

/** A part of a large record can be lost while the record itself stays as it was. */
const isSame = (entry: Pick<Stored, 'modifyIndex' | 'fault'> | undefined, other: Stored | undefined): boolean =>
  entry?.modifyIndex === other?.modifyIndex && entry?.fault === other?.fault;

/** New value by key. Throws `conflict` if a key to be created exists. */
function plan(
  changes: readonly Change[],
  visible: KeyTree<unknown>,
  unreadable: ReadonlyMap<string, UnreadableRecord>,
): ReadonlyMap<string, unknown> {
  const writes = new Map<string, unknown>();
  for (const change of changes) {
    const exists = writes.has(change.key) ? writes.get(change.key) !== undefined : visible.has(change.key);
    if (change.kind === 'create' && exists) throw new ArpanetError('conflict', `${change.key} already exists`);
    if (change.kind !== 'delete' && change.value === undefined)
      throw new ArpanetError('invalid', `the value for ${change.key} is not JSON`);
    if (change.kind !== 'delete') {
      const problem = recordProblem(change.key, change.value);
      if (problem !== undefined) throw new ArpanetError('invalid', `the record ${change.key} cannot be kept: ${problem}`);
      writes.set(change.key, change.value);
    } else if (exists || unreadable.has(change.key)) writes.set(change.key, undefined);
  }
  return writes;
}

function operation(key: string, value: unknown, modifyIndex: number): Operation {
  if (value !== undefined) return { op: 'cas', key, value, modifyIndex };
  return modifyIndex === 0 ? { op: 'check', key, modifyIndex } : { op: 'delete-cas', key, modifyIndex };
}

/** Bytes in a transaction. Throws `too-large` if it does not fit into one. */
function sizeOf(writes: ReadonlyMap<string, unknown>): number {
  let bytes = 0;
  for (const [key, value] of writes) bytes += encode(operation(key, fold(key, value).value, 1)).bytes;
  if (writes.size > MAX_CHANGES)
    throw new ArpanetError('too-large', `${writes.size} changes at once: the state store takes ${MAX_CHANGES}`);
  if (bytes > MAX_BYTES - 1024)
    throw new ArpanetError('too-large', `a change of ${bytes} bytes: the state store takes ${MAX_BYTES - 1024}`);
  return bytes;
}

/** The first commits that fit into one transaction; at least one. */
function takeBatch(pending: readonly Pending[]): readonly Pending[] {
  const touched = new Set<string>();
  let bytes = 0;
  const end = pending.findIndex((each, position) => {
    for (const key of each.writes.keys()) touched.add(key);
    bytes += each.bytes;
    return position > 0 && (touched.size > MAX_CHANGES || bytes > FLUSH_BYTES);
  });
  return pending.slice(0, end < 0 ? pending.length : end);
}

/** Commits that write one of these keys, and later ones that write a key of those. */
function dependents(pending: readonly Pending[], changed: readonly string[]): readonly Pending[] {
  const broken = new Set(changed);
  return pending.filter(({ writes }) => {
    if (![...writes.keys()].some((key) => broken.has(key))) return false;
    for (const key of writes.keys()) broken.add(key);
    return true;
  });
}

function withResolvers() {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
