/**
 * What may be in a create, for a role (pure). Fields are an allow-list made from the Engine's API description (v1.24 to v1.51): what is not on it is refused as soon as
 * it says anything. What is judged is what the Engine gets: the request as this program has read it and writes it again.
 */
import type { CreateRequest, HostConfig } from '../model/docker.ts';
import { labels } from '../model/labels.ts';
import { parseHooks } from '../text/hooks-label.ts';
import { parseBind } from '../text/mount-spec.ts';

/** The limits of a role. */
export interface Policy {
  /** Absolute paths of hosts below which binds may be. */
  readonly bindPrefixes: readonly string[];
  /** Without `CAP_`. */
  readonly capAdd: readonly string[];
  readonly securityOpt: readonly string[];
  readonly sysctls: readonly string[];
  /** Absent: any. */
  readonly memoryMaxBytes?: number;
  /** Absent: any. */
  readonly cpusMax?: number;
}

const words = (...lines: readonly string[]): readonly string[] => lines.flatMap((line) => line.split(' '));

/** Nothing that leads out of the container. */
export const DEPLOYER_POLICY: Policy = {
  bindPrefixes: [],
  // what an Engine gives by itself (moby oci/caps/defaults.go)
  capAdd: words(
    'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD',
    'NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT',
  ),
  securityOpt: ['no-new-privileges', 'no-new-privileges:true', 'no-new-privileges=true'],
  sysctls: [],
};

/** A rule that something breaks. */
type Problem = string | undefined;
type Rule = (value: unknown, policy: Policy) => Problem;

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 200) ?? '';

/** Clients send what they do not mean: `false`, `""`, `0`, `null`, `[]`, `{}`. */
function saysNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '' || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

const any: Rule = () => undefined;
const nothing: Rule = (value) => (saysNothing(value) ? undefined : `is ${shown(value)}, and may not be given`);
/** An empty list says something, too: it takes the Engine's own away. */
const absent: Rule = (value) => (value === undefined || value === null ? undefined : `is ${shown(value)}, and may not be given`);
const oneOf =
  (...allowed: readonly string[]): Rule =>
  (value) =>
    saysNothing(value) || (typeof value === 'string' && allowed.includes(value))
      ? undefined
      : `is ${shown(value)}, and may be ${allowed.join(', ')}`;
const notHost: Rule = (value) => (value === 'host' ? 'is "host", and may not be the host\'s' : undefined);
const listOf =
  (allowedBy: (policy: Policy) => readonly string[], plain: (text: string) => string = (text) => text): Rule =>
  (value, policy) => {
    const allowed = allowedBy(policy);
    const other = texts(value).find((one) => !allowed.includes(plain(one)));
    return other === undefined ? undefined : `has ${shown(other)}, and may have ${allowed.length === 0 ? 'none' : allowed.join(', ')}`;
  };
const most =
  (limitOf: (policy: Policy) => number | undefined): Rule =>
  (value, policy) => {
    const limit = limitOf(policy);
    return limit === undefined || typeof value !== 'number' || value <= limit ? undefined : `is ${value}, and may be at most ${limit}`;
  };

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value)
    ? value.map(String)
    : typeof value === 'object' && value !== null
      ? Object.keys(value)
      : saysNothing(value)
        ? []
        : [String(value)];

/** A path that goes up is below nothing. Whether it leads elsewhere by a symbolic link is for its host to say. */
function bindProblem(source: string, { bindPrefixes }: Policy): Problem {
  const isBelow = (prefix: string): boolean => source === prefix || source.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
  if (!source.split('/').includes('..') && bindPrefixes.some(isBelow)) return undefined;
  return `has the host's path ${shown(source)}, and may have ${bindPrefixes.length === 0 ? 'none' : `paths below ${bindPrefixes.join(', ')}`}`;
}

const binds: Rule = (value, policy) => {
  for (const text of texts(value)) {
    const bind = parseBind(text);
    if (typeof bind === 'string') continue; // refused later, in an Engine's words
    const problem = bind.source.startsWith('/') || bind.source.startsWith('.') ? bindProblem(bind.source, policy) : undefined;
    if (problem !== undefined) return problem;
  }
  return undefined;
};

const mounts: Rule = (value, policy) => {
  if (saysNothing(value)) return undefined;
  if (!Array.isArray(value)) return `is ${shown(value)}`;
  for (const mount of value as readonly (Readonly<Record<string, unknown>> | null)[]) {
    const problem = mount === null ? undefined : mountProblem(mount, policy);
    if (problem !== undefined) return problem;
  }
  return undefined;
};

function mountProblem({ Type, Source, VolumeOptions }: Readonly<Record<string, unknown>>, policy: Policy): Problem {
  if (Type === 'bind') return bindProblem(typeof Source === 'string' ? Source : '', policy);
  if (Type === 'tmpfs') return undefined;
  if (Type !== 'volume' && !saysNothing(Type)) return `has the type ${shown(Type)}, and may have volume, bind, tmpfs`;
  const driver = (VolumeOptions as { readonly DriverConfig?: Readonly<Record<string, unknown>> | null } | null | undefined)?.DriverConfig;
  const problem = driver == null ? undefined : driverProblem(driver['Name'], driver['Options']);
  return problem === undefined ? undefined : `has a volume whose driver ${problem}`;
}

/** With options, `local` mounts any device or folder of its host. */
const driverProblem = (name: unknown, options: unknown): Problem =>
  oneOf('local')(name, DEPLOYER_POLICY) ?? nothing(options, DEPLOYER_POLICY);

