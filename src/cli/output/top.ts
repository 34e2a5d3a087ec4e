/** `arpanet top`: one picture of hosts and their busiest containers as text. Pure. */
import type { TopReport } from '../../operator-api/index.ts';
import { hostsLine } from './hosts.ts';
import { percent, reserved, table } from './table.ts';
import { formatBytes } from '../../text/size.ts';

/** At most `rows` containers and `hostRows` hosts: where there are more hosts, those with a problem, then the busiest. */
export function topText(
  { atMs, hosts, containers, running = containers.length }: TopReport,
  rows: number,
  hostRows = hosts.length,
): string {
  const at = new Date(atMs).toISOString().replace(/^.*T|\..*$/g, '');
  const hidden = running - Math.min(rows, containers.length);
  const shown = hosts.length <= hostRows ? hosts : hosts.toSorted((a, b) => urgency(b) - urgency(a)).slice(0, hostRows);
  return [
    `${at} UTC   hosts ${hostsLine(hosts)}; ${running} containers run`,
    '',
    table(
      ['HOST', 'STATE', 'CPU', '', 'MEMORY', 'RESERVED', 'RUNNING'],
      shown.map((host) => [
        host.name,
        host.availability === 'active' ? host.state : `${host.state}, ${host.availability}`,
        percent(host.cpuLoad).padStart(4),
        bar(host.cpuLoad ?? 0),
        host.memoryUsedBytes === undefined ? '-' : `${formatBytes(host.memoryUsedBytes)} / ${formatBytes(host.memoryBytes)}`,
        reserved(host),
        String(host.running),
      ]),
    ),
    ...(shown.length < hosts.length ? [`… ${hosts.length - shown.length} more (arpanet hosts)`] : []),
    '',
    table(
      ['CONTAINER', 'HOST', 'CPU', 'MEMORY', 'IMAGE'],
      containers.slice(0, rows).map((one) => [one.name, one.host, percent(one.cores).padStart(4), formatBytes(one.memoryBytes), one.image]),
    ),
    ...(hidden > 0 ? [`… ${hidden} more (--rows N)`] : []),
  ].join('\n');
}

/** Above 1 for a host that is not alive. */
const urgency = ({ state, cpuLoad = 0 }: TopReport['hosts'][number]): number => (state === 'alive' ? cpuLoad : 2);

const WIDTH = 10;
const bar = (share: number): string => '#'.repeat(Math.round(Math.min(1, share) * WIDTH)).padEnd(WIDTH, '.');
