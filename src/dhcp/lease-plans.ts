/**
 * Plans for single addresses. Only the ledger says which are leased; the hints kept here say where to look first, so a failed commit
 * needs no correction.
 */
import {
  ArpanetError,
  type ContainerRecord,
  type HostRecord,
  keys,
  type LeaseRecord,
  type MigrationRecord,
  type NetworkRecord,
} from '../model/index.ts';
import { isOnWire } from '../networks/index.ts';
import type { Change } from '../store/ledger/contract.ts';
import type { AddressRequest, Allocator, IdleSince, Leased, LeasePlans } from '../contracts/index.ts';
import type { DhcpDeps } from './contract.ts';
import {
  type Choice,
  chooseForHost,
  chooseForInstance,
  chooseOutside,
  chooseWanted,
  type Ground,
  instanceSpan,
  longestIdle,
  reservation,
  SMALL,
  UNREADABLE,
  USER_GATEWAY,
} from './lease.ts';
import { describeExhausted, describeWanted } from './refusals.ts';
import { servicePlans } from './service-plans.ts';
import { isUnneeded } from './sweep.ts';
import { type Address, addressNumber, contains, formatAddress, type Subnet } from '../text/ipv4.ts';

/** Images may be copied and health be waited for before a container is made. */
const PROMISED_MS = 10 * 60_000;
/** A transaction takes 63 changes; this leaves room for the caller's. */
const SWEEP_AT_ONCE = 48;
/** Of a network, the addresses that were asked for by name last. */
const ASKED_KEPT = 256;

interface Hints {
  /** No address below it is free, as far as is known. */
  next: Address;
  /** Own address by host. */
  readonly gateways: Map<string, string>;
  /** What a rehearsal has promised, by owner. */
  readonly promised: Map<string, { readonly ip: string; readonly untilMs: number }>;
  /** The resting address that an owner had last: one of the same name gets it again. */
  readonly had: Map<string, string>;
}

