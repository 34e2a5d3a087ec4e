/**
 * What may be in a create, for a role (pure). Fields are an allow-list made from the Engine's API description (v1.24 to v1.51): what is not on it is refused as soon as
 * it says anything. What is judged is what the Engine gets: the request as this program has read it and writes it again.
 */
import type { CreateRequest, HostConfig } from '../model/docker.ts';
import { labels } from '../model/labels.ts';
import type { PolicyRules } from '../model/people.ts';
import { namesRegistry, registryOf } from '../text/image-reference.ts';
import { parseHooks } from '../text/hooks-label.ts';
import { parseBind } from '../text/mount-spec.ts';
import { linkProblem, LOCAL_LOG_DRIVERS, logProblem } from './policy-outside.ts';
import type { Role } from './roles.ts';

/** The limits of a role. A list with `any` in it allows everything. */
export interface Policy extends Required<Omit<PolicyRules, 'memoryBytes' | 'cpus'>>, Pick<PolicyRules, 'memoryBytes' | 'cpus'> {
  /** Whether fields that no rule is about are refused, as soon as they say anything. */
  readonly isClosed: boolean;
}

const words = (...lines: readonly string[]): readonly string[] => lines.flatMap((line) => line.split(' '));

const ANY: readonly string[] = ['any'];

/** Nothing that leads out of the container. */
export const DEPLOYER_POLICY: Policy = {
  isClosed: true,
  binds: [],
  registries: ANY,
  labels: ANY,
  privileged: false,
  hostNamespaces: [],
  // what an Engine gives by itself (moby oci/caps/defaults.go)
  capAdd: words(
    'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD',
    'NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT',
  ),
  devices: [],
  securityOpt: ['no-new-privileges', 'no-new-privileges:true', 'no-new-privileges=true'],
  sysctls: [],
  logDrivers: LOCAL_LOG_DRIVERS,
};

/** Of operators without a record. */
const OPEN_POLICY: Policy = {
  isClosed: false,
  binds: ANY,
  registries: ANY,
  labels: ANY,
  privileged: true,
  hostNamespaces: ANY,
  capAdd: ANY,
  devices: ANY,
  securityOpt: ANY,
  sysctls: ANY,
  logDrivers: ANY,
};

/** Whether anything is allowed of what the list is about. */
export const isAny = (list: readonly string[]): boolean => list.includes('any');

/** What a role has to obey: what was set for it, and the built-in rules where nothing was. Undefined: nothing. */
export function policyFor(role: Role, rules: PolicyRules | undefined): Policy | undefined {
  if (role === 'deployer') return { ...DEPLOYER_POLICY, ...rules };
  return role === 'operator' && rules !== undefined ? { ...OPEN_POLICY, ...rules } : undefined;
}

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
/** By one of the words for namespaces that a policy has. */
const notHost =
  (namespace: string): Rule =>
  (value, { hostNamespaces }) =>
    value === 'host' && !allows(hostNamespaces, namespace) ? 'is "host", and may not be the host\'s' : undefined;
const listOf =
  (allowedBy: (policy: Policy) => readonly string[], plain: (text: string) => string = (text) => text): Rule =>
  (value, policy) => {
    const allowed = allowedBy(policy);
    const other = texts(value).find((one) => !allows(allowed, plain(one)));
    return other === undefined ? undefined : `has ${shown(other)}, and may have ${allowed.length === 0 ? 'none' : allowed.join(', ')}`;
  };
/** For who may not do everything that no rule is about. */
const closed =
  (rule: Rule): Rule =>
  (value, policy) =>
    policy.isClosed ? rule(value, policy) : undefined;
const unless =
  (isAllowed: (policy: Policy) => boolean, rule: Rule = nothing): Rule =>
  (value, policy) =>
    isAllowed(policy) ? undefined : rule(value, policy);

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value)
    ? value.map(String)
    : typeof value === 'object' && value !== null
      ? Object.keys(value)
      : saysNothing(value)
        ? []
        : [String(value)];

const allows = (list: readonly string[], one: string): boolean => isAny(list) || list.includes(one);

