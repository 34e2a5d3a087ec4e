/** What operators do to hosts and to the work on them. */
import type { HostChange } from '../model/index.ts';
import type { Progress } from './progress.ts';

/** A container that was not moved, and why, for a person. */
export interface UnmovedContainer {
  readonly container: string;
  readonly why: string;
}

export interface MovedInstance {
  /** Names of the instance and of its replacement. */
  readonly from: string;
  readonly to: string;
  /** Where the replacement runs. */
  readonly host: string;
}

export interface DrainResult {
  readonly host: string;
  readonly moved: readonly MovedInstance[];
  /** Names of instances of services that run once on every host; they were removed. */
  readonly ended: readonly string[];
  readonly stays: readonly UnmovedContainer[];
}

export interface HostRequest extends HostChange {
  /** Only a host at this address may join by the name. */
  readonly address?: string;
}

export interface HostRemoval {
  readonly host: string;
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
}

export interface HostReset {
  readonly host: string;
  readonly containers: readonly string[];
  readonly networks: readonly string[];
}

export interface CleanRequest {
  /** All images that no container on the host uses, and not only those without a name. */
  readonly all: boolean;
  /** Volumes without a name that no container has. */
  readonly volumes: boolean;
  /** Networks of the host's own Engine that no container is on. */
  readonly networks: boolean;
}

export interface CleanPlan {
  readonly host: string;
  readonly containers: readonly { readonly id: string; readonly name: string; readonly ended: string }[];
  readonly images: readonly { readonly id: string; readonly name: string; readonly bytes: number }[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
}

export interface CleanResult {
  readonly host: string;
  readonly containers: readonly string[];
  readonly images: number;
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  readonly reclaimedBytes: number;
  /** What could not be removed, and why. */
  readonly kept: readonly string[];
}

export interface RebalanceRequest {
  /** At most so many instances are moved. */
  readonly max?: number;
  /** Only onto this host. */
  readonly onto?: string;
}

export interface PlannedMove {
  /** The container's id and name. */
  readonly id: string;
  readonly name: string;
  /** `abc/web`. */
  readonly service: string;
  readonly from: string;
  readonly to: string;
}

export interface RebalancePlan {
  readonly moves: readonly PlannedMove[];
  /** How full each host is: containers per core, and ten times the share that is reserved. */
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
  readonly stays: readonly UnmovedContainer[];
}

export interface RebalanceResult {
  readonly moved: readonly MovedInstance[];
  readonly stays: readonly UnmovedContainer[];
}

/** Where a host takes its release from, and how. */
export interface ReleaseSource {
  readonly url: string;
  readonly release: string;
  /** Makes a join token for the upgrade of this host, which is withdrawn when that has ended. */
  readonly token: (host: string) => Promise<{ readonly token: string; readonly withdraw: () => Promise<void> }>;
  /** What runs on the host is moved away before, and the host takes containers again afterwards. */
  readonly isDrained?: boolean;
  /** Also where the host has a higher one. */
  readonly isForced?: boolean;
}

export interface HostUpgrade {
  readonly host: string;
  /** Releases. */
  readonly had: string;
  readonly has: string;
}

/** All throw `not-found` for an unknown host, and `conflict` while another operation runs on the host. */
export interface HostOperations {
  /** Lets a host join by this name, with labels and limits from the start. `joined`: its agent was waiting, and is a member already. */
  readonly add: (name: string, request: HostRequest, progress: Progress) => Promise<{ readonly host: string; readonly joined: boolean }>;
  /** Availability, labels, limits. Throws `conflict` for limits below what is reserved. */
  readonly update: (name: string, change: HostChange) => Promise<unknown>;
  /** Takes it out of the cluster. Throws `conflict` naming what it holds, unless forced: then its containers are removed and its volumes forgotten. */
  readonly remove: (name: string, force: boolean, progress: Progress) => Promise<HostRemoval>;
  /** Removes everything that the cluster created there. Throws `conflict` while containers run, unless forced. */
  readonly reset: (name: string, force: boolean, progress: Progress) => Promise<HostReset>;
  /** Has the host's agent take another release, and waits until it is back with it. Throws `conflict` with what the host said where it has its old one back, `timeout`. */
  readonly upgrade: (host: string, source: ReleaseSource, progress: Progress) => Promise<HostUpgrade>;
  /** Lets the host take new containers again. */
  readonly activate: (host: string) => Promise<{ readonly host: string }>;
  /** What `clean` would remove now. */
  readonly cleanPlan: (host: string, request: CleanRequest) => Promise<CleanPlan>;
  readonly clean: (host: string, request: CleanRequest, progress: Progress) => Promise<CleanResult>;
  readonly rebalancePlan: (request: RebalanceRequest) => RebalancePlan;
  readonly rebalance: (request: RebalanceRequest, progress: Progress) => Promise<RebalanceResult>;
  /** Lets the host take new containers, resumes paused ones there, and moves instances onto it from fuller hosts. */
  readonly fillUp: (
    host: string,
    progress: Progress,
  ) => Promise<RebalanceResult & { readonly host: string; readonly resumed: readonly string[] }>;
}
