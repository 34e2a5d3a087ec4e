/** Effects: samples this machine's load each second. A test lab, whose hosts share one machine, gives each a file to say instead. */
import { readFileSync } from 'node:fs';
import type { Load } from '../../model/facts.ts';
import { busyShare, cpuTicks, memory, smooth } from './load-figures.ts';

const TAU_MS = 5_000;

export interface LoadMeter extends Disposable {
  read(): Load;
}

/** `loadFile`: JSON `{cpu?, memoryUsedBytes?}` read at each `read()`, over the measured figures. */
export function startLoadMeter(loadFile?: string, everyMs = 1_000): LoadMeter {
  let ticks = cpuTicks(readFileSync('/proc/stat', 'utf8'));
  let cpu = 0;
  const timer = setInterval(() => {
    const now = cpuTicks(readFileSync('/proc/stat', 'utf8'));
    cpu = smooth(cpu, busyShare(ticks, now), everyMs, TAU_MS);
    ticks = now;
  }, everyMs);
  return {
    read() {
      const { totalBytes, usedBytes } = memory(readFileSync('/proc/meminfo', 'utf8'));
      return { cpu, memoryUsedBytes: usedBytes, memoryTotalBytes: totalBytes, ...said(loadFile) };
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function said(file: string | undefined): Partial<Load> {
  if (file === undefined) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Load>;
  } catch {
    return {}; // not written yet, or half written: the measured figures do
  }
}