/** Whether the path is one of these, or below one. */
const isBelowOne = (path: string, prefixes: readonly string[]): boolean =>
  prefixes.some((prefix) => path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`));

/** A path that goes up is below nothing, and of one with a template (a service's) nobody knows yet. Whether it leads elsewhere by a symbolic link is for its host to say. */
function bindProblem(source: string, { binds: prefixes }: Policy): Problem {
  if (isAny(prefixes)) return undefined;
  if (!source.split('/').includes('..') && !source.includes('{{') && isBelowOne(source, prefixes)) return undefined;
  return `has the host's path ${shown(source)}, and may have ${prefixes.length === 0 ? 'none' : `paths below ${prefixes.join(', ')}`}`;
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
  if (Type !== 'volume' && !saysNothing(Type) && policy.isClosed) return `has the type ${shown(Type)}, and may have volume, bind, tmpfs`;
  const driver = (VolumeOptions as { readonly DriverConfig?: Readonly<Record<string, unknown>> | null } | null | undefined)?.DriverConfig;
  const problem = driver == null ? undefined : driverProblem(policy, driver['Name'], driver['Options']);
  return problem === undefined ? undefined : `has a volume whose driver ${problem}`;
}

/** With options, `local` mounts any device or folder of its host. */
const driverProblem = (policy: Policy, name: unknown, options: unknown): Problem =>
  closed(oneOf('local'))(name, policy) ?? (isAny(policy.binds) ? undefined : nothing(options, policy));

/** By their paths on hosts, each one of the list or in a folder of it. */
const devices: Rule = (value, policy) => {
  if (isAny(policy.devices) || saysNothing(value)) return undefined;
  for (const device of Array.isArray(value) ? (value as readonly ({ readonly PathOnHost?: unknown } | null)[]) : [value]) {
    const path = (device as { readonly PathOnHost?: unknown } | null)?.PathOnHost;
    if (typeof path === 'string' && !path.split('/').includes('..') && isBelowOne(path, policy.devices)) continue;
    return `is ${shown(value)}, and may ${policy.devices.length === 0 ? 'not be given' : `have ${policy.devices.join(', ')}`}`;
  }
  return undefined;
};

/** Ends of names stand for what they begin: `arpanet.re*`. */
const isNamed = (list: readonly string[], name: string): boolean =>
  isAny(list) || list.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one));

/** Labels that the services API writes into the template of a service, from fields that other rules are about. */
const WRITTEN_FOR_SERVICES: ReadonlySet<string> = new Set([
  labels.service,
  labels.files,
  labels.templates,
  labels.iteration,
  labels.restart,
  labels.ingress,
  labels.vip,
  labels.forced,
]);

/** Of any object. */
export function refuseLabels(policy: Policy, given: Readonly<Record<string, unknown>> | null | undefined): string | undefined {
  const other = Object.keys(given ?? {}).find(
    (name) => name.startsWith(labels.prefix) && !WRITTEN_FOR_SERVICES.has(name) && !isNamed(policy.labels, name),
  );
  if (other === undefined) return undefined;
  return `Labels has ${shown(other)}, and may have ${policy.labels.length === 0 ? 'none' : policy.labels.join(', ')} of arpanet's`;
}

/** Where an image comes from, where it is not in the cluster yet. `isHere`: an image of that name, without a registry, or that id is. */
export function refuseImage(policy: Policy, image: unknown, isHere: (image: string) => boolean): string | undefined {
  if (isAny(policy.registries) || typeof image !== 'string' || image === '') return undefined;
  const registry = registryOf(image);
  if (policy.registries.includes(registry)) return undefined;
  if (!namesRegistry(image) && isHere(image)) return undefined;
  return `is ${shown(image)} of ${registry}, and may be of ${policy.registries.length === 0 ? 'none' : policy.registries.join(', ')}`;
}

const all = (rule: Rule, ...lines: readonly string[]): Readonly<Record<string, Rule>> =>
  Object.fromEntries(words(...lines).map((name) => [name, rule]));

/** What an Engine hides of the kernel. */
const untouchedPaths = unless(({ isClosed, privileged }) => !isClosed && privileged, absent);

/** Docker API, `HostConfig`. */
const HOST_CONFIG: Readonly<Record<string, Rule>> = {
  NetworkMode: notHost('network'),
  PidMode: notHost('pid'),
  IpcMode: notHost('ipc'),
  UTSMode: notHost('uts'),
  UsernsMode: notHost('user'),
  CgroupnsMode: notHost('cgroup'),
  ...all(
    any,
    'PortBindings RestartPolicy AutoRemove VolumesFrom ConsoleSize CapDrop Dns DnsOptions DnsSearch',
    'ExtraHosts GroupAdd Links PublishAllPorts ReadonlyRootfs Tmpfs ShmSize Init CpuShares CpuPeriod CpuQuota',
    'CpusetCpus CpusetMems BlkioWeight KernelMemory KernelMemoryTCP MemoryReservation MemorySwap MemorySwappiness',
    'PidsLimit Ulimits Memory NanoCpus CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth',
  ),
  Binds: binds,
  Mounts: mounts,
  CapAdd: listOf(
    ({ capAdd }) => capAdd,
    (text) => text.toUpperCase().replace(/^CAP_/, ''),
  ),
  Privileged: unless(({ privileged }) => privileged),
  Devices: devices,
  ...all(
    unless((policy) => isAny(policy.devices)),
    'DeviceCgroupRules DeviceRequests',
  ),
  SecurityOpt: listOf(({ securityOpt }) => securityOpt),
  Sysctls: listOf(({ sysctls }) => sysctls),
  LogConfig: (value, { logDrivers }) => logProblem(value, logDrivers),
  VolumeDriver: closed(oneOf('local')),
  Runtime: closed(oneOf('runc')),
  Isolation: closed(oneOf('default')),
  OomScoreAdj: closed((value) => (typeof value === 'number' && value < 0 ? `is ${value}, and may not be below 0` : undefined)),
  ...all(untouchedPaths, 'MaskedPaths ReadonlyPaths'),
};

