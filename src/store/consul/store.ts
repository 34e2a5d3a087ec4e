/**
 * Effects: Consul as the state store (HTTP): KV, transactions, sessions, blocking queries.
 * Reads other than watches are `consistent`: a new leader sees every write that was acknowledged to the old one.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { growingPause } from '../../async/growing-pause.ts';
import { ArpanetError } from '../../model/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Entry, Fence, Holder, Lock, Operation, StateStore, TransactionResult } from '../contract.ts';
import { type Answer, type Call, type ConsulAccess, createConsulHttp, keyPath } from './http.ts';
import { acquireLock, destroySession } from './lock.ts';
import { entryOf } from '../entry.ts';
import type { ClusterKeys } from '../../security/index.ts';
import { withSealedRecords } from '../sealed-records.ts';
import { withLargeRecords } from '../large/large-records.ts';
import { type EncodedOperation, encodeAll } from '../limits.ts';

export interface ConsulDeps extends ConsulAccess {
  readonly log: Logger;
  /** Seals secrets; absent: they are stored as they are. */
  readonly cluster?: ClusterKeys | undefined;
}

const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 1000;

/** One entry of `GET /v1/kv`. */
interface Pair {
  readonly Key: string;
  /** Base64. */
  readonly Value: string | null;
  readonly ModifyIndex: number;
  readonly Session?: string;
}

/** `address` is HOST:PORT. Consul need not be running yet. Throws `invalid` for a wrong address. */
export async function openConsul(address: string, { log, cluster, ...access }: ConsulDeps): Promise<StateStore> {
  const http = createConsulHttp(address, access);
  const closing = new AbortController();
  // One listener for each call under way.
  setMaxListeners(0, closing.signal);
  const held = new Set<Lock>();
  const within = (signal: AbortSignal | undefined) => (signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]));
  const call = (request: Call) => http.call({ ...request, signal: within(request.signal) });

  async function pair(key: string, signal?: AbortSignal): Promise<Pair | undefined> {
    return pairs(await call({ method: 'GET', path: keyPath(key), query: { consistent: '' }, also: [404], signal }))[0];
  }
  /** Yields the answer now and after every change, until the signal aborts; outages of Consul are waited for. */
  async function* blocking(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): AsyncGenerator<readonly Pair[]> {
    const ended = within(signal);
    let after = 0;
    let last: string | undefined;
    const pause = growingPause(FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
    while (!ended.aborted) {
      try {
        const answer = await http.call({ method: 'GET', path, query, also: [404], after, signal: ended });
        const found = pairs(answer);
        const mark = found.map((each) => `${each.Key}\0${each.ModifyIndex}\0${each.Session ?? ''}`).join('\0');
        // An index that goes backwards (a restored snapshot, a new cluster) means nothing here: begin again.
        after = answer.index < after ? 0 : Math.max(answer.index, 1);
        pause.reset();
        if (mark === last) continue;
        last = mark;
        yield found;
      } catch (err) {
        if (ended.aborted) return;
        log.debug({ err, path }, 'watch interrupted');
        after = 0;
        await sleep(pause.next(), undefined, { signal: ended }).catch(() => undefined);
      }
    }
  }
  async function awaitHolder(key: string, until: (session: string | undefined) => boolean, signal: AbortSignal): Promise<void> {
    for await (const [found] of blocking(keyPath(key), {}, signal)) if (until(found?.Session)) return;
    within(signal).throwIfAborted();
  }

  const store: StateStore = {
    kind: 'consul',
    async get(key, signal) {
      const found = await pair(key, signal);
      return found === undefined ? undefined : toEntry(found);
    },
    async list(prefix, signal) {
      return pairs(await call({ method: 'GET', path: keyPath(prefix), query: { recurse: '', consistent: '' }, also: [404], signal })).map(
        toEntry,
      );
    },
    // The first names below the prefix are the answer, and its index is that of the last change of all below it (Consul HTTP API, /v1/kv, blocking queries).
    async changeIndex(prefix, signal, after) {
      const query = { keys: '', separator: '/', consistent: '' };
      const blocking = after === undefined ? {} : { after: Math.max(after, 1) };
      return (await call({ method: 'GET', path: keyPath(prefix), query, also: [404], signal, ...blocking })).index;
    },
    async indexes(prefix, signal) {
      const answer = await call({ method: 'GET', path: keyPath(prefix), query: { recurse: '', consistent: '' }, also: [404], signal });
      return new Map(pairs(answer).map(({ Key, ModifyIndex }) => [Key, ModifyIndex] as const));
    },
    async transact(operations, fence, signal) {
      const encoded = encodeAll(operations, fence !== undefined);
      if (encoded.length === 0 && fence === undefined) return { kind: 'committed', indexes: new Map() };
      const body = [...(fence === undefined ? [] : [fenceVerb(fence)]), ...encoded.map(toVerb)];
      const answer = await call({ method: 'PUT', path: '/txn', body, also: [409], signal });
      return answer.status === 409 ? refused(answer, fence) : committed(answer, operations);
    },
    async *watch(prefix, signal) {
      for await (const found of blocking(keyPath(prefix), { recurse: '' }, signal)) yield found.map(toEntry);
    },
    async lock(key, value, { ttlMs, name }, signal) {
      const lock = await acquireLock({ http, log, awaitHolder }, { key, value, ttlMs, name }, within(signal));
      held.add(lock);
      lock.lost.addEventListener('abort', () => held.delete(lock), { once: true });
      return lock;
    },
    async holder(key, signal) {
      return toHolder(await pair(key, signal));
    },
    async *watchHolder(key, signal) {
      for await (const [found] of blocking(keyPath(key), {}, signal)) yield toHolder(found);
    },
    async evict(_key, session) {
      await destroySession(http, session);
    },
    trouble: () => http.trouble(),
    answerMs: () => http.answerMs(),
    async [Symbol.asyncDispose]() {
      await Promise.all(Array.from(held, (lock) => lock.release()));
      closing.abort(new ArpanetError('unavailable', `the connection to Consul at ${address} is closed`));
      http.close();
    },
  };
  return withLargeRecords(withSealedRecords(store, cluster));
}

