/** `arpanet boot ls` as text. Pure. */
import type { BootMachine, BootState, KnownBootServer } from '../../../contracts/index.ts';
import { moment, table } from '../../output/table.ts';

export function bootText({ servers, machines }: BootState, width?: number): string {
  const parts = [
    servers.length === 0 ? 'no boot server reports to this cluster: sudo arpanet boot --interface NAME' : serversTable(servers, width),
    machines.length === 0 ? 'no machine is approved, and none has asked: arpanet hosts add NAME --mac MAC' : machinesTable(machines, width),
  ];
  return parts.join('\n\n');
}

function serversTable(servers: readonly KnownBootServer[], width: number | undefined): string {
  const state = ({ trouble, answers }: KnownBootServer): string =>
    trouble !== undefined ? 'cannot answer' : answers ? 'answers' : 'waits';
  const rows = servers.map((one) => [one.name, one.interface, one.network, one.address, state(one), one.image ?? '-']);
  const notes = servers.flatMap(({ name, trouble, warnings }) =>
    [...(trouble === undefined ? [] : [trouble]), ...warnings].map((text) => `${name}: ${text}`),
  );
  return [table(['SERVER', 'INTERFACE', 'NETWORK', 'ADDRESS', 'STATE', 'IMAGE'], rows, width), ...notes].join('\n');
}

function machinesTable(machines: readonly BootMachine[], width: number | undefined): string {
  const ids = ({ macs, serial }: BootMachine): string => [...macs, ...(serial === undefined ? [] : [`serial ${serial}`])].join(' ');
  const rows = machines.map((one) => [
    one.host ?? '-',
    one.state,
    ids(one),
    one.address ?? '-',
    one.bootedMs === undefined ? '-' : moment(one.bootedMs),
    [one.product, one.firmware].filter((text) => text !== undefined && text !== '').join(', ') || '-',
  ]);
  return table(['HOST', 'STATE', 'MACHINE', 'ADDRESS', 'BOOTED', 'PRODUCT'], rows, width);
}