/** Docker API, the body of `POST /containers/create`. Engines before 23.0 read a HostConfig's fields here as well: they are on no list. */
const CREATE: Readonly<Record<string, Rule>> = {
  ...all(
    any,
    'Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts Tty OpenStdin StdinOnce',
    'Env Cmd Healthcheck ArgsEscaped Image Volumes WorkingDir Entrypoint NetworkDisabled MacAddress',
    'OnBuild StopSignal StopTimeout Shell HostConfig',
  ),
  NetworkingConfig: (value, policy) =>
    Object.values((value as CreateRequest['NetworkingConfig'])?.EndpointsConfig ?? {})
      .map((endpoint) => linkProblem(endpoint, policy.sysctls))
      .find((problem) => problem !== undefined),
  ...all(untouchedPaths, 'MaskedPaths ReadonlyPaths'),
  Labels: (value, policy) => {
    const hooks = (value as Readonly<Record<string, string>> | null | undefined)?.[labels.hooks];
    const given = hooks && !policy.privileged ? Object.values(parseHooks(hooks) ?? {}).flat() : [];
    return given.some(({ privileged }) => privileged === true) ? `has ${labels.hooks} with a privileged command` : undefined;
  },
};

/** Each rule that is broken, as `HostConfig.Privileged is true, and may not be given`. What nobody has decided about is on no list. */
function problems(of: string, value: object, rules: Readonly<Record<string, Rule>>, policy: Policy): readonly string[] {
  return Object.entries(value).flatMap(([name, one]) => {
    const rule = Object.hasOwn(rules, name) ? rules[name] : closed(nothing);
    const problem = rule?.(one, policy);
    return problem === undefined ? [] : [`${of}${name} ${problem}`];
  });
}

/** Engines before 23.0 read these beside HostConfig, too. */
const OLD_CREATE: Readonly<Record<string, Rule>> = { ...HOST_CONFIG, ...CREATE };

/** Why a create is refused, each with rule and value. `isHere`: whether the cluster has an image. */
export function createProblems(policy: Policy, request: CreateRequest, isHere: (image: string) => boolean): readonly string[] {
  const hostConfig = request.HostConfig ?? {};
  const image = refuseImage(policy, request.Image, isHere);
  const named = refuseLabels(policy, request.Labels);
  return [
    ...problems('', request, policy.isClosed ? CREATE : OLD_CREATE, policy),
    ...problems('HostConfig.', hostConfig, HOST_CONFIG, policy),
    ...[image === undefined ? undefined : `Image ${image}`, named, createLimits(policy, hostConfig)].filter((one) => one !== undefined),
  ];
}

/** The first of them; undefined: it is not refused. */
export const refuseCreate = (
  policy: Policy,
  request: CreateRequest,
  isHere: (image: string) => boolean = () => false,
): string | undefined => createProblems(policy, request, isHere)[0];

/** Of the body of `POST /containers/{id}/update`. */
export function refuseUpdate(policy: Policy, hostConfig: HostConfig): string | undefined {
  return problems('', hostConfig, HOST_CONFIG, policy)[0] ?? updateLimits(policy, hostConfig);
}

/** Docker API, `HostConfig.CpuPeriod` in microseconds, where a quota says nothing of it. */
const CPU_PERIOD = 100_000;
const amount = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** No limit is more than any. Negative numbers are none, too. */
function createLimits(policy: Policy, hostConfig: HostConfig): Problem {
  const { memoryBytes, cpus } = policy;
  const memory = amount(hostConfig['Memory']);
  const [nano, quota] = [amount(hostConfig['NanoCpus']), amount(hostConfig['CpuQuota'])];
  const given = nano > 0 ? nano / 1e9 : quota / (amount(hostConfig['CpuPeriod']) || CPU_PERIOD);
  if (memoryBytes !== undefined && memory <= 0) return `HostConfig.Memory is not given, and may be at most ${memoryBytes}`;
  if (cpus !== undefined && given <= 0) return `HostConfig.NanoCpus is not given, and may be at most ${cpus * 1e9}`;
  return tooMuch(policy, hostConfig, 'HostConfig.', given);
}

