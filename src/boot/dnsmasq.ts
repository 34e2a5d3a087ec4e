/** The settings of the real server, dnsmasq, and what it says: DHCP and TFTP on one interface, no DNS. Pure. */
import type { MachineRecord } from '../model/index.ts';
import { contains, formatAddress, parseAddress, parseSubnet, type Subnet, usable } from '../text/ipv4.ts';
import { ArpanetError } from '../model/index.ts';

/** The network that machines boot from, as this machine is in it. */
export interface Wire {
  readonly interface: string;
  /** Of this machine. */
  readonly address: string;
  readonly subnet: Subnet;
  /** Addresses for machines, both ends among them: `10.50.0.128-10.50.0.254`. */
  readonly range: string;
  /** Their way to other networks; absent: none. */
  readonly gateway?: string;
  /** DNS servers of theirs. */
  readonly dns: readonly string[];
}

/** `range` absent: the upper half of the network. Throws `invalid` for what does not fit to the network. */
export function wireOf(given: {
  readonly interface: string;
  /** `10.50.0.1/24` */
  readonly cidr: string;
  readonly range?: string;
  readonly gateway?: string;
  readonly dns?: readonly string[];
}): Wire {
  const subnet = parseSubnet(given.cidr);
  const address = given.cidr.split('/')[0] ?? '';
  if (subnet === undefined || subnet.prefix > 29)
    throw new ArpanetError(
      'invalid',
      `${given.interface} has the address ${given.cidr}: a network for machines that boot has 8 addresses or more`,
    );
  const own = parseAddress(address);
  const all = usable(subnet);
  const half = { first: formatAddress(subnet.first + (subnet.last + 1 - subnet.first) / 2), last: formatAddress(all.last) };
  const range = given.range ?? `${half.first}-${half.last}`;
  const [first, last, ...more] = range.split('-').map(parseAddress);
  if (first === undefined || last === undefined || more.length > 0 || first > last || !contains(all, first) || !contains(all, last))
    throw new ArpanetError('invalid', `--range is "${range}": it is two addresses in ${subnet.cidr}, as ${half.first}-${half.last}`);
  if (own !== undefined && contains({ first, last }, own))
    throw new ArpanetError(
      'invalid',
      `--range ${range} contains ${address}, the address of this machine: give another (--range FIRST-LAST)`,
    );
  for (const [flag, text] of [
    ...(given.gateway === undefined ? [] : [['--gateway', given.gateway]]),
    ...(given.dns ?? []).map((one) => ['--dns', one]),
  ])
    if (parseAddress(text ?? '') === undefined) throw new ArpanetError('invalid', `${flag} is "${text}": it is an IPv4 address`);
  if (given.gateway !== undefined && !contains(all, parseAddress(given.gateway) ?? 0))
    throw new ArpanetError('invalid', `--gateway ${given.gateway} is not in ${subnet.cidr}: machines reach it by no other way`);
  return {
    interface: given.interface,
    address,
    subnet,
    range,
    dns: given.dns ?? [],
    ...(given.gateway !== undefined && { gateway: given.gateway }),
  };
}

/** The card by which other DHCP servers are looked for: our own does not answer it. Locally administered (IEEE 802). */
export const PROBE_MAC = '02:61:72:70:61:01';

/** Seconds: machines renew theirs at half of it. */
const LEASE_S = 3_600;

/** Files in the folder that dnsmasq gets. */
export const FILES = { settings: 'dnsmasq.conf', hosts: 'hosts', leases: 'leases', tftp: 'tftp' } as const;
/** iPXE by the kind of firmware, as Debian's package ipxe has it in /usr/lib/ipxe. */
export const LOADERS = { bios: 'undionly.kpxe', efi: 'snponly.efi' } as const;

