/** Effects: keeps on disk the highest epoch that this host has seen. A leader that lost its lock is refused, also after a reboot of this host. */
import { join } from 'node:path';
import { writeDurablySync } from '../../files/durable-file.ts';
import { agentFiles, MAX_EPOCH, MAX_EPOCH_STEP } from '../../schemas/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { readJsonFile } from '../json-file.ts';

export interface EpochGuard {
  readonly current: () => number;
  /** Id of the cluster that this host joined last; empty: none yet. */
  cluster(): string;
  /**
   * False for an epoch lower than one seen before. A higher one is on disk when this returns, unless the disk refuses it, and the listeners of
   * `onRaise` have run. `leaderUrl`: where the leader that offers it listens, if it says so.
   */
  admit(epoch: number, leaderUrl?: string): boolean;
  /** The cluster that welcomed this host. A cluster other than the last one counts its own epochs, from 0. */
  belongTo(clusterId: string): void;
  /** Called with each new epoch; streams and tunnels of lower ones must be closed. */
  onRaise(listener: RaiseListener): void;
}

type RaiseListener = (epoch: number, leaderUrl: string | undefined) => void;

const FILE_KIND = {
  schema: agentFiles.epoch,
  loss: 'this host accepts any leader until one is connected, also one that has lost its lock without noticing',
};

/** Reads `DIR/epoch`; without a file the epoch is 0. */
export function openEpoch(dataDir: string, log: Logger): EpochGuard {
  const file = join(dataDir, 'epoch');
  const listeners: RaiseListener[] = [];
  const saved = readJsonFile(file, FILE_KIND, log);
  let epoch = saved?.epoch ?? 0;
  let clusterId = saved?.clusterId ?? '';
  let isSaved = true;
  /** On a full disk the epoch is kept in memory and written when the next one comes: an agent that ended here would protect nothing. */
  const save = (): void => {
    try {
      writeDurablySync(file, JSON.stringify({ epoch, clusterId }));
      isSaved = true;
    } catch (err) {
      isSaved = false;
      log.error({ file, epoch, err }, 'cannot write the epoch; it is kept in memory until the next one is written. Is the disk full?');
    }
  };
  return {
    current: () => epoch,
    cluster: () => clusterId,
    admit(offered, leaderUrl) {
      if (!Number.isSafeInteger(offered) || offered < epoch) return false;
      // A leader of a new cluster may be at any epoch; from then on epochs rise by elections, and a jump would lock out every later leader.
      if (offered > MAX_EPOCH || (epoch > 0 && offered > epoch + MAX_EPOCH_STEP)) {
        log.error({ offered, epoch }, 'refused an epoch that no election can have reached');
        return false;
      }
      if (offered > epoch) {
        epoch = offered;
        save();
        for (const listener of listeners) listener(epoch, leaderUrl);
      } else if (!isSaved) save();
      return true;
    },
    belongTo(id) {
      if (id === clusterId) return;
      if (clusterId !== '') epoch = 0;
      clusterId = id;
      save();
    },
    onRaise(listener) {
      listeners.push(listener);
    },
  };
}
