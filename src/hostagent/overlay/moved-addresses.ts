/** Which networks have an address that is now behind another host. Pure. */
import type { NameTable } from '../../model/name-table.ts';

/** Networks in which some address has changed hosts from one table to the next: what the bridges learned of them is stale. */
export function movedNetworks(before: NameTable | undefined, after: NameTable): readonly string[] {
  const hosts = new Map<string, string>();
  for (const { host, addresses } of before?.instances ?? [])
    for (const [network, ip] of Object.entries(addresses)) hosts.set(`${network} ${ip}`, host);
  const moved = new Set<string>();
  for (const { host, addresses } of after.instances) {
    for (const [network, ip] of Object.entries(addresses)) {
      const was = hosts.get(`${network} ${ip}`);
      if (was !== undefined && was !== host) moved.add(network);
    }
  }
  return [...moved];
}
