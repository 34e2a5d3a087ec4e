/**
 * Which address an instance or a host gets. Instances take the lowest free one, as on an Engine, hosts the highest. What somebody has asked for by
 * name is left alone, and what was released rests, as long as others are free: a preference, never a refusal. Pure.
 */
import type { LeaseRecord } from '../model/index.ts';
import { type Address, contains, parseAddress, type Span, type Subnet, usable } from '../text/ipv4.ts';

/** What is known of one network's addresses. */
export interface Ground {
  readonly subnet: Subnet;
  /** Instances get addresses from this range only, unless they ask for another one. */
  readonly range?: Span;
  readonly leaseAt: (address: Address) => LeaseRecord | undefined;
  /** Whether somebody has asked for it by name, now or earlier. */
  readonly isAsked: (address: Address) => boolean;
}

interface Chosen {
  readonly kind: 'chosen';
  readonly address: Address;
  readonly replaces: LeaseRecord | undefined;
}

export type Choice = Chosen | { readonly kind: 'exhausted'; readonly usable: number };

export type WantedChoice =
  | Chosen
  | { readonly kind: 'invalid' }
  | { readonly kind: 'outside' }
  | { readonly kind: 'taken'; readonly by: LeaseRecord | 'network' };

/** Owner of the network's gateway address, which is the same on every host, or goes to the first host. */
export const USER_GATEWAY = 'gateway';

/** Owner of an address whose lease is in the store and cannot be read: somebody has it. */
export const UNREADABLE = 'a record that cannot be read';

/** An address that the network's owner reserves for something outside the cluster. */
export function reservation(network: string, ip: string, owner: string, nowMs: number, epoch: number): LeaseRecord {
  return { ip, network, kind: 'user', owner, host: '', state: 'bound', sinceMs: nowMs, epoch };
}

/** Where instances' addresses come from. */
export function instanceSpan(subnet: Subnet, range?: Span): Span {
  const all = usable(subnet);
  return range ? { first: Math.max(all.first, range.first), last: Math.min(all.last, range.last) } : all;
}

/** The lowest free one, looked for from `from` on, around the span. */
export function chooseForInstance(ground: Ground, from: Address): Choice {
  const span = instanceSpan(ground.subnet, ground.range);
  const start = contains(span, from) ? from : span.first;
  return choose(ground, ascending(start, span.last), ascending(span.first, start - 1));
}

/** The highest free one; those of the user's ip-range are left to instances as long as others are free. */
export function chooseForHost(ground: Ground): Choice {
  const all = usable(ground.subnet);
  const range = ground.range;
  if (!range) return choose(ground, descending(all.last, all.first));
  const outside = choose(ground, descending(all.last, range.last + 1), descending(range.first - 1, all.first));
  if (outside.kind === 'chosen') return outside;
  const within = choose(ground, descending(Math.min(all.last, range.last), Math.max(all.first, range.first)));
  return within.kind === 'chosen' ? within : { kind: 'exhausted', usable: outside.usable + within.usable };
}

/**
 * Of a host that takes none of a subnet, as it shares the gateway and calls nobody from there: its lease still says that it has the network. From the
 * link-local range, which no network of the cluster has (RFC 3927).
 */
export function chooseOutside(leaseAt: Ground['leaseAt']): Address {
  let address = OUTSIDE;
  while (leaseAt(address) !== undefined) address++;
  return address;
}

/** 169.254.0.1 */
const OUTSIDE = 0xa9fe0001;

/** Subnets with fewer addresses have none for hosts that can do without. */
export const SMALL = 64;

/** The address that the user asked for. It may replace a lease of `owner` itself (an instance that moves keeps its address), or one that was given back. */
export function chooseWanted(ground: Ground, wanted: string, owner: string): WantedChoice {
  const address = parseAddress(wanted);
  if (address === undefined) return { kind: 'invalid' };
  if (!contains(ground.subnet, address)) return { kind: 'outside' };
  if (!contains(usable(ground.subnet), address)) return { kind: 'taken', by: 'network' };
  const lease = ground.leaseAt(address);
  if (lease === undefined || lease.state === 'resting') return { kind: 'chosen', address, replaces: lease };
  const isOurs = lease.kind === 'instance' && lease.owner === owner;
  return isOurs ? { kind: 'chosen', address, replaces: lease } : { kind: 'taken', by: lease };
}

/** In this order: free, given back; then what was asked for by name, free or given back. The one that has rested longest goes first. */
function choose(ground: Ground, ...orders: readonly Iterable<Address>[]): Choice {
  const best: { resting?: Chosen; asked?: Chosen; askedResting?: Chosen } = {};
  let seen = 0;
  for (const order of orders) {
    for (const address of order) {
      const lease = ground.leaseAt(address);
      const isAsked = ground.isAsked(address);
      if (lease === undefined && !isAsked) return { kind: 'chosen', address, replaces: undefined };
      seen++;
      if (lease === undefined) best.asked ??= { kind: 'chosen', address, replaces: undefined };
      else if (lease.state === 'resting') {
        const which = isAsked ? 'askedResting' : 'resting';
        const before = best[which]?.replaces;
        if (before === undefined || lease.sinceMs < before.sinceMs) best[which] = { kind: 'chosen', address, replaces: lease };
      }
    }
  }
  return best.resting ?? best.asked ?? best.askedResting ?? { kind: 'exhausted', usable: seen };
}

/** When its rest began, by this leader's clock (Unix milliseconds): one that begins in the future was written by an earlier leader whose clock was ahead. */
export function restedSince(lease: LeaseRecord, { nowMs, beganMs }: { readonly nowMs: number; readonly beganMs: number }): number {
  return lease.sinceMs > nowMs ? beganMs : lease.sinceMs;
}

/** Of leases that may be taken back, the one that has been idle longest. `idleSince` in Unix milliseconds. */
export function longestIdle(
  leases: readonly LeaseRecord[],
  idleSince: (lease: LeaseRecord) => number | undefined,
): LeaseRecord | undefined {
  let oldest: { readonly lease: LeaseRecord; readonly sinceMs: number } | undefined;
  for (const lease of leases) {
    const sinceMs = idleSince(lease);
    if (sinceMs !== undefined && (oldest === undefined || sinceMs < oldest.sinceMs)) oldest = { lease, sinceMs };
  }
  return oldest?.lease;
}

function* ascending(first: Address, last: Address): Generator<Address> {
  for (let address = first; address <= last; address++) yield address;
}

function* descending(from: Address, to: Address): Generator<Address> {
  for (let address = from; address >= to; address--) yield address;
}
