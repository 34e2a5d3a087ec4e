/**
 * What a scheduler that follows has of the leader's view (docs/decisions/0012). Messages go over the socket that an `Upgrade: arpanet` request to
 * `/arpanet/v1/replica` leaves behind, one JSON object a line.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type {
  ContainerFacts,
  ContainerRecord,
  EngineSnapshot,
  HostFacts,
  HostRecord,
  HostState,
  ImageSummary,
  MaterialisedNetwork,
  VolumeSummary,
} from '../model/index.ts';
import type { Client, Identity } from '../security/index.ts';

/** Leader to follower: what has changed, in the order in which it did. */
export type ReplicaMessage =
  /** The first. All that the view holds follows, what changes meanwhile among it, until `whole`. */
  | { readonly type: 'begin'; readonly epoch: number }
  | { readonly type: 'whole' }
  | { readonly type: 'host'; readonly record: HostRecord; readonly facts?: HostFacts }
  | { readonly type: 'host-state'; readonly host: string; readonly state: HostState; readonly why?: string; readonly isCutOff: boolean }
  | { readonly type: 'host-gone'; readonly host: string }
  | { readonly type: 'containers'; readonly host: string; readonly upserts: readonly ContainerFacts[]; readonly removes: readonly string[] }
  /** `since`: when each tag came to name what it names, in ms. */
  | {
      readonly type: 'images';
      readonly host: string;
      readonly images: readonly ImageSummary[];
      readonly since: Readonly<Record<string, number>>;
    }
  | { readonly type: 'volumes'; readonly host: string; readonly volumes: readonly VolumeSummary[] }
  | { readonly type: 'networks'; readonly host: string; readonly networks: readonly MaterialisedNetwork[] }
  /** A container's record, as the view shows it; absent: it is deleted. */
  | { readonly type: 'record'; readonly name: string; readonly record?: ContainerRecord }
  /** Containers that nobody sees any more. */
  | { readonly type: 'lost'; readonly ids: readonly string[] }
  /** What the store has of a network or a volume; absent: it is deleted. */
  | { readonly type: 'stored'; readonly key: string; readonly value?: unknown }
  /** An exec was made in it: its Engine alone knows its ExecIDs. */
  | { readonly type: 'exec'; readonly container: string }
  /** Everything that a client was answered before the question came has been sent before this; without `who`, that cannot be said. */
  | { readonly type: 'now'; readonly ask: number; readonly who?: readonly ReplicaIdentity[] };

/** What the leader knows of one of the clients. */
export interface ReplicaIdentity {
  /** Absent: an admin, if it is not refused. */
  readonly identity?: Identity;
  readonly isRefused?: true;
}

/** Follower to leader: clients with these certificates ask for something now. */
export interface ReplicaQuestion {
  readonly type: 'ask';
  /** Its `now` has the same number. */
  readonly ask: number;
  readonly who: readonly Client[];
}

/** At the leader. */
export interface Replicas {
  /** Takes an upgrade request's socket: answers 101 or refuses, and owns it from then on. `identify`: throws for a client that is refused. */
  readonly accept: (req: IncomingMessage, socket: Duplex, head: Buffer, identify: (client: Client) => Identity | undefined) => void;
  /** An exec was made in the container of this id. */
  readonly execMade: (container: string) => void;
}

/** What a follower had of hosts when it began to lead, by host; what is taken is given away. */
export interface ReplicaSeeds {
  readonly take: (host: string) => EngineSnapshot | undefined;
}
