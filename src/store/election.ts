/**
 * Effects: leader election with a lock of the state store (the store, timers, the callbacks).
 *
 * A term begins by raising the epoch under the new lock's fence, so that no two terms have the same. A leader whose address refuses connections
 * is dead: its followers end its session instead of waiting until it expires. If it is not dead, the fence refuses its writes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind, keys, type LeaderRecord } from '../model/index.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Fence, Holder, Lock, StateStore } from './contract.ts';

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
}

/** One leadership: its epoch, its fence, and the signal that fires when it is lost. */
export interface Term {
  readonly epoch: number;
  readonly fence: Fence;
  /** Aborts when the leadership is lost, or the campaign ends. */
  readonly lost: AbortSignal;
}

const PROBE_MS = 500;
/** Refused connections in a row after which a leader counts as dead. */
const REFUSALS_OF_DEAD = 2;
const RETRY_MS = 500;

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
  const ended = AbortSignal.any([signal, broken.signal]);
  let other: Holder | undefined;
  const loops = [
    holdLock(deps, ended, onLead),
    follow(deps, ended, (holder) => {
      other = holder;
      onFollow(leaderOf(holder));
    }),
    probeLeader(deps, () => other, ended),
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
  signal: AbortSignal,
  onLead: (term: Term) => Promise<void>,
): Promise<void> {
  const candidate: LeaderRecord = { url, name, epoch: 0 };
  while (!signal.aborted) {
    let lock: Lock | undefined;
    try {
      await evictFormerSelf(store, candidate);
      lock = await store.lock(keys.leader, candidate, { ttlMs, name }, signal);
      const lost = AbortSignal.any([lock.lost, signal]);
      const epoch = await raiseEpoch(store, lock.fence, candidate, seenEpoch(), lost);
      log.info({ epoch }, 'elected leader');
      await onLead({ epoch, fence: lock.fence, lost });
    } catch (err) {
      if (!signal.aborted) log.warn({ err }, 'cannot lead');
    }
    await lock?.release();
    // Others get the lock first.
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** A lock held under this scheduler's own name and URL belongs to an earlier run of it. */
async function evictFormerSelf(store: StateStore, { url, name }: LeaderRecord): Promise<void> {
  const holder = await store.holder(keys.leader);
  const record = holder?.value as LeaderRecord | undefined;
  if (holder !== undefined && record?.url === url && record.name === name) await store.evict(keys.leader, holder.session);
}

/** Writes the epoch, and the leader's record at the lock's key, which has epoch 0 until then. */
async function raiseEpoch(store: StateStore, fence: Fence, candidate: LeaderRecord, seen: number, lost: AbortSignal): Promise<number> {
  for (;;) {
    lost.throwIfAborted();
    try {
      const entry = await store.get(keys.epoch, lost);
      const epoch = Math.max(Number(entry?.value ?? 0), seen) + 1;
      const result = await store.transact(
        [
          { op: 'cas', key: keys.epoch, value: epoch, modifyIndex: entry?.modifyIndex ?? 0 },
          { op: 'set', key: keys.leader, value: { ...candidate, epoch } },
        ],
        fence,
        lost,
      );
      if (result.kind === 'committed') return epoch;
    } catch (err) {
      if (!isKind(err, 'unavailable')) throw err;
      await sleep(RETRY_MS, undefined, { signal: lost });
    }
  }
}

/** Reports every leader except this scheduler. */
async function follow(
  { store, url, name }: CampaignDeps,
  signal: AbortSignal,
  onHolder: (holder: Holder | undefined) => void,
): Promise<void> {
  for await (const holder of store.watchHolder(keys.leader, signal)) {
    const record = holder?.value as LeaderRecord | undefined;
    const isOurs = record?.url === url && record.name === name;
    onHolder(isOurs ? undefined : holder);
  }
}

async function probeLeader({ store, log, probe }: CampaignDeps, other: () => Holder | undefined, signal: AbortSignal): Promise<void> {
  let suspect: string | undefined;
  let refusals = 0;
  while (!signal.aborted) {
    await sleep(PROBE_MS, undefined, { signal }).catch(() => undefined);
    const holder = other();
    if (holder === undefined || signal.aborted) continue;
    if (holder.session !== suspect) refusals = 0;
    suspect = holder.session;
    const { url } = holder.value as LeaderRecord;
    refusals = (await probe(url).catch(() => 'unknown')) === 'refused' ? refusals + 1 : 0;
    if (refusals < REFUSALS_OF_DEAD) continue;
    refusals = 0;
    log.warn({ url }, 'the leader is dead; ending its session');
    await store.evict(keys.leader, holder.session).catch((err: unknown) => log.warn({ err }, 'cannot end the session of the dead leader'));
  }
}

/** A leader that has not raised its epoch yet does not count yet. */
function leaderOf(holder: Holder | undefined): LeaderRecord | undefined {
  const record = holder?.value as LeaderRecord | undefined;
  return record === undefined || record.epoch === 0 ? undefined : record;
}
