/**
 * Effects: remembers, for as long as this process runs, which cluster the state store holds. A scheduler that has seen one must not lead on a
 * store that was emptied, or that holds another: it would found a new cluster, which all hosts refuse.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArpanetError, isKind, keys } from '../model/index.ts';
import type { StateStore } from './contract.ts';

/** Until the cluster is known; afterwards nothing is read. */
const LOOK_MS = 500;

export interface ClusterMemory {
  /** Reads the id of the cluster until it is known or the signal aborts. Never rejects. */
  watch(signal: AbortSignal): Promise<void>;
  /** Throws `unavailable` if the store holds no cluster, or another than before. */
  refuseOther(signal: AbortSignal): Promise<void>;
}

export function createClusterMemory(store: StateStore): ClusterMemory {
  let known: string | undefined;

  const read = async (signal: AbortSignal): Promise<string | undefined> => {
    const value = (await store.get(keys.clusterId, signal))?.value;
    return typeof value === 'string' && value !== '' ? value : undefined;
  };

  /** Through outages of the store. */
  const readAgain = async (signal: AbortSignal): Promise<string | undefined> => {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await read(signal);
      } catch (error) {
        if (!isKind(error, 'unavailable')) throw error;
        await sleep(LOOK_MS, undefined, { signal });
      }
    }
  };

  return {
    async watch(signal) {
      while (known === undefined && !signal.aborted) {
        known = await read(signal).catch(() => undefined);
        if (known === undefined) await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
      }
    },
    async refuseOther(signal) {
      if (known === undefined) return;
      const found = await readAgain(signal);
      if (found === known) return;
      const what =
        found === undefined ? 'was emptied, or its key arpanet/config/cluster-id was' : `now holds cluster ${found.slice(0, 12)}`;
      throw new ArpanetError(
        'unavailable',
        `the state store held cluster ${known.slice(0, 12)} and ${what}; this scheduler does not lead until the cluster is back: stop all schedulers and run "arpanet restore" with a backup, or "arpanet recover"`,
      );
    },
  };
}
