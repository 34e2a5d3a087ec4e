/** Services with a replica count: what their instances are made from, and how many there shall be. */
import type { CreateRequest, EndpointSettings, Json } from './docker.ts';
import { projectOf } from './labels.ts';
import type { ContainerView } from './view.ts';

export interface ServiceId {
  readonly deployment: string;
  readonly service: string;
}

/** `abc/web`: what nothing else is called. */
export const serviceKey = ({ deployment, service }: ServiceId): string => `${deployment}/${service}`;

/** What `docker service` calls it. */
export const serviceName = ({ deployment, service }: ServiceId): string =>
  deployment === 'default' ? service : `${projectOf(deployment)}_${service}`;

/** An instance's create request as its client sent it; other instances are made from it under their own number and name. */
export interface ServiceTemplate {
  /** Name and number of the instance that it was taken from. */
  readonly name: string;
  readonly number: number;
  readonly request: CreateRequest;
  /** Endpoints of networks that it joined after its create (compose with an API before 1.44 makes all but the first so), by network id. */
  readonly connected?: Readonly<Record<string, EndpointSettings>>;
}

export interface UpdateSettings {
  /** Instances replaced at once; 0: all. */
  readonly parallelism: number;
  readonly delayMs: number;
  readonly order: 'start-first' | 'stop-first';
  readonly onFailure: 'rollback' | 'pause' | 'continue';
  /** How long a fresh instance must run, without a health check, to count as good. */
  readonly monitorMs: number;
  /** How long a fresh instance with a health check may take to become healthy. */
  readonly patienceMs: number;
  /** Between leaving DNS and the stop: for requests under way and for those who have just asked. */
  readonly drainMs: number;
}

export const UPDATE_DEFAULTS: UpdateSettings = {
  parallelism: 1,
  delayMs: 0,
  order: 'start-first',
  onFailure: 'rollback',
  monitorMs: 2_000,
  patienceMs: 120_000,
  drainMs: 2_000,
};

export interface UpdateStatus {
  readonly state: 'updating' | 'paused' | 'completed' | 'rollback_started' | 'rollback_paused' | 'rollback_completed';
  readonly startedAtMs: number;
  readonly completedAtMs?: number;
  readonly message: string;
  /** Numbers of its instances when it began: they keep them. Others are substitutes. */
  readonly numbers?: readonly number[];
}

/** A service that is run to its end: `desired` is how many instances shall end well (of a global one, the hosts). */
export interface JobSettings {
  /** At once; 0: all. */
  readonly concurrent: number;
  /** Grows with every update: all of it is run again. */
  readonly iteration: number;
  readonly startedAtMs: number;
}

/** What was set for a service beside its template, before its last update. */
export interface PreviousSettings {
  /** Only where the update changed it; `to`: what it made of it, which others may have changed since. */
  readonly desired?: { readonly from: number; readonly to: number };
  readonly concurrent?: number;
  readonly update: UpdateSettings;
  readonly rollback?: UpdateSettings;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec?: Json;
}

/** What a canary's record has beside that of any service. */
export interface CanaryState {
  /** So long after its begin the service becomes what it is, if it does well then. Absent: when somebody promotes it. */
  readonly promoteAfterMs?: number;
  /** The cluster has taken its instances back; the record says so until somebody aborts it or begins another. */
  readonly takenBack?: { readonly atMs: number; readonly why: string };
}

/** `arpanet/services/<deployment>/<service>`: kept for services whose count is held. */
export interface ServiceRecord extends ServiceId {
  /** client: started by compose and scaled since; goes with its last instance. api: made by the services API or `arpanet deploy`; stays until removed. */
  readonly origin: 'client' | 'api';
  readonly desired: number;
  /** One on every host that it may run on: `desired` follows the hosts. */
  readonly isGlobal?: boolean;
  /** Its instances end, and are not started again once they have ended well. */
  readonly job?: JobSettings;
  /** When `desired` was last settled: a client's instance that is newer has not been counted yet. */
  readonly countedAtMs: number;
  readonly template: ServiceTemplate;
  /** What `rollback` goes back to. */
  readonly previous?: ServiceTemplate;
  /** The rest of what it goes back to; absent: only the template is another then. */
  readonly previousSettings?: PreviousSettings;
  readonly update: UpdateSettings;
  /** How a rollback goes; absent: as an update, and it pauses at a failure. */
  readonly rollback?: UpdateSettings;
  readonly status?: UpdateStatus;
  /** The service's own labels (not its containers'). */
  readonly labels: Readonly<Record<string, string>>;
  /** The spec as `docker service create` sent it, shown back. */
  readonly spec?: Json;
  /** Container ids that the user stopped through the API: they stay stopped. */
  readonly stopped: readonly string[];
  /** Instances that clients are removing: once they are removed the count is lowered by as many, also by another leader. */
  readonly removing?: readonly { readonly id: string; readonly number: number }[];
  /** Of a canary. */
  readonly canary?: CanaryState;
  /** Grows with every change. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A service as it is seen: of compose, scaled, or made by the services API. */
export interface ServiceView extends ServiceId {
  /** Absent while nobody has scaled it: its count is what its client keeps. */
  readonly record: ServiceRecord | undefined;
  readonly desired: number;
  readonly template: ServiceTemplate | undefined;
  /** By number, then age; one-off containers left out. */
  readonly instances: readonly ContainerView[];
  /** Ids of instances that are not of the template: an update is under way, or stopped half way. */
  readonly outdated: readonly string[];
  /** Why it is not as desired, for a person. */
  readonly trouble: string | undefined;
}
