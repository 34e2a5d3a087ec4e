/**
 * Effects: leader election with a lock of the state store (the store, timers, the callbacks).
 *
 * A term begins by raising the epoch under the new lock's fence, so that no two terms have the same. A leader whose address refuses connections
 * is dead: its followers end its session instead of waiting until it expires. So they do with one that answers nobody: neither them nor any host. If it is
 * not dead, the fence refuses its writes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { growingPause } from '../async/growing-pause.ts';
import { isKind, keys, type LeaderRecord } from '../model/index.ts';
import { accepts, leaderRecord, storedEpoch as epochSchema } from '../schemas/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { type ClusterMemory, createClusterMemory } from './cluster-memory.ts';
import type { Entry, Fence, Holder, Lock, StateStore } from './contract.ts';
import { lasting } from './lasting.ts';

export interface CampaignDeps {
  readonly store: StateStore;
  readonly log: Logger;
  /** `http://ADDR:PORT` at which the other schedulers reach this one. Unique; already listening. */
  readonly url: string;
  readonly name: string;
  readonly ttlMs: number;
  /** An epoch that a host has seen: the next one is higher, even if the store's is lower (it may have been restored from an old backup). */
  readonly seenEpoch?: () => number;
  /** `refused`: nothing listens there. `unknown`: no answer in time, no route, … */
  readonly probe: (url: string) => Promise<'alive' | 'refused' | 'unknown'>;
  /** What others say of a leader of this epoch that does not answer here. Never rejects. Absent: there are no others. */
  readonly witnesses?: (epoch: number) => Promise<'alive' | 'silent' | 'unknown'>;
}

/** One leadership: its number, its fence, and its end. */
export interface Term {
  readonly epoch: number;
  readonly fence: Fence;
  /** Aborts when the leadership is lost, or the campaign ends. */
  readonly lost: AbortSignal;
}

const PROBE_MS = 500;
/** Once it has refused a connection it is asked again at once. */
const PROBE_AGAIN_MS = 100;
/** A leader that has not answered for as long may be frozen: those who hear from it are asked. */
const SILENT_MS = 2_000;
/** Refused connections in a row after which a leader counts as dead. */
const REFUSALS_OF_DEAD = 2;
const RETRY_MS = 500;
/** The longest pause while the store cannot be used: a store that is back is found within it. */
const MAX_RETRY_MS = 3_000;

/**
 * Takes part in elections until the signal aborts. `onLead` is awaited; it returns when `term.lost` aborts, or earlier to resign. `onFollow` is called
 * with every other leader, and with undefined when there is none. Rejects when one of its loops fails for another reason than the signal.
 */
export async function campaign(
  deps: CampaignDeps,
  signal: AbortSignal,
  onLead: (term: Term) => Promise<void>,
  onFollow: (leader: LeaderRecord | undefined) => void,
): Promise<void> {
  const broken = new AbortController();
  const known = createClusterMemory(deps.store, deps.log);
  const ended = AbortSignal.any([signal, broken.signal]);
  let other: Holder | undefined;
  const loops = [
    holdLock(deps, known, ended, onLead),
    follow(deps, ended, (holder) => {
      other = holder;
      onFollow(leaderOf(holder));
    }),
    probeLeader(deps, () => other, ended),
    known.watch(ended),
  ].map((loop) =>
    loop.catch((err: unknown) => {
      if (signal.aborted) return;
      broken.abort();
      throw err;
    }),
  );
  await Promise.all(loops);
}

/** Waits for the lock and leads, again and again. */
async function holdLock(
  { store, log, url, name, ttlMs, seenEpoch = () => 0 }: CampaignDeps,
  known: ClusterMemory,
  signal: AbortSignal,
  onLead: (term: Term) => Promise<void>,
): Promise<void> {
  const candidate: LeaderRecord = { url, name, epoch: 0 };
  /** The last failure, so that one that lasts is logged once. */
  let lastFailure: string | undefined;
  const pause = growingPause(RETRY_MS, MAX_RETRY_MS);
  while (!signal.aborted) {
    let lock: Lock | undefined;
    try {
      await evictFormerSelf(store, candidate);
      lock = await store.lock(keys.leader, candidate, { ttlMs, name }, signal);
      const lost = AbortSignal.any([lock.lost, signal]);
      const [before] = await Promise.all([lasting(() => store.get(keys.epoch, lost), lost), known.refuseOther(lock.fence, lost)]);
      const epoch = await raiseEpoch({ store, log }, lock.fence, candidate, { seen: seenEpoch(), before }, lost);
      log.info({ epoch }, 'elected leader');
      lastFailure = undefined;
      pause.reset();
      await onLead({ epoch, fence: lock.fence, lost });
    } catch (err) {
      const message = err instanceof Error ? err.message : String(err);
      // What the store says is a reason by itself; anything else has a stack that somebody must read.
      const fields = isKind(err, 'unavailable', 'forbidden', 'invalid') ? {} : { err };
      if (!signal.aborted && message !== lastFailure) log.error(fields, `cannot lead: ${message}; trying again`);
      lastFailure = message;
    }
    await lock?.release();
    // Others get the lock first.
    await sleep(pause.next(), undefined, { signal }).catch(() => undefined);
  }
}

