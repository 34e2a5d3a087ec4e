/**
 * The name table: every instance that may be answered by DNS, pushed by the leader to agents and kept by them on disk.
 * `pricing.abc.service.consul` -> all `ready` instances of service `pricing` in deployment `abc`.
 */
export interface NamedInstance {
  /** `2.pricing.abc`: number, service, deployment. Also the registration's id in the Consul catalog. */
  readonly id: string;
  readonly container: string;
  /** The container's name. */
  readonly name: string;
  readonly deployment: string;
  readonly service: string;
  readonly number: number;
  readonly host: string;
  /** Addresses by network id, the primary network first. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Aliases by network id. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  /** Links of this container: alias -> name to look up in its own deployment (`pricing`, `1.pricing` or a container name). */
  readonly links: Readonly<Record<string, string>>;
  /** Exposed TCP/UDP ports, for SRV. */
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
  /** True when it may be answered: running, healthy if it has a health check, not being stopped. A not-ready instance can still ask. */
  readonly ready: boolean;
}

export type OutsideType = 'A' | 'AAAA' | 'CNAME' | 'SRV' | 'TXT';

/** `arpanet/records/<name>`: a name that an operator added, for what does not run in the cluster. */
export interface OutsideName {
  /** `outside.abc`, in lower case: `outside` in deployment `abc`, `outside.abc.service.consul` everywhere. */
  readonly name: string;
  readonly entries: readonly OutsideEntry[];
}

export interface OutsideEntry {
  readonly type: OutsideType;
  /** An address; a host name; `PRIORITY WEIGHT PORT TARGET`; a text. As DNS tools write it, names in lower case without the dot at the end. */
  readonly value: string;
}

/** The names that an agent answers: the instances that its host may ask for, and names that operators added. */
export interface NameTable {
  /** Grows with every change made by one leader. */
  readonly version: number;
  readonly epoch: number;
  /** When the leader made it. */
  readonly atMs: number;
  readonly instances: readonly NamedInstance[];
  /** Names of the instances' networks, by id: `web.backend` is web's address in backend. */
  readonly networks?: Readonly<Record<string, string>>;
  /** Names that operators added; absent in tables of older agents. */
  readonly outside?: readonly OutsideName[];
}
