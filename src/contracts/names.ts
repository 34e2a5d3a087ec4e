/** Names of instances: what the registrar makes its table from, and where the table goes. */
import type { ContainerRecord, ContainerView, NameTable } from '../model/index.ts';

export interface NameSources {
  readonly records: readonly ContainerRecord[];
  readonly containers: readonly ContainerView[];
  /** Ids of containers whose names are out of DNS while they are being stopped. */
  readonly withdrawn: ReadonlySet<string>;
}

export interface Names {
  readonly sources: () => NameSources;
  /** Sends the table to all agents. Resolves when it has left this process. */
  readonly push: (table: NameTable) => Promise<void>;
}
