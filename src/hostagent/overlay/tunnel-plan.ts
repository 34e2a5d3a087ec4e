/**
 * Encrypted networks: their VXLAN packets go between addresses that exist only inside WireGuard. A host has one interface, and for the time of a change of keys a
 * second one; an interface speaks with the one of the same slot on other hosts. Pure.
 */
import type { NetworkPlan, TunnelEnd } from '../../model/facts.ts';
import { parseAddress } from '../../text/ipv4.ts';
import { formatIpv6, parseIpv6 } from '../../text/ipv6.ts';
import type { Underlay } from './plan.ts';

export type Slot = TunnelEnd['slot'];
export const SLOTS: readonly Slot[] = ['a', 'b'];
/** Outer IPv4 and UDP headers, WireGuard's own header and its tag (its paper, section 5.4.6). */
const WIREGUARD_OVERHEAD_BYTES = 60;
/** A key lives for a day. */
export const KEY_MS = 24 * 3_600_000;
/** The older interface of two is kept for so long after the newer was made. */
const BOTH_MS = 3_600_000;
const PREFIX = parseIpv6('fd61:7270:616e::') ?? 0n;

/** The address of a host inside WireGuard, made of the one outside. A unique local one (RFC 4193). */
export const innerAddress = (address: string): string => formatIpv6(PREFIX + BigInt(parseAddress(address) ?? 0));

/** The address outside; what is no address of a tunnel stays as it is. */
export function outerAddress(inner: string): string {
  const number = inner.includes(':') ? parseIpv6(inner) : undefined;
  if (number === undefined || number >> 32n !== PREFIX >> 32n) return inner;
  return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 255n).join('.');
}

/** `arw0a000001a`: hosts that share a file system (namespaces of one machine) have different names, by which wireguard-go's sockets are found. */
export const tunnelLink = (address: string, slot: Slot): string =>
  `arw${(parseAddress(address) ?? 0).toString(16).padStart(8, '0')}${slot}`;

/** Whether the network is encrypted. */
export const isEncrypted = (plan: NetworkPlan): boolean => plan.encryption !== undefined;

/** The plan and the underlay as the rest of the overlay sees them: an encrypted network's underlay is the tunnel, and hosts without a key are no peers. */
export function withinTunnel<U extends Underlay | undefined>(plan: NetworkPlan, underlay: U): readonly [NetworkPlan, U] {
  const { encryption, mtu } = plan;
  if (encryption === undefined || underlay === undefined) return [plan, underlay];
  const peers = plan.peers.filter((peer) => (encryption[peer] ?? []).length > 0).map(innerAddress);
  const inside = { ...plan, peers, ...(mtu === undefined ? {} : { mtu: mtu - WIREGUARD_OVERHEAD_BYTES }) };
  return [inside, { address: innerAddress(underlay.address), link: '', mtu: underlay.mtu - WIREGUARD_OVERHEAD_BYTES, isTunnel: true } as U];
}

/** In bytes, of the tunnel's interfaces. */
export const tunnelMtu = (underlay: Underlay): number => underlay.mtu - WIREGUARD_OVERHEAD_BYTES;

/** A peer as an interface has it. */
export interface ObservedPeer {
  /** `10.0.0.2:7376`, or `(none)`. */
  readonly endpoint: string;
  readonly allowed: string;
  readonly hasHandshake: boolean;
}

export interface ObservedTunnel {
  /** By slot: what the interface has, by public key. Absent: there is no interface. */
  readonly links: Readonly<Partial<Record<Slot, ReadonlyMap<string, ObservedPeer>>>>;
  /** By inner address: the interface. */
  readonly routes: ReadonlyMap<string, string>;
}

export interface TunnelChange {
  /** Arguments of `wg set`. */
  readonly sets: readonly (readonly string[])[];
  /** Lines for `ip -batch`. */
  readonly lines: readonly string[];
}

/** By the address outside: ends of the hosts that share an encrypted network with this one. */
export type TunnelPeers = ReadonlyMap<string, readonly TunnelEnd[]>;

export function peersOf(plans: readonly NetworkPlan[]): TunnelPeers {
  return new Map(
    plans.flatMap(({ encryption = {}, peers }) =>
      peers.flatMap((peer) => (encryption[peer] === undefined ? [] : ([[peer, encryption[peer]]] as const))),
    ),
  );
}