/**
 * `dir`: a folder of its own. `url`: where the machines find the HTTP server. iPXE says so by its options (175, and its user class), and gets the script and no other iPXE.
 * Client architectures: RFC 4578 section 2.1, as IANA lists them: 0 BIOS; 7 and 9 UEFI with x86-64.
 */
export function dnsmasqSettings({ interface: link, range, subnet, gateway, dns }: Wire, dir: string, url: string): string {
  const [first, last] = range.split('-');
  return `# Made by "arpanet boot": what is changed here is lost.
port=0
interface=${link}
bind-interfaces
except-interface=lo
no-resolv
no-hosts
no-ping
log-facility=-
log-async=50
dhcp-range=${first},${last},${maskOf(subnet.prefix)},${LEASE_S}
dhcp-authoritative
dhcp-ignore-clid
dhcp-leasefile=${dir}/${FILES.leases}
dhcp-hostsfile=${dir}/${FILES.hosts}
dhcp-option=option:router${gateway === undefined ? '' : `,${gateway}`}
dhcp-option=option:dns-server${dns.map((one) => `,${one}`).join('')}
dhcp-match=set:ipxe,175
dhcp-userclass=set:ipxe,iPXE
dhcp-match=set:bios,option:client-arch,0
dhcp-match=set:efi,option:client-arch,7
dhcp-match=set:efi,option:client-arch,9
dhcp-boot=tag:bios,tag:!ipxe,${LOADERS.bios}
dhcp-boot=tag:efi,tag:!ipxe,${LOADERS.efi}
dhcp-boot=tag:ipxe,${url}/boot.ipxe
enable-tftp
tftp-root=${dir}/${FILES.tftp}
`;
}

const maskOf = (prefix: number): string => formatAddress((0xffffffff << (32 - prefix)) >>> 0);

/** What dnsmasq reads again when it gets SIGHUP: the names and addresses of approved machines, and whom it does not answer. */
export function dnsmasqHosts(
  machines: readonly MachineRecord[],
  { subnet, address }: Pick<Wire, 'subnet' | 'address'>,
  ignored: Iterable<string>,
): string {
  const silent = new Set(ignored);
  const known = machines.flatMap(({ host, macs, address: wanted }) => {
    const number = wanted === undefined ? undefined : parseAddress(wanted);
    const fixed = number !== undefined && contains(usable(subnet), number) && wanted !== address ? `,${wanted}` : '';
    const cards = macs.filter((mac) => !silent.has(mac));
    // in one line: of two with the same address dnsmasq leaves out the second
    return cards.length === 0 ? [] : [`${cards.join(',')}${fixed},${host}\n`];
  });
  return [...known, ...[PROBE_MAC, ...silent].map((mac) => `${mac},ignore\n`)].join('');
}

/** Something that a machine did, as dnsmasq logs it. */
export type WireEvent =
  /** It was given an address. */
  | { readonly kind: 'leased'; readonly mac: string; readonly address: string }
  /** It fetched iPXE. */
  | { readonly kind: 'loader'; readonly address: string }
  /** There was no address for it. */
  | { readonly kind: 'full'; readonly mac: string };

/** Source: dnsmasq's src/rfc2131.c (log_packet) and src/tftp.c. Undefined for any other line. */
export function readEvent(line: string): WireEvent | undefined {
  const [, ackAddress, ackMac] = /DHCPACK\(\S+\) (\S+) ([0-9a-f:]{17})/.exec(line) ?? [];
  if (ackAddress !== undefined && ackMac !== undefined) return { kind: 'leased', mac: ackMac, address: ackAddress };
  const [, address] = /\bsent \S+\/(?:undionly\.kpxe|snponly\.efi) to ([0-9.]+)/.exec(line) ?? [];
  if (address !== undefined) return { kind: 'loader', address };
  const [, mac] = /DHCPDISCOVER\(\S+\) (?:\S+ )?([0-9a-f:]{17}).*no address available/.exec(line) ?? [];
  return mac === undefined ? undefined : { kind: 'full', mac };
}
