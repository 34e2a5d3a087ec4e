/**
 * The stream between an agent and the leader: one JSON object a line, both ways, over the socket that an
 * `Upgrade: arpanet` request to `/arpanet/v1/agent` leaves behind. The agent dials; followers splice it to the leader.
 */
import type { EngineEvent, ImageSummary, VolumeSummary } from './docker.ts';
import type {
  ContainerFacts,
  EngineSnapshot,
  HostFacts,
  Load,
  LoadHour,
  MaterialisedNetwork,
  NetworkPlan,
  ProcessFaults,
  TunnelEnd,
} from './facts.ts';
import type { HttpSite } from './http.ts';
import type { IngressPort } from './ingress.ts';
import type { NameChange, NameTable } from './name-table.ts';

/** What some agents keep of the store: hosts, networks, services, volumes. Containers and their leases are in the Engines' labels. */
export interface StoreReplica {
  readonly epoch: number;
  readonly atMs: number;
  /** Keys of the store with their values. */
  readonly records: readonly (readonly [string, unknown])[];
}

/** What an agent's gateway says of its host at `GET /kept`, with the join token: all that a lost store can be made from, but for the Engine's own. */
export interface RecoveryFacts {
  readonly host: Pick<HostFacts, 'name' | 'address' | 'gateway' | 'labels'>;
  /** The highest that it has seen. */
  readonly epoch: number;
  readonly clusterId: string;
  readonly plans: readonly NetworkPlan[];
  /** A host that no leader has sent its copy of the store keeps none. */
  readonly state?: StoreReplica | undefined;
}

/** What an agent's gateway says at `GET /leader`, with the join token. */
export interface LeaderHeard {
  /** Of the leader that welcomed the host last. */
  readonly epoch: number;
  /** Since that leader said anything, in ms. */
  readonly heardMsAgo: number;
}

/** Agent to leader. Changes come in the order in which the Engine made them; an event follows the facts that it changed. */
export type AgentMessage =
  | {
      readonly type: 'hello';
      readonly facts: HostFacts;
      readonly epoch: number;
      /** Which messages it understands (model/skew); absent: an agent of 0.1.0. */
      readonly protocol?: number;
      /** The cluster that it belongs to, if any, and how many of that one's networks are in use here. */
      readonly clusterId?: string;
      readonly networks?: number;
    }
  /** All that its Engine has, to a leader that does not compare (`welcome`). */
  | { readonly type: 'snapshot'; readonly snapshot: EngineSnapshot }
  /** All that its Engine has has this digest (engine/facts-digest): the leader answers with `held`. */
  | { readonly type: 'have'; readonly digest: string }
  /** Some of the containers that differ from what the leader holds; more follow, and `rest` at last. */
  | { readonly type: 'piece'; readonly containers: readonly ContainerFacts[] }
  /** The ids of all containers there are: those that were not sent are as the leader holds them. */
  | {
      readonly type: 'rest';
      readonly containers: readonly string[];
      /** Absent, as with volumes: they are as the leader holds them. */
      readonly images?: readonly ImageSummary[];
      readonly volumes?: readonly VolumeSummary[];
      readonly networks: readonly MaterialisedNetwork[];
    }
  | {
      readonly type: 'beat';
      readonly load: Load;
      /** A sentence for each thing of its Engine that cannot be read; absent: none, or an agent of an earlier release. */
      readonly leftOut?: readonly string[];
      /** Absent: an agent of an earlier release. */
      readonly faults?: ProcessFaults;
      /** CIDRs that the host routes, where they have changed since they were last sent. */
      readonly routes?: readonly string[];
      /** Once in a connection, then where a minute has passed; absent also: an agent of an earlier release. */
      readonly lastHour?: LoadHour;
    }
  | { readonly type: 'containers'; readonly upserts: readonly ContainerFacts[]; readonly removes: readonly string[] }
  | { readonly type: 'images'; readonly images: readonly ImageSummary[] }
  | { readonly type: 'volumes'; readonly volumes: readonly VolumeSummary[] }
  | { readonly type: 'networks'; readonly networks: readonly MaterialisedNetwork[] }
  /** Its public keys for encrypted networks are others than those of its hello. */
  | { readonly type: 'tunnel'; readonly ends: readonly TunnelEnd[] }
  | { readonly type: 'event'; readonly event: EngineEvent }
  /** `alive` with a reason: it takes questions and does not answer them. */
  | { readonly type: 'engine'; readonly alive: boolean; readonly why: string }
  /** A query (wire format, base64) for a name that only Consul's DNS can know, to a leader that asks it. */
  | {
      readonly type: 'ask-consul';
      /** Which one it is: its `consul-answer` has the same number. */
      readonly ask: number;
      readonly query: string;
      readonly transport: 'udp' | 'tcp';
    }
  /** The table that it has is not the one that it was sent a change of: the whole one is wanted. */
  | { readonly type: 'ask-names' }
  | {
      readonly type: 'done';
      /** Which call of the leader it answers. */
      readonly call: number;
      readonly result?: unknown;
      readonly error?: { readonly kind: string; readonly message: string; readonly engineStatus?: number };
    };

