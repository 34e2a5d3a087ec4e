/** The hosts of the cluster, and what operators do to them. */
import type { AdmissionRecord, HostChange, HostRecord, HostView } from '../model/index.ts';

/** How a host may join, as `admit` takes it. */
export type AdmissionRequest = Omit<AdmissionRecord, 'name' | 'kind' | 'atMs'>;

export interface RemovedHost {
  /** Names of the containers whose records went with it. */
  readonly containers: readonly string[];
  /** Names of the volumes whose place it was. */
  readonly volumes: readonly string[];
}

export interface Hosts {
  /** All members, by name. */
  readonly list: () => readonly HostView[];
  readonly one: (name: string) => HostView | undefined;
  /** When the last message of any host arrived, in milliseconds of the leader's steady clock. Undefined: none since the election. */
  readonly lastHeardMs: () => number | undefined;
  /** Availability, labels and limits, as operators set them. Throws `not-found`, and `conflict` for limits below what is reserved. */
  readonly update: (name: string, change: HostChange) => Promise<HostRecord>;
  /** Hosts that may join and have not, and those that were removed, by name. */
  readonly admissions: () => readonly AdmissionRecord[];
  /** Lets a host join; with undefined that is taken back. */
  readonly admit: (name: string, request: AdmissionRequest | undefined) => Promise<void>;
  /**
   * Gives back everything the host holds: records, leases, networks, places of volumes. Its agent is refused from then on. Does not touch its
   * containers. Throws `conflict` while a container is being created there.
   */
  readonly remove: (name: string) => Promise<RemovedHost>;
  /**
   * Takes all cluster networks and devices off the host, and lets its agent send everything again. Throws `conflict` naming what is left,
   * `timeout` when the agent does not come back.
   */
  readonly reset: (name: string) => Promise<{ readonly networks: readonly string[] }>;
}
