/** What the registrar needs of others. */
import type { NamedInstance, NameTable, OutsideName } from '../model/index.ts';
import type { CatalogChange, CatalogService } from '../store/index.ts';
import type { Logger } from '../telemetry/log.ts';

export interface NamedHost {
  readonly name: string;
  readonly address: string;
  /** joining: not heard of since the election. What is registered there stays until it is heard of, or down. */
  readonly state: 'alive' | 'joining' | 'down';
}

export interface RegistrarDeps {
  readonly instances: () => readonly NamedInstance[];
  /** Names made by hand. */
  readonly outside: () => readonly OutsideName[];
  readonly hosts: () => readonly NamedHost[];
  /** To all agents; resolves when they have it. */
  readonly push: (table: NameTable) => Promise<void>;
  /** Absent with a store that has no catalog. `apply` carries the leader's fence and fails with `not-leader` when that is broken. */
  readonly catalog?:
    | {
        list(nodePrefix: string): Promise<readonly CatalogService[]>;
        apply(changes: readonly CatalogChange[]): Promise<void>;
      }
    | undefined;
  readonly epoch: number;
  readonly now: () => number;
  readonly log: Logger;
  /** Calls the listener after every change of instances or hosts, until the signal aborts. */
  readonly onChange: (listener: () => void, signal: AbortSignal) => void;
}

export interface Registrar {
  /** Resolves when what is desired now has been pushed to the agents and applied to the catalog, or has failed to be. Bounded; never rejects. */
  flush(): Promise<void>;
  /** Forgets what agents and catalog were found to hold, and brings them up to date. */
  renew(): Promise<void>;
  /** What the catalog lacks or has too much of; empty without one. Throws `unavailable`. */
  catalogDrift(): Promise<readonly CatalogChange[]>;
}
