/** CPU and memory figures out of /proc. Pure. */
import type { LoadHour } from '../../model/facts.ts';

export interface CpuTicks {
  readonly busy: number;
  readonly total: number;
}

/** The `cpu` line of /proc/stat: user nice system idle iowait irq softirq steal (guest ticks are within user). See proc(5). */
export function cpuTicks(stat: string): CpuTicks {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '')
    .split(/ +/)
    .map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, total: busy + idle + iowait };
}

/** Busy share between two readings, 0 to 1. */
export function busyShare(before: CpuTicks, after: CpuTicks): number {
  const total = after.total - before.total;
  return total <= 0 ? 0 : Math.min(1, Math.max(0, (after.busy - before.busy) / total));
}

/** Exponential mean: after `tauMs` the old value weighs 1/e. */
export function smooth(old: number, fresh: number, elapsedMs: number, tauMs: number): number {
  return fresh + (old - fresh) * Math.exp(-elapsedMs / tauMs);
}

/** Total and used bytes of /proc/meminfo; used is what is not available to new programs. */
export function memory(meminfo: string): { readonly totalBytes: number; readonly usedBytes: number } {
  const bytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
  return { totalBytes: bytes('MemTotal'), usedBytes: bytes('MemTotal') - bytes('MemAvailable') };
}

export interface LinkBytes {
  readonly received: number;
  readonly sent: number;
}

/** By interface what /proc/net/dev counts: `eth0: bytes packets … (eight columns), then as many of what was sent`. See proc(5). */
export function linkBytes(netDev: string): ReadonlyMap<string, LinkBytes> {
  const rows = netDev.split('\n').flatMap((line) => {
    const [, name, columns = ''] = /^\s*([^\s:]+):\s*(.*)$/.exec(line) ?? [];
    const [received = NaN, , , , , , , , sent = NaN] = columns.split(/\s+/).map(Number);
    return name === undefined || Number.isNaN(received) || Number.isNaN(sent) ? [] : [[name, { received, sent }] as const];
  });
  return new Map(rows);
}

/** Busy share of the busiest link between two readings, in its busier direction, 0 to 1. `speeds`: bytes per second by interface. */
export function busiestLink(
  before: ReadonlyMap<string, LinkBytes>,
  after: ReadonlyMap<string, LinkBytes>,
  elapsedMs: number,
  speeds: ReadonlyMap<string, number>,
): number {
  const shares = [...speeds].map(([name, speed]) => {
    const [old, now] = [before.get(name), after.get(name)];
    if (old === undefined || now === undefined || elapsedMs <= 0) return 0;
    const bytes = Math.max(now.received - old.received, now.sent - old.sent);
    return Math.min(1, Math.max(0, bytes / (elapsedMs / 1000) / speed));
  });
  return Math.max(0, ...shares);
}

const MINUTES = 60;
const percent = (share: number): number => Math.min(100, Math.max(0, Math.round(share * 100)));

/** One more minute; what is older than an hour goes. Shares from 0 to 1. */
export const hourWith = ({ cpu, memory }: LoadHour, cpuShare: number, memoryShare: number): LoadHour => ({
  cpu: [...cpu, percent(cpuShare)].slice(-MINUTES),
  memory: [...memory, percent(memoryShare)].slice(-MINUTES),
});
