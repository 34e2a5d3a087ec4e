/**
 * What a container may send into a network's bridge: frames with its own addresses, and no others. As chains of ebtables' table nat, whose PREROUTING is
 * before the bridge learns who is where. Pure.
 */
import type { ContainerInspect } from '../../model/docker.ts';
import { labels } from '../../model/labels.ts';
import { DEFAULT_BRIDGE, isOurBridge } from '../overlay/plan.ts';

export const CHAIN = 'ARPANET-INSIDE';
export const JUMP = `PREROUTING -i veth+ -j ${CHAIN}`;
const PREFIX = 'arpanet-';

/** The host's end of a container's link on a bridge of the cluster. */
export interface GuardedPort {
  /** As Docker names it: `veth1a2b3c4`. */
  readonly ifname: string;
  readonly mac: string;
  /** All that the container has, in whichever network: Linux answers for each of its addresses on all of its links. */
  readonly addresses: readonly string[];
}

/** A container's links, by MAC address, and its addresses; undefined: it is not guarded. */
export interface Guarded {
  readonly pid: number;
  readonly macs: readonly string[];
  readonly addresses: readonly string[];
  /** The cluster made it; on the Engine's own bridge others are left as they are. */
  readonly isOurs: boolean;
}

/** A container with the right to change addresses (`NET_ADMIN`) may have more than the Engine knows: a virtual address, a router's clients. */
export function isAdmin({ HostConfig }: ContainerInspect): boolean {
  const capabilities = (HostConfig['CapAdd'] as readonly string[] | null | undefined) ?? [];
  return HostConfig['Privileged'] === true || capabilities.some((one) => /^(?:ALL|(?:CAP_)?NET_ADMIN)$/i.test(one));
}

/** The container whose network this one shares (`--network container:ID`). */
export function sharedNetwork({ HostConfig }: ContainerInspect): string | undefined {
  return /^container:(.+)$/.exec(HostConfig.NetworkMode ?? '')?.[1];
}

/** Whether its network namespace is its own, and so what is written there is about this container: not its host's, nor another container's. */
export const hasOwnNetwork = (inspect: ContainerInspect): boolean =>
  inspect.HostConfig.NetworkMode !== 'host' && sharedNetwork(inspect) === undefined;

/** Undefined for one that does not run, has no network of its own, or may change its addresses. */
export function guardedOf(inspect: ContainerInspect): Guarded | undefined {
  const { Pid: pid } = inspect.State;
  if (!inspect.State.Running || typeof pid !== 'number' || pid <= 0 || isAdmin(inspect)) return undefined;
  const ends = Object.values(inspect.NetworkSettings.Networks ?? {}).filter(({ MacAddress = '' }) => MacAddress !== '');
  const addresses = ends.flatMap(({ IPAddress, GlobalIPv6Address, IPAMConfig }) => [
    ...(IPAddress ? [IPAddress] : []),
    ...(GlobalIPv6Address ? [GlobalIPv6Address] : []),
    ...(IPAMConfig?.LinkLocalIPs ?? []),
  ]);
  const macs = ends.map(({ MacAddress = '' }) => MacAddress.toLowerCase());
  const isOurs = inspect.Config.Labels?.[labels.record] !== undefined;
  return macs.length === 0 ? undefined : { pid, macs: macs.toSorted(), addresses: addresses.toSorted(), isOurs };
}

/** Whether its link on this bridge is bound. */
export const isBoundOn = ({ isOurs }: Guarded, bridge: string): boolean => isOurBridge(bridge) || (isOurs && bridge === DEFAULT_BRIDGE);

/** By name, their rules. A port is found in two steps: by the first digit of its name, then by all of it. */
export type Chains = ReadonlyMap<string, readonly string[]>;

