/** `arpanet top`: one picture of hosts and their busiest containers as text. Pure. */
import type { TopReport } from '../../operator-api/index.ts';
import { hostsLine } from './hosts.ts';
import { percent, reserved, table } from './table.ts';
import { formatBytes } from '../../text/size.ts';

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
        host.memoryUsedBytes === undefined ? '-' : `${formatBytes(host.memoryUsedBytes)} / ${formatBytes(host.memoryBytes)}`,
        reserved(host),
        String(host.running),
      ]),
    ),
    '',
    table(
      ['CONTAINER', 'HOST', 'CPU', 'MEMORY', 'IMAGE'],
      containers.slice(0, rows).map((one) => [one.name, one.host, percent(one.cores).padStart(4), formatBytes(one.memoryBytes), one.image]),
    ),
    ...(hidden > 0 ? [`… ${hidden} more (--rows N)`] : []),
  ].join('\n');
}

const WIDTH = 10;
const bar = (share: number): string => '#'.repeat(Math.round(Math.min(1, share) * WIDTH)).padEnd(WIDTH, '.');
