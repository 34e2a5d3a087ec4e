/** Services with a replica count: what the services API shows and changes, and how clients' calls on single containers are counted. */
import type { DrainResult } from './host-operations.ts';
import type { Progress } from './progress.ts';
import type {
  CanaryReport,
  CanaryState,
  ContainerView,
  CreateRequest,
  JobSettings,
  Json,
  SecretKind,
  SecretRecord,
  ServiceId,
  ServiceRecord,
  ServiceTemplate,
  ServiceView,
  UpdateSettings,
  UpdateStatus,
} from '../model/index.ts';

export interface ServiceCreate extends ServiceId {
  readonly desired: number;
  readonly isGlobal?: boolean;
  readonly job?: JobSettings;
  readonly template: ServiceTemplate;
  readonly update: UpdateSettings;
  readonly rollback?: UpdateSettings;
  readonly labels: Readonly<Record<string, string>>;
  /** As `POST /services/create` has it. */
  readonly spec?: Json;
  /** Of a canary. */
  readonly canary?: CanaryState;
  /** `client`: defined by a compose file, which says more than a spec of the services API. `api` where it is not given. */
  readonly origin?: ServiceRecord['origin'];
}

export interface ServiceUpdate {
  readonly template?: ServiceTemplate;
  /** Of a job: all of it is run again, with these settings. */
  readonly job?: JobSettings;
  readonly desired?: number;
  readonly update?: UpdateSettings;
  /** Null: as an update. */
  readonly rollback?: UpdateSettings | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Json;
  /** The version that the client read; absent: whichever. */
  readonly version?: number;
  /** As `X-Registry-Auth` has it. */
  readonly registryAuth?: string | undefined;
  /** How long to wait for another change that runs. */
  readonly patienceMs?: number;
}

export interface ScaleResult extends ServiceId {
  readonly from: number;
  readonly to: number;
  /** How many ran in the end. */
  readonly running: number;
}

export interface StartedUpdate {
  readonly record: ServiceRecord;
  /** Settles when the rolling update that it began has ended, or has stopped half way; undefined where none was needed. Never rejects. */
  readonly done: Promise<UpdateStatus | undefined>;
}

export type PowerChange = 'stop' | 'start' | 'restart';

/** What a scale would do. */
export interface ScalePlan {
  /** `abc/web`. */
  readonly service: string;
  readonly from: number;
  readonly to: number;
  /** New instances, each with its host, or with why it fits nowhere. */
  readonly added: readonly { readonly name: string; readonly host?: string; readonly why?: string }[];
  /** How many more new ones there would be, for which nobody looked. */
  readonly unplaced: number;
  readonly removed: readonly string[];
}

export interface Services {
  readonly list: () => readonly ServiceView[];
  /** `abc/web` or `abc_web`. Throws `not-found`. */
  readonly find: (reference: string) => ServiceView;
  readonly create: (record: ServiceCreate, registryAuth?: string) => Promise<ServiceRecord>;
  /** Resolves once it is recorded; instances follow. Throws `conflict` when `version` is not the present one, or another change runs. */
  readonly update: (reference: string, change: ServiceUpdate, progress: Progress) => Promise<StartedUpdate>;
  /** Back to the template before the last update. Throws `invalid` when there is none. */
  readonly rollback: (reference: string, progress: Progress, patienceMs?: number) => Promise<StartedUpdate>;
  /**
   * `requests`: `abc/web=5`, `web+2`, `web-1`. Resolves when so many run, or after a minute. Throws `invalid`, `unplaceable` when fewer fit (nothing is
   * changed then), `unavailable` when an instance could not be created or started (the counts stay as asked for, and that is tried again).
   */
  readonly scale: (requests: readonly string[], progress: Progress) => Promise<readonly ScaleResult[]>;
  /** Of one `abc/web=5`: what `scale` would do now. Throws `invalid`, `not-found`. */
  readonly scalePlan: (request: string) => ScalePlan;
  /**
   * Services of a deployment, or single ones, with all their instances. `patienceMs`: how long to wait for another change that runs. Resolves with what
   * was removed, as `abc/web`.
   */
  readonly remove: (references: readonly string[], progress: Progress, patienceMs?: number) => Promise<readonly string[]>;
  /** Stops, starts or restarts all instances. What is stopped stays so until it is started. Resolves with the services, as `abc/web`. */
  readonly power: (how: PowerChange, references: readonly string[], progress: Progress) => Promise<readonly string[]>;
  /**
   * Moves the host's instances elsewhere; the first line comes once it takes no new ones. It ends early when the host takes containers again, and at its
   * deadline, in ms from now; what has not moved then stays. Throws `not-found`, and `conflict` for the last host.
   */
  readonly drain: (host: string, progress: Progress, options?: { readonly deadlineMs?: number }) => Promise<DrainResult>;
  readonly canaries: Canaries;
  /** Lost containers that cannot be replaced on another host now, and why. */
  readonly stuck: () => readonly { readonly name: string; readonly why: string }[];
}

