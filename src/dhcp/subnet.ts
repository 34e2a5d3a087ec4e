/** Which subnet a network gets: the next free one of its size from the pool, or the one that the user asked for. Pure. */
import { ArpanetError, type IpamConfig, type NetworkCreateRequest, type NetworkIpv6, type NetworkRecord } from '../model/index.ts';
import {
  type Address,
  contains,
  encloses,
  formatAddress,
  overlaps,
  parseAddress,
  parseSubnet,
  type Span,
  type Subnet,
  subnetAt,
  splitCidr,
} from '../text/ipv4.ts';
import { contains6, formatIpv6, overlaps6, parseIpv6, parseSubnet6 } from '../text/ipv6.ts';

/** A /30 has two usable addresses: one host's gateway and one instance. A smaller one is of no use. */
const LONGEST_PREFIX = 30;

export type SubnetChoice =
  | { readonly kind: 'chosen'; readonly subnet: Subnet }
  | { readonly kind: 'exhausted'; readonly taken: number; readonly routed: number };

/** What the user's IPAM config says, checked against itself. */
export interface UserIpam {
  readonly subnet: Subnet;
  readonly range?: Subnet;
  readonly gateway?: Address;
  readonly aux: Readonly<Record<string, Address>>;
}

/**
 * Takes the next subnet of that prefix length that overlaps nothing, beginning at `from` and going around once: a released subnet is
 * used again last, when its bridges are removed from every host.
 */
export function chooseSubnet(pool: Subnet, prefix: number, taken: readonly Span[], routed: readonly Span[], from: Address): SubnetChoice {
  const blocked = [...taken, ...routed].filter((span) => overlaps(pool, span)).sort((a, b) => a.first - b.first);
  const start = contains(pool, from) ? from : pool.first;
  const first = firstGap(start, pool.last, prefix, blocked) ?? firstGap(pool.first, pool.last, prefix, blocked);
  if (first !== undefined) return { kind: 'chosen', subnet: subnetAt(first, prefix) };
  return {
    kind: 'exhausted',
    taken: taken.filter((s) => overlaps(pool, s)).length,
    routed: routed.filter((s) => overlaps(pool, s)).length,
  };
}

function firstGap(from: Address, last: Address, prefix: number, blocked: readonly Span[]): Address | undefined {
  const size = 2 ** (32 - prefix);
  let candidate = Math.ceil(from / size) * size;
  for (const span of blocked) {
    if (span.last < candidate) continue;
    if (span.first > candidate + size - 1) break;
    candidate = Math.ceil((span.last + 1) / size) * size;
  }
  return candidate + size - 1 <= last ? candidate : undefined;
}

/** Share of the pool, 0 to 1, that these cover together. */
export function coveredShare(pool: Subnet, spans: readonly Span[]): number {
  let covered = 0;
  let next = pool.first;
  for (const { first, last } of [...spans].sort((a, b) => a.first - b.first)) {
    const from = Math.max(first, next);
    const to = Math.min(last, pool.last);
    if (to < from) continue;
    covered += to - from + 1;
    next = to + 1;
  }
  return covered / (pool.last - pool.first + 1);
}

/**
 * Prefix length from what a user wrote in `arpanet.size`: `/24`, `24`, or a number of addresses (anything above 30), hosts' gateways
 * included: `500` makes a /23. Throws `invalid`.
 */
export function prefixOf(size: string, pool: Subnet): number {
  const text = size.trim();
  const number = /^\/?\d{1,10}$/.test(text) ? Number(text.replace('/', '')) : Number.NaN;
  const isPrefix = text.startsWith('/') || number <= LONGEST_PREFIX;
  const prefix = isPrefix ? number : 32 - Math.ceil(Math.log2(number + 2));
  if (prefix >= Math.max(pool.prefix, 1) && prefix <= LONGEST_PREFIX) return prefix;
  throw new ArpanetError(
    'invalid',
    `invalid network size ${JSON.stringify(size)}: give a prefix length from /${Math.max(pool.prefix, 1)} to /${LONGEST_PREFIX}, or a number of addresses that fits into the pool ${pool.cidr}`,
  );
}

