/**
 * Plans for single addresses. Only the ledger says which are leased; the hints kept here say where to look first, so a failed commit
 * needs no correction.
 */
import { ArpanetError, type ContainerRecord, keys, type LeaseRecord, type NetworkRecord } from '../model/index.ts';
import type { Change } from '../store/ledger/contract.ts';
import type { AddressRequest, Leased, LeasePlans } from '../contracts/index.ts';
import type { DhcpDeps } from './contract.ts';
import {
  type Choice,
  chooseForGateway,
  chooseForInstance,
  chooseWanted,
  type Ground,
  reservation,
  UNREADABLE,
  USER_GATEWAY,
} from './lease.ts';
import { describeExhausted, describeWanted } from './refusals.ts';
import { isUnneeded } from './sweep.ts';
import { type Address, formatAddress, parseAddress, type Subnet } from '../text/ipv4.ts';

/** A transaction takes 63 changes; this leaves room for the caller's. */
const SWEEP_AT_ONCE = 48;

interface Hints {
  next: Address;
  /** Gateway by host. */
  readonly gateways: Map<string, string>;
}

export function leasePlans(deps: DhcpDeps, subnetOf: (cidr: string) => Subnet): LeasePlans {
  const { ledger, epoch, now } = deps;
  const beganMs = now();
  const hints = new Map<string, Hints>();

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

  /** After an election, continues after the lease that was written last. */
  function hintsOf(record: NetworkRecord): Hints {
    const known = hints.get(record.id);
    if (known) return known;
    const leases = leasesOf(record.id);
    const [last] = leases.filter((lease) => lease.kind === 'instance').sort((a, b) => b.sinceMs - a.sinceMs);
    const gateways = new Map(leases.filter((lease) => lease.kind === 'gateway').map((lease) => [lease.owner, lease.ip]));
    const fresh = { next: last ? (parseAddress(last.ip) ?? 0) + 1 : 0, gateways };
    hints.set(record.id, fresh);
    return fresh;
  }

  function groundOf(record: NetworkRecord): Ground {
    const range = record.ipRange === undefined ? {} : { range: subnetOf(record.ipRange) };
    const aside = setAside(keys.leasesOf(record.id));
    const leaseAt = (address: Address) => {
      const ip = formatAddress(address);
      const withheld = aside.has(keys.lease(record.id, ip));
      return withheld ? reservation(record.id, ip, UNREADABLE, now(), epoch) : leaseOf(record.id, ip);
    };
    return { subnet: subnetOf(record.cidr), ...range, leaseAt, nowMs: now(), restMs: deps.restMs, beganMs };
  }

  function orExhausted(record: NetworkRecord, choice: Choice): Choice & { readonly kind: 'chosen' } {
    if (choice.kind === 'chosen') return choice;
    throw new ArpanetError('exhausted', describeExhausted(record, choice));
  }

  function planOffer(network: string, { owner, host, wanted, replacing }: AddressRequest): Leased {
    const record = recordOf(network);
    const ground = groundOf(record);
    const offer = (address: Address, replaces: LeaseRecord | undefined) =>
      lease(
        { ip: formatAddress(address), network, kind: 'instance', owner, host, state: 'offered', sinceMs: ground.nowMs, epoch },
        replaces,
      );
    if (wanted) {
      const choice = chooseWanted(ground, wanted, owner, replacing);
      if (choice.kind === 'chosen') return offer(choice.address, choice.replaces);
      throw new ArpanetError(choice.kind === 'taken' ? 'conflict' : 'invalid', describeWanted(record, wanted, choice));
    }
    const here = hintsOf(record);
    const { address, replaces } = orExhausted(record, chooseForInstance(ground, here.next));
    here.next = address + 1;
    return offer(address, replaces);
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
    if (had.state === 'offered' || !isThere(network)) return [forget(keys.lease(network, ip))];
    return [put({ ...had, state: 'resting', sinceMs: now(), epoch })];
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
    const users = record.gateway === undefined ? undefined : leaseOf(network, record.gateway);
    const replaces = users?.kind === 'user' ? users : had;
    const chosen = replaces ? { ip: replaces.ip, replaces } : freeGateway(record);
    hintsOf(record).gateways.set(host, chosen.ip);
    return lease({ ip: chosen.ip, network, kind: 'gateway', owner: host, host, state: 'bound', sinceMs: now(), epoch }, chosen.replaces);
  }

  function freeGateway(record: NetworkRecord) {
    const { address, replaces } = orExhausted(record, chooseForGateway(groundOf(record)));
    return { ip: formatAddress(address), replaces };
  }

  function planGatewayRelease(network: string, host: string): readonly Change[] {
    const record = ledger.get<NetworkRecord>(keys.network(network));
    if (record === undefined) {
      const left = leasesOf(network).filter((had) => had.kind === 'gateway' && had.owner === host);
      return left.map((had) => forget(keys.lease(network, had.ip)));
    }
    const had = gatewayLeaseOf(record, host);
    if (had === undefined || had.state === 'resting') return [];
    if (had.ip === record.gateway) return [put(reservation(network, had.ip, USER_GATEWAY, now(), epoch))];
    return [put({ ...had, state: 'resting', sinceMs: now(), epoch })];
  }

  function sweep(): readonly Change[] {
    for (const network of hints.keys()) if (!isThere(network)) hints.delete(network);
    const at = { epoch, nowMs: now(), restMs: deps.restMs, beganMs };
    const aside = setAside(keys.root);
    const unneeded = ledger.list<LeaseRecord>(keys.leases).filter(([, had]) => {
      if (aside.has(keys.network(had.network)) || aside.has(keys.container(had.owner))) return false;
      const recordedIp = ledger.get<ContainerRecord>(keys.container(had.owner))?.addresses[had.network];
      return isUnneeded(had, { ...at, recordedIp, isNetworkThere: isThere(had.network) });
    });
    return unneeded.slice(0, SWEEP_AT_ONCE).map(([key]) => forget(key));
  }

  function active(network: string, kind: LeaseRecord['kind']): readonly LeaseRecord[] {
    return leasesOf(network).filter((had) => had.kind === kind && had.state !== 'resting');
  }

  function reservedFor(network: string, host: string): Readonly<Record<string, string>> {
    const others = active(network, 'gateway').filter((had) => had.owner !== host);
    return Object.fromEntries([...others, ...active(network, 'user')].map((had) => [`${had.owner}-${had.ip}`, had.ip]));
  }

  return {
    planOffer,
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