function tooMuch({ memoryBytes, cpus }: Policy, hostConfig: HostConfig, of: string, given: number): Problem {
  const memory = amount(hostConfig['Memory']);
  if (memoryBytes !== undefined && memory > memoryBytes) return `${of}Memory is ${memory}, and may be at most ${memoryBytes}`;
  if (memoryBytes !== undefined && amount(hostConfig['MemorySwap']) < 0)
    return `${of}MemorySwap is ${amount(hostConfig['MemorySwap'])}, and may not be without a limit`;
  if (cpus === undefined || given <= cpus) return undefined;
  const nano = amount(hostConfig['NanoCpus']);
  if (nano > 0) return `${of}NanoCpus is ${nano}, and may be at most ${cpus * 1e9}`;
  return `${of}CpuQuota is ${amount(hostConfig['CpuQuota'])}, and may be at most ${cpus} of CpuPeriod`;
}

/** What is 0 stays as it is; a quota and its period are one limit. */
function updateLimits(policy: Policy, hostConfig: HostConfig): Problem {
  const { memoryBytes, cpus } = policy;
  const [memory, nano, quota, period] = ['Memory', 'NanoCpus', 'CpuQuota', 'CpuPeriod'].map((name) => amount(hostConfig[name]));
  if (memoryBytes !== undefined && (memory ?? 0) < 0) return `Memory is ${memory}, and may be at most ${memoryBytes}`;
  const isHalf = Boolean(quota) !== Boolean(period) || (quota ?? 0) < 0 || (nano ?? 0) < 0;
  if (cpus !== undefined && isHalf) return `CpuQuota is ${quota}, and may be at most ${cpus} of a CpuPeriod that is given with it`;
  const given = (nano ?? 0) > 0 ? (nano ?? 0) / 1e9 : (quota ?? 0) / (period || CPU_PERIOD);
  return tooMuch(policy, hostConfig, '', given);
}

/** Of `POST /containers/{id}/exec`. */
export const refuseExec = (policy: Policy, exec: Readonly<Record<string, unknown>>): string | undefined =>
  policy.privileged || saysNothing(exec['Privileged']) ? undefined : `Privileged is ${shown(exec['Privileged'])}, and may not be given`;

/** Of `POST /volumes/create`. */
export const refuseVolume = (policy: Policy, driver: unknown, options: unknown): string | undefined => {
  const problem = driverProblem(policy, driver, options);
  return problem === undefined ? undefined : `Driver or DriverOpts ${problem}`;
};

/** Of a network that is the host's own, by whatever name it is called. */
export const refuseHostNetwork = ({ hostNamespaces }: Policy, name: string): string | undefined =>
  allows(hostNamespaces, 'network') ? undefined : `the network ${name} is the host's own`;

/** Of `POST /networks/create`: other drivers lead to the hosts' own links. */
export function refuseNetwork(policy: Policy, driver: unknown, options: unknown): string | undefined {
  if (!policy.isClosed) return undefined;
  const problem = oneOf('bridge', 'overlay', 'default')(driver, policy);
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

/** Of `POST /build`. What its Dockerfile pulls nobody here can read. */
export function refuseBuild(policy: Policy, query: Iterable<readonly [string, string]>): string | undefined {
  if (!isAny(policy.registries)) return `a build pulls what its Dockerfile names, and images may be of ${policy.registries.join(', ')}`;
  for (const [name, value] of query) {
    if (name === 'networkmode' && value === 'host' && !allows(policy.hostNamespaces, 'network'))
      return 'networkmode is "host", and may not be the host\'s';
    if (policy.isClosed && !BUILD.has(name) && !['', '0', 'null', '[]', '{}', 'false', 'default'].includes(value))
      return `${name} is ${shown(value)}, and may not be given`;
  }
  return undefined;
}

/** Of BuildKit's own protocol (`POST /grpc`), in which nobody here can read what a build asks for. */
export const refuseBuildKit = (policy: Policy): string | undefined =>
  policy.privileged && allows(policy.hostNamespaces, 'network') && isAny(policy.registries)
    ? undefined
    : "BuildKit's own protocol may ask for any network, right and image, and the policy does not allow each: build with DOCKER_BUILDKIT=0";
