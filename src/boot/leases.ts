/** Which machine has which address on a provisioning network: dnsmasq's file of leases, read and written. Pure. */
import type { BootLease } from '../contracts/index.ts';
import { parseAddress } from '../text/ipv4.ts';
import { readMac } from './machine.ts';

/** A lease without an end: as long as a number of JavaScript's dates. */
const FOR_EVER_MS = 8.64e15;

/** Source: dnsmasq's src/lease.c (`EXPIRY MAC ADDRESS NAME CLIENT-ID`, seconds since 1970, 0: no end). What is no such line, as that of a DUID, is left out. */
export function readLeases(text: string): readonly BootLease[] {
  return text.split('\n').flatMap((line) => {
    const [until = '', card = '', address = '', name = ''] = line.split(' ');
    const mac = readMac(card);
    if (!/^\d+$/.test(until) || mac === undefined || parseAddress(address) === undefined) return [];
    const untilMs = until === '0' ? FOR_EVER_MS : Math.min(Number(until) * 1_000, FOR_EVER_MS);
    return [{ mac, address, name: name === '*' ? '' : name, untilMs }];
  });
}

/** For a server that takes over: it gives no address to another machine while that lasts. */
export const writeLeases = (leases: readonly BootLease[]): string =>
  leases
    .map(
      ({ mac, address, name, untilMs }) =>
        `${untilMs >= FOR_EVER_MS ? 0 : Math.floor(untilMs / 1_000)} ${mac} ${address} ${name || '*'} *\n`,
    )
    .join('');

/** Those of both; of one card or address the one of `newer`. */
export function mergedLeases(older: readonly BootLease[], newer: readonly BootLease[], nowMs: number): readonly BootLease[] {
  const taken = new Set(newer.flatMap(({ mac, address }) => [mac, address]));
  return [...newer, ...older.filter(({ mac, address }) => !taken.has(mac) && !taken.has(address))].filter(({ untilMs }) => untilMs > nowMs);
}