export function leasePlans(
  deps: DhcpDeps,
  subnetOf: (cidr: string) => Subnet,
): Pick<Allocator, 'leases' | 'yielding' | 'serviceAddresses'> {
  const { ledger, epoch, now } = deps;
  const beganMs = now();
  const hints = new Map<string, Hints>();

  /** What may have to be given back: all leases but bound ones, and those of networks that are removed. Undefined: all are to be looked at once. */
  let loose: Set<string> | undefined;

  const leaseOf = (network: string, ip: string) => ledger.get<LeaseRecord>(keys.lease(network, ip));
  const leasesOf = (network: string) => ledger.list<LeaseRecord>(keys.leasesOf(network)).map(([, lease]) => lease);
  const isThere = (network: string) => ledger.get(keys.network(network)) !== undefined;
  /** Keys under the prefix whose records are set aside: what they hold is in use for all that is known. */
  const setAside = (prefix: string) => new Set(ledger.unreadable().flatMap(({ key }) => (key.startsWith(prefix) ? [key] : [])));

  function recordOf(network: string): NetworkRecord {
    const record = ledger.get<NetworkRecord>(keys.network(network));
    if (record === undefined) throw new ArpanetError('not-found', `network ${network} not found`);
    return record;
  }

  function hintsOf(record: NetworkRecord): Hints {
    const known = hints.get(record.id);
    if (known) return known;
    const all = leasesOf(record.id);
    const gateways = new Map(all.flatMap((had) => (had.kind === 'gateway' ? [[had.owner, had.ip] as const] : [])));
    const rested = all.filter(({ kind, state }) => kind === 'instance' && state === 'resting').toSorted((a, b) => a.sinceMs - b.sinceMs);
    const fresh = { next: 0, gateways, promised: new Map(), had: new Map(rested.map(({ owner, ip }) => [owner, ip])) };
    hints.set(record.id, fresh);
    return fresh;
  }

  /** It is free, or will be. */
  function lookFrom({ network, ip }: Pick<LeaseRecord, 'network' | 'ip'>): void {
    const here = hints.get(network);
    if (here !== undefined) here.next = Math.min(here.next, addressNumber(ip));
  }

  function groundOf(record: NetworkRecord): Ground {
    const range = record.ipRange === undefined ? {} : { range: subnetOf(record.ipRange) };
    const aside = setAside(keys.leasesOf(record.id));
    const asked = new Set(record.asked);
    const leaseAt = (address: Address) => {
      const ip = formatAddress(address);
      const withheld = aside.has(keys.lease(record.id, ip));
      return withheld ? reservation(record.id, ip, UNREADABLE, now(), epoch) : leaseOf(record.id, ip);
    };
    const isAsked = (address: Address) => asked.size > 0 && asked.has(formatAddress(address));
    return { subnet: subnetOf(record.cidr), ...range, leaseAt, isAsked };
  }

  function orExhausted(record: NetworkRecord, choice: Choice): Choice & { readonly kind: 'chosen' } {
    if (choice.kind === 'chosen') return choice;
    throw new ArpanetError('exhausted', describeExhausted(record, choice));
  }

  function planOffer(network: string, { owner, host, wanted, isNew }: AddressRequest): Leased {
    const record = recordOf(network);
    const ground = groundOf(record);
    const offer = (address: Address, replaces: LeaseRecord | undefined) =>
      lease({ ip: formatAddress(address), network, kind: 'instance', owner, host, state: 'offered', sinceMs: now(), epoch }, replaces);
    if (wanted) {
      const choice = chooseWanted(ground, wanted, owner);
      if (choice.kind !== 'chosen')
        throw new ArpanetError(choice.kind === 'taken' ? 'conflict' : 'invalid', describeWanted(record, wanted, choice));
      return offer(choice.address, choice.replaces);
    }
    const here = hintsOf(record);
    const promised = here.promised.get(owner);
    here.promised.delete(owner);
    if (promised !== undefined && now() < promised.untilMs) {
      const choice = chooseWanted(ground, promised.ip, owner);
      if (choice.kind === 'chosen') return offer(choice.address, choice.replaces);
    }
    const last = isNew ? hadBefore(here, network, owner) : undefined;
    const again = last === undefined ? undefined : chooseWanted(ground, last.ip, owner);
    if (again?.kind === 'chosen' && !ground.isAsked(again.address)) return offer(again.address, again.replaces);
    const { address, replaces } = orExhausted(record, chooseForInstance(ground, here.next));
    if (replaces === undefined) here.next = address + 1;
    else here.had.delete(replaces.owner);
    return offer(address, replaces);
  }

  /** A name that is used again has its address again, as long as that rests. */
  function hadBefore(here: Hints, network: string, owner: string): LeaseRecord | undefined {
    const ip = here.had.get(owner);
    const last = ip === undefined ? undefined : leaseOf(network, ip);
    if (last?.kind === 'instance' && last.state === 'resting' && last.owner === owner) return last;
    here.had.delete(owner);
    return undefined;
  }

  function planAsked(network: string, ...ips: readonly string[]): readonly Change[] {
    const record = recordOf(network);
    const asked = record.asked ?? [];
    const more = [...new Set(ips)].filter((ip) => !asked.includes(ip));
    if (more.length === 0) return [];
    const value: NetworkRecord = { ...record, asked: [...asked, ...more].slice(-ASKED_KEPT) };
    return [{ kind: 'put', key: keys.network(network), value }];
  }

  function occupant(network: string, request: AddressRequest, idleSince: IdleSince): LeaseRecord | undefined {
    const record = recordOf(network);
    const ground = groundOf(record);
    if (request.wanted) {
      const choice = chooseWanted(ground, request.wanted, request.owner);
      const by = choice.kind === 'taken' && choice.by !== 'network' ? choice.by : undefined;
      const canYield = by !== undefined && (idleSince(by) !== undefined || (by.kind === 'gateway' && record.isGatewayShared === true));
      return canYield ? by : undefined;
    }
    const own = ownFor(record, request.host);
    const leaseAt = (address: Address) =>
      address === own ? reservation(network, formatAddress(address), request.host, now(), epoch) : ground.leaseAt(address);
    if (chooseForInstance({ ...ground, leaseAt }, hintsOf(record).next).kind === 'chosen') return undefined;
    const span = instanceSpan(ground.subnet, ground.range);
    // the host on which it is to run needs its own
    const yielding = leasesOf(network).filter(({ ip, kind, owner }) => {
      return contains(span, addressNumber(ip)) && (kind !== 'gateway' || owner !== request.host);
    });
    return longestIdle(yielding, idleSince);
  }

  /** The address that the host has or would take for itself. */
  function ownFor(record: NetworkRecord, host: string): Address | undefined {
    if (takesNone(record, host)) return undefined;
    const had = gatewayLeaseOf(record, host);
    if (had !== undefined) return addressNumber(had.ip);
    const choice = chooseForHost(groundOf(record));
    return choice.kind === 'chosen' ? choice.address : undefined;
  }

  function occupantForHost(network: string, host: string, idleSince: IdleSince): LeaseRecord | undefined {
    const record = recordOf(network);
    const had = gatewayLeaseOf(record, host);
    if (had !== undefined || takesNone(record, host) || chooseForHost(groundOf(record)).kind === 'chosen') return undefined;
    return longestIdle(leasesOf(network), idleSince);
  }

  function promise(network: string, owner: string, ip: string): void {
    const { promised } = hintsOf(recordOf(network));
    for (const [other, { untilMs }] of promised) if (untilMs <= now()) promised.delete(other);
    promised.set(owner, { ip, untilMs: now() + PROMISED_MS });
  }

  function planBind(network: string, ip: string): readonly Change[] {
    const had = leaseOf(network, ip);
    if (had?.kind !== 'instance' || had.state === 'resting')
      throw new ArpanetError('conflict', `address ${ip} in network ${network} is no longer leased`);
    return had.state === 'bound' ? [] : [put({ ...had, state: 'bound', sinceMs: now(), epoch })];
  }

  function ownedBy(network: string, ip: string, owner: string): LeaseRecord | undefined {
    const had = leaseOf(network, ip);
    return had?.kind === 'instance' && had.owner === owner && had.state !== 'resting' ? had : undefined;
  }

  function planTransfer(
    network: string,
    ip: string,
    from: string,
    to: { readonly owner: string; readonly host: string },
  ): readonly Change[] {
    const had = ownedBy(network, ip, from);
    return had ? [put({ ...had, ...to, epoch })] : [];
  }

  function planRelease(network: string, ip: string, owner: string): readonly Change[] {
    const had = ownedBy(network, ip, owner);
    if (had === undefined) return [];
    lookFrom(had);
    if (had.state === 'offered' || !isThere(network)) return [forget(keys.lease(network, ip))];
    hints.get(network)?.had.set(owner, ip);
    return [put({ ...had, state: 'resting', sinceMs: now(), epoch })];
  }

  function takesNone(record: NetworkRecord, host: string): boolean {
    if (isOnWire(record)) return true;
    const { first, last } = subnetOf(record.cidr);
    const sharesGateway = ledger.get<HostRecord>(keys.host(host))?.sharesGateway === true;
    return record.isGatewayShared === true && sharesGateway && last - first + 1 < SMALL;
  }

  /** Active or resting. */
  function gatewayLeaseOf(record: NetworkRecord, host: string): LeaseRecord | undefined {
    const isHosts = (had: LeaseRecord | undefined) => had?.kind === 'gateway' && had.owner === host;
    const ip = hintsOf(record).gateways.get(host);
    const hinted = ip === undefined ? undefined : leaseOf(record.id, ip);
    return isHosts(hinted) ? hinted : leasesOf(record.id).find(isHosts);
  }

  function planGateway(network: string, host: string): Leased {
    const record = recordOf(network);
    const had = gatewayLeaseOf(record, host);
    if (had && had.state !== 'resting') return { ip: had.ip, changes: [] };
    const users = record.gateway === undefined || record.isGatewayShared ? undefined : leaseOf(network, record.gateway);
    const replaces = users?.kind === 'user' ? users : had;
    return hostLease(record, host, replaces ? { ip: replaces.ip, replaces } : freeForHost(record, host));
  }

  function hostLease(
    record: NetworkRecord,
    host: string,
    { ip, replaces }: { readonly ip: string; readonly replaces: LeaseRecord | undefined },
  ): Leased {
    hintsOf(record).gateways.set(host, ip);
    return lease({ ip, network: record.id, kind: 'gateway', owner: host, host, state: 'bound', sinceMs: now(), epoch }, replaces);
  }

  function freeForHost(record: NetworkRecord, host: string) {
    const { leaseAt } = groundOf(record);
    if (takesNone(record, host)) return { ip: formatAddress(chooseOutside(leaseAt)), replaces: undefined };
    const { address, replaces } = orExhausted(record, chooseForHost(groundOf(record)));
    return { ip: formatAddress(address), replaces };
  }

  function planGatewayMove(network: string, host: string): readonly Change[] {
    const record = recordOf(network);
    const had = gatewayLeaseOf(record, host);
    if (had === undefined) return [];
    const { changes } = hostLease(record, host, freeForHost(record, host));
    lookFrom(had);
    return [forget(keys.lease(network, had.ip)), ...changes];
  }

  function planGatewayRelease(network: string, host: string): readonly Change[] {
    const record = ledger.get<NetworkRecord>(keys.network(network));
    if (record === undefined) {
      const left = leasesOf(network).filter((had) => had.kind === 'gateway' && had.owner === host);
      return left.map((had) => forget(keys.lease(network, had.ip)));
    }
    const had = gatewayLeaseOf(record, host);
    if (had === undefined || had.state === 'resting') return [];
    lookFrom(had);
    if (had.ip === record.gateway) return [put(reservation(network, had.ip, USER_GATEWAY, now(), epoch))];
    return [put({ ...had, state: 'resting', sinceMs: now(), epoch })];
  }

  const isLoose = ({ state, network }: LeaseRecord): boolean => state !== 'bound' || !isThere(network);

  ledger.watch?.(keys.leases, (key) => {
    const had = ledger.get<LeaseRecord>(key);
    if (had !== undefined && isLoose(had)) loose?.add(key);
    else loose?.delete(key);
  });
  ledger.watch?.(keys.networks, (key) => {
    const network = key.slice(keys.networks.length);
    if (isThere(network)) return;
    hints.delete(network);
    for (const [leaseKey] of ledger.list<LeaseRecord>(keys.leasesOf(network))) loose?.add(leaseKey);
  });

  function sweep(): readonly Change[] {
    loose ??= new Set(ledger.list<LeaseRecord>(keys.leases).flatMap(([key, had]) => (isLoose(had) ? [key] : [])));
    const at = { epoch, nowMs: now(), restMs: deps.restMs, beganMs };
    const aside = setAside(keys.root);
    // it comes back to its address, however long that takes
    const moving = new Set(ledger.list<MigrationRecord>(keys.migrations).map(([, { name }]) => name));
    const found = [...loose].toSorted().flatMap((key) => {
      const had = ledger.get<LeaseRecord>(key);
      return had === undefined ? [] : [[key, had] as const];
    });
    const unneeded = found.filter(([, had]) => {
      if (aside.has(keys.network(had.network)) || aside.has(keys.container(had.owner)) || moving.has(had.owner)) return false;
      const recordedIp = ledger.get<ContainerRecord>(keys.container(had.owner))?.addresses[had.network];
      return isUnneeded(had, { ...at, recordedIp, isNetworkThere: isThere(had.network) });
    });
    const swept = unneeded.slice(0, SWEEP_AT_ONCE);
    for (const [, had] of swept) {
      lookFrom(had);
      const here = hints.get(had.network);
      if (here?.had.get(had.owner) === had.ip) here.had.delete(had.owner);
    }
    return swept.map(([key]) => forget(key));
  }

  function active(network: string, kind: LeaseRecord['kind']): readonly LeaseRecord[] {
    return leasesOf(network).filter((had) => had.kind === kind && had.state !== 'resting');
  }

  function reservedFor(network: string, host: string): Readonly<Record<string, string>> {
    const record = ledger.get<NetworkRecord>(keys.network(network));
    const users = active(network, 'user');
    // hosts' own addresses move, and an Engine's network cannot be changed: it chooses none by itself anyway
    const all =
      record?.isGatewayShared === true
        ? users.filter(({ ip }) => ip !== record.gateway)
        : [...active(network, 'gateway').filter((had) => had.owner !== host), ...users];
    return Object.fromEntries(all.map((had) => [`${had.owner}-${had.ip}`, had.ip]));
  }

  const leases: LeasePlans = {
    planOffer,
    promise,
    planBind,
    planTransfer,
    planRelease,
    planGateway,
    planGatewayRelease,
    sweep,
    leasesOf,
    usersOf: (network) => active(network, 'instance'),
    gatewaysOf: (network) => Object.fromEntries(active(network, 'gateway').map((had) => [had.owner, had.ip])),
    reservedFor,
  };
  const serviceAddresses = servicePlans({
    networkOf: (network) => ledger.get<NetworkRecord>(keys.network(network)),
    isRoomy: ({ cidr }) => subnetOf(cidr).last - subnetOf(cidr).first + 1 >= SMALL,
    leaseOf,
    leasesOf,
    choose: (record) => orExhausted(record, chooseForHost(groundOf(record))),
    freed: lookFrom,
    at: () => ({ sinceMs: now(), epoch }),
  });
  return { leases, yielding: { planAsked, occupant, occupantForHost, planGatewayMove }, serviceAddresses };
}

/** A fresh lease must find its key absent; one that replaces another must not. */
function lease(record: LeaseRecord, replaces: LeaseRecord | undefined): Leased {
  return { ip: record.ip, changes: [{ kind: replaces ? 'put' : 'create', key: keys.lease(record.network, record.ip), value: record }] };
}

function put(record: LeaseRecord): Change {
  return { kind: 'put', key: keys.lease(record.network, record.ip), value: record };
}

function forget(key: string): Change {
  return { kind: 'delete', key };
}
