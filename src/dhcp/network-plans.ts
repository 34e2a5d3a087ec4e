/** Plans for networks: record, subnet, VXLAN id, and the reserved addresses. */
import { ArpanetError, keys, labels, type LeaseRecord, type NetworkRecord, type SubnetRecord } from '../model/index.ts';
import type { Change } from '../store/ledger/contract.ts';
import type { NetworkPlans, NetworkRequest } from '../contracts/index.ts';
import type { DhcpDeps } from './contract.ts';
import { reservation, USER_GATEWAY } from './lease.ts';
import { describePoolFull, describeRouted } from './refusals.ts';
import {
  chooseSubnet,
  chooseSubnet6,
  coveredShare,
  parseIpam,
  parseIpam6,
  prefixOf,
  prefixWithRoom,
  refuseOverlap,
  type UserIpam,
  vniOf,
} from './subnet.ts';
import { type Address, encloses, formatAddress, overlaps, parseSubnet, type Subnet } from '../text/ipv4.ts';

/** Share of the pool that one host's routes may cover. Addresses there can be given to no network of the cluster. */
const MOST_ROUTED = 0.5;

interface Used {
  readonly span: Subnet;
  /** For messages. */
  readonly what: string;
}

export function networkPlans(deps: DhcpDeps, subnetOf: (cidr: string) => Subnet): NetworkPlans {
  const { ledger } = deps;
  let lastCut = deps.newest === undefined ? undefined : subnetOf(deps.newest);
  /** The pool can be changed at run time; existing networks keep their subnets. */
  const poolNow = () => subnetOf(deps.pool);

  const records = () => ledger.list<NetworkRecord>(keys.networks).map(([, record]) => record);

  function taken(): readonly Used[] {
    const owned = ledger.list<SubnetRecord>(keys.subnets).map(([, { cidr, network }]) => {
      const name = ledger.get<NetworkRecord>(keys.network(network))?.name ?? network;
      return { span: subnetOf(cidr), what: `${cidr} of network ${name}` };
    });
    return [...owned, ...unreadable()];
  }

  /** Subnets of which the key alone can be read: some network has them. */
  function unreadable(): readonly Used[] {
    return ledger.unreadable().flatMap(({ key }): readonly Used[] => {
      const span = key.startsWith(keys.subnets) ? parseSubnet(key.slice(keys.subnets.length).replace('_', '/')) : undefined;
      return span === undefined ? [] : [{ span, what: `${span.cidr}, whose record ${key} cannot be read` }];
    });
  }

  function routed(cidrs: readonly string[]): readonly Used[] {
    const routes = cidrs.map((cidr) => ({ span: subnetOf(cidr), what: `${cidr}, which a host routes already` }));
    return routes.filter(({ span }) => span.prefix > 0);
  }

  /** The subnet allocated last; after an election, that of the newest network. */
  function last(pool: Subnet): Subnet | undefined {
    const newestFirst = records().sort((a, b) => b.createdAtMs - a.createdAtMs);
    return newestFirst.map((record) => subnetOf(record.cidr)).find((subnet) => encloses(pool, subnet));
  }

  function cut(prefix: number, routes: readonly string[]): Subnet {
    const pool = poolNow();
    if (lastCut === undefined || !encloses(pool, lastCut)) lastCut = last(pool);
    const from: Address = lastCut ? lastCut.last + 1 : pool.first;
    const choice = chooseSubnet(pool, prefix, taken().map(toSpan), routed(routes).map(toSpan), from);
    if (choice.kind === 'exhausted') throw new ArpanetError('exhausted', describePoolFull(pool, prefix, choice));
    lastCut = choice.subnet;
    return choice.subnet;
  }

  function subnetFor(
    asked: UserIpam | undefined,
    { size, labels: given }: Pick<NetworkRequest, 'size' | 'labels'>,
    routes: readonly string[],
  ) {
    const wanted = size ?? given['arpanet.size'];
    const prefix = () =>
      wanted === undefined ? prefixWithRoom(given[labels.addresses], deps.defaultPrefix, poolNow()) : prefixOf(wanted, poolNow());
    if (asked === undefined) return cut(prefix(), routes);
    refuseOverlap(asked.subnet, [...taken(), ...routed(routes)]);
    return asked.subnet;
  }

  const plan: NetworkPlans['plan'] = ({ ipam, enableIpv6 = false, size, requestId, routes: routesOfHosts, ...asSent }) => {
    // a host's own wire has the subnet of that wire
    const routes = asSent.driver === 'macvlan' || asSent.driver === 'ipvlan' ? [] : routesOfHosts;
    const asked = parseIpam(ipam);
    const { clusterId } = deps;
    const chosen =
      clusterId === undefined ? undefined : () => chooseSubnet6(clusterId, Number.parseInt(deps.newId().slice(0, 4), 16), records());
    const ipv6 = parseIpam6(ipam, enableIpv6, records(), chosen);
    const subnet = subnetFor(asked, { size, labels: asSent.labels }, routes);
    const gateway = formatAddress(asked?.gateway ?? firstFree(subnet, asked));
    const record: NetworkRecord = {
      ...asSent,
      id: deps.newId(),
      cidr: subnet.cidr,
      ...(asked === undefined ? {} : { isSubnetAsked: true }),
      ...(ipv6 === undefined ? {} : { ipv6 }),
      ...(ipam?.Options ? { ipamOptions: ipam.Options } : {}),
      vni: vniOf(subnet, new Set(records().map(({ vni }) => vni))),
      auxAddresses: Object.fromEntries(Object.entries(asked?.aux ?? {}).map(([name, at]) => [name, formatAddress(at)])),
      ...(asked?.range ? { ipRange: asked.range.cidr } : {}),
      gateway,
      isGatewayShared: true,
      ...(asked?.gateway === undefined ? {} : { isGatewayAsked: true }),
      ...(requestId === undefined ? {} : { requestId }),
    };
    const reserved = [...Object.entries(record.auxAddresses), [USER_GATEWAY, gateway] as const];
    const leases = reserved.map(([owner, ip]) => reservation(record.id, ip, owner, deps.now(), deps.epoch));
    const owned: SubnetRecord = { cidr: subnet.cidr, network: record.id };
    return {
      record,
      changes: [
        { kind: 'create', key: keys.subnet(subnet.cidr), value: owned },
        { kind: 'create', key: keys.network(record.id), value: record },
        ...leases.map((lease): Change => ({ kind: 'create', key: keys.lease(record.id, lease.ip), value: lease })),
      ],
    };
  };

  const planRemoval: NetworkPlans['planRemoval'] = (network) => {
    const subnets = ledger.list<SubnetRecord>(keys.subnets).filter(([, subnet]) => subnet.network === network);
    const leases = ledger.list<LeaseRecord>(keys.leasesOf(network));
    const cidr = ledger.get<NetworkRecord>(keys.network(network))?.cidr;
    const isIts = (key: string) => key.startsWith(keys.leasesOf(network)) || (cidr !== undefined && key === keys.subnet(cidr));
    const aside = ledger.unreadable().flatMap(({ key }) => (isIts(key) ? [key] : []));
    const all = [keys.network(network), ...subnets.map(([key]) => key), ...leases.map(([key]) => key), ...aside];
    return all.map((key) => ({ kind: 'delete', key }));
  };

  function routesFault(routes: readonly string[]): string | undefined {
    const pool = poolNow();
    const inPool = routed(routes)
      .map(toSpan)
      .filter((route) => overlaps(pool, route));
    return coveredShare(pool, inPool) > MOST_ROUTED ? describeRouted(pool, inPool) : undefined;
  }

  return { plan, planRemoval, routesFault, newest: () => lastCut?.cidr };
}

/** As an Engine takes it: the first of the range, or of the subnet. */
function firstFree(subnet: Subnet, asked: UserIpam | undefined): Address {
  const taken = new Set(Object.values(asked?.aux ?? {}));
  let address = Math.max(subnet.first + 1, asked?.range?.first ?? 0);
  while (taken.has(address)) address++;
  return address;
}

function toSpan({ span }: Used): Subnet {
  return span;
}
