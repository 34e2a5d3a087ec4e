/**
 * IPv4 arithmetic. Text is parsed and checked by ip-num; then an address is an unsigned 32-bit number, because ip-num's bigints
 * cost microseconds and a lease is chosen for every create. Pure.
 */
import { IPv4, IPv4CidrRange, Validator } from 'ip-num';

/** An unsigned 32-bit number. */
export type Address = number;

/** Both ends belong to it. */
export interface Span {
  readonly first: Address;
  readonly last: Address;
}

/** All addresses with one prefix, the first and the broadcast address among them. */
export interface Subnet extends Span {
  /** Canonical: `10.32.0.0/22`. */
  readonly cidr: string;
  readonly prefix: number;
}

/** Parses dotted decimal; undefined for anything else, also for `010.0.0.1`, which others read as octal. */
export function parseAddress(text: string): Address | undefined {
  return Validator.isValidIPv4String(text)[0] ? Number(IPv4.fromString(text).getValue()) : undefined;
}

/** The same for an address that is known to be one, from a record or the view, as fast as a query needs it; anything else gives any number. */
export function addressNumber(text: string): Address {
  let number = 0;
  let byte = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      number = number * 256 + byte;
      byte = 0;
    } else byte = byte * 10 + (code - ZERO);
  }
  return number * 256 + byte;
}

const DOT = 0x2e;
const ZERO = 0x30;

/** Dotted decimal: `10.32.1.7`. */
export function formatAddress(address: Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** The subnet that `text` (`10.32.1.7/22`) lies in; its `cidr` differs from the text if host bits were set. Undefined for anything else. */
export function parseSubnet(text: string): Subnet | undefined {
  if (!Validator.isValidIPv4CidrNotation(text)[0]) return undefined;
  const range = IPv4CidrRange.fromCidr(text);
  return subnetAt(Number(range.getFirst().getValue()), Number(range.getPrefix().getValue()));
}

/** The subnet of this prefix length that begins at `first`, which must be aligned. */
export function subnetAt(first: Address, prefix: number): Subnet {
  return { first, last: first + 2 ** (32 - prefix) - 1, prefix, cidr: `${formatAddress(first)}/${prefix}` };
}

/** Whether the address lies in the span, its ends among it. */
export function contains(span: Span, address: Address): boolean {
  return address >= span.first && address <= span.last;
}

/** Whether all of `inner` lies in `outer`. */
export function encloses(outer: Span, inner: Span): boolean {
  return inner.first >= outer.first && inner.last <= outer.last;
}

/** Whether the two have an address in common. */
export function overlaps(a: Span, b: Span): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** The addresses that can be leased: all but the network and the broadcast address. `.0` and `.255` inside a /22 are usable. */
export function usable(subnet: Subnet): Span {
  return { first: subnet.first + 1, last: subnet.last - 1 };
}

/** The parts of `10.32.1.7/22`, unchecked; without a slash the prefix length is empty. */
export function splitCidr(cidr: string): { readonly address: string; readonly prefix: string } {
  const slash = cidr.indexOf('/');
  return slash < 0 ? { address: cidr, prefix: '' } : { address: cidr.slice(0, slash), prefix: cidr.slice(slash + 1) };
}

/** `3.2.32.10.in-addr.arpa` is the name of 10.32.2.3; undefined: the name of no IPv4 address. Source: RFC 1035 section 3.5. */
export function addressOfReverseName(name: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  return match ? `${match[4]}.${match[3]}.${match[2]}.${match[1]}` : undefined;
}
