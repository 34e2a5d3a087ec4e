/** The cluster view by role: who reads it, and who writes which part of it. Each fact has one writer. */
import type * as contracts from '../../contracts/index.ts';
import type {
  AgentMessage,
  ContainerFacts,
  ContainerRecord,
  ContainerView,
  HostFacts,
  HostRecord,
  HostState,
  HostView,
  MaterialisedNetwork,
} from '../../model/index.ts';
import type { HostImages, Tagged } from './image-index.ts';
import type { ContainerIndex } from './resolve-container.ts';

export type FactsMessage = Extract<AgentMessage, { type: 'snapshot' | 'beat' | 'containers' | 'images' | 'volumes' | 'networks' }>;

/** Hosts and containers. What it hands out is immutable. */
export interface ViewReader extends ContainerIndex {
  /** Grows whenever something that a list shows has changed. */
  readonly version: () => number;
  readonly hosts: () => readonly HostView[];
  readonly host: (name: string) => HostView | undefined;
  readonly containers: () => readonly ContainerView[];
  /** The same list while none of them changes. */
  readonly containersOn: (host: string) => readonly ContainerView[];
  readonly matching: contracts.ContainersBy['matching'];
  /** Those that have or ask for this host port, alone or in a range, whatever their state and address. `protocol`: `tcp`. */
  readonly withPort: (port: number, protocol: string) => readonly ContainerView[];
  /** Those for which every host answers at this port (label `arpanet.ingress`). */
  readonly withIngress: (port: number, protocol: string) => readonly ContainerView[];
  readonly networksOn: (host: string) => readonly MaterialisedNetwork[];
  /** Our id for an Engine's own network id. */
  readonly networkOf: (host: string, engineId: string) => string | undefined;
  /** When its load figures came, in milliseconds of the leader's clock. */
  readonly loadAt: (host: string) => number;
}

/** Images and tags over all hosts. */
export interface ImageReader extends Pick<contracts.Images, 'find' | 'tags'> {
  /** What tags mean, and since when. */
  readonly tagged: () => ReadonlyMap<string, Tagged>;
  readonly on: (host: string) => HostImages;
  /** Of every host that reported its images, whatever its state. */
  readonly all: () => readonly HostImages[];
}

/** Written by hosts/: who is a member, and in which state. */
export interface HostWriter {
  readonly add: (record: HostRecord) => void;
  /** A host said hello; what was known of it stays until its snapshot comes. */
  readonly join: (record: HostRecord, facts: HostFacts) => void;
  /** Its record was changed by operators. */
  readonly change: (record: HostRecord) => void;
  /** It is no member any more, and nothing of it is shown. */
  readonly remove: (host: string) => void;
  /** Whether anything of it has changed. Only loss/liveness.ts calls it. */
  readonly setState: (host: string, state: HostState, why: string | undefined, nowMs: number) => boolean;
  /** The same, and by nobody else either. */
  readonly setCutOff: (host: string, isCutOff: boolean) => boolean;
}

/** Written by what agents report, and by nothing else. */
export interface FactsWriter {
  /** Applies one message; which containers went with it. */
  readonly apply: (host: string, message: FactsMessage, nowMs: number) => readonly ContainerView[];
}

/** Written by what the ledger holds. */
export interface RecordWriter {
  /** A container record was written or, with undefined, deleted. */
  readonly set: (name: string, record: ContainerRecord | undefined) => void;
  /** These are to be removed when their host is back; nobody sees them any more. */
  readonly setLost: (ids: ReadonlySet<string>) => void;
  /** Recorded containers that their hosts have not reported yet: they are listed from this until a host does, or its next snapshot. */
  readonly remember: (host: string, containers: readonly ContainerFacts[]) => void;
  /** Something in the ledger that a list shows has changed. */
  readonly touch: () => void;
}

export interface View {
  readonly read: ViewReader;
  readonly images: ImageReader;
  readonly hosts: HostWriter;
  readonly facts: FactsWriter;
  readonly records: RecordWriter;
}

/** Called at once when something changes. */
export interface ViewNotices {
  /** A container came, went or changed. */
  readonly container: (id: string) => void;
  /** The record of this name was written or deleted. */
  readonly record: (name: string) => void;
  /** The host is in another state, or reached again or no more. */
  readonly host: (name: string) => void;
  /** Something of the host has changed that placement decides by. */
  readonly placing: (name: string) => void;
}