/** Of a network of the default size, or of the smallest that has so many addresses, `arpanet.addresses`. Throws `invalid`. */
export function prefixWithRoom(addresses: string | undefined, defaultPrefix: number, pool: Subnet): number {
  if (addresses === undefined) return defaultPrefix;
  const number = /^\d{1,9}$/.test(addresses) ? Number(addresses) : Number.NaN;
  const prefix = Math.min(defaultPrefix, 32 - Math.ceil(Math.log2(number + 2)));
  if (prefix >= pool.prefix) return prefix;
  throw new ArpanetError(
    'invalid',
    `a network with ${addresses.slice(0, 40)} addresses does not fit into the pool ${pool.cidr}: ask for fewer, name its subnet, or choose another pool ("arpanet config set pool …")`,
  );
}

/** Checks the user's IPAM config; undefined if it asks for nothing. Throws `invalid`, in the words of moby api/types/network/ipam.go. */
export function parseIpam(ipam: NetworkCreateRequest['IPAM']): UserIpam | undefined {
  const configs = (ipam?.Config ?? []).filter(
    (c) => !isIpv6(c) && (c.Subnet || c.IPRange || c.Gateway || Object.keys(c.AuxiliaryAddresses ?? {}).length > 0),
  );
  const config = configs[0];
  if (config === undefined) return undefined;
  if (configs.length > 1) throw invalid(`a network has one IPv4 subnet, and ${configs.length} were requested`);
  const text = config.Subnet ?? '';
  if (text === '') throw invalid('an IPAM config that names a gateway, an ip-range or auxiliary addresses must name its subnet');
  const subnet = parseSubnet(text);
  if (subnet === undefined) throw invalid(`invalid subnet ${text}: invalid CIDR block notation`);
  if (subnet.cidr !== text) throw invalid(`invalid subnet ${text}: it should be ${subnet.cidr}`);
  if (subnet.prefix > LONGEST_PREFIX || subnet.prefix < 8)
    throw invalid(`invalid subnet ${text}: its prefix length must be from /8 to /${LONGEST_PREFIX}`);
  const aux = Object.entries(config.AuxiliaryAddresses ?? {}).map(
    ([name, at]) => [name, inside(subnet, at, 'auxiliary address', name)] as const,
  );
  const gateway = config.Gateway ? inside(subnet, config.Gateway, 'gateway') : undefined;
  refuseTwice([...aux.map(([, at]) => at), ...(gateway === undefined ? [] : [gateway])]);
  return {
    subnet,
    ...(config.IPRange ? { range: rangeOf(subnet, config.IPRange) } : {}),
    ...(gateway === undefined ? {} : { gateway }),
    aux: Object.fromEntries(aux),
  };
}

/**
 * The IPv6 part of the user's IPAM config, and whether it is on. `others` are in use. `chosen`: makes a subnet where none was named and IPv6 is on.
 * Throws `invalid` and `forbidden`; what `chosen` throws.
 */
export function parseIpam6(
  ipam: NetworkCreateRequest['IPAM'],
  isEnabled: boolean,
  others: readonly NetworkRecord[],
  chosen?: () => string,
): NetworkIpv6 | undefined {
  const [config, second] = (ipam?.Config ?? []).filter(isIpv6);
  if (second !== undefined) throw invalid('a network has one IPv6 subnet, and several were requested');
  if (config?.Subnet === undefined) {
    if (!isEnabled) return undefined;
    if (chosen !== undefined) {
      const cidr = chosen();
      return { cidr, isEnabled, config: { Subnet: cidr } };
    }
    throw invalid(
      'could not find an available, non-overlapping IPv6 address pool among the defaults to assign to the network: name its subnet',
    );
  }
  const subnet = parseSubnet6(config.Subnet);
  if (subnet === undefined) throw invalid(`invalid subnet ${config.Subnet}: invalid CIDR block notation`);
  for (const [what, text] of [
    ['ip-range', config.IPRange],
    ['gateway', config.Gateway],
  ] as const) {
    const address = text ? parseIpv6(splitCidr(text).address) : subnet.first;
    if (address === undefined || !contains6(subnet, address))
      throw invalid(`invalid ${what} ${text}: parent subnet ${subnet.cidr} doesn't contain it`);
  }
  const on = others.filter(({ ipv6 }) => isEnabled && ipv6?.isEnabled === true);
  const other = on.find(({ ipv6 }) => overlaps6(subnet, parseSubnet6(ipv6?.cidr ?? '') ?? subnet));
  if (other !== undefined)
    throw new ArpanetError(
      'forbidden',
      `Pool overlaps with other one on this address space: ${subnet.cidr} overlaps ${other.ipv6?.cidr} of network ${other.name}`,
    );
  // docker-py sends null for absent fields
  const sent = Object.entries(config).filter(([, value]) => Boolean(value));
  return { cidr: subnet.cidr, isEnabled, config: Object.fromEntries(sent) };
}

