/** What should exist of the cluster's networks on a host. Pure. */
import { type HostRecord, type NetworkIpv6, type NetworkPlan, type NetworkRecord } from '../../model/index.ts';
import { ipv6At } from '../../networks/index.ts';

export interface NetworkAt {
  readonly record: NetworkRecord;
  /** Gateway address by host: the hosts that have the network. */
  readonly gateways: Readonly<Record<string, string>>;
  /** What this host's Engine must keep clear of. */
  readonly reserved: Readonly<Record<string, string>>;
}

/** The plan of one network on one host; undefined when the host does not have it. */
export function planFor(host: string, network: NetworkAt, hosts: ReadonlyMap<string, HostRecord>): NetworkPlan | undefined {
  const { record, gateways, reserved } = network;
  const gateway = gateways[host];
  if (gateway === undefined) return undefined;
  const peers = Object.keys(gateways).flatMap((other) => (other === host ? [] : (hosts.get(other)?.address ?? [])));
  return {
    network: record.id,
    name: record.name,
    cidr: record.cidr,
    vni: record.vni,
    gateway,
    ...(record.ipv6 === undefined ? {} : { ipv6: ipv6Plan(record, record.ipv6, gateway) }),
    reserved,
    internal: record.internal,
    labels: record.labels,
    options: record.options,
    peers: peers.sort(),
  };
}

/** Each host has a gateway of its own here too. */
function ipv6Plan(record: NetworkRecord, { cidr, isEnabled }: NetworkIpv6, gateway: string): NonNullable<NetworkPlan['ipv6']> {
  const paired = ipv6At(record, gateway);
  return { cidr, isEnabled, ...(paired === undefined ? {} : { gateway: paired }) };
}
