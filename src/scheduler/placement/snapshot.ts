/** What placement looks at: plain copies, made for one decision. */
export type { Charge, HostSnapshot, PlacedContainer } from '../../contracts/index.ts';

/** One `constraint` (of the host) or `affinity` (to a container, an image, a service). */
export interface Constraint {
  readonly key: string;
  readonly operator: '==' | '!=';
  /** `*` stands for any letters. */
  readonly value: string;
  /** A soft constraint is worth points; a hard one refuses. */
  readonly soft: boolean;
}

export interface PlacementRequest {
  readonly deployment: string;
  readonly service: string;
  readonly name: string;
  readonly reservedNanoCpus: number;
  readonly reservedMemoryBytes: number;
  /** What it is taken to use: its reservation, else its limit. */
  readonly expectedNanoCpus: number;
  readonly expectedMemoryBytes: number;
  readonly hostPorts: readonly string[];
  /** As of a placed container. */
  readonly network?: 'host' | 'published';
  readonly constraints: readonly Constraint[];
  readonly affinities: readonly Constraint[];
  /** Named volumes and where their data is; undefined: nowhere yet, or everywhere. */
  readonly volumesAt: readonly { readonly volume: string; readonly host: string | undefined }[];
  /** Set for a container of a project that is the first to use a named volume: hosts that have volumes of the project. */
  readonly projectVolumesAt?: readonly string[];
  /** Set for the first of a project that uses named volumes: about how many of its containers must fit beside each other, itself included. */
  readonly groupSize?: number;
  /** Containers it must share a host with, and where they are. */
  readonly mustBeWith: readonly { readonly container: string; readonly host: string | undefined; readonly because: string }[];
  /** Hosts that hold the image now. */
  readonly imageHosts: ReadonlySet<string>;
  /** What a copy of the image to another host has; unknown: absent. */
  readonly imageBytes?: number | undefined;
  /** Links that its host must have; an empty one is a network of driver macvlan or ipvlan that needs none. */
  readonly parentLinks?: readonly string[];
  /** The oldest version of its Engine's API that has all of it; absent: any does. */
  readonly apiVersion?: string;
  /** `linux/arm64`, as in `?platform=`. */
  readonly platform?: string;
  /** The container that goes when this one comes: its ports and reservations are free for it. Id or name. */
  readonly replaces?: string;
  /** The host of that container, if it is known. */
  readonly replacesAt?: string | undefined;
  /** The most of its service that a host may have. */
  readonly maxPerHost?: number;
  /** It ends, and its host has had its turn then: instances that have ended count for `maxPerHost`. */
  readonly countsEnded?: true;
  /** Host labels over whose values its service is spread evenly, the first before the second. */
  readonly spreadOver?: readonly string[];
  /** The one host that it may go to: it is being moved there. */
  readonly only?: string;
}

export interface PlacementOptions {
  readonly strategy: 'spread' | 'binpack' | 'random';
  readonly nowMs: number;
  readonly random: () => number;
  /** So many refusals are put into words, with each rule among them, and the others counted; absent: all are put into words. */
  readonly examples?: number;
  /** How many hosts there are beside those that are given, by the rule that refuses them without a look. */
  readonly others?: ReadonlyMap<string, number>;
}
