/** CPU and memory figures out of /proc. Pure. */

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