/**
 * A /64 of the cluster's own range: fd, 40 bits of the cluster's id, and 16 bits for the network, from `first` on (RFC 4193 section 3.1). `others` are in use.
 * Throws `exhausted`.
 */
export function chooseSubnet6(clusterId: string, first: number, others: readonly NetworkRecord[]): string {
  const taken = others.flatMap(({ ipv6 }) => parseSubnet6(ipv6?.cidr ?? '') ?? []);
  const range = BigInt(`0xfd${clusterId.slice(0, 10)}`) << 80n;
  for (let tries = 0; tries < 2 ** 16; tries++) {
    const number = BigInt((first + tries) % 2 ** 16);
    const subnet = parseSubnet6(`${formatIpv6(range + (number << 64n))}/64`);
    if (subnet !== undefined && !taken.some((other) => overlaps6(other, subnet))) return subnet.cidr;
  }
  throw new ArpanetError('exhausted', "all 65,536 IPv6 subnets of the cluster's range are in use: remove networks, or name a subnet");
}

const isIpv6 = ({ Subnet = '' }: IpamConfig): boolean => Subnet.includes(':');

/** Throws `forbidden` (Docker answers 403) if a subnet asked for overlaps one that is in use. */
export function refuseOverlap(subnet: Subnet, taken: readonly { readonly span: Span; readonly what: string }[]): void {
  const other = taken.find(({ span }) => overlaps(span, subnet));
  if (other)
    throw new ArpanetError('forbidden', `Pool overlaps with other one on this address space: ${subnet.cidr} overlaps ${other.what}`);
}

/**
 * The VXLAN id of a subnet: the upper 24 bits of its address (10.32.4.0 is 0x0a2004), so that a bridge's name shows the subnet. Subnets
 * smaller than a /24 share those bits: they take the next free id.
 */
export function vniOf(subnet: Subnet, taken: ReadonlySet<number>): number {
  const limit = 2 ** 24;
  let vni = Math.max(1, subnet.first >>> 8);
  while (taken.has(vni)) vni = vni + 1 === limit ? 1 : vni + 1;
  return vni;
}

function rangeOf(subnet: Subnet, text: string): Subnet {
  const range = parseSubnet(text);
  if (range === undefined) throw invalid(`invalid ip-range ${text}: invalid CIDR block notation`);
  if (range.prefix < subnet.prefix) throw invalid(`invalid ip-range ${text}: CIDR block is bigger than its parent subnet ${subnet.cidr}`);
  if (!encloses(subnet, range)) throw invalid(`invalid ip-range ${text}: parent subnet ${subnet.cidr} doesn't contain ip-range`);
  if (range.cidr !== text) throw invalid(`invalid ip-range ${text}: it should be ${range.cidr}`);
  return range;
}

function inside(subnet: Subnet, text: string, what: string, name?: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw invalid(`invalid ${what} ${text}: invalid address`);
  // moby names an auxiliary address by its key in this message
  if (!contains(subnet, address))
    throw invalid(`invalid ${what} ${name ?? text}: parent subnet ${subnet.cidr} doesn't contain this address`);
  if (address === subnet.first || address === subnet.last)
    throw invalid(`invalid ${what} ${text}: it is the ${address === subnet.first ? 'network' : 'broadcast'} address of ${subnet.cidr}`);
  return address;
}

function refuseTwice(addresses: readonly Address[]): void {
  const twice = addresses.find((address, i) => addresses.indexOf(address) !== i);
  if (twice !== undefined)
    throw new ArpanetError('conflict', `Address already in use: ${formatAddress(twice)} is reserved twice by the IPAM config`);
}

function invalid(message: string): ArpanetError {
  return new ArpanetError('invalid', `invalid network config:\n${message}`);
}
