/**
 * Which address an instance or a host's gateway gets. Gateways take the front of the subnet from its start, instances the rest, next fit: a
 * released address is used again last. Both may use the whole subnet before it counts as exhausted. Pure.
 */
import type { LeaseRecord } from '../model/index.ts';
import { type Address, contains, count, parseAddress, type Span, type Subnet, usable } from '../text/ipv4.ts';

/** What is known of one network's addresses. */
export interface Ground {
  readonly subnet: Subnet;
  /** Instances get addresses from this range only, unless they ask for another one. */
  readonly range?: Span;
  readonly leaseAt: (address: Address) => LeaseRecord | undefined;
  readonly nowMs: number;
  readonly restMs: number;
  /** When this leadership began. A rest that begins in the future was written by an earlier leader whose clock was ahead. */
  readonly beganMs: number;
}

export type Choice =
  | { readonly kind: 'chosen'; readonly address: Address; readonly replaces: LeaseRecord | undefined }
  /** `resting` of the addresses are released; the first of them is free in `firstRestedMs`. */
  | { readonly kind: 'exhausted'; readonly usable: number; readonly resting: number; readonly firstRestedMs: number };

export type WantedChoice =
  | { readonly kind: 'chosen'; readonly address: Address; readonly replaces: LeaseRecord | undefined }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'outside' }
  | { readonly kind: 'taken'; readonly by: LeaseRecord | 'network' };

/** Owner of the address that the user chose as the network's gateway, until a host gets it. */
export const USER_GATEWAY = 'gateway';

/** Owner of an address whose lease is in the store and cannot be read: somebody has it. */
export const UNREADABLE = 'a record that cannot be read';

/** An address that the network's owner reserves for something outside the cluster. */
export function reservation(network: string, ip: string, owner: string, nowMs: number, epoch: number): LeaseRecord {
  return { ip, network, kind: 'user', owner, host: '', state: 'bound', sinceMs: nowMs, epoch };
}

/** How many addresses at a subnet's front are for gateways: a quarter of one below /26, a sixteenth (at least 16) of a larger one. */
export function gatewayBlock(subnet: Subnet): number {
  const size = count(subnet);
  return size < 64 ? Math.ceil(size / 4) : Math.max(16, size / 16);
}

/** Where instances' addresses come from before the gateways' block is used. */
export function instanceSpan(subnet: Subnet, range?: Span): Span {
  const all = usable(subnet);
  if (range) return { first: Math.max(all.first, range.first), last: Math.min(all.last, range.last) };
  return { first: subnet.first + gatewayBlock(subnet), last: all.last };
}

/** Next fit, from `from` around the instances' span; then the address that has rested longest there; then the gateways' block, from its end. */
export function chooseForInstance(ground: Ground, from: Address): Choice {
  const span = instanceSpan(ground.subnet, ground.range);
  const start = contains(span, from) ? from : span.first;
  const main = tally(ground, ascending(start, span.last), ascending(span.first, start - 1));
  if (main.kind === 'chosen') return main;
  if (ground.range) return main;
  const block = tally(ground, descending(span.first - 1, usable(ground.subnet).first));
  return block.kind === 'chosen' ? block : together(main, block);
}

/** The lowest free address; those of the user's ip-range are left to instances as long as others are free. */
export function chooseForGateway(ground: Ground): Choice {
  const all = usable(ground.subnet);
  const range = ground.range;
  if (!range) return tally(ground, ascending(all.first, all.last));
  const outside = tally(ground, ascending(all.first, range.first - 1), ascending(range.last + 1, all.last));
  if (outside.kind === 'chosen') return outside;
  const within = tally(ground, ascending(Math.max(all.first, range.first), Math.min(all.last, range.last)));
  return within.kind === 'chosen' ? within : together(outside, within);
}

/**
 * The address that the user asked for. It may replace a lease of `owner` itself (an instance that moves keeps its address), one of
 * `replacing` (compose creates the new container before it removes the old one), or one that has rested.
 */
export function chooseWanted(ground: Ground, wanted: string, owner: string, replacing?: string): WantedChoice {
  const address = parseAddress(wanted);
  if (address === undefined) return { kind: 'invalid' };
  if (!contains(ground.subnet, address)) return { kind: 'outside' };
  if (!contains(usable(ground.subnet), address)) return { kind: 'taken', by: 'network' };
  const lease = ground.leaseAt(address);
  if (lease === undefined || isRested(ground, lease)) return { kind: 'chosen', address, replaces: lease };
  const isOurs = lease.kind === 'instance' && (lease.owner === owner || lease.owner === replacing);
  return isOurs ? { kind: 'chosen', address, replaces: lease } : { kind: 'taken', by: lease };
}

function tally(ground: Ground, ...orders: readonly Iterable<Address>[]): Choice {
  let oldest: { address: Address; lease: LeaseRecord } | undefined;
  let seen = 0;
  let resting = 0;
  for (const order of orders) {
    for (const address of order) {
      const lease = ground.leaseAt(address);
      if (lease === undefined) return { kind: 'chosen', address, replaces: undefined };
      seen++;
      if (lease.state !== 'resting') continue;
      resting++;
      if (oldest === undefined || lease.sinceMs < oldest.lease.sinceMs) oldest = { address, lease };
    }
  }
  if (oldest && isRested(ground, oldest.lease)) return { kind: 'chosen', address: oldest.address, replaces: oldest.lease };
  const firstRestedMs = oldest ? oldest.lease.sinceMs + ground.restMs - ground.nowMs : Number.POSITIVE_INFINITY;
  return { kind: 'exhausted', usable: seen, resting, firstRestedMs };
}

/** When its rest began, by this leader's clock (Unix milliseconds). */
export function restedSince(lease: LeaseRecord, { nowMs, beganMs }: { readonly nowMs: number; readonly beganMs: number }): number {
  return lease.sinceMs > nowMs ? beganMs : lease.sinceMs;
}

function isRested(ground: Ground, lease: LeaseRecord): boolean {
  return lease.state === 'resting' && restedSince(lease, ground) + ground.restMs <= ground.nowMs;
}

function together(a: Choice & { kind: 'exhausted' }, b: Choice & { kind: 'exhausted' }): Choice {
  return {
    kind: 'exhausted',
    usable: a.usable + b.usable,
    resting: a.resting + b.resting,
    firstRestedMs: Math.min(a.firstRestedMs, b.firstRestedMs),
  };
}

function* ascending(first: Address, last: Address): Generator<Address> {
  for (let address = first; address <= last; address++) yield address;
}

function* descending(first: Address, last: Address): Generator<Address> {
  for (let address = first; address >= last; address--) yield address;
}
