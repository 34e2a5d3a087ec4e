// Made of the OpenAPI document: ARPANET_WRITE_PAGES=1 npm run test:unit -- client-package
/** What bodies and answers have, by the names of the document. */
export interface Schemas {
    SchedulerRequest: {
        readonly name?: string | null | undefined;
        readonly url?: string | null | undefined;
        readonly gone?: boolean | null | undefined;
        readonly faults?: Schemas['ProcessFaults'] | null | undefined;
        readonly exposed?: readonly string[] | null | null | undefined;
        readonly auditTrouble?: string | null | undefined;
        readonly version?: string | null | undefined;
        readonly byLine?: boolean | null | undefined;
        readonly schema?: number | null | undefined;
        readonly keys?: readonly string[] | null | null | undefined;
        readonly protocol?: number | null | undefined;
    };
    ProcessFaults: {
        readonly unexpectedErrors?: number | null | undefined;
        readonly refusedMessages?: number | null | undefined;
        readonly lastMsAgo?: number | null | undefined;
        readonly lastPlace?: string | null | undefined;
    };
    RehearseRequest: {
        readonly creates?: readonly Schemas['Create'][] | null | null | undefined;
        readonly networks?: readonly Schemas['types.NetworkCreateRequest'][] | null | null | undefined;
        readonly hold?: boolean | null | undefined;
    };
    Create: {
        readonly name?: string | null | undefined;
        readonly request?: Schemas['runconfig.ContainerConfigWrapper'] | null | undefined;
        readonly isReplacement?: boolean | null | undefined;
    };
    "runconfig.ContainerConfigWrapper": {
        readonly CpuShares?: number | null | undefined;
        readonly Memory?: number | null | undefined;
        readonly NanoCpus?: number | null | undefined;
        readonly CgroupParent?: string | null | undefined;
        readonly BlkioWeight?: number | null | undefined;
        readonly BlkioWeightDevice?: readonly Schemas['blkiodev.WeightDevice'][] | null | null | undefined;
        readonly BlkioDeviceReadBps?: readonly Schemas['blkiodev.ThrottleDevice'][] | null | null | undefined;
        readonly BlkioDeviceWriteBps?: readonly Schemas['blkiodev.ThrottleDevice'][] | null | null | undefined;
        readonly BlkioDeviceReadIOps?: readonly Schemas['blkiodev.ThrottleDevice'][] | null | null | undefined;
        readonly BlkioDeviceWriteIOps?: readonly Schemas['blkiodev.ThrottleDevice'][] | null | null | undefined;
        readonly CpuPeriod?: number | null | undefined;
        readonly CpuQuota?: number | null | undefined;
        readonly CpuRealtimePeriod?: number | null | undefined;
        readonly CpuRealtimeRuntime?: number | null | undefined;
        readonly CpusetCpus?: string | null | undefined;
        readonly CpusetMems?: string | null | undefined;
        readonly Devices?: readonly Schemas['container.DeviceMapping'][] | null | null | undefined;
        readonly DeviceCgroupRules?: readonly string[] | null | null | undefined;
        readonly DeviceRequests?: readonly Schemas['container.DeviceRequest'][] | null | null | undefined;
        readonly KernelMemory?: number | null | undefined;
        readonly KernelMemoryTCP?: number | null | undefined;
        readonly MemoryReservation?: number | null | undefined;
        readonly MemorySwap?: number | null | undefined;
        readonly MemorySwappiness?: number | null | undefined;
        readonly OomKillDisable?: boolean | null | undefined;
        readonly PidsLimit?: number | null | undefined;
        readonly Ulimits?: readonly Schemas['units.Ulimit'][] | null | null | undefined;
        readonly CpuCount?: number | null | undefined;
        readonly CpuPercent?: number | null | undefined;
        readonly IOMaximumIOps?: number | null | undefined;
        readonly IOMaximumBandwidth?: number | null | undefined;
        readonly Binds?: readonly string[] | null | null | undefined;
        readonly ContainerIDFile?: string | null | undefined;
        readonly LogConfig?: Schemas['container.LogConfig'] | null | undefined;
        readonly NetworkMode?: Schemas['container.NetworkMode'] | null | undefined;
        readonly PortBindings?: Schemas['nat.PortMap'] | null | undefined;
        readonly RestartPolicy?: Schemas['container.RestartPolicy'] | null | undefined;
        readonly AutoRemove?: boolean | null | undefined;
        readonly VolumeDriver?: string | null | undefined;
        readonly VolumesFrom?: readonly string[] | null | null | undefined;
        readonly ConsoleSize?: readonly number[] | null | null | undefined;
        readonly Annotations?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly CapAdd?: string | readonly string[] | null | null | undefined;
        readonly CapDrop?: string | readonly string[] | null | null | undefined;
        readonly CgroupnsMode?: Schemas['container.CgroupnsMode'] | null | undefined;
        readonly Dns?: readonly string[] | null | null | undefined;
        readonly DnsOptions?: readonly string[] | null | null | undefined;
        readonly DnsSearch?: readonly string[] | null | null | undefined;
        readonly ExtraHosts?: readonly string[] | null | null | undefined;
        readonly GroupAdd?: readonly string[] | null | null | undefined;
        readonly IpcMode?: Schemas['container.IpcMode'] | null | undefined;
        readonly Cgroup?: Schemas['container.CgroupSpec'] | null | undefined;
        readonly Links?: readonly string[] | null | null | undefined;
        readonly OomScoreAdj?: number | null | undefined;
        readonly PidMode?: Schemas['container.PidMode'] | null | undefined;
        readonly Privileged?: boolean | null | undefined;
        readonly PublishAllPorts?: boolean | null | undefined;
        readonly ReadonlyRootfs?: boolean | null | undefined;
        readonly SecurityOpt?: readonly string[] | null | null | undefined;
        readonly StorageOpt?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly Tmpfs?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly UTSMode?: Schemas['container.UTSMode'] | null | undefined;
        readonly UsernsMode?: Schemas['container.UsernsMode'] | null | undefined;
        readonly ShmSize?: number | null | undefined;
        readonly Sysctls?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly Runtime?: string | null | undefined;
        readonly Isolation?: Schemas['container.Isolation'] | null | undefined;
        readonly Mounts?: readonly Schemas['mount.Mount'][] | null | null | undefined;
        readonly MaskedPaths?: readonly string[] | null | null | undefined;
        readonly ReadonlyPaths?: readonly string[] | null | null | undefined;
        readonly Init?: boolean | null | undefined;
        readonly Hostname?: string | null | undefined;
        readonly Domainname?: string | null | undefined;
        readonly User?: string | null | undefined;
        readonly AttachStdin?: boolean | null | undefined;
        readonly AttachStdout?: boolean | null | undefined;
        readonly AttachStderr?: boolean | null | undefined;
        readonly ExposedPorts?: Schemas['nat.PortSet'] | null | undefined;
        readonly Tty?: boolean | null | undefined;
        readonly OpenStdin?: boolean | null | undefined;
        readonly StdinOnce?: boolean | null | undefined;
        readonly Env?: readonly string[] | null | null | undefined;
        readonly Cmd?: string | readonly string[] | null | null | undefined;
        readonly Healthcheck?: Schemas['container.HealthConfig'] | null | undefined;
        readonly ArgsEscaped?: boolean | null | undefined;
        readonly Image?: string | null | undefined;
        readonly Volumes?: {
            readonly [key: string]: Schemas['struct___'];
        } | null | null | undefined;
        readonly WorkingDir?: string | null | undefined;
        readonly Entrypoint?: string | readonly string[] | null | null | undefined;
        readonly NetworkDisabled?: boolean | null | undefined;
        readonly MacAddress?: string | null | undefined;
        readonly OnBuild?: readonly string[] | null | null | undefined;
        readonly Labels?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly StopSignal?: string | null | undefined;
        readonly StopTimeout?: number | null | undefined;
        readonly Shell?: string | readonly string[] | null | null | undefined;
        readonly HostConfig?: Schemas['container.HostConfig'] | null | undefined;
        readonly NetworkingConfig?: Schemas['network.NetworkingConfig'] | null | undefined;
        readonly Cpuset?: string | null | undefined;
    };
    "blkiodev.WeightDevice": {
        readonly Path?: string | null | undefined;
        readonly Weight?: number | null | undefined;
    };
    "blkiodev.ThrottleDevice": {
        readonly Path?: string | null | undefined;
        readonly Rate?: number | null | undefined;
    };
    "container.DeviceMapping": {
        readonly PathOnHost?: string | null | undefined;
        readonly PathInContainer?: string | null | undefined;
        readonly CgroupPermissions?: string | null | undefined;
    };
    "container.DeviceRequest": {
        readonly Driver?: string | null | undefined;
        readonly Count?: number | null | undefined;
        readonly DeviceIDs?: readonly string[] | null | null | undefined;
        readonly Capabilities?: readonly (readonly string[] | null)[] | null | null | undefined;
        readonly Options?: {
            readonly [key: string]: string;
        } | null | null | undefined;
    };
    "units.Ulimit": {
        readonly Name?: string | null | undefined;
        readonly Hard?: number | null | undefined;
        readonly Soft?: number | null | undefined;
    };
    "container.LogConfig": {
        readonly Type?: string | null | undefined;
        readonly Config?: {
            readonly [key: string]: string;
        } | null | null | undefined;
    };
    "container.NetworkMode": string;
    "nat.PortMap": {
        readonly [key: string]: readonly Schemas['nat.PortBinding'][] | null;
    } | null;
    "nat.PortBinding": {
        readonly HostIp?: string | null | undefined;
        readonly HostPort?: string | null | undefined;
    };
    "container.RestartPolicy": {
        readonly Name?: Schemas['container.RestartPolicyMode'] | null | undefined;
        readonly MaximumRetryCount?: number | null | undefined;
    };
    "container.RestartPolicyMode": string;
    "container.CgroupnsMode": string;
    "container.IpcMode": string;
    "container.CgroupSpec": string;
    "container.PidMode": string;
    "container.UTSMode": string;
    "container.UsernsMode": string;
    "container.Isolation": string;
    "mount.Mount": {
        readonly Type?: Schemas['mount.Type'] | null | undefined;
        readonly Source?: string | null | undefined;
        readonly Target?: string | null | undefined;
        readonly ReadOnly?: boolean | null | undefined;
        readonly Consistency?: Schemas['mount.Consistency'] | null | undefined;
        readonly BindOptions?: Schemas['mount.BindOptions'] | null | undefined;
        readonly VolumeOptions?: Schemas['mount.VolumeOptions'] | null | undefined;
        readonly ImageOptions?: Schemas['mount.ImageOptions'] | null | undefined;
        readonly TmpfsOptions?: Schemas['mount.TmpfsOptions'] | null | undefined;
        readonly ClusterOptions?: Schemas['mount.ClusterOptions'] | null | undefined;
    };
    "mount.Type": string;
    "mount.Consistency": string;
    "mount.BindOptions": {
        readonly Propagation?: Schemas['mount.Propagation'] | null | undefined;
        readonly NonRecursive?: boolean | null | undefined;
        readonly CreateMountpoint?: boolean | null | undefined;
        readonly ReadOnlyNonRecursive?: boolean | null | undefined;
        readonly ReadOnlyForceRecursive?: boolean | null | undefined;
    };
    "mount.Propagation": string;
    "mount.VolumeOptions": {
        readonly NoCopy?: boolean | null | undefined;
        readonly Labels?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly Subpath?: string | null | undefined;
        readonly DriverConfig?: Schemas['mount.Driver'] | null | undefined;
    };
    "mount.Driver": {
        readonly Name?: string | null | undefined;
        readonly Options?: {
            readonly [key: string]: string;
        } | null | null | undefined;
    };
    "mount.ImageOptions": {
        readonly Subpath?: string | null | undefined;
    };
    "mount.TmpfsOptions": {
        readonly SizeBytes?: number | null | undefined;
        readonly Mode?: Schemas['fs.FileMode'] | null | undefined;
        readonly Options?: readonly (readonly string[] | null)[] | null | null | undefined;
    };
    "fs.FileMode": number;
    "mount.ClusterOptions": unknown;
    "nat.PortSet": {
        readonly [key: string]: Schemas['struct___'];
    } | null;
    struct___: unknown;
    "container.HealthConfig": {
        readonly Test?: readonly string[] | null | null | undefined;
        readonly Interval?: Schemas['time.Duration'] | null | undefined;
        readonly Timeout?: Schemas['time.Duration'] | null | undefined;
        readonly StartPeriod?: Schemas['time.Duration'] | null | undefined;
        readonly StartInterval?: Schemas['time.Duration'] | null | undefined;
        readonly Retries?: number | null | undefined;
    };
    "time.Duration": number;
    "container.HostConfig": {
        readonly CpuShares?: number | null | undefined;
        readonly Memory?: number | null | undefined;
        readonly NanoCpus?: number | null | undefined;
        readonly CgroupParent?: string | null | undefined;
        readonly BlkioWeight?: number | null | undefined;
        readonly BlkioWeightDevice?: readonly Schemas['blkiodev.WeightDevice'][] | null | null | undefined;
        readonly BlkioDeviceReadBps?: readonly Schemas['blkiodev.ThrottleDevice'][] | null | null | undefined;
        readonly BlkioDeviceWriteBps?: readonly Schemas['blkiodev.ThrottleDevice'][] | null | null | undefined;
        readonly BlkioDeviceReadIOps?: readonly Schemas['blkiodev.ThrottleDevice'][] | null | null | undefined;
        readonly BlkioDeviceWriteIOps?: readonly Schemas['blkiodev.ThrottleDevice'][] | null | null | undefined;
        readonly CpuPeriod?: number | null | undefined;
        readonly CpuQuota?: number | null | undefined;
        readonly CpuRealtimePeriod?: number | null | undefined;
        readonly CpuRealtimeRuntime?: number | null | undefined;
        readonly CpusetCpus?: string | null | undefined;
        readonly CpusetMems?: string | null | undefined;
        readonly Devices?: readonly Schemas['container.DeviceMapping'][] | null | null | undefined;
        readonly DeviceCgroupRules?: readonly string[] | null | null | undefined;
        readonly DeviceRequests?: readonly Schemas['container.DeviceRequest'][] | null | null | undefined;
        readonly KernelMemory?: number | null | undefined;
        readonly KernelMemoryTCP?: number | null | undefined;
        readonly MemoryReservation?: number | null | undefined;
        readonly MemorySwap?: number | null | undefined;
        readonly MemorySwappiness?: number | null | undefined;
        readonly OomKillDisable?: boolean | null | undefined;
        readonly PidsLimit?: number | null | undefined;
        readonly Ulimits?: readonly Schemas['units.Ulimit'][] | null | null | undefined;
        readonly CpuCount?: number | null | undefined;
        readonly CpuPercent?: number | null | undefined;
        readonly IOMaximumIOps?: number | null | undefined;
        readonly IOMaximumBandwidth?: number | null | undefined;
        readonly Binds?: readonly string[] | null | null | undefined;
        readonly ContainerIDFile?: string | null | undefined;
        readonly LogConfig?: Schemas['container.LogConfig'] | null | undefined;
        readonly NetworkMode?: Schemas['container.NetworkMode'] | null | undefined;
        readonly PortBindings?: Schemas['nat.PortMap'] | null | undefined;
        readonly RestartPolicy?: Schemas['container.RestartPolicy'] | null | undefined;
        readonly AutoRemove?: boolean | null | undefined;
        readonly VolumeDriver?: string | null | undefined;
        readonly VolumesFrom?: readonly string[] | null | null | undefined;
        readonly ConsoleSize?: readonly number[] | null | null | undefined;
        readonly Annotations?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly CapAdd?: string | readonly string[] | null | null | undefined;
        readonly CapDrop?: string | readonly string[] | null | null | undefined;
        readonly CgroupnsMode?: Schemas['container.CgroupnsMode'] | null | undefined;
        readonly Dns?: readonly string[] | null | null | undefined;
        readonly DnsOptions?: readonly string[] | null | null | undefined;
        readonly DnsSearch?: readonly string[] | null | null | undefined;
        readonly ExtraHosts?: readonly string[] | null | null | undefined;
        readonly GroupAdd?: readonly string[] | null | null | undefined;
        readonly IpcMode?: Schemas['container.IpcMode'] | null | undefined;
        readonly Cgroup?: Schemas['container.CgroupSpec'] | null | undefined;
        readonly Links?: readonly string[] | null | null | undefined;
        readonly OomScoreAdj?: number | null | undefined;
        readonly PidMode?: Schemas['container.PidMode'] | null | undefined;
        readonly Privileged?: boolean | null | undefined;
        readonly PublishAllPorts?: boolean | null | undefined;
        readonly ReadonlyRootfs?: boolean | null | undefined;
        readonly SecurityOpt?: readonly string[] | null | null | undefined;
        readonly StorageOpt?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly Tmpfs?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly UTSMode?: Schemas['container.UTSMode'] | null | undefined;
        readonly UsernsMode?: Schemas['container.UsernsMode'] | null | undefined;
        readonly ShmSize?: number | null | undefined;
        readonly Sysctls?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly Runtime?: string | null | undefined;
        readonly Isolation?: Schemas['container.Isolation'] | null | undefined;
        readonly Mounts?: readonly Schemas['mount.Mount'][] | null | null | undefined;
        readonly MaskedPaths?: readonly string[] | null | null | undefined;
        readonly ReadonlyPaths?: readonly string[] | null | null | undefined;
        readonly Init?: boolean | null | undefined;
    };
    "network.NetworkingConfig": {
        readonly EndpointsConfig?: {
            readonly [key: string]: Schemas['network.EndpointSettings'] | null;
        } | null | null | undefined;
    };
    "network.EndpointSettings": {
        readonly IPAMConfig?: Schemas['network.EndpointIPAMConfig'] | null | undefined;
        readonly Links?: readonly string[] | null | null | undefined;
        readonly Aliases?: readonly string[] | null | null | undefined;
        readonly MacAddress?: string | null | undefined;
        readonly DriverOpts?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly GwPriority?: number | null | undefined;
        readonly NetworkID?: string | null | undefined;
        readonly EndpointID?: string | null | undefined;
        readonly Gateway?: string | null | undefined;
        readonly IPAddress?: string | null | undefined;
        readonly IPPrefixLen?: number | null | undefined;
        readonly IPv6Gateway?: string | null | undefined;
        readonly GlobalIPv6Address?: string | null | undefined;
        readonly GlobalIPv6PrefixLen?: number | null | undefined;
        readonly DNSNames?: readonly string[] | null | null | undefined;
    };
    "network.EndpointIPAMConfig": {
        readonly IPv4Address?: string | null | undefined;
        readonly IPv6Address?: string | null | undefined;
        readonly LinkLocalIPs?: readonly string[] | null | null | undefined;
    };
    "types.NetworkCreateRequest": {
        readonly Name?: string | null | undefined;
        readonly CheckDuplicate?: boolean | null | undefined;
        readonly Driver?: string | null | undefined;
        readonly Scope?: string | null | undefined;
        readonly EnableIPv4?: boolean | null | undefined;
        readonly EnableIPv6?: boolean | null | undefined;
        readonly IPAM?: Schemas['network.IPAM'] | null | undefined;
        readonly Internal?: boolean | null | undefined;
        readonly Attachable?: boolean | null | undefined;
        readonly Ingress?: boolean | null | undefined;
        readonly ConfigOnly?: boolean | null | undefined;
        readonly ConfigFrom?: Schemas['network.ConfigReference'] | null | undefined;
        readonly Options?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly Labels?: {
            readonly [key: string]: string;
        } | null | null | undefined;
    };
    "network.IPAM": {
        readonly Driver?: string | null | undefined;
        readonly Options?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly Config?: readonly Schemas['network.IPAMConfig'][] | null | null | undefined;
    };
    "network.IPAMConfig": {
        readonly Subnet?: string | null | undefined;
        readonly IPRange?: string | null | undefined;
        readonly Gateway?: string | null | undefined;
        readonly AuxiliaryAddresses?: {
            readonly [key: string]: string;
        } | null | null | undefined;
    };
    "network.ConfigReference": {
        readonly Network?: string | null | undefined;
    };
    HostRequest: {
        readonly name?: string | null | undefined;
        readonly address?: string | null | undefined;
        readonly macs?: readonly string[] | null | null | undefined;
        readonly serial?: string | null | undefined;
        readonly availability?: "active" | "pause" | null | undefined;
        readonly labels?: {
            readonly [key: string]: string | null;
        } | null | null | undefined;
        readonly limits?: {
            readonly [key: string]: number | null;
        } | null | null | undefined;
        readonly force?: boolean | null | undefined;
        readonly drain?: boolean | null | undefined;
        readonly deadlineMs?: number | null | undefined;
        readonly all?: boolean | null | undefined;
        readonly volumes?: boolean | null | undefined;
        readonly networks?: boolean | null | undefined;
    };
    RebalanceRequest: {
        readonly max?: number | string | null | undefined;
        readonly onto?: string | null | undefined;
    };
    ServicesRequest: {
        readonly services?: readonly string[] | null | null | undefined;
        readonly counts?: readonly string[] | null | null | undefined;
    };
    UpdateRequest: {
        readonly services?: readonly string[] | null | null | undefined;
        readonly image?: string | null | undefined;
        readonly env?: readonly string[] | null | null | undefined;
        readonly force?: boolean | null | undefined;
        readonly canary?: string | null | undefined;
        readonly promoteAfterMs?: number | null | undefined;
        readonly settings?: Schemas['UpdateSettings'] | null | undefined;
    };
    UpdateSettings: {
        readonly parallelism?: number | null | undefined;
        readonly delayMs?: number | null | undefined;
        readonly order?: "start-first" | "stop-first" | null | undefined;
        readonly onFailure?: "rollback" | "pause" | "continue" | null | undefined;
        readonly monitorMs?: number | null | undefined;
        readonly patienceMs?: number | null | undefined;
        readonly drainMs?: number | null | undefined;
    };
    ReplaceRequest: {
        readonly service?: string | null | undefined;
        readonly desired?: number | null | undefined;
        readonly isGlobal?: boolean | null | undefined;
        readonly template?: Schemas['Template'] | null | undefined;
        readonly settings?: Schemas['UpdateSettings'] | null | undefined;
    };
    Template: {
        readonly name?: string | null | undefined;
        readonly number?: number | null | undefined;
        readonly request?: Schemas['runconfig.ContainerConfigWrapper'] | null | undefined;
    };
    RecordRequest: {
        readonly name?: string | null | undefined;
        readonly type?: string | null | undefined;
        readonly value?: string | null | undefined;
    };
    SettingRequest: {
        readonly value?: string | null | undefined;
    };
    UserRequest: {
        readonly name?: string | null | undefined;
        readonly role?: string | null | undefined;
        readonly deployments?: readonly string[] | null | null | undefined;
        readonly ttlMs?: number | null | undefined;
        readonly publicKey?: string | null | undefined;
    };
    PolicyRequest: {
        readonly policy?: string | null | undefined;
    };
    PolicyTestRequest: {
        readonly role?: string | null | undefined;
        readonly policy?: string | null | undefined;
        readonly creates?: readonly Schemas['Create'][] | null | null | undefined;
        readonly volumes?: readonly Schemas['volume.VolumeCreateBody'][] | null | null | undefined;
        readonly networks?: readonly Schemas['types.NetworkCreateRequest'][] | null | null | undefined;
    };
    "volume.VolumeCreateBody": {
        readonly Name?: string | null | undefined;
        readonly Driver?: string | null | undefined;
        readonly DriverOpts?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly Labels?: {
            readonly [key: string]: string;
        } | null | null | undefined;
    };
    TerminalRequest: {
        readonly container?: string | null | undefined;
        readonly command?: readonly string[] | null | null | undefined;
        readonly attach?: boolean | null | undefined;
    };
    SessionRequest: {
        readonly code?: string | null | undefined;
    };
    DeployRequest: {
        readonly files?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly contents?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly compose?: readonly string[] | null | null | undefined;
        readonly folder?: string | null | undefined;
        readonly variables?: {
            readonly [key: string]: string;
        } | null | null | undefined;
        readonly profiles?: readonly string[] | null | null | undefined;
        readonly services?: readonly string[] | null | null | undefined;
        readonly removeOrphans?: boolean | null | undefined;
        readonly hasImages?: boolean | null | undefined;
    };
    TokenRequest: {
        readonly singleUse?: boolean | null | undefined;
        readonly ttlMs?: number | null | undefined;
        readonly host?: string | null | undefined;
    };
    CaFinishRequest: {
        readonly force?: boolean | null | undefined;
    };
    JoinRequest: {
        readonly name?: string | null | undefined;
        readonly publicKey?: string | null | undefined;
        readonly token?: string | null | undefined;
        readonly clockMs?: number | null | undefined;
    };
    JoinCheckRequest: {
        readonly name?: string | null | undefined;
        readonly token?: string | null | undefined;
        readonly address?: string | null | undefined;
        readonly engineId?: string | null | undefined;
        readonly machine?: string | null | undefined;
        readonly apiVersion?: string | null | undefined;
        readonly minApiVersion?: string | null | undefined;
        readonly isKnown?: boolean | null | undefined;
        readonly clockMs?: number | null | undefined;
    };
    JoinPathsRequest: {
        readonly name?: string | null | undefined;
        readonly token?: string | null | undefined;
        readonly address?: string | null | undefined;
        readonly mtu?: number | null | undefined;
    };
    BootServerRequest: {
        readonly name?: string | null | undefined;
        readonly interface?: string | null | undefined;
        readonly address?: string | null | undefined;
        readonly network?: string | null | undefined;
        readonly answers?: boolean | null | undefined;
        readonly trouble?: string | null | undefined;
        readonly warnings?: readonly string[] | null | null | undefined;
        readonly image?: string | null | undefined;
        readonly leases?: readonly Schemas['BootLease'][] | null | null | undefined;
        readonly seen?: readonly Schemas['SeenMachine'][] | null | null | undefined;
    };
    BootLease: {
        readonly mac?: string | null | undefined;
        readonly address?: string | null | undefined;
        readonly name?: string | null | undefined;
        readonly untilMs?: number | null | undefined;
    };
    SeenMachine: {
        readonly mac?: string | null | undefined;
        readonly serial?: string | null | undefined;
        readonly product?: string | null | undefined;
        readonly firmware?: string | null | undefined;
        readonly atMs?: number | null | undefined;
    };
    BootPassRequest: {
        readonly mac?: string | null | undefined;
        readonly serial?: string | null | undefined;
    };
    DiscardRequest: {
        readonly key?: string | null | undefined;
    };
    Error: {
        readonly message: string;
    };
    Health: {
        readonly name: string;
        readonly role: "leading" | "following";
        readonly leader?: string;
        readonly epoch?: number;
        readonly version: string;
    };
    Me: {
        readonly role: "viewer" | "deployer" | "operator" | "admin";
        readonly name?: string;
        readonly deployments?: readonly string[];
        readonly isSession: boolean;
    };
    SignIn: {
        readonly code: string; /** Milliseconds since 1970. */
        readonly untilMs: number;
    };
    Terminal: {
        readonly ticket: string;
        readonly exec?: string;
        readonly isRaw: boolean;
    };
    Status: {
        readonly leader: {
            readonly url: string;
            readonly name: string;
            readonly epoch: number;
        };
        readonly schedulers: readonly {
            readonly name: string;
            readonly url: string;
            readonly leads: boolean;
            readonly heardMsAgo: number;
            readonly faults?: {
                readonly unexpectedErrors: number;
                readonly refusedMessages: number;
                readonly lastMsAgo?: number;
                readonly lastPlace?: string;
            };
            readonly exposed?: readonly string[];
            readonly auditTrouble?: string;
            readonly version?: string;
            readonly byLine?: boolean;
        }[];
        readonly clusterId: string;
        readonly store: string;
        readonly strategy: string;
        readonly hosts: readonly ({
            readonly name: string;
            readonly address: string;
            readonly state: "joining" | "alive" | "suspect" | "down" | "expected";
            readonly why?: string;
            readonly availability: "active" | "pause" | "drain";
            readonly engine: string;
            readonly agent: string;
            readonly apiVersion: string;
            readonly cpus: number;
            readonly memoryBytes: number; /** Busy share of all cores, 0 to 1. */
            readonly cpuLoad?: number;
            readonly memoryUsedBytes?: number;
            readonly reservedCores: number;
            readonly reservedMemoryBytes: number;
            readonly limits: {
                readonly cpus?: number;
                readonly memoryBytes?: number;
                readonly maxContainers?: number;
            };
            readonly containers: number;
            readonly running: number;
            readonly labels: {
                readonly [key: string]: string;
            }; /** It takes another release when the leader says so; absent: somebody runs a line there. */
            readonly upgradesItself?: true; /** Its proxy for HTTP by name: it answers clients, or other hosts alone; absent: it has none. */
            readonly http?: "edge" | "hop"; /** By what it encrypts networks; absent: it cannot. */
            readonly encryption?: "wireguard" | "wireguard-go";
        })[];
        readonly deployments: readonly {
            readonly name: string;
            readonly services: number;
            readonly instances: number;
            readonly ready: number;
        }[];
        readonly networks: number;
        readonly addresses: number;
        readonly faults: readonly {
            readonly unexpectedErrors: number;
            readonly refusedMessages: number;
            readonly lastMsAgo?: number;
            readonly lastPlace?: string;
            readonly process: string;
        }[];
        readonly cutHosts: readonly {
            readonly host: string;
            readonly reason: string;
            readonly isMalformed: boolean;
            readonly msAgo: number;
        }[];
        readonly warnings: readonly string[];
        readonly notes: readonly string[];
    };
    Top: {
        readonly atMs: number;
        readonly hosts: readonly ({
            readonly name: string;
            readonly address: string;
            readonly state: "joining" | "alive" | "suspect" | "down" | "expected";
            readonly why?: string;
            readonly availability: "active" | "pause" | "drain";
            readonly engine: string;
            readonly agent: string;
            readonly apiVersion: string;
            readonly cpus: number;
            readonly memoryBytes: number; /** Busy share of all cores, 0 to 1. */
            readonly cpuLoad?: number;
            readonly memoryUsedBytes?: number;
            readonly reservedCores: number;
            readonly reservedMemoryBytes: number;
            readonly limits: {
                readonly cpus?: number;
                readonly memoryBytes?: number;
                readonly maxContainers?: number;
            };
            readonly containers: number;
            readonly running: number;
            readonly labels: {
                readonly [key: string]: string;
            }; /** It takes another release when the leader says so; absent: somebody runs a line there. */
            readonly upgradesItself?: true; /** Its proxy for HTTP by name: it answers clients, or other hosts alone; absent: it has none. */
            readonly http?: "edge" | "hop"; /** By what it encrypts networks; absent: it cannot. */
            readonly encryption?: "wireguard" | "wireguard-go";
        })[]; /** How many run, where some are left out. */
        readonly running?: number;
        readonly containers: readonly {
            readonly name: string;
            readonly id: string;
            readonly host: string;
            readonly image: string;
            readonly cores: number;
            readonly memoryBytes: number;
        }[];
    };
    Operations: readonly ({
        readonly id: string;
        readonly what: string;
        readonly user?: string; /** Milliseconds since 1970. */
        readonly startedAtMs: number; /** Milliseconds since 1970. */
        readonly endedAtMs?: number;
        readonly state: "running" | "done" | "failed";
        readonly progress: readonly string[];
        readonly result?: unknown;
        readonly error?: string;
    })[];
    Operation: {
        readonly id: string;
        readonly what: string;
        readonly user?: string; /** Milliseconds since 1970. */
        readonly startedAtMs: number; /** Milliseconds since 1970. */
        readonly endedAtMs?: number;
        readonly state: "running" | "done" | "failed";
        readonly progress: readonly string[];
        readonly result?: unknown;
        readonly error?: string;
    };
    Links: readonly ({
        readonly link: "sender" | "answer" | "instance" | "health" | "network" | "allowed" | "host" | "kernel" | "proxy" | "mtu" | "port";
        readonly isSound: boolean;
        readonly what: string;
        readonly fix?: string;
    })[];
    Hosts: readonly ({
        readonly name: string;
        readonly address: string;
        readonly state: "joining" | "alive" | "suspect" | "down" | "expected";
        readonly why?: string;
        readonly availability: "active" | "pause" | "drain";
        readonly engine: string;
        readonly agent: string;
        readonly apiVersion: string;
        readonly cpus: number;
        readonly memoryBytes: number; /** Busy share of all cores, 0 to 1. */
        readonly cpuLoad?: number;
        readonly memoryUsedBytes?: number;
        readonly reservedCores: number;
        readonly reservedMemoryBytes: number;
        readonly limits: {
            readonly cpus?: number;
            readonly memoryBytes?: number;
            readonly maxContainers?: number;
        };
        readonly containers: number;
        readonly running: number;
        readonly labels: {
            readonly [key: string]: string;
        }; /** It takes another release when the leader says so; absent: somebody runs a line there. */
        readonly upgradesItself?: true; /** Its proxy for HTTP by name: it answers clients, or other hosts alone; absent: it has none. */
        readonly http?: "edge" | "hop"; /** By what it encrypts networks; absent: it cannot. */
        readonly encryption?: "wireguard" | "wireguard-go";
    })[];
    Host: {
        readonly name: string;
        readonly address: string;
        readonly state: "joining" | "alive" | "suspect" | "down" | "expected";
        readonly why?: string;
        readonly availability: "active" | "pause" | "drain";
        readonly engine: string;
        readonly agent: string;
        readonly apiVersion: string;
        readonly cpus: number;
        readonly memoryBytes: number; /** Busy share of all cores, 0 to 1. */
        readonly cpuLoad?: number;
        readonly memoryUsedBytes?: number;
        readonly reservedCores: number;
        readonly reservedMemoryBytes: number;
        readonly limits: {
            readonly cpus?: number;
            readonly memoryBytes?: number;
            readonly maxContainers?: number;
        };
        readonly containers: number;
        readonly running: number;
        readonly labels: {
            readonly [key: string]: string;
        }; /** It takes another release when the leader says so; absent: somebody runs a line there. */
        readonly upgradesItself?: true; /** Its proxy for HTTP by name: it answers clients, or other hosts alone; absent: it has none. */
        readonly http?: "edge" | "hop"; /** By what it encrypts networks; absent: it cannot. */
        readonly encryption?: "wireguard" | "wireguard-go"; /** Milliseconds since 1970. */
        readonly joinedAtMs?: number;
        readonly os: string;
        readonly arch: string;
        readonly kernel: string;
        readonly agentVersion: string;
        readonly gateway: string;
        readonly overlay: string;
        readonly networks: readonly {
            readonly name: string;
            readonly cidr: string;
            readonly gateway: string;
            readonly instances: number;
        }[];
        readonly instances: readonly {
            readonly name: string;
            readonly image: string;
            readonly state: string;
            readonly addresses: readonly string[];
        }[];
        readonly volumes: readonly string[];
        readonly images: number;
        readonly leases: readonly ({
            readonly ip: string;
            readonly kind: "instance" | "gateway" | "user" | "service";
            readonly owner: string;
            readonly state: "offered" | "bound" | "resting";
        })[];
    };
    Services: readonly {
        readonly deployment: string;
        readonly service: string;
        readonly desired: number;
        readonly running: number;
        readonly done: number;
        readonly isHeld: boolean;
        readonly isGlobal: boolean;
        readonly image: string;
        readonly update?: string;
        readonly trouble?: string;
        readonly instances: readonly {
            readonly name: string;
            readonly id: string;
            readonly number: number;
            readonly host: string;
            readonly image: string;
            readonly state: string;
            readonly health?: string;
            readonly addresses: readonly string[];
            readonly isStopped: boolean;
        }[];
    }[];
    Networks: readonly ({
        readonly id: string;
        readonly name: string;
        readonly deployment: string;
        readonly cidr: string;
        readonly vni: number;
        readonly labels: {
            readonly [key: string]: string;
        };
        readonly internal: boolean;
        readonly attachable?: boolean;
        readonly driver?: string;
        readonly options?: {
            readonly [key: string]: string;
        }; /** Milliseconds since 1970. */
        readonly createdAtMs?: number;
        readonly leases: readonly ({
            readonly ip: string;
            readonly network: string;
            readonly kind: "instance" | "gateway" | "user" | "service";
            readonly owner: string;
            readonly host: string;
            readonly state: "offered" | "bound" | "resting"; /** Milliseconds since 1970. */
            readonly sinceMs: number;
            readonly epoch: number;
        })[];
    })[];
    Names: readonly ({
        readonly id: string;
        readonly container: string;
        readonly name: string;
        readonly deployment: string;
        readonly service: string;
        readonly number: number;
        readonly host: string;
        readonly addresses: {
            readonly [key: string]: string;
        };
        readonly aliases: {
            readonly [key: string]: readonly string[];
        };
        readonly links: {
            readonly [key: string]: string;
        };
        readonly ports: readonly {
            readonly port: number;
            readonly protocol: string;
        }[];
        readonly state: "running" | "paused" | "out";
        readonly ready: boolean;
    })[];
    Records: readonly ({
        readonly name: string;
        readonly entries: readonly ({
            readonly type: "A" | "AAAA" | "CNAME" | "SRV" | "TXT";
            readonly value: string;
        })[];
    })[];
    Record: {
        readonly name: string;
        readonly entries: readonly ({
            readonly type: "A" | "AAAA" | "CNAME" | "SRV" | "TXT";
            readonly value: string;
        })[];
    };
    Settings: readonly {
        readonly name: string;
        readonly value: string;
        readonly isSet: boolean;
        readonly own: string;
    }[];
    Setting: {
        readonly name: string;
        readonly value: string;
        readonly isSet: boolean;
        readonly own: string;
    };
    Bundle: {
        readonly bundle: string;
    };
    Certificate: {
        readonly certificate: string;
        readonly bundle: string;
    };
    Text: string;
    Installer: {
        readonly url: string;
        readonly pin?: string;
        readonly sha256?: string;
        readonly version: string;
    };
    Keys: {
        readonly keys: readonly string[];
        readonly missing: readonly string[];
    };
    Schema: {
        readonly schema: number;
        readonly newest: number;
        readonly waitsFor?: string;
    };
    Cas: {
        readonly authorities: readonly {
            readonly fingerprint: string;
            readonly signs: boolean;
            readonly untilMs: number;
        }[];
        readonly rotatedMs?: number;
        readonly hosts: readonly string[];
        readonly users: readonly string[];
    };
    Boot: {
        readonly servers: readonly {
            readonly name: string;
            readonly interface: string;
            readonly address: string;
            readonly network: string;
            readonly answers: boolean;
            readonly trouble?: string;
            readonly warnings: readonly string[];
            readonly image?: string;
            readonly heardMs: number;
        }[];
        readonly machines: readonly {
            readonly host?: string;
            readonly state: string;
            readonly macs: readonly string[];
            readonly serial?: string;
            readonly address?: string;
            readonly product?: string;
            readonly firmware?: string;
            readonly bootedMs?: number;
        }[];
    };
    BootOrders: {
        readonly answers: boolean;
        readonly leases: readonly {
            readonly mac: string;
            readonly address: string;
            readonly name: string;
            readonly untilMs: number;
        }[];
        readonly machines: readonly {
            readonly host: string;
            readonly macs: readonly string[];
            readonly serial?: string;
            readonly address?: string;
            readonly atMs: number;
        }[];
    };
    BootPass: {
        readonly host: string;
        readonly token: string;
        readonly join: readonly string[];
    };
    Token: {
        readonly token: string;
    };
    IssuedToken: {
        readonly token: string;
        readonly untilMs: number;
    };
    Deployments: readonly ({
        readonly name: string;
        readonly state: "applying" | "applied" | "failed" | "stopped" | "releasing";
        readonly operation: string;
        readonly user?: string; /** Milliseconds since 1970. */
        readonly startedAtMs: number; /** Milliseconds since 1970. */
        readonly endedAtMs?: number;
        readonly error?: string;
        readonly files: readonly string[];
        readonly digest: string;
    })[];
    Deployment: {
        readonly name: string;
        readonly state: "applying" | "applied" | "failed" | "stopped" | "releasing";
        readonly operation: string;
        readonly user?: string; /** Milliseconds since 1970. */
        readonly startedAtMs: number; /** Milliseconds since 1970. */
        readonly endedAtMs?: number;
        readonly error?: string;
        readonly files: readonly string[];
        readonly digest: string;
    };
    DeployPlan: {
        readonly project: string;
        readonly creates: readonly {
            readonly kind: string;
            readonly name: string;
        }[];
        readonly steps: readonly ({
            readonly host: string;
            readonly container: string;
            readonly action: "create" | "recreate" | "start" | "keep" | "remove" | "refused";
            readonly networks: readonly string[];
            readonly addresses: readonly string[];
            readonly image: string;
            readonly imageNote?: string;
            readonly why?: string;
        })[];
    };
    Deployed: {
        readonly project: string;
        readonly done: readonly {
            readonly container: string;
            readonly action: string;
            readonly id?: string;
        }[];
    };
    Released: {
        readonly project: string;
        readonly removed: readonly string[];
    };
    LogLine: {
        readonly time?: string;
        readonly deployment: string;
        readonly service: string;
        readonly number: number;
        readonly host: string;
        readonly container: string;
        readonly instance: string;
        readonly stream?: "stdout" | "stderr";
        readonly text?: string;
        readonly error?: string;
    };
    Backup: readonly (readonly [string, unknown])[];
    Audit: {
        readonly findings: readonly ({
            readonly where: "store" | "engine" | "network" | "names" | "http" | "catalog";
            readonly host?: string;
            readonly what: string;
            readonly isMtu?: true;
        })[];
        readonly fixed: readonly ({
            readonly where: "store" | "engine" | "network" | "names" | "http" | "catalog";
            readonly host?: string;
            readonly what: string;
            readonly isMtu?: true;
        })[];
    };
    AuditLine: {
        readonly time: string;
        readonly user?: string;
        readonly role?: string;
        readonly certificate?: string;
        readonly from: string;
        readonly method: string;
        readonly route: string;
        readonly object?: string;
        readonly deployment?: string;
        readonly host?: string;
        readonly result: "done" | "refused" | "failed" | "gone";
        readonly status?: number;
        readonly requestId: string;
        readonly scheduler: string;
    };
    Discarded: {
        readonly key: string;
    };
    Decision: {
        readonly container: string;
        readonly host: string;
        readonly strategy: string; /** Milliseconds since 1970. */
        readonly atMs: number;
        readonly scored: readonly {
            readonly host: string;
            readonly score: number;
            readonly figures: {
                readonly [key: string]: number;
            };
        }[];
        readonly refused: readonly {
            readonly host: string;
            readonly rule: string;
            readonly why: string;
        }[]; /** Only a sample of the hosts was looked at: how many there were. */
        readonly among?: number; /** The lists are only examples: how many hosts fitted, and how many each rule refused. */
        readonly counts?: {
            readonly fit: number;
            readonly refused: {
                readonly [key: string]: number;
            };
        }; /** Where only examples were kept: the same request placed among all hosts as they are now. */
        readonly again?: {
            readonly kind: "placed";
            readonly decision: {
                readonly host: string;
                readonly strategy: string; /** Milliseconds since 1970. */
                readonly atMs: number;
                readonly scored: readonly {
                    readonly host: string;
                    readonly score: number;
                    readonly figures: {
                        readonly [key: string]: number;
                    };
                }[];
                readonly refused: readonly {
                    readonly host: string;
                    readonly rule: string;
                    readonly why: string;
                }[]; /** Only a sample of the hosts was looked at: how many there were. */
                readonly among?: number; /** The lists are only examples: how many hosts fitted, and how many each rule refused. */
                readonly counts?: {
                    readonly fit: number;
                    readonly refused: {
                        readonly [key: string]: number;
                    };
                };
            };
        } | {
            readonly kind: "refused";
            readonly message: string;
            readonly refused: readonly {
                readonly host: string;
                readonly rule: string;
                readonly why: string;
            }[];
            readonly counts?: {
                readonly [key: string]: number;
            };
        };
        readonly made?: {
            readonly atMs: number;
            readonly requestId?: string;
            readonly stagesMs?: {
                readonly [key: string]: number;
            };
        };
        readonly canary?: string;
    };
    Rehearsal: readonly ({
        readonly kind: "placed";
        readonly decision: {
            readonly host: string;
            readonly strategy: string; /** Milliseconds since 1970. */
            readonly atMs: number;
            readonly scored: readonly {
                readonly host: string;
                readonly score: number;
                readonly figures: {
                    readonly [key: string]: number;
                };
            }[];
            readonly refused: readonly {
                readonly host: string;
                readonly rule: string;
                readonly why: string;
            }[]; /** Only a sample of the hosts was looked at: how many there were. */
            readonly among?: number; /** The lists are only examples: how many hosts fitted, and how many each rule refused. */
            readonly counts?: {
                readonly fit: number;
                readonly refused: {
                    readonly [key: string]: number;
                };
            };
        };
        readonly addresses: {
            readonly [key: string]: string;
        };
    } | {
        readonly kind: "refused";
        readonly message: string;
        readonly refused: readonly {
            readonly host: string;
            readonly rule: string;
            readonly why: string;
        }[];
        readonly counts?: {
            readonly [key: string]: number;
        };
        readonly addresses: {
            readonly [key: string]: string;
        };
    })[];
    Dial: {
        readonly outcome: "open" | "refused" | "silent";
        readonly why: string;
    };
    Empty: unknown;
    HostRecord: {
        readonly name: string;
        readonly address: string;
        readonly availability: "active" | "pause" | "drain";
        readonly labels: {
            readonly [key: string]: string;
        };
    };
    Upgraded: {
        readonly host: string;
        readonly had: string;
        readonly has: string;
    };
    HostName: {
        readonly host: string;
    };
    Activated: {
        readonly host: string;
    };
    CleanPlan: {
        readonly host: string;
        readonly containers: readonly {
            readonly id: string;
            readonly name: string;
            readonly ended: string;
        }[];
        readonly images: readonly {
            readonly id: string;
            readonly name: string;
            readonly bytes: number;
        }[];
        readonly volumes: readonly string[];
        readonly networks: readonly string[];
    };
    RebalancePlan: {
        readonly moves: readonly {
            readonly id: string;
            readonly name: string;
            readonly service: string;
            readonly from: string;
            readonly to: string;
        }[];
        readonly before: {
            readonly [key: string]: number;
        };
        readonly after: {
            readonly [key: string]: number;
        };
        readonly stays: readonly {
            readonly container: string;
            readonly why: string;
        }[];
    };
    ScalePlan: {
        readonly service: string;
        readonly from: number;
        readonly to: number;
        readonly added: readonly {
            readonly name: string;
            readonly host?: string;
            readonly why?: string;
        }[];
        readonly unplaced: number;
        readonly removed: readonly string[];
    };
    Canary: {
        readonly service: string;
        readonly share: number;
        readonly image: string;
        readonly running: number;
        readonly desired: number;
        readonly base: {
            readonly requests: number;
            readonly errors: number; /** Milliseconds since 1970. */
            readonly latencyMs: number;
        };
        readonly canary: {
            readonly requests: number;
            readonly errors: number; /** Milliseconds since 1970. */
            readonly latencyMs: number;
        };
        readonly verdict: "good" | "bad" | "unknown";
        readonly why: string;
        readonly isTakenBack?: boolean;
    };
    Watch: {
        readonly whole: boolean;
        readonly set: {
            readonly [key: string]: unknown;
        };
        readonly gone: readonly string[];
    };
    Scaled: readonly {
        readonly deployment: string;
        readonly service: string;
        readonly from: number;
        readonly to: number;
        readonly running: number;
    }[];
    ServiceNames: readonly string[];
    Update: {
        readonly state: "updating" | "paused" | "completed" | "rollback_started" | "rollback_paused" | "rollback_completed"; /** Milliseconds since 1970. */
        readonly startedAtMs: number; /** Milliseconds since 1970. */
        readonly completedAtMs?: number;
        readonly message: string;
    } | null;
    User: {
        readonly name: string;
        readonly role: "viewer" | "deployer" | "operator" | "admin";
        readonly deployments: readonly string[]; /** Milliseconds since 1970. */
        readonly createdAtMs: number; /** Milliseconds since 1970. */
        readonly validUntilMs?: number;
    };
    Users: readonly ({
        readonly name: string;
        readonly role: "viewer" | "deployer" | "operator" | "admin";
        readonly deployments: readonly string[]; /** Milliseconds since 1970. */
        readonly createdAtMs: number; /** Milliseconds since 1970. */
        readonly validUntilMs?: number;
    })[];
    UserBundle: {
        readonly user: {
            readonly name: string;
            readonly role: "viewer" | "deployer" | "operator" | "admin";
            readonly deployments: readonly string[]; /** Milliseconds since 1970. */
            readonly createdAtMs: number; /** Milliseconds since 1970. */
            readonly validUntilMs?: number;
        };
        readonly certificate?: string;
        readonly ca?: string;
    };
    Policies: {
        readonly [key: string]: {
            readonly [key: string]: string | number | boolean | readonly string[];
        };
    };
    PolicyRefusals: readonly {
        readonly name: string;
        readonly problems: readonly string[];
    }[];
    Nothing: null;
    HostAdded: {
        readonly host: string;
        readonly joined: boolean;
    };
    HostRemoved: {
        readonly host: string;
        readonly containers: readonly string[];
        readonly volumes: readonly string[];
    };
    HostReset: {
        readonly host: string;
        readonly containers: readonly string[];
        readonly networks: readonly string[];
    };
    Drained: {
        readonly host: string;
        readonly moved: readonly {
            readonly from: string;
            readonly to: string;
            readonly host: string;
        }[];
        readonly ended: readonly string[];
        readonly stays: readonly {
            readonly container: string;
            readonly why: string;
        }[];
    };
    Moved: {
        readonly moved: readonly {
            readonly from: string;
            readonly to: string;
            readonly host: string;
        }[];
        readonly stays: readonly {
            readonly container: string;
            readonly why: string;
        }[];
    };
    FilledUp: {
        readonly host: string;
        readonly resumed: readonly string[];
        readonly moved: readonly {
            readonly from: string;
            readonly to: string;
            readonly host: string;
        }[];
        readonly stays: readonly {
            readonly container: string;
            readonly why: string;
        }[];
    };
    Cleaned: {
        readonly host: string;
        readonly containers: readonly string[];
        readonly images: number;
        readonly volumes: readonly string[];
        readonly networks: readonly string[];
        readonly reclaimedBytes: number;
        readonly kept: readonly string[];
    };
}
