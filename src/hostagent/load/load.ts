/** Effects: samples this machine's load each second, from /proc. */
import { readFileSync } from 'node:fs';
import type { Load, LoadHour } from '../../model/facts.ts';
import { guarded } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import { linkSpeeds } from './links.ts';
import { busiestLink, busyShare, cpuTicks, hourWith, linkBytes, memory, smooth } from './load-figures.ts';

const SAMPLE_MS = 1_000;
/** Time constant of the mean: placement must see the load of the last seconds, not of one moment. */
const TAU_MS = 5_000;
/** So many samples. */
const MINUTE = 60;
/** Links come and go seldom. */
const LINKS_EVERY = 60;

export interface LoadMeter extends Disposable {
  readonly read: () => Load;
  /** Another object once a minute. */
  readonly lastHour: () => LoadHour;
}

/** Runs until disposed. */
export function startLoadMeter(log: Logger): LoadMeter {
  let ticks = cpuTicks(readFileSync('/proc/stat', 'utf8'));
  let cpu = 0;
  let lastHour: LoadHour = { cpu: [], memory: [] };
  let minute = { busy: 0, samples: 0 };
  const sampleCpu = (): void => {
    const now = cpuTicks(readFileSync('/proc/stat', 'utf8'));
    const busy = busyShare(ticks, now);
    cpu = smooth(cpu, busy, SAMPLE_MS, TAU_MS);
    ticks = now;
    minute = { busy: minute.busy + busy, samples: minute.samples + 1 };
    if (minute.samples < MINUTE) return;
    const { totalBytes, usedBytes } = memory(readFileSync('/proc/meminfo', 'utf8'));
    lastHour = hourWith(lastHour, minute.busy / minute.samples, usedBytes / totalBytes);
    minute = { busy: 0, samples: 0 };
  };
  let speeds = linkSpeeds();
  let network = 0;
  let bytes = linkBytes(readFileSync('/proc/net/dev', 'utf8'));
  let atMs = performance.now();
  let turn = 0;
  const sampleLinks = (): void => {
    if (++turn % LINKS_EVERY === 0) speeds = linkSpeeds();
    const now = linkBytes(readFileSync('/proc/net/dev', 'utf8'));
    const nowMs = performance.now();
    network = smooth(network, busiestLink(bytes, now, nowMs - atMs, speeds), nowMs - atMs, TAU_MS);
    [bytes, atMs] = [now, nowMs];
  };
  const timers = [
    setInterval(guarded(log, 'a reading of the load', sampleCpu), SAMPLE_MS),
    setInterval(guarded(log, 'a reading of the links', sampleLinks), SAMPLE_MS),
  ];
  return {
    read() {
      const { totalBytes, usedBytes } = memory(readFileSync('/proc/meminfo', 'utf8'));
      return { cpu, memoryUsedBytes: usedBytes, memoryTotalBytes: totalBytes, network };
    },
    lastHour: () => lastHour,
    [Symbol.dispose]() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}
