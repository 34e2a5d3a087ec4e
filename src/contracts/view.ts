/** The cluster view as a whole: when it changes, and how a host's part of it is read again. */
import type { ContainerRecord, ContainerView } from '../model/index.ts';

/** What to read again from a host's Engine. */
export interface RefreshRequest {
  /** Ids of containers. */
  readonly containers?: readonly string[];
  /** Containers that came or went, whichever they are. */
  readonly newcomers?: boolean;
  readonly images?: boolean;
  readonly volumes?: boolean;
}

/** Looks that cost as much as they find. */
export interface ContainersBy {
  /** Those with a record of this service. */
  readonly service: (deployment: string, service: string) => readonly ContainerView[];
  /** The records of this service, those of containers that are not shown yet included. */
  readonly serviceRecords: (deployment: string, service: string) => readonly ContainerRecord[];
  /** Those that replace a lost one. */
  readonly replacements: () => readonly ContainerView[];
}

export interface ViewStatus {
  readonly containersBy: ContainersBy;
  /** Grows whenever anything that a list shows changes; for caches of ready bytes. */
  readonly version: () => number;
  /** Calls `listener` after the view changed, once for all changes of one turn of the event loop, until `signal` aborts. */
  readonly onChange: (listener: () => void, signal: AbortSignal) => void;
  /** Reads these again from the host's Engine; resolves when the view shows them. Never rejects; stops waiting after 2 s. */
  readonly refresh: (host: string, what: RefreshRequest) => Promise<void>;
  /**
   * Resolves when the refreshes under way for this container (without argument: for everything) are done, after 2 s at the latest.
   * Undefined: none is under way.
   */
  readonly settled: (container?: string) => Promise<void> | undefined;
}
