/** What happened in the cluster, as `GET /events` shows it. */
import type { ClusterEvent, EngineEvent, ServiceId } from '../model/index.ts';

export interface Events {
  /** Calls `listener` for every event from now on, until `signal` aborts. */
  readonly listen: (listener: (event: ClusterEvent) => void, signal: AbortSignal) => void;
  /** The newest 2,000, oldest first: the cluster's own events are kept nowhere else. */
  readonly recent: () => readonly ClusterEvent[];
  /** An Engine's event as clients see it, for replays: an Engine may remember what its agent has yet to tell. Undefined: it is not shown to them. */
  readonly shown: (host: string, event: EngineEvent) => EngineEvent | undefined;
}

/** The same, and a way to tell. */
export interface EventFeed extends Events {
  /** What became of a service, in the form of `docker service`'s events. */
  readonly service: (service: ServiceId, attributes: Readonly<Record<string, string>>) => void;
}
