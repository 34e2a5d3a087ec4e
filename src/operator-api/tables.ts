/** Reports as text for a terminal. Pure: rows in, lines out. */
import type { AuditReport, Finding } from './audit.ts';
import type { HostReport, SettingReport, StatusReport } from './reports/report.ts';

/** Columns as wide as their widest cell, two spaces apart, as `docker ps` prints them. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '))
    .join('\n');
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export const percent = (share: number | undefined) => (share === undefined ? '-' : `${Math.round(share * 100)}%`);

/** `0.5 CPU, 512 MiB`. */
export function reserved({ reservedCores, reservedMemoryBytes }: Pick<HostReport, 'reservedCores' | 'reservedMemoryBytes'>): string {
  const parts = [
    ...(reservedCores > 0 ? [`${Math.round(reservedCores * 100) / 100} CPU`] : []),
    ...(reservedMemoryBytes > 0 ? [bytes(reservedMemoryBytes)] : []),
  ];
  return parts.length === 0 ? '-' : parts.join(', ');
}

export function hostsTable(hosts: readonly HostReport[]): string {
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
      host.memoryUsedBytes === undefined ? '-' : `${bytes(host.memoryUsedBytes)} / ${bytes(host.memoryBytes)}`,
      reserved(host),
      String(host.running),
      String(host.containers),
      Object.entries(host.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    ]),
  );
}

/** What is off comes first: the rest can be read by whoever has the time. */
export function statusText(status: StatusReport): string {
  const { warnings, notes, hosts, leader } = status;
  const followers = status.schedulers.filter((one) => !one.leads).map((one) => one.name);
  const lines = [
    ...(warnings.length === 0 ? ['all is well'] : [`${warnings.length === 1 ? 'one thing is' : `${warnings.length} things are`} off`]),
    ...warnings.map((warning) => `! ${warning}`),
    ...notes.map((note) => `- ${note}`),
    '',
    `leader       ${leader.name} at ${leader.url} (epoch ${leader.epoch})`,
    `schedulers   ${leader.name} leads${followers.length === 0 ? ', alone' : `; ${followers.join(', ')} follow${followers.length === 1 ? 's' : ''}`}`,
    `store        ${status.store}`,
    `hosts        ${hostsLine(hosts)}`,
    `networks     ${status.networks}, ${status.addresses} addresses in use`,
    '',
    status.deployments.length === 0
      ? 'no deployments'
      : table(
          ['DEPLOYMENT', 'SERVICES', 'INSTANCES', 'READY'],
          status.deployments.map((d) => [d.name, String(d.services), String(d.instances), String(d.ready)]),
        ),
  ];
  return lines.join('\n');
}

export function settingsText(settings: readonly SettingReport[]): string {
  return table(
    ['SETTING', 'VALUE', 'FROM'],
    settings.map(({ name, value, isSet, own }) => [name, value, isSet ? `arpanet config set (else ${own})` : 'the schedulers’ start']),
  );
}

/** `2 alive, 1 down; 12% of 6 CPUs, 3.1 GiB of 24 GiB memory`. */
export function hostsLine(hosts: readonly HostReport[]): string {
  const alive = hosts.filter((host) => host.state === 'alive');
  const rest = (['joining', 'down', 'awaited'] as const).flatMap((state) => {
    const count = hosts.filter((host) => host.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const sum = (of: (host: HostReport) => number) => alive.reduce((all, host) => all + of(host), 0);
  const cpus = sum((host) => host.cpus);
  const busy = sum((host) => (host.cpuLoad ?? 0) * host.cpus) / Math.max(cpus, 1);
  const figures = `; ${percent(busy)} of ${cpus} CPUs, ${bytes(sum((host) => host.memoryUsedBytes ?? 0))} of ${bytes(sum((host) => host.memoryBytes))} memory`;
  return `${[`${alive.length} alive`, ...rest].join(', ')}${alive.length === 0 ? '' : figures}`;
}

export function auditText({ findings, fixed }: AuditReport): string {
  const line = ({ where, host, what }: Finding): string => `${where}${host === undefined ? '' : ` ${host}`}: ${what}`;
  const end = findings.length === 0 ? 'everything agrees: store, Engines, networks, names' : `${findings.length} disagreement(s)`;
  return [...fixed.map((finding) => `fixed    ${line(finding)}`), ...findings.map((finding) => `differs  ${line(finding)}`), end].join(
    '\n',
  );
}
