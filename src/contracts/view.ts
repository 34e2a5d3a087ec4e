/** The cluster view as a whole: when it changes, and how a host's part of it is read again. */
import type { ContainerRecord, ContainerView } from '../model/index.ts';
import type { Replicas } from './replica.ts';

/** What to read again from a host's Engine. */
export interface RefreshRequest {
  /** Ids of containers. */
  readonly containers?: readonly string[];
  /** Containers that came or went, whichever they are. */
  readonly newcomers?: boolean;
  readonly images?: boolean;
  readonly volumes?: boolean;
}

/** What containers are asked for; each field that is given narrows them. */
export interface ContainerQuery {
  /** Beginnings of ids, any of them; nothing else narrows then. */
  readonly ids?: readonly string[];
  /** `name` or `name=value`, all of them. */
  readonly labels?: readonly string[];
  /** Any of them, as `State.Status` has it. */
  readonly statuses?: readonly string[];
  /** Any of them. */
  readonly hosts?: readonly string[];
  /** Names of networks, as Engines know them, any of them. */
  readonly networks?: readonly string[];
  /** Asked of each name that a container has, once. */
  readonly isName?: (name: string) => boolean;
  /** The same of each name of a network. */
  readonly isNetwork?: (name: string) => boolean;
}

/** Looks that cost as much as they find. */
export interface ContainersBy {
  /** All that match, and some that do not, in any order; undefined: nothing narrows them. */
  readonly matching: (query: ContainerQuery) => readonly ContainerView[] | undefined;
  /** Records with links, those of containers that are not shown yet included. */
  readonly linking: () => readonly ContainerRecord[];
  /** By full id. */
  readonly id: (id: string) => ContainerView | undefined;
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
  /** Those who follow it; absent: nobody does. */
  readonly replicas?: Replicas;
}
