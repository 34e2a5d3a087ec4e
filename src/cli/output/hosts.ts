/** Hosts as text for a terminal: the table of `arpanet hosts`, and the summary line of `status` and `top`. Pure. */
import type { HostReport } from '../../operator-api/index.ts';
import { percent, reserved, table } from './table.ts';
import { formatBytes } from '../../text/size.ts';

export function hostsTable(hosts: readonly HostReport[], width?: number): string {
  return table(
    ['HOST', 'ADDRESS', 'STATE', 'AVAILABILITY', 'ENGINE', 'CPUS', 'CPU', 'MEMORY', 'RESERVED', 'RUNNING', 'CONTAINERS', 'LABELS'],
    hosts.map((host) => [
      host.name,
      host.address,
      host.state,
      host.availability,
      host.engine,
      host.limits.cpus === undefined ? String(host.cpus) : `${host.limits.cpus} of ${host.cpus}`,
      percent(host.cpuLoad),
      host.memoryUsedBytes === undefined ? '-' : `${formatBytes(host.memoryUsedBytes)} / ${formatBytes(host.memoryBytes)}`,
      reserved(host),
      String(host.running),
      String(host.containers),
      Object.entries(host.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    ]),
    width,
    ['ENGINE', 'LABELS', 'CONTAINERS'],
  );
}

/** `2 alive, 1 down; 12% of 6 CPUs, 3.1 GiB of 24 GiB memory`. */
export function hostsLine(hosts: readonly HostReport[]): string {
  const alive = hosts.filter((host) => host.state === 'alive');
  const rest = (['joining', 'suspect', 'down', 'expected'] as const).flatMap((state) => {
    const count = hosts.filter((host) => host.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const sum = (of: (host: HostReport) => number) => alive.reduce((all, host) => all + of(host), 0);
  const cpus = sum((host) => host.cpus);
  const busy = sum((host) => (host.cpuLoad ?? 0) * host.cpus) / Math.max(cpus, 1);
  const figures = `; ${percent(busy)} of ${cpus} CPUs, ${formatBytes(sum((host) => host.memoryUsedBytes ?? 0))} of ${formatBytes(sum((host) => host.memoryBytes))} memory`;
  return `${[`${alive.length} alive`, ...rest].join(', ')}${alive.length === 0 ? '' : figures}`;
}
