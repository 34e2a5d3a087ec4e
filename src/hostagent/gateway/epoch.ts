/** Effects: the highest epoch this host has seen, on disk: a leader that lost its lock long ago cannot touch the Engine, even after a reboot. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../telemetry/log.ts';

export interface EpochGuard {
  current(): number;
  /** The cluster that greeted us last; empty: none yet. */
  cluster(): string;
  /** False for an epoch lower than one seen before. A higher one is on disk when this returns, if the disk takes it, and then told to `onRaise`. */
  admit(epoch: number): boolean;
  /** The cluster that greeted us. Another cluster than last time counts its epochs anew. */
  belongTo(clusterId: string): void;
  /** Called with each new epoch; streams and tunnels of lower ones must go. */
  onRaise(listener: (epoch: number) => void): void;
}

/** Reads `DIR/epoch`; none there means epoch 0. */
export function openEpoch(dataDir: string, log: Logger): EpochGuard {
  const file = join(dataDir, 'epoch');
  const listeners: ((epoch: number) => void)[] = [];
  let { epoch, clusterId } = read(file);
  let isSaved = true;
  /** On a full disk it is kept in memory, and written with the next one that comes: an agent that died of it would only lose that too. */
  const save = (): void => {
    try {
      writeDurably(file, JSON.stringify({ epoch, clusterId }));
      isSaved = true;
    } catch (err) {
      isSaved = false;
      log.error({ file, epoch, err }, 'cannot write the epoch: it is kept in memory only; is the disk full?');
    }
  };
  return {
    current: () => epoch,
    cluster: () => clusterId,
    admit(offered) {
      if (!Number.isSafeInteger(offered) || offered < epoch) return false;
      if (offered > epoch) {
        epoch = offered;
        save();
        for (const listener of listeners) listener(epoch);
      } else if (!isSaved) save();
      return true;
    },
    belongTo(id) {
      if (id === clusterId) return;
      if (clusterId !== '') epoch = 0;
      clusterId = id;
      save();
    },
    onRaise: (listener) => void listeners.push(listener),
  };
}

function read(file: string): { epoch: number; clusterId: string } {
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { epoch?: number; clusterId?: string };
    return { epoch: kept.epoch ?? 0, clusterId: kept.clusterId ?? '' };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { epoch: 0, clusterId: '' };
    throw error;
  }
}

/** Whole or not at all, and on the disk when it returns. */
function writeDurably(file: string, text: string): void {
  const fd = openSync(`${file}.new`, 'w', 0o600);
  writeSync(fd, text);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${file}.new`, file);
}
