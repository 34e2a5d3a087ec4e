/** Which networks have an address that is on another host now. Pure. */
import type { NamedInstance } from '../../model/name-table.ts';

/** Ids of networks in which an address has changed hosts between the two tables: what the kernel learned of them is stale. */
export function movedNetworks(before: readonly NamedInstance[], after: readonly NamedInstance[]): readonly string[] {
  const hosts = new Map<string, string>();
  for (const { host, addresses } of before) for (const [network, ip] of Object.entries(addresses)) hosts.set(`${network} ${ip}`, host);
  const moved = new Set<string>();
  for (const { host, addresses } of after) {
    for (const [network, ip] of Object.entries(addresses)) {
      const previous = hosts.get(`${network} ${ip}`);
      if (previous !== undefined && previous !== host) moved.add(network);
    }
  }
  return [...moved];
}
