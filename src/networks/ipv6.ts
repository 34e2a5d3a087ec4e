/**
 * IPv6 in the cluster's networks. Every member has an IPv4 lease already, which no other has: its IPv6 address is that number counted
 * from the start of the network's IPv6 range. So nothing more is leased, and two hosts never give out the same. Pure.
 */
import type { NetworkRecord } from '../model/records.ts';
import { addressNumber, splitCidr } from '../text/ipv4.ts';
import { formatIpv6, parseSubnet6 } from '../text/ipv6.ts';

const BITS = 128n;

/**
 * The IPv6 address that goes with an IPv4 lease of the network `cidr`: its whole number where 32 bits are free in `range`, else its place
 * in the IPv4 subnet. Undefined: `range` is too small to hold it.
 */
export function pairedIpv6(range: string, cidr: string, ip: string): string | undefined {
  const subnet = parseSubnet6(range);
  if (subnet === undefined) return undefined;
  const number = BigInt(addressNumber(ip));
  const free = BITS - BigInt(subnet.prefix);
  const offset = free >= 32n ? number : number - BigInt(addressNumber(splitCidr(cidr).address));
  return offset < 1n << free ? formatIpv6(subnet.first + offset) : undefined;
}

/** What a network's member at this IPv4 lease is called in its IPv6 range; undefined where the network has none, or none that is on. */
export function ipv6At({ cidr, ipv6 }: NetworkRecord, ip: string): string | undefined {
  if (ipv6?.isEnabled !== true) return undefined;
  const { IPRange, Subnet = ipv6.cidr } = ipv6.config;
  return (IPRange ? pairedIpv6(IPRange, cidr, ip) : undefined) ?? pairedIpv6(Subnet, cidr, ip);
}
