/**
 * What the door asks of the cluster. cli/ hands in the scheduler's implementation; tests hand in plain data.
 * Everything here concerns the leader; a follower's door only forwards.
 */
import type { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type {
  ClusterEvent,
  ClusterNetwork,
  ClusterVolume,
  ContainerView,
  CreateContainer,
  EngineEvent,
  HostChange,
  HostView,
  Json,
  SecretKind,
  SecretRecord,
  NetworkCreateRequest,
  NetworkRecord,
  ServiceId,
  ServiceRecord,
  ServiceTemplate,
  ServiceView,
  UpdateSettings,
  VolumeRequest,
} from '../model/index.ts';

/** The way to one host's Engine: an http.Agent whose sockets are tunnels, and a raw tunnel for hijacked connections. */
export interface EngineDoor {
  readonly agent: Agent;
  dial(signal: AbortSignal): Promise<Duplex>;
}

/** Services with a replica count: what the services API shows and changes, and what it must be told of clients' calls on single containers. */
export interface Services {
  list(): readonly ServiceView[];
  /** `abc/web` or `abc_web`. Throws `not-found`. */
  find(reference: string): ServiceView;
  create(
    record: ServiceId & {
      readonly desired: number;
      readonly isGlobal?: boolean;
      readonly template: ServiceTemplate;
      readonly update: UpdateSettings;
      readonly labels: Readonly<Record<string, string>>;
      readonly spec?: Json;
    },
    registryAuth?: string,
  ): Promise<ServiceRecord>;
  /** Answers once it is written down; instances follow. Throws `conflict` when `version` is not the present one, or another change runs. */
  update(
    reference: string,
    change: {
      readonly template?: ServiceTemplate;
      readonly desired?: number;
      readonly update?: UpdateSettings;
      readonly labels?: Readonly<Record<string, string>>;
      readonly spec?: Json;
      readonly version?: number;
      /** As `X-Registry-Auth` has it. */
      readonly registryAuth?: string | undefined;
      /** How long to wait for another change that runs. */
      readonly patienceMs?: number;
    },
    progress: (line: string) => void,
  ): Promise<unknown>;
  rollback(reference: string, progress: (line: string) => void, patienceMs?: number): Promise<unknown>;
  /** `patienceMs`: how long to wait for another change that runs. */
  remove(references: readonly string[], progress: (line: string) => void, patienceMs?: number): Promise<unknown>;
  /** Takes the host's instances elsewhere; the first line is said once it takes no new ones. Throws `conflict` for the last host. */
  drain(host: string, progress: (line: string) => void): Promise<unknown>;
  /** Around a client's call that stops, starts or removes a container. */
  touching<T>(container: ContainerView, how: 'stop' | 'start' | 'restart' | 'remove', act: () => Promise<T>): Promise<T>;
  /** Secrets or configs. */
  kept(kind: SecretKind): readonly SecretRecord[];
  /** Throws `conflict` where the name is taken. */
  keep(kind: SecretKind, wish: Pick<SecretRecord, 'name' | 'labels' | 'data'>): Promise<SecretRecord>;
  /** Throws `conflict` when `version` is not the present one. */
  relabel(record: SecretRecord, labels: Readonly<Record<string, string>>, version: number): Promise<void>;
  /** Throws `invalid` while a service names it. */
  discard(record: SecretRecord): Promise<void>;
  /** Around a prune of stopped containers. */
  pruning<T>(act: () => Promise<T>): Promise<T>;
}

export interface Cluster {
  /** Absent: only single containers here, and nobody counts them. */
  readonly services?: Services;
  /** What ops change about a host, through `docker node update`. */
  updateHost?(name: string, change: HostChange): Promise<unknown>;
  /** Resolves when the view is complete (all known hosts joined, or their grace is over). Rejects `unavailable` after 10 s or on abort. */
  ready(signal: AbortSignal): Promise<void>;
  /** Why nothing may be changed now (the store is away); reads, logs and exec go on. Undefined: all may be done. */
  frozen?(): string | undefined;
  /** Grows whenever anything that a list shows changes; for caches of ready bytes. */
  version(): number;
  /** Resolves when syncs under way for these containers (or, without argument, for all) are done, after 2 s at the latest. Undefined: nothing is under way. */
  settled(container?: string): Promise<void> | undefined;

  hosts(): readonly HostView[];
  containers(): readonly ContainerView[];
  /** Full id, unique prefix, name, `/name`, `host/name`. Throws `not-found` / `invalid` (ambiguous prefix) in Docker's words. */
  container(reference: string): ContainerView;
  /**
   * For a reference that `container` does not know: whether it does now, a create of that name that was under way having come to its end.
   * Throws `unavailable` while nobody can know. Absent: what is not known does not exist.
   */
  seek?(reference: string): Promise<boolean>;
  /** For a removal of what `container` does not know: whether it was a create that nobody finished, and is given up now. */
  giveUp?(reference: string): Promise<boolean>;
  networks(): readonly ClusterNetwork[];
  /** Our id, unique prefix, name. Throws `not-found`: `network x not found`. */
  network(reference: string): ClusterNetwork;
  volumes(): readonly ClusterVolume[];
  volume(name: string): ClusterVolume;
  /** The id that a reference means in the whole cluster (newest tag wins), and the alive hosts that hold it, best first. Undefined: unknown everywhere. */
  image(reference: string): { readonly id: string; readonly hosts: readonly string[] } | undefined;
  /** Tags as the cluster sees them: reference -> image id. */
  tags(): ReadonlyMap<string, string>;

  /** Throws `unavailable` when the host is not alive. */
  engine(host: string): EngineDoor;
  /** The host for builds, loads and pulls: stays the same while it lives, so that caches are reused. Throws `unavailable` when no host is alive. */
  builder(): string;
  /** Reads these anew from the host's Engine; resolves when the view shows them. Never rejects; gives up after 2 s. */
  sync(
    host: string,
    what: { readonly containers?: readonly string[]; readonly newcomers?: boolean; readonly images?: boolean; readonly volumes?: boolean },
  ): Promise<void>;
  events(listener: (event: ClusterEvent) => void, signal: AbortSignal): void;
  /** The newest that were told, oldest first: those of the cluster's own are remembered nowhere else. */
  recentEvents(): readonly ClusterEvent[];
  /** An Engine's event as clients see it; undefined: it tells them nothing. */
  shownEvent(host: string, event: EngineEvent): EngineEvent | undefined;

  createContainer(create: CreateContainer): Promise<{ readonly id: string; readonly warnings: readonly string[] }>;
  /** Call around what stops a container (stop, kill, rm -f, restart, pause): takes its names out of DNS and catalog first. Calls `act`; names come back by themselves if the container goes on. */
  withdrawn<T>(container: ContainerView, act: () => Promise<T>): Promise<T>;
  /** After the Engine removed it: gives back addresses, names, record, and networks nobody uses. */
  containerRemoved(container: ContainerView): Promise<void>;
  /** Removes, for everybody, a container whose host is down; it goes when the host is back. Absent: nobody can. */
  abandon?(container: ContainerView): Promise<void>;
  /** Claims the new name, runs `act` (the Engine's own rename), records it; undoes the claim if `act` throws. */
  renameContainer(container: ContainerView, name: string, act: () => Promise<void>): Promise<void>;
  /** Takes the link of this alias, and the names that it gave, away from the container that has it. */
  unlink(container: ContainerView, alias: string): Promise<void>;

  createNetwork(request: NetworkCreateRequest, requestId: string): Promise<NetworkRecord>;
  /** `evenOfStopped`: containers that do not run are taken off it; otherwise they count as its users. */
  removeNetwork(reference: string, more?: { readonly evenOfStopped?: boolean }): Promise<void>;
  /** Before a start: gives a container that is on no network any more a place in the one that it was made for. Throws `not-found` if that is gone. */
  rejoin(container: ContainerView): Promise<void>;
  connect(reference: string, container: string, endpoint: unknown): Promise<void>;
  disconnect(reference: string, container: string, force: boolean): Promise<void>;
  createVolume(wish: VolumeRequest): Promise<ClusterVolume>;
  removeVolume(name: string, force: boolean): Promise<void>;
  /** Makes sure that the host holds the image that the reference means; copies it from a host that has it. Throws `not-found` when nobody has it. */
  ensureImage(host: string, reference: string, signal: AbortSignal): Promise<void>;
  /** What the leader calls itself, for info and status. */
  about(): {
    readonly name: string;
    readonly epoch: number;
    readonly clusterId: string;
    readonly strategy: string;
    readonly schedulers: readonly string[];
  };
}
