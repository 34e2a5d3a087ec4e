/** Subnets and addresses: plans of changes that the caller commits with its own, with no await in between. */
import type { LeaseRecord, NetworkCreateRequest, NetworkRecord } from '../model/index.ts';
import type { Change } from '../store/ledger/contract.ts';

export interface NetworkRequest {
  readonly name: string;
  readonly deployment: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly driver?: string;
  readonly scope?: 'swarm';
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly isEncrypted?: true;
  readonly implicit: boolean;
  readonly createdAtMs: number;
  readonly ipam?: NetworkCreateRequest['IPAM'] | undefined;
  readonly enableIpv6?: boolean;
  /** `/24`, `24`, or a number of addresses; default: the label `arpanet.size`. An IPAM subnet takes precedence. */
  readonly size?: string | undefined;
  readonly requestId?: string | undefined;
  /** CIDRs that hosts route already: the subnet must not overlap them. Default routes do not count. */
  readonly routes: readonly string[];
}

export interface AddressRequest {
  /** The container's name. */
  readonly owner: string;
  readonly host: string;
  /** The address that the user asked for, or the one that the instance had. */
  readonly wanted?: string | undefined;
  /** It is being created: without `wanted` it gets the address that its name had before, as long as that rests. */
  readonly isNew?: true;
}

/** Since when, in Unix milliseconds, nobody runs with the address of a lease; undefined: somebody does, or may. */
export type IdleSince = (lease: LeaseRecord) => number | undefined;

export interface Leased {
  readonly ip: string;
  readonly changes: readonly Change[];
}

export interface NetworkPlans {
  /** What is wrong with a host that has these routes, as they leave too little of the pool for networks; undefined: nothing. Default routes do not count. */
  readonly routesFault: (routes: readonly string[]) => string | undefined;
  /** CIDR of the subnet that was allocated last; the next one is behind it. */
  readonly newest: () => string | undefined;
  readonly plan: (request: NetworkRequest) => { readonly record: NetworkRecord; readonly changes: readonly Change[] };
  /** Record and subnet first, then all leases: if the plan is committed in parts, the first removes the network, and `sweep` can do the rest. */
  readonly planRemoval: (network: string) => readonly Change[];
}

export interface LeasePlans {
  /** An address for an instance, `offered`. */
  readonly planOffer: (network: string, request: AddressRequest) => Leased;
  /** `planOffer` for this owner prefers this address for ten minutes. */
  readonly promise: (network: string, owner: string, ip: string) => void;
  readonly planBind: (network: string, ip: string) => readonly Change[];
  /** Gives the lease to another owner, after a rename or to undo a replacement. Nothing if `from` does not own it. */
  readonly planTransfer: (
    network: string,
    ip: string,
    from: string,
    to: { readonly owner: string; readonly host: string },
  ) => readonly Change[];
  /** A bound address rests; an offered one is free at once. Nothing if `owner` does not own it. */
  readonly planRelease: (network: string, ip: string, owner: string) => readonly Change[];
  /** The host's own address: of a network whose hosts share one gateway, what it calls others from, else its gateway. If it has one, there is nothing to commit. */
  readonly planGateway: (network: string, host: string) => Leased;
  readonly planGatewayRelease: (network: string, host: string) => readonly Change[];
  /** Removes leases that have rested or were abandoned; at most as many as fit into one transaction: call again until it is empty. */
  readonly sweep: () => readonly Change[];
  readonly leasesOf: (network: string) => readonly LeaseRecord[];
  /** Leases of instances, without resting ones. */
  readonly usersOf: (network: string) => readonly LeaseRecord[];
  /** Own address by host name. */
  readonly gatewaysOf: (network: string) => Readonly<Record<string, string>>;
  /** Addresses that the Engine of `host` must not use, by a unique name: the user's reservations, and the other hosts' gateways where they have their own. */
  readonly reservedFor: (network: string, host: string) => Readonly<Record<string, string>>;
}

/** Which addresses are left alone, and which are given back for somebody else. */
export interface Yielding {
  /** Remembers that somebody asked for these addresses by name, or will: others get them last. */
  readonly planAsked: (network: string, ...ips: readonly string[]) => readonly Change[];
  /** The idle lease that must be given back before `LeasePlans.planOffer` can grant the request; undefined: none must, or none can. */
  readonly occupant: (network: string, request: AddressRequest, idleSince: IdleSince) => LeaseRecord | undefined;
  /** The same for `LeasePlans.planGateway`. */
  readonly occupantForHost: (network: string, host: string, idleSince: IdleSince) => LeaseRecord | undefined;
  /** Gives the host another address of its own, so that this one is free. */
  readonly planGatewayMove: (network: string, host: string) => readonly Change[];
}

/** One address for a whole service in a network, from the end of the subnet. */
export interface ServiceAddressPlans {
  /** If it has one, there is nothing to commit; one that rests is leased again. `service`: `DEPLOYMENT/SERVICE`. */
  readonly plan: (network: string, service: string) => Leased;
  readonly planRelease: (network: string, service: string) => readonly Change[];
  readonly of: (network: string, service: string) => string | undefined;
  /** Whether services can have one in it: it has a bridge on each host, and room. */
  readonly isPossible: (network: string) => boolean;
}

/** Plans throw `exhausted`, `invalid`, `forbidden` (overlap), `conflict` (address taken) and `not-found` (no such network); nothing has changed then. */
export interface Allocator {
  readonly networks: NetworkPlans;
  readonly leases: LeasePlans;
  readonly yielding: Yielding;
  readonly serviceAddresses: ServiceAddressPlans;
}
