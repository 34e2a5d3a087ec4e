/** The cluster view: the leader's in-memory picture of all hosts, as plain data. */
import type { EngineEvent, ImageSummary, VolumeSummary } from './docker.ts';
import type { ContainerFacts, HostFacts, Load } from './facts.ts';
import type { ContainerRecord, HostRecord, NetworkRecord, VolumeRecord } from './records.ts';

export interface HostView {
  readonly name: string;
  readonly record: HostRecord;
  /** Absent until it joined the current leader. */
  readonly facts: HostFacts | undefined;
  readonly load: Load | undefined;
  /** joining: known from the store, not heard of since the election, grace not over. down: heartbeat or stream lost, or engine not answering. */
  readonly state: 'alive' | 'joining' | 'down';
  /** Why it is down, for a person. */
  readonly why: string | undefined;
  /** It fell silent together with over a third of the hosts: its names stay, and nothing of it is moved. */
  readonly isDoubted?: boolean;
  readonly images: readonly ImageSummary[];
  readonly volumes: readonly VolumeSummary[];
}

export interface ContainerView {
  readonly id: string;
  /** Without leading slash. */
  readonly name: string;
  readonly host: string;
  readonly hostState: HostView['state'];
  readonly facts: ContainerFacts;
  /** Absent for containers that were made on the engine behind our back. */
  readonly record: ContainerRecord | undefined;
}

/** A running container's place in a network. */
export interface NetworkMember {
  readonly id: string;
  readonly name: string;
  readonly endpointId: string;
  readonly mac: string;
  readonly ip: string;
  /** With its prefix length; empty without. */
  readonly ipv6: string;
}

export interface ClusterNetwork {
  readonly record: NetworkRecord;
  /** On all hosts. */
  readonly members: readonly NetworkMember[];
}

export interface ClusterVolume {
  readonly record: VolumeRecord | undefined;
  readonly name: string;
  readonly host: string | undefined;
  /** The Engine's own description, where it exists on a host. */
  readonly summary: VolumeSummary | undefined;
}

/** An event as clients shall see it: networks under their cluster id, `arpanet.*` labels hidden, `node.name` = host added. */
export interface ClusterEvent {
  readonly host: string;
  readonly event: EngineEvent;
}
