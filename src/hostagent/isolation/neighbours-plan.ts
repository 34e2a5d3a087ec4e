/**
 * Which IPv6 addresses a container may say that it has, as a text for `nft -f`. ebtables compares a frame's own addresses; the address that a neighbour advertisement speaks of (RFC 4861
 * section 4.4: 8 octets into the ICMPv6 message) is read by nft alone. Pure.
 */
import { parseIpv6 } from '../../text/ipv6.ts';
import { type GuardedPort, linkLocal } from './guards-plan.ts';

export const NEIGHBOURS_TABLE = 'arpanet-neighbours';
const HEAD = `table bridge ${NEIGHBOURS_TABLE}\ndelete table bridge ${NEIGHBOURS_TABLE}\n`;
const SPOKEN_OF = '@th,64,128';

/** Undefined: no container has an IPv6 address, and none of their IPv6 frames passes. */
export function neighbourRules(ports: readonly GuardedPort[]): string | undefined {
  const own = ports.flatMap(({ mac, addresses }) => {
    const six = addresses.filter((address) => address.includes(':'));
    return six.length === 0 ? [] : [...six, linkLocal(mac)].map((address) => `${mac} . ${hex(address)}`);
  });
  if (own.length === 0) return undefined;
  const bound = new Set(ports.map(({ mac }) => mac));
  return [
    HEAD,
    `table bridge ${NEIGHBOURS_TABLE} {`,
    `  set bound { type ether_addr; elements = { ${[...bound].toSorted().join(', ')} }; }`,
    `  set own { typeof ether saddr . ${SPOKEN_OF}; elements = { ${[...new Set(own)].toSorted().join(', ')} }; }`,
    '  chain prerouting {',
    '    type filter hook prerouting priority -200; policy accept;',
    '    ether saddr != @bound accept',
    `    icmpv6 type nd-neighbor-advert ether saddr . ${SPOKEN_OF} != @own drop`,
    // who asks whether an address is free that is another's would keep it from having it (RFC 4862 section 5.4)
    `    icmpv6 type nd-neighbor-solicit ip6 saddr :: ether saddr . ${SPOKEN_OF} != @own drop`,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** There is no such table. */
export const NO_NEIGHBOURS = HEAD;

const hex = (address: string): string => `0x${(parseIpv6(address.replace(/%.*$/, '')) ?? 0n).toString(16).padStart(32, '0')}`;
