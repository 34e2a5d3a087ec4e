/** Which client a connection is of, and what one client may have of what all share. State: counts by client, which go with the last of what it has. */
import { isLoopback } from '../../security/index.ts';
import { formatIpv6, parseIpv6 } from '../../text/ipv6.ts';

/** What one client may have at once, and how long it may take. */
export interface ClientLimits {
  /** Open connections of one client; of this machine together `LOCAL_TIMES` as many. */
  readonly connections: number;
  /** Attach, exec, logs, events, waits and uploads of one client; of this machine together `LOCAL_TIMES` as many. */
  readonly streams: number;
  /** For the head of a request, and again for a body that a scheduler reads itself. */
  readonly requestMs: number;
  /** Nothing came of an upload, or nothing was taken of an answer. */
  readonly stallMs: number;
  /** Nothing was taken of a stream. */
  readonly streamStallMs: number;
  /** Open connections of all clients, as the process has files for them. */
  readonly total: number;
}

/** Processes of this machine, by loopback or a Unix socket without a certificate: who is here is one client, and may be all that this machine is for. */
export const LOCAL = 'this machine';
/** Hosts and schedulers, by their certificates. */
export const CLUSTER = 'the cluster';
/** How many times as much this machine's processes may have together as one client of another machine. */
export const LOCAL_TIMES = 20;

const MAPPED = /^::ffff:(?=[0-9.]+$)/i;
const NETWORK_BITS = 64n;

/** The client of an address; undefined: a Unix socket. With IPv6 everybody has 2^64 addresses (RFC 4291 section 2.5.1): the network counts. */
export function clientAt(address: string | undefined): string {
  const bare = (address ?? '').replace(MAPPED, '').replace(/%.*$/, '');
  if (bare === '' || bare === 'unix' || isLoopback(bare)) return LOCAL;
  const number = parseIpv6(bare);
  return number === undefined ? bare : `${formatIpv6((number >> NETWORK_BITS) << NETWORK_BITS)}/${NETWORK_BITS}`;
}

/** The client of a certificate, by its SHA-256. */
export const clientWith = (fingerprint: string): string => `certificate ${fingerprint.replaceAll(':', '').toLowerCase().slice(0, 16)}`;

/** How much each client has now. */
export interface Shares {
  /** Undefined: it has its share already. Else what gives it back; a second call does nothing. */
  readonly take: (client: string, amount?: number) => (() => void) | undefined;
  readonly of: (client: string) => number;
  readonly total: () => number;
  readonly mostOf: (client: string) => number;
}

/** `most`: of one client. */
export function createShares(most: number): Shares {
  const had = new Map<string, number>();
  let total = 0;
  const mostOf = (client: string): number => (client === CLUSTER ? Infinity : client === LOCAL ? most * LOCAL_TIMES : most);
  const change = (client: string, by: number): void => {
    const now = (had.get(client) ?? 0) + by;
    total += by;
    if (now > 0) had.set(client, now);
    else had.delete(client);
  };
  return {
    take(client, amount = 1) {
      if ((had.get(client) ?? 0) + amount > mostOf(client)) return undefined;
      change(client, amount);
      let isBack = false;
      return () => {
        if (!isBack) change(client, -amount);
        isBack = true;
      };
    },
    of: (client) => had.get(client) ?? 0,
    total: () => total,
    mostOf,
  };
}
