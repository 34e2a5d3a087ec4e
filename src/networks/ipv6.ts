/**
 * IPv6 in the cluster's networks. Every member has an IPv4 lease already, which no other has: its IPv6 address is that number counted
 * from the start of the network's IPv6 range. So nothing more is leased, and two hosts never give out the same. Pure.
 */
import type { NetworkRecord } from '../model/records.ts';

/** `2001:db8::/64` in parts. */
interface Subnet6 {
  /** Canonical (RFC 5952), host bits cleared. */
  readonly cidr: string;
  readonly first: bigint;
  readonly prefix: number;
}

const BITS = 128n;

/** Undefined for anything that is no IPv6 address. */
export function parseIpv6(text: string): bigint | undefined {
  if (!/^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text)) return undefined;
  const canonical = canonicalOf(text);
  if (canonical === undefined) return undefined;
  const [head = [], tail] = canonical.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const groups = tail === undefined ? head : [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return groups.reduce((number, group) => (number << 16n) | BigInt(`0x${group}`), 0n);
}

/** The canonical text of an IPv6 address (RFC 5952). */
export function formatIpv6(address: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((address >> BigInt(16 * (7 - i))) & 0xffffn).toString(16));
  return canonicalOf(groups.join(':')) ?? '';
}

/** Undefined for anything that is no IPv6 subnet; host bits are cleared. */
export function parseSubnet6(text: string): Subnet6 | undefined {
  const [address = '', bits = ''] = text.split('/', 2);
  const number = parseIpv6(address);
  const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  if (number === undefined || prefix < 0 || prefix > 128) return undefined;
  const rest = BITS - BigInt(prefix);
  const first = (number >> rest) << rest;
  return { cidr: `${formatIpv6(first)}/${prefix}`, first, prefix };
}

/** Whether an IPv6 subnet contains an address. */
export function contains6(subnet: Subnet6, address: bigint): boolean {
  const rest = BITS - BigInt(subnet.prefix);
  return address >> rest === subnet.first >> rest;
}

/** Whether two IPv6 subnets have an address in common. */
export function overlaps6(a: Subnet6, b: Subnet6): boolean {
  return contains6(a, b.first) || contains6(b, a.first);
}

/**
 * The IPv6 address that goes with an IPv4 lease of the network `cidr`: its whole number where 32 bits are free in `range`, else its place
 * in the IPv4 subnet. Undefined: `range` is too small to hold it.
 */
export function pairedIpv6(range: string, cidr: string, ip: string): string | undefined {
  const subnet = parseSubnet6(range);
  if (subnet === undefined) return undefined;
  const number = numberOf(ip);
  const free = BITS - BigInt(subnet.prefix);
  const offset = free >= 32n ? number : number - numberOf(cidr.split('/')[0] ?? '');
  return offset < 1n << free ? formatIpv6(subnet.first + offset) : undefined;
}

const numberOf = (ip: string): bigint => ip.split('.').reduce((number, part) => (number << 8n) | BigInt(part), 0n);

/** As WHATWG's URL writes it, which is RFC 5952. */
function canonicalOf(text: string): string | undefined {
  return URL.canParse(`http://[${text}]/`) ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : undefined;
}

/** What a network's member at this IPv4 lease is called in its IPv6 range; undefined where the network has none, or none that is on. */
export function ipv6At({ cidr, ipv6 }: NetworkRecord, ip: string): string | undefined {
  if (ipv6?.isEnabled !== true) return undefined;
  const { IPRange, Subnet = ipv6.cidr } = ipv6.config;
  return (IPRange ? pairedIpv6(IPRange, cidr, ip) : undefined) ?? pairedIpv6(Subnet, cidr, ip);
}
