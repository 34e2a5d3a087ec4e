/** The cluster view: the leader's in-memory picture of all hosts, as plain data. */
import type { EngineEvent, ImageSummary, VolumeSummary } from './docker.ts';
import type { ContainerFacts, HostFacts, Load, LoadHour, ProcessFaults } from './facts.ts';
import type { ContainerRecord, HostRecord, NetworkRecord, VolumeRecord } from './records.ts';

/**
 * joining: has not connected and sent what runs there since the leader's election. alive: sends heartbeats. suspect: no message arrives from it, nor from
 * over a third of all hosts; nothing is started elsewhere, its names stay. down: no message arrives from it, or its Engine is unreachable. A host that was
 * removed is not listed. The transitions: scheduler/loss/host-states.ts.
 */
export type HostState = 'joining' | 'alive' | 'suspect' | 'down';

/** Its Engine cannot be asked now, and the time in which it could come back by itself is over. */
export const isUnreachable = (state: HostState): boolean => state === 'suspect' || state === 'down';

export interface HostView {
  readonly name: string;
  readonly record: HostRecord;
  /** Absent until it joined the current leader. */
  readonly facts: HostFacts | undefined;
  readonly load: Load | undefined;
  /** Absent: its agent has not sent it yet, or cannot. */
  readonly lastHour?: LoadHour;
  /** What its agent cannot read of its Engine, a sentence each; absent: nothing. */
  readonly leftOut?: readonly string[];
  /** What its agent got over, as of its last heartbeat; absent: none was sent yet. */
  readonly faults?: ProcessFaults;
  readonly state: HostState;
  /** Why it is suspect or down; of one that is alive, what to warn of. For a person. */
  readonly why: string | undefined;
  /** It is alive as far as is known, but nothing reaches it now: its names do not answer. */
  readonly isCutOff?: true;
  /** Since when it has been suspect or down without a break, in ms of the leader's clock. */
  readonly unreachableSinceMs?: number;
  readonly images: readonly ImageSummary[];
  readonly volumes: readonly VolumeSummary[];
}

export interface ContainerView {
  readonly id: string;
  /** Without leading slash. */
  readonly name: string;
  readonly host: string;
  readonly hostState: HostState;
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
