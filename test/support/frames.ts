/** Ethernet frames as a container with NET_RAW writes them, in hexadecimal. Pure. */
import { parseIpv6 } from '../../src/text/ipv6.ts';

const hex = (number: number, octets: number): string => number.toString(16).padStart(2 * octets, '0');
const ip = (address: string): string =>
  address
    .split('.')
    .map((part) => hex(Number(part), 1))
    .join('');
const macOf = (address: string): string => address.replaceAll(':', '').toLowerCase();

interface Ends {
  readonly from: { readonly mac: string; readonly ip: string };
  readonly to: { readonly mac: string; readonly ip: string };
}

const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/** RFC 791 section 3.1: the complement of the sum of all 16-bit words. */
function checksum(header: string): string {
  let sum = 0;
  for (let at = 0; at < header.length; at += 4) sum += Number.parseInt(header.slice(at, at + 4), 16);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return hex(~sum & 0xffff, 2);
}

/** A UDP packet (RFC 768, without a checksum). `payload`: hexadecimal. */
export function udpFrame({ from, to }: Ends, [source, port]: readonly [number, number], payload: string): string {
  const length = payload.length / 2 + 8;
  const start = `4500${hex(length + 20, 2)}000000004011`;
  const rest = `${ip(from.ip)}${ip(to.ip)}`;
  const header = `${start}${checksum(`${start}${rest}`)}${rest}`;
  return `${macOf(to.mac)}${macOf(from.mac)}0800${header}${hex(source, 2)}${hex(port, 2)}${hex(length, 2)}0000${payload}`;
}

/** An answer that nobody asked for, to all: "`ip` is at `mac`" (RFC 826). */
export function arpAnswer(sender: string, said: { readonly mac: string; readonly ip: string }): string {
  return `${macOf(BROADCAST)}${macOf(sender)}08060001080006040002${macOf(said.mac)}${ip(said.ip)}${macOf(BROADCAST)}${ip(said.ip)}`;
}

const ip6 = (address: string): string => (parseIpv6(address) ?? 0n).toString(16).padStart(32, '0');

/** To all: that `target` is at the sender (RFC 4861 section 4.4, with the override flag), or the question whether somebody has it (section 4.3). */
export function neighbourMessage(
  kind: 'advertisement' | 'solicitation',
  from: { readonly mac: string; readonly ip: string },
  target: string,
): string {
  const [type, flags, option] = kind === 'advertisement' ? (['88', '20000000', '0201'] as const) : (['87', '00000000', undefined] as const);
  const rest = `${flags}${ip6(target)}${option === undefined ? '' : `${option}${macOf(from.mac)}`}`;
  const length = hex(rest.length / 2 + 4, 2);
  const ends = `${ip6(from.ip)}${ip6('ff02::1')}`;
  const sum = checksum(`${ends}0000${length}0000003a${type}000000${rest}`);
  return `${macOf('33:33:00:00:00:01')}${macOf(from.mac)}86dd60000000${length}3aff${ends}${type}00${sum}${rest}`;
}

/** What goes into a UDP packet to port 4789 (RFC 7348 section 5). */
export function vxlanPayload(vni: number, frame: string): string {
  return `08000000${hex(vni, 3)}00${frame}`;
}

export const textPayload = (text: string): string => Buffer.from(text).toString('hex');
