/** Networks of the drivers macvlan and ipvlan: their containers are on a host's own wire, through one of its links. Pure. */
import type { NetworkRecord } from '../model/records.ts';

/** Whether its containers are on the host's own wire. */
export const isOnWire = ({ driver }: Pick<NetworkRecord, 'driver'>): boolean => driver === 'macvlan' || driver === 'ipvlan';

/** Whether a host passes on to its containers there what others call. */
export const isPassedOn = (network: Pick<NetworkRecord, 'driver' | 'internal'>): boolean => !network.internal && !isOnWire(network);

/** The link that a host must have; empty: none, each host has a wire of its own. Undefined: its network is a bridge. */
export function parentLink(network: Pick<NetworkRecord, 'driver' | 'options'>): string | undefined {
  return isOnWire(network) ? (network.options['parent'] ?? '') : undefined;
}

/** An Engine makes a VLAN link by itself: `eth0.10` on `eth0`. */
export function hasLink(links: readonly string[], link: string): boolean {
  const [base = ''] = link.split('.');
  return link === '' || links.includes(link) || (link.includes('.') && links.includes(base));
}

const MOST_NAMED = 5;

/**
 * Why no host can have it, in an Engine's words and with what hosts have; undefined: some can, or it is not known.
 * Source: moby libnetwork, drivers/macvlan/macvlan_setup.go and drivers/ipvlan/ipvlan_setup.go, `createVlanLink` and `parseVlan`.
 */
export function missingParent(
  network: Pick<NetworkRecord, 'driver' | 'options'>,
  hosts: readonly { readonly name: string; readonly links: readonly string[] | undefined }[],
): string | undefined {
  const link = parentLink(network) ?? '';
  const known = hosts.flatMap(({ name, links }) => (links === undefined ? [] : [{ name, links }]));
  if (link === '' || known.length === 0 || known.length < hosts.length || known.some(({ links }) => hasLink(links, link))) return undefined;
  const [base = ''] = link.split('.');
  const words = link.includes('.')
    ? `-o parent interface was not found on the host: ${base}`
    : `invalid subinterface vlan name ${link}, example formatting is eth0.10`;
  const has = known.slice(0, MOST_NAMED).map(({ name, links }) => `${name} has ${links.slice(0, MOST_NAMED).join(', ') || 'none'}`);
  return `${words}: no host has a network interface ${base} (${has.join('; ')}${known.length > MOST_NAMED ? '; …' : ''})`;
}
