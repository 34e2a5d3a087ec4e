/** What is asked of the cluster from more than one room, as plain data. */
import type { CreateRequest } from './docker.ts';
import type { HostLimits, HostRecord } from './records.ts';

export interface CreateContainer {
  /** From `?name=`; absent: the cluster makes one up. */
  readonly name: string | undefined;
  readonly platform: string | undefined;
  readonly request: CreateRequest;
  /** API version of the request's path, e.g. `1.43`; sent on to the Engine, capped by what it speaks. */
  readonly apiVersion: string;
  /** The same for a request that is sent again after a failover. */
  readonly requestId: string;
  /** Aborts when the client disconnects: what was begun is undone. */
  readonly signal: AbortSignal;
  /** The one host that it may go to: an instance is being moved there. */
  readonly on?: string;
}

/** As `POST /volumes/create` has it. */
export interface VolumeRequest {
  readonly Name?: string;
  readonly Driver?: string;
  readonly DriverOpts?: Readonly<Record<string, string>>;
  readonly Labels?: Readonly<Record<string, string>>;
}

export type LimitChange = { readonly [Key in keyof HostLimits]?: number | null };

/** What ops change about a host; null takes a label or a limit away. */
export interface HostChange {
  readonly availability?: HostRecord['availability'];
  /** Of the drain that begins; a change of availability without it takes away what there was. */
  readonly drainDeadline?: HostRecord['drainDeadline'];
  /** As the deadline. */
  readonly drainedFor?: HostRecord['drainedFor'];
  /** Set over the agent's own. */
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly limits?: LimitChange;
}
