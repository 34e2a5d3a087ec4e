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
  /** The one address of its service, by network id. Absent: the service has none. */
  readonly vips?: Readonly<Record<string, string>>;
  /** IPv6 addresses by network id, in the shortest form. Absent: it has none. */
  readonly addresses6?: Readonly<Record<string, string>>;
  /** Aliases by network id. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  /** Links of this container: alias -> name to look up in its own deployment (`pricing`, `1.pricing` or a container name). */
  readonly links: Readonly<Record<string, string>>;
  /** Exposed TCP/UDP ports, for SRV. */
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
  /** What `docker service` calls its service (`abc_web`), if it is one of a stack or of `docker service create`: a name of it, and behind `tasks.`, too. */
  readonly swarmService?: string;
  /** The host name that its user gave it: peers find it by that, too. */
  readonly hostname?: string;
  /** `out`: it does not run, or is being stopped: no name leads to it. It may still ask. */
  readonly state: 'running' | 'paused' | 'out';
  /** Running, and healthy if it has a health check: names of several instances lead to such first. */
  readonly ready: boolean;
  /** By its label `arpanet.dns=healthy`: its service's name never leads to it before it is ready. */
  readonly strict?: true;
  /** Its user named DNS servers (`--dns`): names from outside are theirs to answer. */
  readonly hasServers?: true;
  /** These, where they are more than its Engine's resolver asks beside the agent: the agent asks them then. */
  readonly servers?: readonly string[];
  /** Its label `arpanet.allow-from`. Absent: whatever shares a network with it may call it. */
  readonly allowFrom?: string;
  /** Ports at which every host answers for it, and the address of it that they lead to. Absent: none. */
  readonly ingress?: {
    readonly address: string;
    readonly address6?: string;
    readonly ports: readonly IngressClaim[];
    /** It wants a line of the PROXY protocol at those of TCP. */
    readonly isProxied?: true;
  };
  /** The names by which HTTP reaches it (`HttpSite`), and where. Absent: none. */
  readonly http?: NamedHttp;
}

/** Where HTTP reaches an instance, and for which names. `share`: a part of 1. */
export interface NamedHttp {
  /** `shop.example.com/api/` */
  readonly sites: readonly string[];
  readonly address: string;
  readonly port: number;
  readonly isH2c?: true;
  readonly isSticky?: true;
  /** It is of a canary: of which service, and which share (0 to 1) of that one's requests it gets with its like. */
  readonly canary?: { readonly of: string; readonly share: number };
}

/** A number at which every host answers, and the port of the container behind it. */
export interface IngressClaim {
  /** Port of the hosts. */
  readonly port: number;
  /** Port of the container. */
  readonly target: number;
  readonly protocol: 'tcp' | 'udp';
}

/**
 * The instances that a name of them all leads to: those that are ready; if none is, those that run, and if none runs, paused ones. Members of
 * a cluster that must find each other to become healthy do so; an Engine answers the same. `isOwn`: the name is of one container alone, and
 * leads to it while it runs or is paused.
 */
export function answering<T extends Pick<NamedInstance, 'state' | 'ready' | 'strict'>>(
  instances: readonly T[],
  isOwn: boolean,
): readonly T[] {
  const ready = instances.filter((one) => one.ready);
  if (ready.length > 0) return ready;
  const lenient = instances.filter((one) => isOwn || one.strict !== true);
  const running = lenient.filter(({ state }) => state === 'running');
  return running.length > 0 ? running : lenient.filter(({ state }) => state === 'paused');
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
  /** All deployments of the cluster: no server but ours is asked for names below them. Absent in tables of older leaders. */
  readonly deployments?: readonly string[];
}

/** What is new in a name table: it makes the table of `version` of that of version `since` of the same epoch. */
export interface NameChange extends Pick<NameTable, 'version' | 'epoch' | 'atMs'> {
  readonly since: number;
  /** Instances that are new or others than before, in place of what their containers had. */
  readonly put: readonly NamedInstance[];
  /** Containers whose instances are gone, or are nobody's here to ask for any more. */
  readonly drop: readonly string[];
  /** Names of the networks of what is put. */
  readonly networks?: Readonly<Record<string, string>>;
  /** All that operators added; absent: as before. */
  readonly outside?: readonly OutsideName[];
  /** All deployments; absent: as before, but for those that came and went. */
  readonly deployments?: readonly string[];
  readonly deploymentsCome?: readonly string[];
  readonly deploymentsGone?: readonly string[];
}
