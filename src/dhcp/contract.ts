/** What dhcp needs and what it offers. */
import type { LeaseRecord, NetworkCreateRequest, NetworkRecord } from '../model/index.ts';
import type { Change, Ledger } from '../store/ledger/contract.ts';

export interface DhcpDeps {
  /** Read only: the caller commits the plans. */
  readonly ledger: Pick<Ledger, 'get' | 'list'>;
  /** CIDR from which subnets are allocated. */
  readonly pool: string;
  /** Prefix length of a network without a size. */
  readonly defaultPrefix: number;
  /** How long a released address is not leased again: longer than DNS and ARP caches keep it. */
  readonly restMs: number;
  readonly epoch: number;
  readonly now: () => number;
  /** 64 hex digits. */
  readonly newId: () => string;
  /** CIDRs that hosts route already, without default routes. */
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
  /** `/24`, `24`, or a number of addresses; default: the label `arpanet.size`. An IPAM subnet takes precedence. */
  readonly size?: string | undefined;
  readonly requestId?: string | undefined;
}

export interface AddressRequest {
  /** The container's name. */
  readonly owner: string;
  readonly host: string;
  /** The address that the user asked for, or the one that the instance had. */
  readonly wanted?: string | undefined;
  /** Name of the container that this one replaces: its address may be used (compose creates the new container first). */
  readonly replacing?: string | undefined;
}

export interface Leased {
  readonly ip: string;
  readonly changes: readonly Change[];
}

export interface NetworkPlans {
  planNetwork(wish: NetworkRequest): { readonly record: NetworkRecord; readonly changes: readonly Change[] };
  /** Record and subnet first, then all leases: if the plan is committed in parts, the first removes the network, and `sweep` can do the rest. */
  planNetworkRemoval(network: string): readonly Change[];
}

export interface LeasePlans {
  /** An address for an instance, `offered`. */
  planOffer(network: string, wish: AddressRequest): Leased;
  planBind(network: string, ip: string): readonly Change[];
  /** Gives the lease to another owner, after a rename or to undo a replacement. Nothing if `from` does not own it. */
  planTransfer(network: string, ip: string, from: string, to: { readonly owner: string; readonly host: string }): readonly Change[];
  /** A bound address rests; an offered one is free at once. Nothing if `owner` does not own it. */
  planRelease(network: string, ip: string, owner: string): readonly Change[];
  /** The host's gateway address. If it has one already there is nothing to commit. */
  planGateway(network: string, host: string): Leased;
  planGatewayRelease(network: string, host: string): readonly Change[];
  /** Removes leases that have rested or were abandoned; at most as many as fit into one transaction: call again until it is empty. */
  sweep(): readonly Change[];
  leasesOf(network: string): readonly LeaseRecord[];
  /** Leases of instances, without resting ones. */
  usersOf(network: string): readonly LeaseRecord[];
  /** Gateway address by host name. */
  gatewaysOf(network: string): Readonly<Record<string, string>>;
  /** Addresses that the Engine of `host` must not use, by a unique name: the other hosts' gateways and the user's reservations. */
  reservedFor(network: string, host: string): Readonly<Record<string, string>>;
}

/** Throws `exhausted`, `invalid`, `forbidden` (overlap), `conflict` (address taken) and `not-found` (no such network); nothing has changed then. */
export interface Dhcp extends NetworkPlans, LeasePlans {}
