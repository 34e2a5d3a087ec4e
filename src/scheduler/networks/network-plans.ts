/** What should exist of the cluster's networks on a host. Pure. */
import { type HostRecord, type NetworkIpv6, type NetworkPlan, type NetworkRecord } from '../../model/index.ts';
import { ipv6At, isOnWire } from '../../networks/index.ts';
import { contains, parseAddress, parseSubnet } from '../../text/ipv4.ts';

export interface NetworkAt {
  readonly record: NetworkRecord;
  /** Own address by host: the hosts that have the network. */
  readonly gateways: Readonly<Record<string, string>>;
  /** The host can have the gateway that the others have, too. */
  readonly sharesGateway: boolean;
  /** What this host's Engine must keep clear of. */
  readonly reserved: Readonly<Record<string, string>>;
}

/** The plan of one network on one host; undefined when the host does not have it. */
export function planFor(host: string, network: NetworkAt, hosts: ReadonlyMap<string, HostRecord>): NetworkPlan | undefined {
  const { record, gateways, reserved } = network;
  const own = gateways[host];
  if (own === undefined) return undefined;
  const gateway = gatewayAt(network, own);
  // an agent of before, or one that lost its WireGuard, would make it plain
  if (record.isEncrypted === true && hosts.get(host)?.tunnel === undefined) return undefined;
  const mtu = leastMtu(hosts);
  const isWire = isOnWire(record);
  const peers = isWire ? [] : Object.keys(gateways).flatMap((other) => (other === host ? [] : (hosts.get(other)?.address ?? [])));
  return {
    network: record.id,
    name: record.name,
    cidr: record.cidr,
    vni: record.vni,
    gateway,
    ...(gateway === own || isWire ? {} : { isGatewayShared: true as const }),
    ...(gateway === own || !isInside(record.cidr, own) ? {} : { own }),
    ...(record.ipv6 === undefined ? {} : { ipv6: ipv6Plan(record, record.ipv6, gateway) }),
    reserved,
    internal: record.internal,
    labels: record.labels,
    options: record.options,
    peers: peers.sort(),
    ...(isWire && record.driver !== undefined ? { driver: record.driver } : {}),
    ...(mtu === undefined ? {} : { mtu }),
    ...(record.isEncrypted === true && !isWire ? { encryption: tunnelsOf(Object.keys(gateways), host, hosts) } : {}),
  };
}

/** By address, of those that have any. */
function tunnelsOf(
  members: readonly string[],
  host: string,
  hosts: ReadonlyMap<string, HostRecord>,
): NonNullable<NetworkPlan['encryption']> {
  const others = members.flatMap((other) => (other === host ? [] : (hosts.get(other) ?? [])));
  return Object.fromEntries(others.flatMap(({ address, tunnel }) => (tunnel === undefined ? [] : [[address, tunnel.ends] as const])));
}

const leastMtus = new WeakMap<ReadonlyMap<string, HostRecord>, number>();

/** Of all hosts; undefined: none says its own. */
function leastMtu(hosts: ReadonlyMap<string, HostRecord>): number | undefined {
  let least = leastMtus.get(hosts);
  if (least === undefined) {
    least = Number.POSITIVE_INFINITY;
    for (const { mtu = Number.POSITIVE_INFINITY } of hosts.values()) least = Math.min(least, mtu);
    leastMtus.set(hosts, least);
  }
  return Number.isFinite(least) ? least : undefined;
}

/** In a small subnet, and on a wire, a host that shares the gateway has no address of its own. */
function isInside(cidr: string, ip: string): boolean {
  const [subnet, address] = [parseSubnet(cidr), parseAddress(ip)];
  return subnet !== undefined && address !== undefined && contains(subnet, address);
}

/** The gateway of the containers of a host. `own`: the host's own address. */
export function gatewayAt({ record, sharesGateway }: Pick<NetworkAt, 'record' | 'sharesGateway'>, own: string): string {
  return record.isGatewayShared === true && (sharesGateway || isOnWire(record)) ? (record.gateway ?? own) : own;
}

/** The gateway here goes with the one of IPv4. */
function ipv6Plan(record: NetworkRecord, { cidr, isEnabled }: NetworkIpv6, gateway: string): NonNullable<NetworkPlan['ipv6']> {
  const paired = ipv6At(record, gateway);
  return { cidr, isEnabled, ...(paired === undefined ? {} : { gateway: paired }) };
}
