/** The parts of the services API's JSON that are read here (Docker API v1.24 to v1.51). Field names are Docker's own. */
import type { CreateRequest, HostConfig, Json } from '../../model/index.ts';

/** Of a service to a secret or a config. */
export interface KeptReference {
  readonly File?: { readonly Name?: string; readonly UID?: string; readonly GID?: string; readonly Mode?: number } | null;
  readonly SecretID?: string;
  readonly SecretName?: string;
  readonly ConfigID?: string;
  readonly ConfigName?: string;
  /** Of a config that is no file. */
  readonly Runtime?: unknown;
}

export interface ContainerSpec extends Json {
  readonly Image?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Command?: readonly string[] | null;
  readonly Args?: readonly string[] | null;
  readonly Hostname?: string;
  readonly Env?: readonly string[] | null;
  readonly Dir?: string;
  readonly User?: string;
  readonly Groups?: readonly string[] | null;
  readonly TTY?: boolean;
  readonly OpenStdin?: boolean;
  readonly ReadOnly?: boolean;
  readonly Init?: boolean | null;
  readonly StopSignal?: string;
  readonly Isolation?: string;
  readonly OomScoreAdj?: number;
  readonly StopGracePeriod?: number | null;
  readonly Healthcheck?: CreateRequest['Healthcheck'];
  readonly Hosts?: readonly string[] | null;
  readonly DNSConfig?: {
    readonly Nameservers?: readonly string[] | null;
    readonly Search?: readonly string[] | null;
    readonly Options?: readonly string[] | null;
  } | null;
  readonly Mounts?: HostConfig['Mounts'];
  readonly Secrets?: readonly KeptReference[] | null;
  readonly Configs?: readonly KeptReference[] | null;
  readonly Privileges?: { readonly CredentialSpec?: unknown } | null;
  readonly Sysctls?: Readonly<Record<string, string>> | null;
  readonly CapabilityAdd?: readonly string[] | null;
  readonly CapabilityDrop?: readonly string[] | null;
  readonly Ulimits?: readonly unknown[] | null;
}

export interface UpdateConfig extends Json {
  readonly Parallelism?: number;
  readonly Delay?: number;
  readonly FailureAction?: string;
  readonly Monitor?: number;
  readonly MaxFailureRatio?: number;
  readonly Order?: string;
}

export interface PortConfig extends Json {
  readonly Protocol?: string;
  readonly TargetPort?: number;
  readonly PublishedPort?: number;
  readonly PublishMode?: string;
}

export interface ServiceSpec extends Json {
  readonly Name?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly TaskTemplate?: {
    readonly ContainerSpec?: ContainerSpec;
    readonly Resources?: {
      readonly Limits?: { readonly NanoCPUs?: number; readonly MemoryBytes?: number; readonly Pids?: number } | null;
      readonly Reservations?: {
        readonly NanoCPUs?: number;
        readonly MemoryBytes?: number;
        readonly GenericResources?: readonly unknown[] | null;
      } | null;
    } | null;
    readonly RestartPolicy?: {
      readonly Condition?: string;
      readonly MaxAttempts?: number | null;
      /** Nanoseconds. */
      readonly Delay?: number | null;
      readonly Window?: number | null;
    } | null;
    readonly Placement?: {
      readonly Constraints?: readonly string[] | null;
      readonly MaxReplicas?: number;
      readonly Preferences?: readonly { readonly Spread?: { readonly SpreadDescriptor?: string } | null }[] | null;
    } | null;
    readonly Networks?: readonly { readonly Target?: string; readonly Aliases?: readonly string[] | null }[] | null;
    readonly LogDriver?: { readonly Name?: string; readonly Options?: Readonly<Record<string, string>> | null } | null;
    readonly ForceUpdate?: number;
    readonly Runtime?: string;
    readonly [key: string]: unknown;
  };
  readonly Mode?: {
    readonly Replicated?: { readonly Replicas?: number | null } | null;
    readonly Global?: unknown;
    readonly ReplicatedJob?: { readonly MaxConcurrent?: number | null; readonly TotalCompletions?: number | null } | null;
    readonly GlobalJob?: unknown;
  };
  readonly UpdateConfig?: UpdateConfig | null;
  readonly RollbackConfig?: UpdateConfig | null;
  readonly Networks?: readonly { readonly Target?: string; readonly Aliases?: readonly string[] | null }[] | null;
  readonly EndpointSpec?: { readonly Mode?: string; readonly Ports?: readonly PortConfig[] | null } | null;
}
