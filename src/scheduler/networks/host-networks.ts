/** By host, the networks in which it has an address of its own. Follows the ledger: a look costs as much as it finds. */
import { keys, type LeaseRecord } from '../../model/index.ts';
import type { Ledger } from '../../store/ledger/contract.ts';

/** Their ids, in order; those whose lease rests may be among them. */
export function createHostNetworks(ledger: Pick<Ledger, 'get' | 'list' | 'watch'>): (host: string) => readonly string[] {
  const hosts = new Map<string, Map<string, string>>();
  /** By key of the lease. */
  const known = new Map<string, LeaseRecord>();

  function note(key: string, lease: LeaseRecord | undefined): void {
    const before = known.get(key);
    const now = lease?.kind === 'gateway' ? lease : undefined;
    if (before !== undefined) {
      known.delete(key);
      hosts.get(before.owner)?.delete(key);
      if (hosts.get(before.owner)?.size === 0) hosts.delete(before.owner);
    }
    if (now === undefined) return;
    known.set(key, now);
    hosts.set(now.owner, (hosts.get(now.owner) ?? new Map<string, string>()).set(key, now.network));
  }

  for (const [key, lease] of ledger.list<LeaseRecord>(keys.leases)) note(key, lease);
  ledger.watch(keys.leases, (key) => note(key, ledger.get<LeaseRecord>(key)));
  return (host) => [...new Set(hosts.get(host)?.values() ?? [])].sort();
}