export function chainsOf(ports: readonly GuardedPort[]): Chains {
  const chains = new Map<string, readonly string[]>();
  const buckets = group(ports);
  chains.set(
    CHAIN,
    [...buckets.keys()].toSorted().map((bucket) => `-i ${bucket}+ -j ${PREFIX}${bucket}-all`),
  );
  for (const [bucket, some] of buckets) {
    chains.set(
      `${PREFIX}${bucket}-all`,
      some.map(({ ifname }) => `-i ${ifname} -j ${PREFIX}${ifname}`),
    );
    for (const port of some) chains.set(`${PREFIX}${port.ifname}`, rulesOf(port));
  }
  return chains;
}

const bucketOf = ({ ifname }: GuardedPort): string => ifname.slice(0, 5);

function group(ports: readonly GuardedPort[]): Map<string, GuardedPort[]> {
  const groups = new Map<string, GuardedPort[]>();
  for (const port of ports) groups.set(bucketOf(port), [...(groups.get(bucketOf(port)) ?? []), port]);
  return groups;
}

function rulesOf({ mac, addresses }: GuardedPort): readonly string[] {
  const four = addresses.filter((address) => !address.includes(':'));
  const six = addresses.filter((address) => address.includes(':'));
  return [
    `-s ! ${mac} -j DROP`,
    ...four.map((address) => `-p IPv4 --ip-src ${address} -j RETURN`),
    // 0.0.0.0: who asks whether an address is free (RFC 5227 section 2.1.1)
    ...[...four, '0.0.0.0'].map((address) => `-p ARP --arp-ip-src ${address} --arp-mac-src ${mac} -j RETURN`),
    ...(six.length === 0 ? [] : rules6([...six, linkLocal(mac), '::'])),
    '-j DROP',
  ];
}

/** No container is a router, and none sends others to one (RFC 4861 sections 4.2 and 4.5). */
function rules6(sources: readonly string[]): readonly string[] {
  return [
    ...['router-advertisement', 'redirect'].map((type) => `-p IPv6 --ip6-proto ipv6-icmp --ip6-icmp-type ${type} -j DROP`),
    ...sources.map((source) => `-p IPv6 --ip6-src ${source} -j RETURN`),
  ];
}

/** The link-local address that Linux makes of a MAC address. RFC 4291 appendix A. */
export function linkLocal(mac: string): string {
  const [a = 0, ...rest] = mac.split(':').map((octet) => Number.parseInt(octet, 16));
  const octets = [a ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)].map((octet) => octet.toString(16).padStart(2, '0'));
  return `fe80::${octets.join('').replaceAll(/(.{4})(?=.)/g, '$1:')}`;
}

/** Names of arpanet's chains in the output of `ebtables -L`. */
export function chainsIn(text: string): readonly string[] {
  return [...text.matchAll(/^Bridge chain: (\S+?),/gm)].flatMap(([, name = '']) =>
    name === CHAIN || name.startsWith(`${PREFIX}veth`) ? [name] : [],
  );
}

/** Our part of the output of `ebtables -L`. */
export function ownPart(text: string): string {
  const parts = text.split(/^(?=Bridge chain: )/m);
  return parts
    .flatMap((part) => (chainsIn(part).length > 0 ? [part.trim()] : part.split('\n').filter((line) => line.trim().endsWith(`-j ${CHAIN}`))))
    .join('\n');
}

/** For `ebtables-restore --noflush`; undefined: nothing to do. `before`: chains as they are; those with undefined rules exist, whatever is in them. */
export function changeText(
  before: ReadonlyMap<string, readonly string[] | undefined>,
  wanted: Chains,
  hasJump: boolean,
): string | undefined {
  const changed = [...wanted].filter(([name, rules]) => before.get(name)?.join('\n') !== rules.join('\n') || !before.has(name));
  const gone = [...before.keys()].filter((name) => !wanted.has(name));
  const fills = [...changed].flatMap(([name, rules]) => rules.map((rule) => `-A ${name} ${rule}`));
  const lines = [
    ...changed.map(([name]) => `:${name} RETURN`),
    ...fills,
    ...(hasJump ? [] : [`-A ${JUMP}`]),
    ...gone.flatMap((name) => [`:${name} RETURN`, `-X ${name}`]),
  ];
  return lines.length === 0 ? undefined : ['*nat', ...lines, 'COMMIT', ''].join('\n');
}
