/** Effects: samples this machine's load each second, from /proc. */
import { readFileSync } from 'node:fs';
import type { Load } from '../../model/facts.ts';
import { guarded } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import { busyShare, cpuTicks, memory, smooth } from './load-figures.ts';

const SAMPLE_MS = 1_000;
/** Time constant of the mean: placement must see the load of the last seconds, not of one moment. */
const TAU_MS = 5_000;

export interface LoadMeter extends Disposable {
  readonly read: () => Load;
}

/** Runs until disposed. */
export function startLoadMeter(log: Logger): LoadMeter {
  let ticks = cpuTicks(readFileSync('/proc/stat', 'utf8'));
  let cpu = 0;
  const sample = (): void => {
    const now = cpuTicks(readFileSync('/proc/stat', 'utf8'));
    cpu = smooth(cpu, busyShare(ticks, now), SAMPLE_MS, TAU_MS);
    ticks = now;
  };
  const timer = setInterval(guarded(log, 'a reading of the load', sample), SAMPLE_MS);
  return {
    read() {
      const { totalBytes, usedBytes } = memory(readFileSync('/proc/meminfo', 'utf8'));
      return { cpu, memoryUsedBytes: usedBytes, memoryTotalBytes: totalBytes };
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
