/** Effects: writes all records of a cluster into a store without a leader, for `arpanet restore` and `arpanet recover`. */
import { ArpanetError, keys, type LeaderRecord } from '../model/index.ts';
import type { Operation, StateStore } from './contract.ts';
import { encode, MAX_OPERATIONS } from './limits.ts';

export type StoredRecord = readonly [key: string, value: unknown];

/** Keys that a new cluster writes at once; a store with only these counts as empty. */
const KEYS_OF_EMPTY = [
  keys.leader,
  keys.barrier,
  keys.epoch,
  keys.incomplete,
  keys.schema,
  keys.joinToken,
  keys.clusterId,
  keys.labelKey,
  keys.ca,
  keys.hosts,
];
const TTL_MS = 15_000;
const LOCK_TIMEOUT_MS = 40_000;
const BATCH_BYTES = 400 * 1024;

/**
 * Replaces everything in the store, holding the leader's lock meanwhile. If interrupted it leaves a mark, and no scheduler leads until it has been
 * run again. `who` names the command in the lock. Throws `conflict` if a scheduler leads, or, without `force`, if the store is not empty;
 * `unavailable`.
 */
export async function restoreStore(store: StateStore, records: readonly StoredRecord[], who: string, force: boolean): Promise<void> {
  const holder = await store.holder(keys.leader);
  if (holder !== undefined) throw leads((holder.value as Partial<LeaderRecord> | undefined)?.name);
  const patience = AbortSignal.timeout(LOCK_TIMEOUT_MS);
  const lock = await store
    .lock(keys.leader, { url: '', name: who, epoch: 0 }, { ttlMs: TTL_MS, name: who }, patience)
    .catch((cause: unknown) => {
      throw patience.aborted ? leads(undefined) : cause;
    });
  try {
    const found = (await store.list(keys.root)).filter(({ key }) => key !== keys.leader);
    const isIncomplete = found.some(({ key }) => key === keys.incomplete);
    const held = found.filter(({ key }) => !KEYS_OF_EMPTY.some((prefix) => key.startsWith(prefix)));
    if (held.length > 0 && !force && !isIncomplete) {
      throw new ArpanetError(
        'conflict',
        `the store holds ${held.length} records of a cluster: use --force to replace them; they will be lost`,
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
    `${name ?? 'a scheduler'} is the leader on this store: stop all schedulers first (for example: systemctl stop arpanet-scheduler)`,
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
