/** What the scheduler needs of other rooms and of the world, handed in by cli/. */
import type { FailpointHook, LeaseRecord, NetworkCreateRequest, NetworkRecord } from '../model/index.ts';
import type { Change, Ledger } from '../store/ledger/contract.ts';
import type { Logger } from '../telemetry/log.ts';

interface Leased {
  readonly ip: string;
  readonly changes: readonly Change[];
}

/** Addresses and subnets: plans to be committed by the caller, with no await in between. A throw has changed nothing. */
export interface DhcpPlans {
  planNetwork(wish: {
    readonly name: string;
    readonly deployment: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly options: Readonly<Record<string, string>>;
    readonly internal: boolean;
    readonly attachable: boolean;
    readonly enableIpv6?: boolean;
    readonly implicit: boolean;
    readonly createdAtMs: number;
    readonly ipam?: NetworkCreateRequest['IPAM'] | undefined;
    readonly requestId?: string | undefined;
  }): { readonly record: NetworkRecord; readonly changes: readonly Change[] };
  planNetworkRemoval(network: string): readonly Change[];
  planOffer(
    network: string,
    wish: { readonly owner: string; readonly host: string; readonly wanted?: string | undefined; readonly replacing?: string | undefined },
  ): Leased;
  planBind(network: string, ip: string): readonly Change[];
  planTransfer(network: string, ip: string, from: string, to: { readonly owner: string; readonly host: string }): readonly Change[];
  planRelease(network: string, ip: string, owner: string): readonly Change[];
  planGateway(network: string, host: string): Leased;
  planGatewayRelease(network: string, host: string): readonly Change[];
  sweep(): readonly Change[];
  leasesOf(network: string): readonly LeaseRecord[];
  usersOf(network: string): readonly LeaseRecord[];
  /** Address by host. */
  gatewaysOf(network: string): Readonly<Record<string, string>>;
  reservedFor(network: string, host: string): Readonly<Record<string, string>>;
}

export interface SchedulerDeps {
  readonly ledger: Ledger;
  readonly dhcp: DhcpPlans;
  readonly log: Logger;
  readonly now: () => number;
  /** 64 hex digits. */
  readonly newId: () => string;
  /** 0 to 1. */
  readonly random: () => number;
  /** What this leader calls itself. */
  readonly name: string;
  /** Where agents reach this leader. */
  readonly url?: string;
  readonly epoch: number;
  readonly clusterId: string;
  /** The join token: agents show it to us, and we to their gateways. */
  readonly token: string;
  /** May change while we lead, as `hostDownMs` may. */
  readonly strategy: 'spread' | 'binpack' | 'random';
  readonly agentSettings: () => { readonly logLevel: string | null };
  /** A host is down after this long without a message. */
  readonly hostDownMs: number;
  /** How long `ready` waits for known hosts after an election. */
  readonly graceMs: number;
  /** How long a host keeps a network without members that is likely to be wanted again; 3 s unless told. */
  readonly lingerMs?: number;
  /** Names of all schedulers, for info and status. */
  readonly schedulers: () => readonly string[];
  /** Pushes the desired names of this moment to agents and catalog. Bounded by its owner; never rejects. */
  readonly flushNames: () => Promise<void>;
  /** Why nothing may be changed now; undefined: it may. */
  readonly frozen?: () => string | undefined;
  /** Told when a host has seen a higher epoch than ours: somebody else leads. */
  readonly superseded?: (epoch: number) => void;
  /** Awaited at the points of model/failpoints.ts. */
  readonly failpoint: FailpointHook;
}
