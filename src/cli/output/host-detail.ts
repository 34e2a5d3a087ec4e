/** `arpanet hosts inspect` as text for a terminal. Pure. */
import type { HostDetail } from '../../operator-api/index.ts';
import { moment, percent, reserved, table } from './table.ts';
import { formatBytes } from '../../text/size.ts';

export function hostDetailText(host: HostDetail, width?: number): string {
  const { limits } = host;
  const lines: (readonly [string, string])[] = [
    ['host', `${host.name} at ${host.address}${host.gateway === '' ? '' : ` (engine gateway ${host.gateway})`}`],
    ['state', `${host.state}${host.why === undefined ? '' : `: ${host.why}`}`],
    ['availability', AVAILABILITY[host.availability] ?? host.availability],
    ['joined', host.joinedAtMs === undefined ? 'not yet' : moment(host.joinedAtMs)],
    ['machine', [host.os, host.kernel, host.arch].filter(Boolean).join(', ') || '-'],
    ['engine', `${host.engine} (API ${host.apiVersion || '-'}), agent ${host.agentVersion || '-'}, overlay ${host.overlay || '-'}`],
    ['cpus', `${host.cpus}${limits.cpus === undefined ? '' : `, ${limits.cpus} for the cluster`}; ${percent(host.cpuLoad)} busy`],
    [
      'memory',
      `${formatBytes(host.memoryBytes)}${limits.memoryBytes === undefined ? '' : `, ${formatBytes(limits.memoryBytes)} for the cluster`}; ${
        host.memoryUsedBytes === undefined ? '-' : formatBytes(host.memoryUsedBytes)
      } used`,
    ],
    ['reserved', reserved(host)],
    [
      'containers',
      `${host.running} running of ${host.containers}${limits.maxContainers === undefined ? '' : `, at most ${limits.maxContainers}`}`,
    ],
    [
      'labels',
      Object.entries(host.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ') || '-',
    ],
    ['volumes', host.volumes.join(', ') || '-'],
    ['images', String(host.images)],
  ];
  const parts = [lines.map(([name, text]) => `${name.padEnd(13)}${text}`).join('\n')];
  if (host.networks.length > 0)
    parts.push(
      table(
        ['NETWORK', 'SUBNET', 'GATEWAY HERE', 'INSTANCES HERE'],
        host.networks.map((one) => [one.name, one.cidr, one.gateway, String(one.instances)]),
        width,
      ),
    );
  if (host.instances.length > 0)
    parts.push(
      table(
        ['CONTAINER', 'IMAGE', 'STATE', 'ADDRESS'],
        host.instances.map((one) => [one.name, one.image, one.state, one.addresses.join(',')]),
        width,
      ),
    );
  return parts.join('\n\n');
}

const AVAILABILITY: Readonly<Record<string, string>> = {
  active: 'active',
  pause: 'pause: takes no new containers',
  drain: 'drain: takes no new containers, and what can move has moved',
};