/** What changes interfaces and routes to what they should be. `own`: this host's address and ends, whose interfaces exist. */
export function tunnelChange(
  own: { readonly address: string; readonly ends: readonly TunnelEnd[] },
  peers: TunnelPeers,
  observed: ObservedTunnel,
): TunnelChange {
  const sets = own.ends.flatMap(({ slot }) => {
    const there = observed.links[slot] ?? new Map<string, ObservedPeer>();
    const wanted = new Map(
      [...peers].flatMap(([address, ends]) =>
        ends.filter((end) => end.slot === slot).map((end) => [end.key, { address, port: end.port }] as const),
      ),
    );
    const link = tunnelLink(own.address, slot);
    const added = [...wanted].flatMap(([key, { address, port }]) => {
      const [endpoint, allowed] = [`${address}:${port}`, `${innerAddress(address)}/128`];
      const now = there.get(key);
      if (now?.endpoint === endpoint && now.allowed === allowed) return [];
      // a first handshake is made before any route leads here
      return [[link, 'peer', key, 'endpoint', endpoint, 'persistent-keepalive', '20', 'allowed-ips', allowed]];
    });
    const removed = [...there.keys()].flatMap((key) => (wanted.has(key) ? [] : [[link, 'peer', key, 'remove']]));
    return [...removed, ...added];
  });
  const source = innerAddress(own.address);
  const routes = new Map(
    [...peers].flatMap(([address, ends]) => {
      const link = routeTo(own, [address, ends], observed);
      return link === undefined ? [] : [[innerAddress(address), link] as const];
    }),
  );
  const lines = [
    ...[...routes].flatMap(([to, link]) => (observed.routes.get(to) === link ? [] : [`route replace ${to}/128 dev ${link} src ${source}`])),
    ...[...observed.routes].flatMap(([to, link]) => (routes.has(to) ? [] : [`route del ${to}/128 dev ${link}`])),
  ];
  return { sets, lines };
}

/** The slot whose keys are the newest at either end: both ends come to the same. */
function preferredSlot(own: readonly TunnelEnd[], theirs: readonly TunnelEnd[]): Slot | undefined {
  const common = own.flatMap((one) =>
    theirs.flatMap((other) => (other.slot === one.slot ? [{ slot: one.slot, atMs: Math.max(one.madeAtMs, other.madeAtMs) }] : [])),
  );
  return common.toSorted((x, y) => y.atMs - x.atMs || (x.slot < y.slot ? -1 : 1))[0]?.slot;
}

/** Traffic moves to the preferred interface after a handshake there; until then it stays where it is. */
function routeTo(
  own: { readonly address: string; readonly ends: readonly TunnelEnd[] },
  [address, ends]: readonly [string, readonly TunnelEnd[]],
  observed: ObservedTunnel,
): string | undefined {
  const preferred = preferredSlot(own.ends, ends);
  if (preferred === undefined) return undefined;
  const key = ends.find(({ slot }) => slot === preferred)?.key ?? '';
  const now = observed.routes.get(innerAddress(address));
  const isKept = own.ends.some(
    ({ slot }) => tunnelLink(own.address, slot) === now && slot !== preferred && ends.some((end) => end.slot === slot),
  );
  return isKept && observed.links[preferred]?.get(key)?.hasHandshake !== true ? now : tunnelLink(own.address, preferred);
}

/** The slot to make now, with a new key: a day is over, another host has begun to change its keys, or there is no way to one. Undefined: none. */
export function slotToMake(own: readonly TunnelEnd[], peers: TunnelPeers, nowMs: number): Slot | undefined {
  const free = SLOTS.find((slot) => own.every((end) => end.slot !== slot));
  const newestMs = Math.max(...own.map(({ madeAtMs }) => madeAtMs));
  if (own.length === 0) return 'a';
  if (free === undefined) return undefined;
  if (nowMs - newestMs >= KEY_MS) return free;
  for (const ends of peers.values()) {
    const newest = ends.toSorted((x, y) => y.madeAtMs - x.madeAtMs)[0];
    if (newest?.slot !== free) continue;
    const hasWay = preferredSlot(own, ends) !== undefined;
    // where there is none, the younger of the two makes it
    if (hasWay ? newest.madeAtMs > newestMs : newest.madeAtMs <= newestMs) return free;
  }
  return undefined;
}

/** The slot that is no longer needed: nobody's traffic goes there, at either end. */
export function slotToDrop(
  own: { readonly address: string; readonly ends: readonly TunnelEnd[] },
  peers: TunnelPeers,
  observed: ObservedTunnel,
  nowMs: number,
): Slot | undefined {
  const [newer, older] = own.ends.toSorted((x, y) => y.madeAtMs - x.madeAtMs);
  if (newer === undefined || older === undefined || nowMs - newer.madeAtMs < BOTH_MS) return undefined;
  const isUsed = [...peers].some(
    ([address, ends]) =>
      preferredSlot(own.ends, ends) !== newer.slot || routeTo(own, [address, ends], observed) !== tunnelLink(own.address, newer.slot),
  );
  return isUsed ? undefined : older.slot;
}

/** What `wg show LINK dump` prints, by the peer's public key. */
export function readDump(text: string): ReadonlyMap<string, ObservedPeer> {
  return new Map(
    text
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [key = '', , endpoint = '', allowed = '', handshake = '0'] = line.split('\t');
        return key === '' ? [] : [[key, { endpoint, allowed, hasHandshake: Number(handshake) > 0 }] as const];
      }),
  );
}
