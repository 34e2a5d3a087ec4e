/** What the scheduler needs of other rooms and of the world, handed in by processes/leadership.ts. */
import type { PublishMode } from './networks/publish-mode.ts';
import type { ConnectionOptions } from 'node:tls';
import type { Peer } from '../security/index.ts';
import type { Allocator, ReplicaSeeds } from '../contracts/index.ts';
import type { FailpointHook, LeaderMessage } from '../model/index.ts';
import type { Ledger } from '../store/ledger/contract.ts';
import type { Logger } from '../telemetry/log.ts';

/** Of hosts that joined by TLS. */
export interface HostCertificates {
  /** For a connection to the gateway of such a host. Throws `unavailable` where this scheduler has no certificate. */
  readonly dial: (host: string) => ConnectionOptions;
  /** Why nobody may speak with the host; undefined: it was not revoked. */
  readonly whyRevoked: (host: string) => string | undefined;
  /** Why the holder of a certificate is not heard; undefined: it is. */
  readonly refusal: (peer: Peer) => string | undefined;
  /** The host has a certificate: an agent that shows none is not that host's. */
  readonly isCertified: (host: string) => boolean;
}

/** The leader, and for how long it leads. */
export interface Leadership {
  /** What this leader calls itself. */
  readonly name: string;
  /** Where agents reach this leader. */
  readonly url: string;
  readonly epoch: number;
  readonly clusterId: string;
  /** The secret that labels on containers are signed with; nobody but schedulers gets it. */
  readonly labelKey: string;
  /** The join token: agents show it to us, and we to their gateways. */
  readonly token: string;
  readonly certificates: HostCertificates;
  /** Names of all schedulers, for info and status. */
  readonly schedulers: () => readonly string[];
  /** Why nothing may be changed now. Undefined: everything may be done. */
  readonly frozen: () => string | undefined;
  /** Called when a host has seen a higher epoch than ours: another scheduler leads. */
  readonly superseded: (epoch: number) => void;
}

/** May change while we lead: read again each time. */
export interface SchedulerSettings {
  readonly strategy: 'spread' | 'binpack' | 'random';
  /** How many times what a host has its containers may reserve. */
  readonly overcommit: { readonly cpus: number; readonly memory: number };
  /** How long a container that a client stops runs on after it has left DNS, in milliseconds; its label goes before. */
  readonly drainMs: number;
  /** New networks are encrypted, asked for or not. */
  readonly encryptsAll: boolean;
  /** Where published ports are answered that say nothing of it. */
  readonly publishMode: PublishMode;
  /** The TCP ports that containers publish are answered at one address for all hosts. */
  readonly isPublishing: boolean;
  /** A host is down after this long without a message, in milliseconds. */
  readonly hostDownMs: number;
  readonly agentSettings: () => Omit<Extract<LeaderMessage, { readonly type: 'settings' }>, 'type'>;
  /** How long `ready` waits for known hosts after an election. */
  readonly graceMs: number;
  /** How long a host keeps a network without members that is likely to be wanted again. */
  readonly lingerMs: number;
}

export interface SchedulerDeps {
  readonly ledger: Ledger;
  readonly dhcp: Allocator;
  readonly log: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** 64 hex digits. */
  readonly newId: () => string;
  /** 0 to 1. */
  readonly random: () => number;
  readonly leader: Leadership;
  readonly settings: SchedulerSettings;
  /** Sends the desired names of this moment to agents and catalog. Resolves within 3 s; never rejects. */
  readonly flushNames: () => Promise<void>;
  /** Consul's DNS: answers a query in wire format, or not at all. Undefined with a store that is not Consul. Never rejects. */
  readonly askConsul?: ((query: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>) | undefined;
  /** What this scheduler had of the hosts when it followed; absent: nothing. */
  readonly seeds?: ReplicaSeeds | undefined;
  /** Does nothing but in tests: see model/failpoints.ts. */
  readonly failpoint: FailpointHook;
}
