/** Hosts and their busiest containers at one moment, as data. Pure. */
import type { ContainerUsage } from '../../model/index.ts';
import { type HostReport, hostReports, type Observed } from './report.ts';

/** The answer of `GET /arpanet/v1/top`. Sizes in bytes; `cores` is the CPU time used per second, 1 for a busy core. */
export interface TopReport {
  readonly atMs: number;
  readonly hosts: readonly HostReport[];
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

export function topReport(observed: Observed, usage: readonly ContainerUsage[], nowMs: number): TopReport {
  const known = new Map(observed.containers.map((container) => [container.id, container]));
  return {
    atMs: nowMs,
    hosts: hostReports(observed),
    containers: usage
      .flatMap(({ id, cores, memoryBytes }) => {
        const container = known.get(id);
        if (container === undefined) return [];
        const image = container.record?.request.Image ?? container.facts.summary.Image;
        return [{ name: container.name, id, host: container.host, image, cores, memoryBytes }];
      })
      .toSorted((a, b) => b.cores - a.cores || b.memoryBytes - a.memoryBytes || (a.name < b.name ? -1 : 1)),
  };
}
