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

export interface Subnet extends Span {
  /** Canonical: `10.32.0.0/22`. */
  readonly cidr: string;
  readonly prefix: number;
}

/** Parses dotted decimal; undefined for anything else, also for `010.0.0.1`, which others read as octal. */
export function parseAddress(text: string): Address | undefined {
  return Validator.isValidIPv4String(text)[0] ? Number(IPv4.fromString(text).getValue()) : undefined;
}

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

export function contains(span: Span, address: Address): boolean {
  return address >= span.first && address <= span.last;
}

export function encloses(outer: Span, inner: Span): boolean {
  return inner.first >= outer.first && inner.last <= outer.last;
}

export function overlaps(a: Span, b: Span): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** How many addresses a span has. */
export function count(span: Span): number {
  return span.last - span.first + 1;
}

/** The addresses that can be leased: all but the network and the broadcast address. `.0` and `.255` inside a /22 are usable. */
export function usable(subnet: Subnet): Span {
  return { first: subnet.first + 1, last: subnet.last - 1 };
}
