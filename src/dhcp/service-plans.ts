/** Plans for addresses that are a whole service's. As with single ones only the ledger says which are leased; what is kept here says where to look. */
import { keys, type LeaseRecord, type NetworkRecord } from '../model/index.ts';
import { isOnWire } from '../networks/index.ts';
import type { Leased, ServiceAddressPlans } from '../contracts/index.ts';
import { formatAddress } from '../text/ipv4.ts';
import type { Choice } from './lease.ts';

interface ServicePlanReads {
  readonly networkOf: (network: string) => NetworkRecord | undefined;
  /** Its hosts have addresses of their own there. */
  readonly isRoomy: (network: NetworkRecord) => boolean;
  readonly leaseOf: (network: string, ip: string) => LeaseRecord | undefined;
  readonly leasesOf: (network: string) => readonly LeaseRecord[];
  /** Throws `exhausted`. */
  readonly choose: (network: NetworkRecord) => Choice & { readonly kind: 'chosen' };
  /** It is free, or will be. */
  readonly freed: (lease: LeaseRecord) => void;
  readonly at: () => Pick<LeaseRecord, 'sinceMs' | 'epoch'>;
}

export function servicePlans(read: ServicePlanReads): ServiceAddressPlans {
  /** By network, by service. */
  const hints = new Map<string, Map<string, string>>();

  function hintsOf(network: string): Map<string, string> {
    const known = hints.get(network);
    if (known !== undefined) return known;
    const found = new Map(read.leasesOf(network).flatMap(({ kind, owner, ip }) => (kind === 'service' ? [[owner, ip] as const] : [])));
    hints.set(network, found);
    return found;
  }

  /** Active or resting. */
  function leaseFor(network: string, service: string): LeaseRecord | undefined {
    const ip = hintsOf(network).get(service);
    const had = ip === undefined ? undefined : read.leaseOf(network, ip);
    return had?.kind === 'service' && had.owner === service ? had : undefined;
  }

  return {
    plan(network, service): Leased {
      const record = read.networkOf(network);
      const had = leaseFor(network, service);
      if (record === undefined || had?.state === 'bound') return { ip: had?.ip ?? '', changes: [] };
      const chosen = had === undefined ? read.choose(record) : undefined;
      const ip = chosen === undefined ? (had?.ip ?? '') : formatAddress(chosen.address);
      hintsOf(network).set(service, ip);
      const isOver = had !== undefined || chosen?.replaces !== undefined;
      const value: LeaseRecord = { ip, network, kind: 'service', owner: service, host: '', state: 'bound', ...read.at() };
      return { ip, changes: [{ kind: isOver ? 'put' : 'create', key: keys.lease(network, ip), value }] };
    },
    planRelease(network, service) {
      const had = leaseFor(network, service);
      if (had?.state !== 'bound') return [];
      read.freed(had);
      return [{ kind: 'put', key: keys.lease(network, had.ip), value: { ...had, state: 'resting', ...read.at() } }];
    },
    of(network, service) {
      const had = leaseFor(network, service);
      return had?.state === 'bound' ? had.ip : undefined;
    },
    isPossible(network) {
      const record = read.networkOf(network);
      return record !== undefined && !isOnWire(record) && read.isRoomy(record);
    },
  };
}
