/** Hosts and their busiest containers at one moment, as data. Pure. */
import type { ContainerUsage } from '../../model/index.ts';
import { type HostReport, hostReports, type Observed } from './report.ts';

/** The answer of `GET /arpanet/v1/top`. Sizes in bytes; `cores` is the CPU time used per second, 1 for a busy core. */
export interface TopReport {
  readonly atMs: number;
  readonly hosts: readonly HostReport[];
  /** How many containers run, where some are left out below; absent: an older leader, or none is. */
  readonly running?: number;
  /** Busiest first. */
  readonly containers: readonly {
    readonly name: string;
    readonly id: string;
    readonly host: string;
    readonly image: string;
    readonly cores: number;
    readonly memoryBytes: number;
  }[];
}

/** With at most so many containers, all if that is undefined. */
export function topReport(observed: Observed, usage: readonly ContainerUsage[], nowMs: number, most?: number): TopReport {
  const known = new Map(observed.containers.map((container) => [container.id, container]));
  const containers = usage
    .flatMap(({ id, cores, memoryBytes }) => {
      const container = known.get(id);
      if (container === undefined) return [];
      const image = container.record?.request.Image ?? container.facts.summary.Image;
      return [{ name: container.name, id, host: container.host, image, cores, memoryBytes }];
    })
    .toSorted((a, b) => b.cores - a.cores || b.memoryBytes - a.memoryBytes || (a.name < b.name ? -1 : 1));
  const isCut = most !== undefined && most < containers.length;
  return {
    atMs: nowMs,
    hosts: hostReports(observed),
    ...(isCut && { running: containers.length }),
    containers: isCut ? containers.slice(0, most) : containers,
  };
}