function pairs({ status, body }: Answer): readonly Pair[] {
  return status === 404 || !Array.isArray(body) ? [] : (body as readonly Pair[]);
}

function toEntry({ Key, Value, ModifyIndex }: Pair): Entry {
  return entryOf(Key, Buffer.from(Value ?? '', 'base64').toString(), ModifyIndex);
}

function toHolder(pair: Pair | undefined): Holder | undefined {
  return pair?.Session === undefined ? undefined : { session: pair.Session, value: toEntry(pair).value };
}

const fenceVerb = ({ key, session }: Fence) => ({ KV: { Verb: 'check-session', Key: key, Session: session } });

function toVerb({ operation, json }: EncodedOperation) {
  const { op, key } = operation;
  switch (op) {
    case 'set':
      return { KV: { Verb: op, Key: key, Value: Buffer.from(json).toString('base64') } };
    case 'cas':
      return { KV: { Verb: op, Key: key, Value: Buffer.from(json).toString('base64'), Index: operation.modifyIndex } };
    case 'delete':
      return { KV: { Verb: op, Key: key } };
    case 'delete-cas':
      return { KV: { Verb: op, Key: key, Index: operation.modifyIndex } };
    default:
      return operation.modifyIndex === 0
        ? { KV: { Verb: 'check-not-exists', Key: key } }
        : { KV: { Verb: 'check-index', Key: key, Index: operation.modifyIndex } };
  }
}

/** Consul leaves deletions out of its results, and keeps the index of a key set to what it was. */
function committed({ body }: Answer, operations: readonly Operation[]): TransactionResult {
  const { Results } = body as { readonly Results: readonly { readonly KV: Pair }[] | null };
  const found = new Map(Results?.map(({ KV }) => [KV.Key, KV.ModifyIndex]));
  const indexes = new Map<string, number>();
  for (const { op, key } of operations) {
    if (op === 'delete' || op === 'delete-cas') indexes.set(key, 0);
    else if (op !== 'check') indexes.set(key, found.get(key) ?? 0);
  }
  return { kind: 'committed', indexes };
}

function refused({ body }: Answer, fence: Fence | undefined): TransactionResult {
  const { Errors } = body as { readonly Errors: readonly { readonly OpIndex: number }[] };
  const first = fence === undefined ? 0 : 1;
  const failed = [...new Set(Errors.map(({ OpIndex }) => OpIndex - first))];
  if (failed.includes(-1)) throw new ArpanetError('not-leader', `the lock ${fence?.key ?? ''} is no longer held`);
  return { kind: 'conflict', failed };
}
