/**
 * IPv4 arithmetic. Text is parsed and checked by ip-num; from then on an address is an unsigned 32-bit number, because ip-num's
 * bigints cost microseconds and a lease is chosen on every create.
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

/** The address in dotted decimal; undefined for anything else (`010.0.0.1` too: others read it as octal). */
export function parseAddress(text: string): Address | undefined {
  return Validator.isValidIPv4String(text)[0] ? Number(IPv4.fromString(text).getValue()) : undefined;
}

export function formatAddress(address: Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** The subnet that `text` (`10.32.1.7/22`) lies in; compare its `cidr` with the text to learn whether host bits were set. */
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

/** What can be leased in a subnet: all but the network's own address and the broadcast address. Nothing else is special: `.0` and `.255` inside a /22 count. */
export function usable(subnet: Subnet): Span {
  return { first: subnet.first + 1, last: subnet.last - 1 };
}