/** Which release a host is to have: that of the scheduler at `url`. */
export interface UpgradeOrder {
  readonly url: string;
  /** A join token, for this upgrade: it joins this host alone, for a short time. */
  readonly token: string;
  /** Also a lower one than it has. */
  readonly isForced?: boolean;
}

/** The end of a trial of VXLAN with a machine that is to join. */
export interface PathTrial {
  /** The machine's address. */
  readonly peer: string;
  /** Of no network of the cluster. */
  readonly vni: number;
  /** Addresses inside the VXLAN: the host's and the machine's. */
  readonly own: string;
  readonly theirs: string;
  /** Of the packets that carry it, in bytes. */
  readonly mtu: number;
}

/** What the leader can ask of an agent; each is answered by one `done`. */
export type AgentCall =
  /** Reads these again from the Engine and sends what changed before its `done`: the leader's view then shows it. */
  | {
      readonly method: 'sync';
      readonly containers?: readonly string[];
      /** Those that came or went, whichever they are. */
      readonly newcomers?: boolean;
      readonly images?: boolean;
      readonly volumes?: boolean;
    }
  /** Makes the network exist here (bridge, VXLAN, DNS on its gateway address). Result: MaterialisedNetwork. */
  | { readonly method: 'materialise'; readonly plan: NetworkPlan }
  | { readonly method: 'dematerialise'; readonly network: string }
  /** Answered at once; an agent that does not know it says so, which is an answer too. */
  | { readonly method: 'echo' }
  /** Answered once all that the leader sent before it is in the host's kernel. Throws `unavailable` where that cannot be. */
  | { readonly method: 'settle' }
  /** From now on overlay packets from and to these hosts, and no others, are dropped. */
  | { readonly method: 'fence'; readonly addresses: readonly string[] }
  /** Result: HostObservation. */
  | { readonly method: 'look' }
  /** With an order an upgrade begins; without one it is asked how far it is. Result: UpgradeState. */
  | { readonly method: 'upgrade'; readonly order?: UpgradeOrder }
  /** What the running containers use now. Result: ContainerUsage[]. */
  | { readonly method: 'usage' }
  /** What its proxy has counted for instances. Result: HttpFigures[]. */
  | { readonly method: 'http-figures' }
  /** Calls a port of a container from this host. Result: DialResult. */
  | { readonly method: 'dial'; readonly address: string; readonly port: number }
  /** Answers by VXLAN to a machine that is to join, for two minutes. Throws `unsupported`, `exhausted`, `unavailable`. */
  | ({ readonly method: 'answer-path' } & PathTrial)
  /** Which of these paths of the host do not exist. Result: string[]. */
  | { readonly method: 'missing-paths'; readonly paths: readonly string[] }
  /** Where these paths of the host lead, each with all symbolic links followed, also where its end does not exist. Result: string[]. */
  | { readonly method: 'real-paths'; readonly paths: readonly string[] }
  /** Fetches an image by reference from another host's engine through its gateway. `host`: its name, if the gateway speaks TLS. */
  | { readonly method: 'copy-image'; readonly reference: string; readonly gateway: string; readonly host?: string };

