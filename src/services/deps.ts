/** What this room needs of the world, handed in by cli/. */
import type {
  AdmissionRecord,
  ContainerView,
  CreateContainer,
  CreateRequest,
  FailpointHook,
  HostChange,
  HostView,
  Placement,
} from '../model/index.ts';
import type { Ledger } from '../store/ledger/contract.ts';
import type { Logger } from '../telemetry/log.ts';

/** What rebalancing looks at of a host. */
export interface HostFill extends Pick<HostView, 'name' | 'state'> {
  readonly availability: 'active' | 'pause' | 'drain';
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly maxContainers?: number;
  readonly containers: readonly {
    readonly id: string;
    readonly state: 'created' | 'running' | 'stopped';
    readonly hostPorts: readonly string[];
    readonly reservedNanoCpus: number;
    readonly reservedMemoryBytes: number;
  }[];
}

export interface EngineAnswer {
  readonly status: number;
  readonly body: Buffer;
}

export interface DeploymentsDeps {
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly now: () => number;
  readonly newId: () => string;
  /** A host that has been down for this long is lost: what ran there comes up elsewhere. */
  readonly lostAfterMs: () => number;
  /** Why nothing may be changed now; undefined: it may. */
  readonly frozen: () => string | undefined;
  readonly ready: (signal: AbortSignal) => Promise<void>;
  readonly containers: () => readonly ContainerView[];
  readonly hosts: () => readonly HostView[];
  readonly createContainer: (create: CreateContainer) => Promise<{ readonly id: string }>;
  readonly withdrawn: <T>(container: ContainerView, act: () => Promise<T>) => Promise<T>;
  readonly containerRemoved: (container: ContainerView) => Promise<void>;
  /** A successor for a container that is lost with its host, created and not started. */
  readonly succeed: (name: string, requestId: string, signal: AbortSignal) => Promise<{ readonly id: string }>;
  /** Removes one whose host is down; it goes when the host is back. */
  readonly abandon: (container: ContainerView) => Promise<void>;
  readonly sync: (
    host: string,
    what: { readonly containers: readonly string[]; readonly images?: boolean; readonly volumes?: boolean },
  ) => Promise<void>;
  /** One call to a host's Engine, whatever its answer's status. */
  readonly engine: (
    host: string,
    call: {
      readonly method: string;
      readonly path: string;
      readonly body?: Buffer;
      readonly headers?: Readonly<Record<string, string>>;
      readonly timeoutMs?: number;
    },
  ) => Promise<EngineAnswer>;
  /** Whether some host has the image. */
  readonly hasImage: (reference: string) => boolean;
  /** Pulls it on the builder's host, with the client's credentials if it sent any. Throws with the Engine's reason. */
  readonly pull: (reference: string, signal: AbortSignal, registryAuth: string | undefined) => Promise<void>;
  /** Where these would go, one after the other, if they were created now, and if there is an address for each. */
  readonly rehearse: (creates: readonly { readonly name: string; readonly request: CreateRequest }[]) => readonly Placement[];
  /** Takes away the deployment's networks that nobody is on; their names. */
  readonly removeNetworks: (deployment: string) => Promise<readonly string[]>;
  /** Awaited at the points of model/failpoints.ts. */
  readonly failpoint: FailpointHook;
  /** The hosts as placement sees them. */
  readonly snapshots: () => readonly HostFill[];
  readonly updateHost: (name: string, change: HostChange) => Promise<unknown>;
  readonly admissions: () => readonly AdmissionRecord[];
  /** Lets a host join, or takes that back. */
  readonly admit: (name: string, wish: Omit<AdmissionRecord, 'name' | 'kind' | 'atMs'> | undefined) => Promise<void>;
  /** Gives back all that the host holds, and refuses its agent from then on. */
  readonly removeHost: (name: string) => Promise<{ readonly containers: readonly string[]; readonly volumes: readonly string[] }>;
  /** Takes all our networks off it, and lets its agent tell everything anew. */
  readonly bareHost: (name: string) => Promise<{ readonly networks: readonly string[] }>;
  /** Called after the view changed. */
  readonly onChange: (listener: () => void, signal: AbortSignal) => void;
}
