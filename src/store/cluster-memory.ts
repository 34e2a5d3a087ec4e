/**
 * Effects: remembers, for as long as this process runs, which cluster the state store holds. A scheduler that has seen one must not lead on a
 * store that was emptied, or that holds another: it would found a new cluster, which all hosts refuse. Where the id alone is lost, it is written
 * back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArpanetError, keys } from '../model/index.ts';
import { accepts, identityText } from '../schemas/index.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Entry, Fence, StateStore } from './contract.ts';
import { lasting } from './lasting.ts';

/** Until the cluster is known; afterwards nothing is read. */
const LOOK_MS = 500;

export interface ClusterMemory {
  /** Reads the id of the cluster until it is known or the signal aborts. Never rejects. */
  watch(signal: AbortSignal): Promise<void>;
  /** For one who holds the lock. Throws `unavailable` if the store holds no cluster, or another than before. */
  refuseOther(fence: Fence, signal: AbortSignal): Promise<void>;
}

/** Undefined: there is none, or it cannot be read. */
const idIn = (entry: Entry | undefined): string | undefined => (accepts(identityText, entry?.value) ? entry?.value : undefined);

export function createClusterMemory(store: StateStore, log: Logger): ClusterMemory {
  let known: string | undefined;

  /** Where hosts are recorded, the rest of the cluster exists: only its id was deleted or damaged. */
  const isWrittenBack = async (id: string, damaged: Entry | undefined, fence: Fence, signal: AbortSignal): Promise<boolean> => {
    if ((await lasting(() => store.list(keys.hosts, signal), signal)).length === 0) return false;
    const write = { op: 'cas', key: keys.clusterId, value: id, modifyIndex: damaged?.modifyIndex ?? 0 } as const;
    const { kind } = await lasting(() => store.transact([write], fence, signal), signal);
    if (kind === 'committed')
      log.error({ key: keys.clusterId }, 'the id of the cluster was deleted or damaged in the state store: it is written back');
    return kind === 'committed';
  };

  return {
    async watch(signal) {
      while (known === undefined && !signal.aborted) {
        known = idIn(await store.get(keys.clusterId, signal).catch(() => undefined));
        if (known === undefined) await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
      }
    },
    async refuseOther(fence, signal) {
      if (known === undefined) return;
      const entry = await lasting(() => store.get(keys.clusterId, signal), signal);
      const found = idIn(entry);
      if (found === known || (found === undefined && (await isWrittenBack(known, entry, fence, signal)))) return;
      const what =
        found === undefined ? 'was emptied, or its key arpanet/config/cluster-id was' : `now holds cluster ${found.slice(0, 12)}`;
      throw new ArpanetError(
        'unavailable',
        `the state store held cluster ${known.slice(0, 12)} and ${what}; this scheduler does not lead until the cluster is back: stop all schedulers and run "arpanet restore" with a backup, or "arpanet recover"`,
      );
    },
  };
}
