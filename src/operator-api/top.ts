/** Hosts and their busiest containers at one moment, as data and as text. Pure. */
import type { ContainerUsage } from '../model/index.ts';
import { type HostReport, hostReports, type Observed } from './reports/report.ts';
import { bytes, hostsLine, percent, reserved, table } from './tables.ts';

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

/** At most `rows` containers. */
export function topText({ atMs, hosts, containers }: TopReport, rows: number): string {
  const at = new Date(atMs).toISOString().replace(/^.*T|\..*$/g, '');
  const hidden = containers.length - rows;
  return [
    `${at} UTC   hosts ${hostsLine(hosts)}; ${containers.length} containers run`,
    '',
    table(
      ['HOST', 'STATE', 'CPU', '', 'MEMORY', 'RESERVED', 'RUNNING'],
      hosts.map((host) => [
        host.name,
        host.availability === 'active' ? host.state : `${host.state}, ${host.availability}`,
        percent(host.cpuLoad).padStart(4),
        bar(host.cpuLoad ?? 0),
        host.memoryUsedBytes === undefined ? '-' : `${bytes(host.memoryUsedBytes)} / ${bytes(host.memoryBytes)}`,
        reserved(host),
        String(host.running),
      ]),
    ),
    '',
    table(
      ['CONTAINER', 'HOST', 'CPU', 'MEMORY', 'IMAGE'],
      containers.slice(0, rows).map((one) => [one.name, one.host, percent(one.cores).padStart(4), bytes(one.memoryBytes), one.image]),
    ),
    ...(hidden > 0 ? [`… ${hidden} more (--rows N)`] : []),
  ].join('\n');
}

const WIDTH = 10;
const bar = (share: number): string => '#'.repeat(Math.round(Math.min(1, share) * WIDTH)).padEnd(WIDTH, '.');