/** A lock held under this scheduler's own name and URL belongs to an earlier run of it. */
async function evictFormerSelf(store: StateStore, { url, name }: LeaderRecord): Promise<void> {
  const holder = await store.holder(keys.leader);
  const record = recordIn(holder);
  if (holder !== undefined && record?.url === url && record.name === name) await store.evict(keys.leader, holder.session);
}

/** Writes the epoch, and the leader's record at the lock's key, which has epoch 0 until then. `before`: the epoch as it was read under the lock. */
async function raiseEpoch(
  { store, log }: Pick<CampaignDeps, 'store' | 'log'>,
  fence: Fence,
  candidate: LeaderRecord,
  { seen, before }: { readonly seen: number; readonly before: Entry | undefined },
  lost: AbortSignal,
): Promise<number> {
  let entry = before;
  let isRead = true;
  const raise = async (): Promise<number | undefined> => {
    if (!isRead) entry = await store.get(keys.epoch, lost);
    isRead = false;
    const epoch = Math.max(storedEpoch(entry, log), seen) + 1;
    const { kind } = await store.transact(
      [
        { op: 'cas', key: keys.epoch, value: epoch, modifyIndex: entry?.modifyIndex ?? 0 },
        { op: 'set', key: keys.leader, value: { ...candidate, epoch } },
      ],
      fence,
      lost,
    );
    return kind === 'committed' ? epoch : undefined;
  };
  for (;;) {
    const epoch = await lasting(raise, lost);
    if (epoch !== undefined) return epoch;
  }
}

/** Reports every leader except this scheduler. */
async function follow(
  { store, url, name }: CampaignDeps,
  signal: AbortSignal,
  onHolder: (holder: Holder | undefined) => void,
): Promise<void> {
  for await (const holder of store.watchHolder(keys.leader, signal)) {
    const record = recordIn(holder);
    const isOurs = record?.url === url && record.name === name;
    onHolder(isOurs ? undefined : holder);
  }
}

async function probeLeader(
  { store, log, probe, witnesses }: CampaignDeps,
  other: () => Holder | undefined,
  signal: AbortSignal,
): Promise<void> {
  let suspect: string | undefined;
  let refusals = 0;
  let silentSinceMs: number | undefined;
  while (!signal.aborted) {
    await sleep(refusals > 0 ? PROBE_AGAIN_MS : PROBE_MS, undefined, { signal }).catch(() => undefined);
    const holder = other();
    if (holder === undefined || signal.aborted) continue;
    if (holder.session !== suspect) {
      refusals = 0;
      silentSinceMs = undefined;
    }
    suspect = holder.session;
    const record = recordIn(holder);
    if (record === undefined) continue;
    const { url, epoch } = record;
    const askedMs = performance.now();
    const found = await probe(url).catch(() => 'unknown');
    refusals = found === 'refused' ? refusals + 1 : 0;
    silentSinceMs = found === 'unknown' ? (silentSinceMs ?? askedMs) : undefined;
    const isLongSilent = silentSinceMs !== undefined && performance.now() - silentSinceMs >= SILENT_MS;
    const isSilentForAll = isLongSilent && epoch > 0 && (await witnesses?.(epoch)) === 'silent';
    if (refusals < REFUSALS_OF_DEAD && !isSilentForAll) continue;
    if (other()?.session !== holder.session) continue;
    refusals = 0;
    silentSinceMs = undefined;
    log.warn({ url }, isSilentForAll ? 'the leader answers nobody any more; ending its session' : 'the leader is dead; ending its session');
    await store.evict(keys.leader, holder.session).catch((err: unknown) => log.warn({ err }, 'cannot end the session of the dead leader'));
  }
}

/** 0 for one that cannot be read: the hosts know the epoch of their last leader, and make this one raise its own above it. */
function storedEpoch(entry: Entry | undefined, log: Logger): number {
  if (entry === undefined) return 0;
  if (accepts(epochSchema, entry.value)) return entry.value;
  const { value, fault } = entry;
  log.error(
    { key: keys.epoch, value, fault },
    `key ${keys.epoch} of the state store is damaged: elections count from 1 until a host reports its epoch`,
  );
  return 0;
}

/** Undefined: there is no holder, or what it wrote cannot be read. */
function recordIn(holder: Holder | undefined): LeaderRecord | undefined {
  return accepts(leaderRecord, holder?.value) ? holder?.value : undefined;
}

/** A leader that has not raised its epoch yet does not count yet. */
function leaderOf(holder: Holder | undefined): LeaderRecord | undefined {
  const record = recordIn(holder);
  return record === undefined || record.epoch === 0 ? undefined : record;
}
