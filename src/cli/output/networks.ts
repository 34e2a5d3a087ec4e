/** `arpanet ip ls`: networks and their addresses as text for a terminal. Pure. */
import type { NetworkReport } from '../../operator-api/index.ts';
import { table } from './table.ts';
import { addressNumber } from '../../text/ipv4.ts';

export function addressesText(networks: readonly Pick<NetworkReport, 'name' | 'cidr' | 'leases'>[], width?: number): string {
  const rows = networks
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((network) => {
      const leases = network.leases.toSorted((a, b) => addressNumber(a.ip) - addressNumber(b.ip));
      if (leases.length === 0) return [[network.name, network.cidr, '-', '', '', '', '']];
      return leases.map((lease) => [network.name, network.cidr, lease.ip, lease.kind, lease.owner, lease.host, lease.state]);
    });
  return table(['NETWORK', 'SUBNET', 'ADDRESS', 'KIND', 'OWNER', 'HOST', 'STATE'], rows, width);
}
