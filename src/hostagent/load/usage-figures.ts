/** A container's use of cores and memory, from two of the Engine's `stats`. Pure. */
import type { ContainerUsage } from '../../model/facts.ts';

/** The fields read from `GET /containers/{id}/stats` (Engine API 1.41); for a container that has just ended some are absent. */
export interface Stats {
  readonly read?: string;
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: {
    readonly usage?: number;
    /** cgroup v2, and v1. */
    readonly stats?: { readonly inactive_file?: number; readonly total_inactive_file?: number };
  };
}

export interface Sample {
  readonly atMs: number;
  readonly busyMs: number;
  readonly memoryBytes: number;
}

/** Memory as `docker stats` shows it: without the page cache that the kernel can reclaim (docker/cli stats_helpers.go). */
export function sampleOf(stats: Stats): Sample {
  const { usage = 0, stats: more } = stats.memory_stats ?? {};
  const cache = more?.total_inactive_file ?? more?.inactive_file ?? 0;
  return {
    atMs: Date.parse(stats.read ?? '') || 0,
    busyMs: (stats.cpu_stats?.cpu_usage?.total_usage ?? 0) / 1e6,
    memoryBytes: cache < usage ? usage - cache : usage,
  };
}

export function usageBetween(id: string, before: Sample, after: Sample): ContainerUsage {
  const ms = after.atMs - before.atMs;
  const cores = ms > 0 ? Math.max(0, after.busyMs - before.busyMs) / ms : 0;
  return { id, cores: Math.round(cores * 1000) / 1000, memoryBytes: after.memoryBytes };
}
