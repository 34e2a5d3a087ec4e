/** What dhcp asks for and what it offers. */
import type { LeaseRecord, NetworkCreateRequest, NetworkRecord } from '../model/index.ts';
import type { Change, Ledger } from '../store/ledger/contract.ts';

export interface DhcpDeps {
  /** Read only: what is planned is the caller's to commit. */
  readonly ledger: Pick<Ledger, 'get' | 'list'>;
  /** CIDR that networks' subnets are cut from. */
  readonly pool: string;
  /** Prefix length of a network that does not say its size. */
  readonly defaultPrefix: number;
  /** How long an address given back is left alone: longer than anyone remembers it in DNS or ARP. */
  readonly restMs: number;
  readonly epoch: number;
  readonly now: () => number;
  /** 64 hex digits. */
  readonly newId: () => string;
  /** CIDRs that some host routes already. The default route does not count. */
  readonly hostRoutes: () => readonly string[];
}

export interface NetworkRequest {
  readonly name: string;
  readonly deployment: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly driver?: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly implicit: boolean;
  readonly createdAtMs: number;
  readonly ipam?: NetworkCreateRequest['IPAM'] | undefined;
  readonly enableIpv6?: boolean;
  /** `/24`, `24`, or a number of addresses; else the label `arpanet.size`. An IPAM subnet goes before it. */
  readonly size?: string | undefined;
  readonly requestId?: string | undefined;
}

export interface AddressRequest {
  /** The container's name. */
  readonly owner: string;
  readonly host: string;
  /** The address that the user asked for, or the one that an instance had. */
  readonly wanted?: string | undefined;
  /** A container that this one takes the place of: its address may be taken over (compose makes the new one first). */
  readonly replacing?: string | undefined;
}

export interface Leased {
  readonly ip: string;
  readonly changes: readonly Change[];
}

export interface NetworkPlans {
  planNetwork(wish: NetworkRequest): { readonly record: NetworkRecord; readonly changes: readonly Change[] };
  /** Record and subnet first, then all leases: in pieces, the first piece makes the network gone and `sweep` would do the rest. */
  planNetworkRemoval(network: string): readonly Change[];
}

export interface LeasePlans {
  /** An address for an instance, `offered`. */
  planOffer(network: string, wish: AddressRequest): Leased;
  planBind(network: string, ip: string): readonly Change[];
  /** The lease goes to another owner: a rename, or an undone takeover. Nothing if `from` does not own it. */
  planTransfer(network: string, ip: string, from: string, to: { readonly owner: string; readonly host: string }): readonly Change[];
  /** A bound address rests; one that was never more than offered is free at once. Nothing if `owner` does not own it. */
  planRelease(network: string, ip: string, owner: string): readonly Change[];
  /** The host's gateway address, the one it has if it has one: then there is nothing to commit. */
  planGateway(network: string, host: string): Leased;
  planGatewayRelease(network: string, host: string): readonly Change[];
  /** What has rested enough or was left behind; at most as much as fits one transaction: call again until it is empty. */
  sweep(): readonly Change[];
  leasesOf(network: string): readonly LeaseRecord[];
  /** The leases in use of instances. */
  usersOf(network: string): readonly LeaseRecord[];
  /** Address by host. */
  gatewaysOf(network: string): Readonly<Record<string, string>>;
  /** What the Engine of `host` must keep clear of, by a name of its own: the other hosts' gateways and the user's reservations. */
  reservedFor(network: string, host: string): Readonly<Record<string, string>>;
}

/** Throws `exhausted`, `invalid`, `forbidden` (overlap), `conflict` (address taken) and `not-found` (no such network); a throw has changed nothing. */
export interface Dhcp extends NetworkPlans, LeasePlans {}
