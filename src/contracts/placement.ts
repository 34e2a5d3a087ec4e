/** Where containers would go: rehearsals, the figures that placement decides by, and its last refusals. */
import type { CreateRequest, Decision, HostState, Placement } from '../model/index.ts';

/** One container as placement counts it. */
export interface PlacedContainer {
  readonly id: string;
  readonly name: string;
  readonly deployment: string;
  readonly service: string;
  readonly number: number;
  /** Its own and its image's, where they are known. */
  readonly labels?: Readonly<Record<string, string>>;
  /** created: never started yet, also a create still under way; it holds its ports and reservations like a running one. A stopped one holds neither. */
  readonly state: 'created' | 'running' | 'stopped';
  /** `0.0.0.0:80/tcp`, by `hostPortsOf`. */
  readonly hostPorts: readonly string[];
  readonly reservedNanoCpus: number;
  readonly reservedMemoryBytes: number;
  /** What it is taken to use: its reservation, else its limit. Weighs in the score, and refuses nothing. */
  readonly expectedNanoCpus: number;
  readonly expectedMemoryBytes: number;
  /** It uses named volumes. */
  readonly hasVolumes?: boolean;
  /** Its host's own network, or a network with ports published on the host; neither: absent. */
  readonly network?: 'host' | 'published';
}

/** Load that a fresh placement is taken to bring, until it shows in the host's own figures. */
export interface Charge {
  readonly atMs: number;
  /** Share of all cores, 0 to 1. */
  readonly cpu: number;
  readonly memoryBytes: number;
}

/** One host as placement sees it: a plain copy, made for one decision. */
export interface HostSnapshot {
  readonly name: string;
  readonly state: HostState;
  readonly availability: 'active' | 'pause' | 'drain';
  /** Why it is not alive: `no heartbeat for 12 s`. */
  readonly why?: string;
  /** It does not answer now, though it is not called down yet: others come first. */
  readonly isSilent?: true;
  readonly labels: Readonly<Record<string, string>>;
  /** Go's words (`linux`, `amd64`) or uname's (`x86_64`). */
  readonly os: string;
  readonly arch: string;
  /** The newest that its Engine speaks; absent: not known. */
  readonly apiVersion?: string;
  /** Names of its network interfaces; absent: not known. */
  readonly links?: readonly string[];
  /** What its Engine says: `operatingsystem`, `kernelversion`, `storagedriver`, `ostype`, and the Engine's own labels (`dockerd --label`). */
  readonly engine?: Readonly<Record<string, string>>;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** How many times that its containers may reserve; absent: once. */
  readonly overcommit?: { readonly cpus: number; readonly memory: number };
  /** Set by operators. */
  readonly maxContainers?: number;
  readonly load?: { readonly cpu: number; readonly memoryUsedBytes: number; readonly network?: number; readonly atMs: number };
  readonly pending: readonly Charge[];
  readonly containers: readonly PlacedContainer[];
  /** Ids and tags. */
  readonly images: readonly string[];
  /** Of its agent's API. */
  readonly apiPort?: number;
  /** TCP, of its proxy for HTTP by name. */
  readonly httpPorts?: readonly number[];
  /** What it can answer clients: ports of all hosts, names of HTTP. */
  readonly answers?: readonly ('ports' | 'http')[];
}

export interface RehearsedCreate {
  readonly name: string;
  readonly request: CreateRequest;
  /** It takes the place of the container of this name, which then holds nothing any more. */
  readonly isReplacement?: boolean;
}

/** What a host's containers reserve. */
export interface Reserved {
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface Placements {
  /** Where these would go, one after the other, if they were created now. Changes nothing. `networks`: names of those that are made before. */
  readonly rehearse: (creates: readonly RehearsedCreate[], networks?: readonly string[]) => readonly Placement[];
  /** A container of this name goes to this host when it is created in the next ten minutes, if it fits there then. */
  readonly hold: (container: string, host: string) => void;
  /** The hosts as placement sees them. */
  readonly snapshots: () => readonly HostSnapshot[];
  /** By host: what its containers reserve. */
  readonly reserved: () => ReadonlyMap<string, Reserved>;
  /** Why a create of this name was refused last, if none has gone through since. */
  readonly refusal: (name: string) => Decision | undefined;
}
