/** Puts all of a cluster's records into a store that nobody leads on: for restores and recoveries. Effects: the store. */
import { ArpanetError, keys, type LeaderRecord } from '../model/index.ts';
import type { Operation, StateStore } from './contract.ts';
import { encode, MAX_OPERATIONS } from './limits.ts';

export type StoredRecord = readonly [key: string, value: unknown];

/** What a cluster that has just begun may have written already; it counts as empty. */
const BEGINNINGS = [keys.leader, keys.barrier, keys.epoch, keys.incomplete, keys.joinToken, keys.clusterId, keys.hosts];
const TTL_MS = 15_000;
const PATIENCE_MS = 40_000;
const BATCH_BYTES = 400 * 1024;

/**
 * Replaces all that the store holds, as the leader for so long. Interrupted, it leaves a mark, and no scheduler leads on the store until it has
 * been run again. Throws `conflict` when a scheduler leads, or, without `force`, when the store is not empty.
 */
export async function restoreStore(store: StateStore, records: readonly StoredRecord[], who: string, force: boolean): Promise<void> {
  const holder = await store.holder(keys.leader);
  if (holder !== undefined) throw leads((holder.value as Partial<LeaderRecord> | undefined)?.name);
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const lock = await store
    .lock(keys.leader, { url: '', name: who, epoch: 0 }, { ttlMs: TTL_MS, name: who }, patience)
    .catch((cause: unknown) => {
      throw patience.aborted ? leads(undefined) : cause;
    });
  try {
    const found = (await store.list(keys.root)).filter(({ key }) => key !== keys.leader);
    const isIncomplete = found.some(({ key }) => key === keys.incomplete);
    const held = found.filter(({ key }) => !BEGINNINGS.some((prefix) => key.startsWith(prefix)));
    if (held.length > 0 && !force && !isIncomplete) {
      throw new ArpanetError(
        'conflict',
        `the store holds ${held.length} records of a cluster already: --force replaces them, and they are lost`,
      );
    }
    const wanted = new Map(records);
    const stale = found.filter(({ key }) => !wanted.has(key) && key !== keys.incomplete);
    const operations: readonly Operation[] = [
      { op: 'set', key: keys.incomplete, value: who },
      ...stale.map(({ key }): Operation => ({ op: 'delete', key })),
      ...records.map(([key, value]): Operation => ({ op: 'set', key, value })),
      { op: 'delete', key: keys.incomplete },
    ];
    for (const batch of inBatches(operations)) await store.transact(batch, lock.fence);
  } finally {
    await lock.release();
  }
}

function leads(name: string | undefined): ArpanetError {
  return new ArpanetError(
    'conflict',
    `${name ?? 'a scheduler'} leads on this store: stop all schedulers first (systemctl stop arpanet-scheduler, say)`,
  );
}

function* inBatches(operations: readonly Operation[]): Generator<readonly Operation[]> {
  let batch: Operation[] = [];
  let bytes = 0;
  for (const operation of operations) {
    const more = encode(operation).bytes;
    if (batch.length === MAX_OPERATIONS - 1 || (batch.length > 0 && bytes + more > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(operation);
    bytes += more;
  }
  yield batch;
}
