/** Networks of the drivers macvlan and ipvlan: their containers are on a host's own wire, through one of its links. Pure. */
import type { NetworkRecord } from '../model/records.ts';

/** Whether its containers are on the host's own wire. */
export const isOnWire = ({ driver }: Pick<NetworkRecord, 'driver'>): boolean => driver === 'macvlan' || driver === 'ipvlan';

/** The link that a host must have; empty: none, each host has a wire of its own. Undefined: its network is a bridge. */
export function parentLink(network: Pick<NetworkRecord, 'driver' | 'options'>): string | undefined {
  return isOnWire(network) ? (network.options['parent'] ?? '') : undefined;
}

/** An Engine makes a VLAN link by itself: `eth0.10` on `eth0`. */
export function hasLink(links: readonly string[], link: string): boolean {
  const [base = ''] = link.split('.');
  return link === '' || links.includes(link) || (link.includes('.') && links.includes(base));
}
