/** What placement looks at: plain copies, made for one decision. */

export interface PlacedContainer {
  readonly id: string;
  readonly name: string;
  readonly deployment: string;
  readonly service: string;
  readonly number: number;
  /** created: never started yet, also a create still under way; it holds its ports and reservations like a running one. A stopped one holds neither. */
  readonly state: 'created' | 'running' | 'stopped';
  /** `0.0.0.0:80/tcp`, by `hostPortsOf`. */
  readonly hostPorts: readonly string[];
  readonly reservedNanoCpus: number;
  readonly reservedMemoryBytes: number;
}

/** Load that a fresh placement is taken to bring, until it shows in the host's own figures. */
export interface Charge {
  readonly atMs: number;
  /** Share of all cores, 0 to 1. */
  readonly cpu: number;
  readonly memoryBytes: number;
}

export interface HostSnapshot {
  readonly name: string;
  readonly state: 'alive' | 'joining' | 'down';
  readonly availability: 'active' | 'pause' | 'drain';
  /** Why it is not alive: `no heartbeat for 12 s`. */
  readonly why?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Go's words (`linux`, `amd64`) or uname's (`x86_64`). */
  readonly os: string;
  readonly arch: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Set by ops. */
  readonly maxContainers?: number;
  readonly load?: { readonly cpu: number; readonly memoryUsedBytes: number; readonly atMs: number };
  readonly pending: readonly Charge[];
  readonly containers: readonly PlacedContainer[];
  /** Ids and tags. */
  readonly images: readonly string[];
}

/** One `constraint` (of the host) or `affinity` (to a container, an image, a service). */
export interface Wish {
  readonly key: string;
  readonly operator: '==' | '!=';
  /** `*` stands for any letters. */
  readonly value: string;
  /** A soft wish is worth points; a hard one refuses. */
  readonly soft: boolean;
}

export interface PlacementRequest {
  readonly deployment: string;
  readonly service: string;
  readonly name: string;
  readonly reservedNanoCpus: number;
  readonly reservedMemoryBytes: number;
  readonly hostPorts: readonly string[];
  readonly constraints: readonly Wish[];
  readonly affinities: readonly Wish[];
  /** Named volumes and where their data is; undefined: nowhere yet, or everywhere. */
  readonly volumesAt: readonly { readonly volume: string; readonly host: string | undefined }[];
  /** Containers it must share a host with, and where they are. */
  readonly mustBeWith: readonly { readonly container: string; readonly host: string | undefined; readonly because: string }[];
  /** Hosts that hold the image now. */
  readonly imageHosts: readonly string[];
  /** `linux/arm64`, as in `?platform=`. */
  readonly platform?: string;
  /** The container that goes when this one comes: its ports and reservations are free for it. Id or name. */
  readonly replaces?: string;
  /** The most of its service that a host may have. */
  readonly maxPerHost?: number;
  /** The one host that it may go to: it is being moved there. */
  readonly only?: string;
}

export interface PlacementOptions {
  readonly strategy: 'spread' | 'binpack' | 'random';
  readonly nowMs: number;
  readonly random: () => number;
}
