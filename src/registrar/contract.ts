/** What the registrar needs, and what it offers. */
import type { InstanceChange, NameUpdate } from '../contracts/index.ts';
import type { NamedInstance, OutsideName } from '../model/index.ts';
import type { CatalogChange, CatalogService } from '../store/index.ts';
import type { Logger } from '../telemetry/log.ts';

/** A host as the registrar needs it: its name, address and state. */
export interface NamedHost {
  readonly name: string;
  readonly address: string;
  /** joining: not connected since the leader's election; what is registered for it stays until it connects or is down. */
  readonly state: 'alive' | 'joining' | 'down';
}

/** The instances that have names. */
export interface InstanceSource {
  /** What has changed since this was asked last; at first all that there are. */
  readonly changes: () => readonly InstanceChange[];
  /** By id. The same list while nothing changes, as the next is. */
  readonly all: () => readonly NamedInstance[];
  /** Those that have an instance. */
  readonly deployments: () => readonly string[];
}

export interface RegistrarDeps {
  readonly instances: InstanceSource;
  /** Records that operators added. */
  readonly outside: () => readonly OutsideName[];
  readonly hosts: () => readonly NamedHost[];
  readonly host: (name: string) => NamedHost | undefined;
  /** Hosts whose address or state has changed since this was asked last. */
  readonly touchedHosts: () => Iterable<string>;
  /** Tells the agents; resolves when it has left this process. Never rejects. */
  readonly push: (update: NameUpdate) => Promise<void>;
  /** Undefined with a store that has no catalog. `apply` carries the leader's fence and fails with `not-leader` when that is broken. */
  readonly catalog?:
    | {
        list(nodePrefix: string, only?: readonly string[]): Promise<readonly CatalogService[]>;
        nodes(nodePrefix: string): Promise<readonly string[]>;
        changeIndex(): Promise<number>;
        apply(changes: readonly CatalogChange[]): Promise<void>;
      }
    | undefined;
  readonly epoch: number;
  readonly now: () => number;
  readonly log: Logger;
  /** Calls the listener after each change of instances or hosts, until the signal aborts. */
  readonly onChange: (listener: () => void, signal: AbortSignal) => void;
}

/** Keeps the name table of the agents and the Consul catalog equal to the instances that are ready. */
export interface Registrar {
  /** Resolves when agents and catalog are up to date, or after 3 s. Never rejects. */
  flush(): Promise<void>;
  /** Like `flush`, but compares everything, not only what has changed. */
  renew(): Promise<void>;
  /** Changes that the catalog needs; none if it is as it should be, or if there is no catalog. Throws `unavailable`, `timeout`. */
  catalogDrift(): Promise<readonly CatalogChange[]>;
}
