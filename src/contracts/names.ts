/** Names of instances: what the registrar makes its table from, and where the table goes. */
import type { ContainerRecord, ContainerView, HttpFigures, NamedInstance, NameTable } from '../model/index.ts';

/** An instance that has come, gone or changed. */
export interface InstanceChange {
  readonly before: NamedInstance | undefined;
  readonly now: NamedInstance | undefined;
}

/** What is new among the names. */
export interface NameUpdate extends Pick<NameTable, 'version' | 'epoch' | 'atMs'> {
  /** Since the update before. */
  readonly changes: readonly InstanceChange[];
  /** `outside` has changed: it goes to all hosts at once, and not only to those that may ask for what has changed. */
  readonly isForAll: boolean;
  /** What was sent before does not count: all that there are now is sent again. */
  readonly isWhole: boolean;
  readonly outside: NonNullable<NameTable['outside']>;
  /** Those that have an instance now and had none before, and the other way round. */
  readonly deploymentsCome: readonly string[];
  readonly deploymentsGone: readonly string[];
  /** All that there are now. */
  readonly deployments: () => readonly string[];
  /** All that there are now. */
  readonly instances: () => readonly NamedInstance[];
}

export interface NameSources {
  /** Names of container records of which something has changed since this was asked last: the record, its container, its host, its network. At first all. */
  readonly touched: () => Iterable<string>;
  /** Hosts whose address or state has changed since this was asked last. */
  readonly touchedHosts: () => Iterable<string>;
  readonly record: (name: string) => ContainerRecord | undefined;
  readonly container: (id: string) => ContainerView | undefined;
  /** Whether the names of the container with this id are out of DNS, while it is being stopped. */
  readonly isWithdrawn: (id: string) => boolean;
}

export interface Names {
  readonly sources: NameSources;
  /** Sends agents what concerns them. Resolves when it has left this process. */
  readonly push: (update: NameUpdate) => Promise<void>;
  /** What the host's proxy has counted for instances behind names of HTTP. */
  readonly httpFigures: (host: string) => Promise<readonly HttpFigures[]>;
}