/** Leader to agent. */
export type LeaderMessage =
  | {
      readonly type: 'welcome';
      readonly epoch: number;
      readonly leader: string;
      readonly clusterId: string;
      /** It compares digests (`have`); absent: an older leader, that takes snapshots alone. */
      readonly compares?: true;
      /** Within so many ms agents come back, each at another moment, when this leader is gone; absent: an older leader. */
      readonly spreadMs?: number;
    }
  /** Answers `have`: what the leader holds of this host. */
  | {
      readonly type: 'held';
      /** The digest is its own, too: nothing is to be sent. */
      readonly isSame?: true;
      /** Digests by id; absent, as the others: all is the same. */
      readonly containers?: Readonly<Record<string, string>>;
      readonly images?: string;
      readonly volumes?: string;
    }
  /** removed: ops took the host out of the cluster: its networks are to be cut off from the others'. */
  | { readonly type: 'refused'; readonly why: string; readonly removed?: boolean }
  /** Answers an agent's heartbeat. An agent that has had one and then receives nothing for 10 s reconnects. */
  | { readonly type: 'beat' }
  /** All networks that should exist here: the agent repairs what differs. */
  | {
      readonly type: 'plans';
      readonly plans: readonly NetworkPlan[];
      /** Addresses of hosts whose overlay packets are dropped; absent: an older leader, that knows of none. */
      readonly fenced?: readonly string[];
    }
  | { readonly type: 'names'; readonly table: NameTable }
  /** To an agent that takes changes (`HostFacts`); one without a change says that its table is what the leader has. */
  | { readonly type: 'names-change'; readonly change: NameChange }
  /** Published ports that this host answers for: those that came or changed. An agent that does not know it answers for none. */
  | {
      readonly type: 'ingress';
      /** All there are: no other is one any more. */
      readonly isWhole?: true;
      readonly ports: readonly IngressPort[];
      /** Those that are none any more, by `ingressKey`. */
      readonly gone?: readonly string[];
      /** Addresses of all hosts of the cluster; absent: as before. */
      readonly hosts?: readonly string[];
      readonly hosts6?: readonly string[];
    }
  /** Where the agents of hosts listen, this one's included: containers reach neither these ports nor Docker's there. An agent that does not know it closes its own port at any address. */
  | {
      readonly type: 'closed';
      /** All there are: no other is one any more. */
      readonly isWhole?: true;
      /** `ADDRESS:PORT`, at each address that a host has; those that came. */
      readonly hosts: readonly string[];
      /** Those that are none any more. */
      readonly gone?: readonly string[];
    }
  /** Names by which HTTP reaches services: those that came or changed. An agent that does not know it answers for none. */
  | {
      readonly type: 'http';
      /** All there are: no other is one any more. */
      readonly isWhole?: true;
      readonly sites: readonly HttpSite[];
      readonly gone?: readonly string[];
      /** Addresses of all hosts of the cluster; absent: as before. */
      readonly hosts?: readonly string[];
    }
  /** What ops set for the whole cluster; null: as the agent was started. */
  | {
      readonly type: 'settings';
      readonly logLevel: string | null;
      /** The leader asks Consul's DNS for agents (`ask-consul`); absent: it does not, or is an older one. */
      readonly asksConsul?: true;
      /** URLs of all schedulers, whose ports are closed to containers; absent: an older leader. */
      readonly schedulers?: readonly string[];
      /** Serial numbers of hosts' certificates that count no more; absent: none, or an older leader. */
      readonly revoked?: readonly string[];
      /** The cluster's CAs from now on, in PEM form, the one that signs first; absent: they never changed, or an older leader. */
      readonly trust?: string;
    }
  | {
      readonly type: 'consul-answer';
      /** Which `ask-consul` it answers. */
      readonly ask: number;
      /** In wire format, base64; absent: Consul's DNS gave none. */
      readonly answer?: string;
    }
  /** What no Engine knows, to be kept on disk for the day when the store is lost. */
  | { readonly type: 'keep'; readonly kept: StoreReplica }
  | {
      readonly type: 'call';
      /** Which one it is: its `done` has the same number. */
      readonly call: number;
      readonly request: AgentCall;
      /** Of the client for which it is; absent: for none, or an older leader asks. */
      readonly requestId?: string;
    };