const all = (rule: Rule, ...lines: readonly string[]): Readonly<Record<string, Rule>> =>
  Object.fromEntries(words(...lines).map((name) => [name, rule]));

/** Docker API, `HostConfig`. */
const HOST_CONFIG: Readonly<Record<string, Rule>> = {
  ...all(notHost, 'NetworkMode PidMode IpcMode UTSMode UsernsMode CgroupnsMode'),
  ...all(
    any,
    'LogConfig PortBindings RestartPolicy AutoRemove VolumesFrom ConsoleSize CapDrop Dns DnsOptions DnsSearch',
    'ExtraHosts GroupAdd Links PublishAllPorts ReadonlyRootfs Tmpfs ShmSize Init CpuShares CpuPeriod CpuQuota',
    'CpusetCpus CpusetMems BlkioWeight KernelMemory KernelMemoryTCP MemoryReservation MemorySwap MemorySwappiness',
    'PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth',
  ),
  Binds: binds,
  Mounts: mounts,
  CapAdd: listOf(
    ({ capAdd }) => capAdd,
    (text) => text.toUpperCase().replace(/^CAP_/, ''),
  ),
  SecurityOpt: listOf(({ securityOpt }) => securityOpt),
  Sysctls: listOf(({ sysctls }) => sysctls),
  VolumeDriver: oneOf('local'),
  Runtime: oneOf('runc'),
  Isolation: oneOf('default'),
  OomScoreAdj: (value) => (typeof value === 'number' && value < 0 ? `is ${value}, and may not be below 0` : undefined),
  Memory: most(({ memoryMaxBytes }) => memoryMaxBytes),
  NanoCpus: most(({ cpusMax }) => (cpusMax === undefined ? undefined : cpusMax * 1e9)),
  MaskedPaths: absent,
  ReadonlyPaths: absent,
};

/** Docker API, the body of `POST /containers/create`. Engines before 23.0 read a HostConfig's fields here as well: they are on no list. */
const CREATE: Readonly<Record<string, Rule>> = {
  ...all(
    any,
    'Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts Tty OpenStdin StdinOnce',
    'Env Cmd Healthcheck ArgsEscaped Image Volumes WorkingDir Entrypoint NetworkDisabled MacAddress',
    'OnBuild StopSignal StopTimeout Shell HostConfig NetworkingConfig',
  ),
  MaskedPaths: absent,
  ReadonlyPaths: absent,
  Labels: (value) => {
    const hooks = (value as Readonly<Record<string, string>> | null | undefined)?.[labels.hooks];
    const given = hooks ? Object.values(parseHooks(hooks) ?? {}).flat() : [];
    return given.some(({ privileged }) => privileged === true) ? `has ${labels.hooks} with a privileged command` : undefined;
  },
};

/** The first rule that is broken, as `HostConfig.Privileged is true, and may not be given`. */
function firstProblem(of: string, value: object, rules: Readonly<Record<string, Rule>>, policy: Policy): Problem {
  for (const [name, one] of Object.entries(value)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : nothing;
    const problem = rule?.(one, policy);
    if (problem !== undefined) return `${of}${name} ${problem}`;
  }
  return undefined;
}

/** Why a create is refused, with rule and value; undefined: it is not. */
export function refuseCreate(policy: Policy, request: CreateRequest): string | undefined {
  return firstProblem('', request, CREATE, policy) ?? refuseHostConfig(policy, request.HostConfig ?? {}, 'HostConfig.');
}

/** The same of a HostConfig alone, or of the body of `POST /containers/{id}/update`. */
export function refuseHostConfig(policy: Policy, hostConfig: HostConfig, of = ''): string | undefined {
  return firstProblem(of, hostConfig, HOST_CONFIG, policy);
}

/** Of `POST /containers/{id}/exec`. */
export const refuseExec = (exec: Readonly<Record<string, unknown>>): string | undefined =>
  saysNothing(exec['Privileged']) ? undefined : `Privileged is ${shown(exec['Privileged'])}, and may not be given`;

/** Of `POST /volumes/create`. */
export const refuseVolume = (driver: unknown, options: unknown): string | undefined => {
  const problem = driverProblem(driver, options);
  return problem === undefined ? undefined : `Driver or DriverOpts ${problem}`;
};

/** Of `POST /networks/create`: other drivers lead to the hosts' own links. */
export function refuseNetwork(driver: unknown, options: unknown): string | undefined {
  const problem = oneOf('bridge', 'overlay', 'default')(driver, DEPLOYER_POLICY);
  if (problem !== undefined) return `Driver ${problem}`;
  const parent = texts(options).find((name) => /^(?:parent|com\.docker\.network\.(?:bridge\.name|host_ipv[46]))/.test(name));
  return parent === undefined ? undefined : `Options has ${shown(parent)}, and may not`;
}

const BUILD: ReadonlySet<string> = new Set(
  words(
    'dockerfile t extrahosts remote q nocache cachefrom pull rm forcerm memory memswap cpushares',
    'cpusetcpus cpusetmems cpuperiod cpuquota buildargs shmsize squash labels platform target outputs',
    'version session buildid ulimits networkmode',
  ),
);

/** Of `POST /build`. */
export function refuseBuild(query: Iterable<readonly [string, string]>): string | undefined {
  for (const [name, value] of query) {
    if (name === 'networkmode' && value === 'host') return 'networkmode is "host", and may not be the host\'s';
    if (!BUILD.has(name) && !['', '0', 'null', '[]', '{}', 'false', 'default'].includes(value))
      return `${name} is ${shown(value)}, and may not be given`;
  }
  return undefined;
}
