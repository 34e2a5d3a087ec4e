/**
 * The parts of Docker's JSON that arpanet reads or rewrites (Engine API 1.24 to 1.51). Everything else in these objects is carried along
 * untouched; that is what the index signatures are for. Field names are Docker's own.
 */
export interface Json {
  readonly [key: string]: unknown;
}

/** A container's settings in one network, in requests and in inspect. */
export interface EndpointSettings extends Json {
  readonly IPAMConfig?: { readonly IPv4Address?: string; readonly IPv6Address?: string; readonly LinkLocalIPs?: readonly string[] } | null;
  readonly Links?: readonly string[] | null;
  readonly Aliases?: readonly string[] | null;
  readonly MacAddress?: string;
  readonly NetworkID?: string;
  readonly EndpointID?: string;
  readonly Gateway?: string;
  readonly IPAddress?: string;
  readonly IPPrefixLen?: number;
  readonly GlobalIPv6Address?: string;
  readonly GlobalIPv6PrefixLen?: number;
  readonly DNSNames?: readonly string[] | null;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
}

export interface PortBinding {
  readonly HostIp?: string;
  readonly HostPort?: string;
}

/** `HostConfig` of create requests and of inspect. */
export interface HostConfig extends Json {
  readonly NetworkMode?: string;
  readonly Binds?: readonly string[] | null;
  readonly Mounts?:
    | readonly { readonly Type?: string; readonly Source?: string; readonly Target?: string; readonly [k: string]: unknown }[]
    | null;
  readonly VolumesFrom?: readonly string[] | null;
  readonly VolumeDriver?: string;
  readonly Links?: readonly string[] | null;
  readonly Dns?: readonly string[] | null;
  readonly DnsSearch?: readonly string[] | null;
  readonly DnsOptions?: readonly string[] | null;
  readonly IpcMode?: string;
  readonly PidMode?: string;
  readonly PortBindings?: Readonly<Record<string, readonly PortBinding[] | null>> | null;
  readonly PublishAllPorts?: boolean;
  readonly Memory?: number;
  readonly MemoryReservation?: number;
  readonly NanoCpus?: number;
  readonly CpuQuota?: number;
  readonly CpuPeriod?: number;
  readonly AutoRemove?: boolean;
  readonly RestartPolicy?: { readonly Name?: string; readonly MaximumRetryCount?: number } | null;
}

export interface HealthConfig {
  readonly Test?: readonly string[];
  /** Nanoseconds, as the others. */
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

/** Body of `POST /containers/create`. */
export interface CreateRequest extends Json {
  readonly Image?: string;
  readonly Hostname?: string;
  readonly Env?: readonly string[] | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Healthcheck?: HealthConfig | null;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  readonly HostConfig?: HostConfig | null;
  readonly NetworkingConfig?: { readonly EndpointsConfig?: Readonly<Record<string, EndpointSettings | null>> | null } | null;
}

/** One element of `GET /containers/json`. */
export interface ContainerSummary extends Json {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Image: string;
  readonly ImageID: string;
  readonly Created: number;
  readonly State: string;
  readonly Status: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Ports?: readonly { readonly IP?: string; readonly PrivatePort: number; readonly PublicPort?: number; readonly Type: string }[];
  readonly HostConfig?: { readonly NetworkMode?: string };
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, EndpointSettings>> | null };
  readonly Mounts?: readonly { readonly Type?: string; readonly Name?: string; readonly Source?: string; readonly Destination?: string }[];
}

/** `GET /containers/{id}/json`. */
export interface ContainerInspect extends Json {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly Image: string;
  readonly RestartCount?: number;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Paused: boolean;
    readonly Restarting: boolean;
    readonly Dead: boolean;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: { readonly Status: string } | null;
    readonly [key: string]: unknown;
  };
  readonly Config: CreateRequest;
  readonly HostConfig: HostConfig;
  readonly NetworkSettings: { readonly Networks?: Readonly<Record<string, EndpointSettings>> | null; readonly [key: string]: unknown };
  readonly Mounts?: readonly { readonly Type?: string; readonly Name?: string; readonly Source?: string; readonly Destination?: string }[];
}

/** One element of `GET /images/json`. */
export interface ImageSummary extends Json {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly RepoDigests: readonly string[] | null;
  readonly Created: number;
  readonly Size: number;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/** One element of `GET /volumes`. */
export interface VolumeSummary extends Json {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Options?: Readonly<Record<string, string>> | null;
  readonly Scope?: string;
  readonly CreatedAt?: string;
}

/** One line of `GET /events`. */
export interface EngineEvent extends Json {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope?: string;
  /** Seconds since 1970. */
  readonly time: number;
  /** Nanoseconds since 1970. */
  readonly timeNano: number;
  readonly id?: string;
  readonly status?: string;
  readonly from?: string;
}

export interface IpamConfig {
  readonly Subnet?: string;
  readonly IPRange?: string;
  readonly Gateway?: string;
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>>;
}

/** Body of `POST /networks/create`. */
export interface NetworkCreateRequest extends Json {
  readonly Name?: string;
  readonly Driver?: string;
  readonly Scope?: string;
  readonly Internal?: boolean;
  readonly Attachable?: boolean;
  readonly EnableIPv6?: boolean;
  readonly Ingress?: boolean;
  readonly ConfigFrom?: { readonly Network?: string } | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Options?: Readonly<Record<string, string>> | null;
  readonly IPAM?: {
    readonly Driver?: string;
    readonly Config?: readonly IpamConfig[] | null;
    readonly Options?: Readonly<Record<string, string>> | null;
  } | null;
}