/** How a canary begins. */
export interface CanaryStart {
  /** Its part of 1 of the requests. */
  readonly share: number;
  /** So many ms after it runs the service becomes what it is, if it does well; undefined: when somebody promotes it. */
  readonly promoteAfterMs?: number | undefined;
}

/**
 * Instances of what a service is to become, which get a share of its requests by HTTP name until it becomes that, or they go. They are judged every 5 s; the leader takes those back
 * that do worse than the others.
 */
export interface Canaries {
  /**
   * Resolves when its instances do well; with `promoteAfterMs` when the service has become what they are. Throws `not-found`, `invalid` for a service without an HTTP name, `conflict`
   * where there is one already, or it failed and is taken back.
   */
  readonly begin: (reference: string, changed: ServiceTemplate, how: CanaryStart, progress: Progress) => Promise<UpdateStatus | undefined>;
  /** Throws `not-found` without one, as the next two do. */
  readonly look: (reference: string) => Promise<CanaryReport>;
  /** Updates the service to it; ends it when that is done. Throws `conflict` where it is not judged to be good, unless it is forced. */
  readonly promote: (reference: string, isForced: boolean, progress: Progress) => Promise<UpdateStatus | undefined>;
  readonly abort: (reference: string, progress: Progress) => Promise<void>;
  /** What is to be said of the canary of this service, in a sentence; undefined: it has none. */
  readonly summary: (service: ServiceId) => string | undefined;
}

/** Secrets and configs. */
export interface Secrets {
  readonly list: (kind: SecretKind) => readonly SecretRecord[];
  /** Throws `conflict` where the name is taken. */
  readonly create: (kind: SecretKind, record: Pick<SecretRecord, 'name' | 'labels' | 'data'>) => Promise<SecretRecord>;
  /** Throws `conflict` when `version` is not the present one. */
  readonly relabel: (record: SecretRecord, labels: Readonly<Record<string, string>>, version: number) => Promise<void>;
  /** Throws `invalid` while a service names it. */
  readonly remove: (record: SecretRecord) => Promise<void>;
}

export type ContainerCall = 'stop' | 'start' | 'restart' | 'remove';

/** Keeps replica counts true to what clients do to single containers. Call around a client's own call, never around the cluster's. */
export interface ReplicaCounts {
  /**
   * Around a create; puts the secrets and configs that the request names into the container. Throws `conflict` while an operation runs on the
   * service that it belongs to, `not-found` for a secret that does not exist.
   */
  readonly creating: <T extends { readonly id: string }>(request: CreateRequest, act: () => Promise<T>) => Promise<T>;
  /** Around what stops, starts or removes a container. */
  readonly touching: <T>(container: ContainerView, call: ContainerCall, act: () => Promise<T>) => Promise<T>;
  /** After a container was connected to a network, or disconnected from one. */
  readonly joined: (container: ContainerView) => Promise<void>;
  /** Around a prune, which may remove anything that is stopped. */
  readonly pruning: <T>(act: () => Promise<T>) => Promise<T>;
}
