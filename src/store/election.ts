/**
 * Leader election over a store's lock. Effects: the store, timers, and what the callbacks do.
 *
 * A term begins by raising the epoch under the new lock's fence, so that no two terms share one. A leader whose address refuses connections
 * has died: its followers end its session, and need not wait for it to expire. If that was wrong, the fence makes it harmless.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind, keys, type LeaderRecord } from '../model/index.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Fence, Holder, Lock, StateStore } from './contract.ts';

export interface CampaignDeps {
  readonly store: StateStore;
  readonly log: Logger;
  /** `http://ADDR:PORT` at which the others reach us. Unique; already listened to. */
  readonly url: string;
  readonly name: string;
  readonly ttlMs: number;
  /** An epoch that some host has seen: the next one is higher, whatever the store says (it may have been restored from an old backup). */
  readonly seenEpoch?: () => number;
  /** `refused`: nothing listens there. `unknown`: no answer in time, no route… */
  readonly probe: (url: string) => Promise<'alive' | 'refused' | 'unknown'>;
}

export interface Term {
  readonly epoch: number;
  readonly fence: Fence;
  /** Aborts when the lead is lost, or the campaign ends. */
  readonly lost: AbortSignal;
}

const PROBE_MS = 500;
/** Refusals in a row that prove a death. */
const PROOF = 2;
const RETRY_MS = 500;

/**
 * Stands for election until the signal aborts. `onLead` is awaited: it returns when `term.lost` aborts (sooner: it resigns). `onFollow` hears of
 * every other leader, and of there being none.
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
    stand(deps, ended, onLead),
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

/** Wait for the lock, lead, and again. */
async function stand(
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
      log.info({ epoch }, 'elected');
      await onLead({ epoch, fence: lock.fence, lost });
    } catch (err) {
      if (!signal.aborted) log.warn({ err }, 'term failed');
    }
    await lock?.release();
    // Others come first.
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** A lock held in our name when we do not hold it is that of an earlier life of ours. */
async function evictFormerSelf(store: StateStore, { url, name }: LeaderRecord): Promise<void> {
  const holder = await store.holder(keys.leader);
  const record = holder?.value as LeaderRecord | undefined;
  if (holder !== undefined && record?.url === url && record.name === name) await store.evict(keys.leader, holder.session);
}

/** Also says at the lock's key who leads: until then the record there has epoch 0. */
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

/** Tells of every leader but ourselves. */
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
    if (refusals < PROOF) continue;
    refusals = 0;
    log.warn({ url }, 'leader is dead: its session ends');
    await store.evict(keys.leader, holder.session).catch((err: unknown) => log.warn({ err }, 'session not ended'));
  }
}

/** One that has not raised its epoch yet does not lead yet. */
function leaderOf(holder: Holder | undefined): LeaderRecord | undefined {
  const record = holder?.value as LeaderRecord | undefined;
  return record === undefined || record.epoch === 0 ? undefined : record;
}
