/** IPv6 addresses and subnets, as unsigned numbers of 128 bits. ip-num reads them; it does not write the form of RFC 5952. Pure. */
import { IPv6, IPv6CidrRange, IPv6Prefix, Validator } from 'ip-num';
import { splitCidr } from './ipv4.ts';

/** `2001:db8::/64` in parts. */
export interface Subnet6 {
  /** Canonical (RFC 5952), host bits cleared. */
  readonly cidr: string;
  readonly first: bigint;
  readonly prefix: number;
}

const BITS = 128n;

/** Undefined for anything that is no IPv6 address; one with a zone (`fe80::1%eth0`) is none. */
export function parseIpv6(text: string): bigint | undefined {
  return text.includes('%') || !Validator.isValidIPv6String(text)[0] ? undefined : IPv6.fromString(text).getValue();
}

/** The shortest form of RFC 5952 of a number of 128 bits. */
export function formatIpv6(address: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((address >> BigInt(16 * (7 - i))) & 0xffffn).toString(16));
  return canonicalIpv6(groups.join(':')) ?? '';
}

/** Undefined for anything that is no IPv6 subnet; host bits are cleared. */
export function parseSubnet6(text: string): Subnet6 | undefined {
  const { address, prefix: bits } = splitCidr(text);
  const number = parseIpv6(address);
  const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  if (number === undefined || prefix < 0 || prefix > 128) return undefined;
  const first = new IPv6CidrRange(new IPv6(number), new IPv6Prefix(BigInt(prefix))).getFirst().getValue();
  return { cidr: `${formatIpv6(first)}/${prefix}`, first, prefix };
}

/** Whether the address, a number of 128 bits, lies in the subnet. */
export function contains6(subnet: Subnet6, address: bigint): boolean {
  const rest = BITS - BigInt(subnet.prefix);
  return address >> rest === subnet.first >> rest;
}

/** `1.0.…0.8.b.d.0.1.0.0.2.ip6.arpa` is the name of 2001:db8::1, in the shortest form; undefined: the name of no IPv6 address. Source: RFC 3596 section 2.5. */
export function addressOfReverseName6(name: string): string | undefined {
  const [, nibbles] = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name) ?? [];
  return nibbles === undefined ? undefined : formatIpv6(BigInt(`0x${nibbles.split('.').toReversed().join('')}`));
}

/** Whether the two have an address in common. */
export function overlaps6(a: Subnet6, b: Subnet6): boolean {
  return contains6(a, b.first) || contains6(b, a.first);
}

/** The shortest form of RFC 5952, as the WHATWG URL parser writes it, which reads all forms; undefined for anything that is no IPv6 address. */
export function canonicalIpv6(text: string): string | undefined {
  if (!/^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text) || !URL.canParse(`http://[${text}]/`)) return undefined;
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}
