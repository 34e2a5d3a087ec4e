/** A service's spec (`POST /services/create`, Docker API v1.24 and later) -> the create request of its instances, and what has no meaning here. Pure. */
import {
  ArpanetError,
  type CreateRequest,
  type EndpointSettings,
  type HostConfig,
  type SecretFile,
  labels,
  deploymentIn,
  projectOf,
  reservedWarnings,
  type ServiceId,
  UPDATE_DEFAULTS,
  type UpdateSettings,
  composeLabels,
  stackLabel,
} from '../../model/index.ts';
import { predefinedName } from '../../networks/index.ts';
import { portWarnings, publishedParts } from './published.ts';
import { modeOf, type Restart, restartOf } from './mode.ts';
import type { ServiceSpec, UpdateConfig } from './types.ts';
import { withDefaultTag } from '../../text/image-reference.ts';
import { formatReservedCpus } from '../../text/reserve-label.ts';

const NAME = /^[a-zA-Z0-9](?:[-_.]*[A-Za-z0-9]+)*$/;

/** `abc_pricing` of stack `abc` is service `pricing` of deployment `abc`; without a stack it belongs to `default`. Throws `invalid`. */
export function idOf(spec: ServiceSpec): ServiceId {
  const name = spec.Name ?? '';
  if (!NAME.test(name) || name.length > 63)
    throw new ArpanetError(
      'invalid',
      `invalid service name "${name.slice(0, 80)}": 1 to 63 letters, digits, - and _, beginning and ending with a letter or digit`,
    );
  const stack = spec.Labels?.[stackLabel] || spec.Labels?.[labels.deployment];
  if (!stack) return { deployment: 'default', service: name.replaceAll('.', '-') };
  const deployment = deploymentIn(spec.Labels ?? {});
  return { deployment, service: (name.startsWith(`${stack}_`) ? name.slice(stack.length + 1) : name).replaceAll('.', '-') };
}

/** Throws `unsupported` with the reason for what has no meaning here. */
export function refuseMeaningless(spec: ServiceSpec): void {
  const { TaskTemplate: task = {} } = spec;
  const container = task.ContainerSpec ?? {};
  const refuse = (what: string, why: string) => new ArpanetError('unsupported', `${what} is not supported by arpanet: ${why}`);
  if (container.ReadOnly === true && (container.Secrets?.length || container.Configs?.length))
    throw refuse('a secret or config in a read-only container', 'they are files in it; leave --read-only out, or mount a volume');
  if (container.Privileges?.CredentialSpec) throw refuse('a credential spec', 'it is for Windows containers');
  if (task.Runtime && !['container', 'plugin', 'attachment'].includes(task.Runtime))
    throw new ArpanetError('invalid', 'unsupported runtime');
  if (task.Runtime && task.Runtime !== 'container') throw refuse(`runtime "${task.Runtime}"`, 'instances are containers');
  if (container.Isolation && container.Isolation !== 'default') throw refuse('isolation', 'it is for Windows containers');
  if (task.Resources?.Reservations?.GenericResources?.length)
    throw refuse('a generic resource', 'hosts do not report them; use a constraint on node.labels.…');
  const role = task.Placement?.Constraints?.find(isOfNoHost);
  if (role !== undefined)
    throw refuse(`the constraint "${role}"`, 'every host is a worker here, schedulers run beside them; use node.labels.…');
  if (!container.Image) throw new ArpanetError('invalid', 'ContainerSpec: image reference must be provided');
}

/** A constraint on the role that holds nowhere. */
function isOfNoHost(constraint: string): boolean {
  const [, operator, role] = /^\s*node\.role\s*(==|!=)\s*(\S+)\s*$/.exec(constraint) ?? [];
  return operator !== undefined && (operator === '==') !== (role === 'worker');
}

/** What a client should know of what it asked for. */
export function warningsOf(spec: ServiceSpec, isOnAllHosts = false): readonly string[] {
  return [...portWarnings(spec, isOnAllHosts), ...reservedWarnings(spec.TaskTemplate?.ContainerSpec?.Labels)];
}

/** The spec as it is kept: with a mode, and with ids for the networks that it names. */
export function settled(spec: ServiceSpec, networkId: (reference: string) => string): ServiceSpec {
  const withIds = (networks: ServiceSpec['Networks']) =>
    networks?.map((network) => (network.Target ? { ...network, Target: networkId(network.Target) } : network));
  const { Networks, TaskTemplate } = spec;
  return {
    ...spec,
    Mode: spec.Mode ?? {},
    ...(Networks?.length ? { Networks: withIds(Networks) ?? [] } : {}),
    ...(TaskTemplate?.Networks?.length ? { TaskTemplate: { ...TaskTemplate, Networks: withIds(TaskTemplate.Networks) ?? [] } } : {}),
  };
}

/** `more`: labels that its instances get beside those of the spec. `isOnAllHosts`: ports of mode ingress are answered by every host. */
export function requestOf(
  spec: ServiceSpec,
  id: ServiceId,
  files: readonly SecretFile[] = [],
  more: Readonly<Record<string, string>> = {},
  isOnAllHosts = false,
): CreateRequest {
  const task = spec.TaskTemplate ?? {};
  const container = task.ContainerSpec ?? {};
  const ports = publishedParts(spec, isOnAllHosts);
  const isDefault = id.deployment === 'default';
  const targets = (task.Networks?.length ? task.Networks : (spec.Networks ?? [])).flatMap(({ Target, Aliases }) =>
    Target ? [{ network: predefinedName(Target) ?? Target, aliases: [...new Set([...(Aliases ?? []), id.service])] }] : [],
  );
  // a host's own networks know no aliases
  const networks = targets.flatMap(({ network, aliases: Aliases }) =>
    predefinedName(network) === undefined ? [[network, { Aliases }] as const] : [],
  );
  const constraints = task.Placement?.Constraints ?? [];
  const preferences = (task.Placement?.Preferences ?? []).flatMap(({ Spread }) =>
    Spread?.SpreadDescriptor ? [Spread.SpreadDescriptor] : [],
  );
  const isGlobal = modeOf(spec).startsWith('global');
  const restart = restartOf(spec);
  const most = isGlobal ? 1 : (task.Placement?.MaxReplicas ?? 0);
  const cpus = task.Resources?.Reservations?.NanoCPUs ?? 0;
  return drop({
    Image: tagged(container.Image),
    Entrypoint: container.Command?.length ? container.Command : undefined,
    Cmd: container.Args?.length ? container.Args : undefined,
    Env: container.Env ?? [],
    Hostname: container.Hostname,
    WorkingDir: container.Dir,
    User: container.User,
    Tty: container.TTY,
    OpenStdin: container.OpenStdin,
    StopSignal: container.StopSignal,
    StopTimeout: container.StopGracePeriod ? Math.ceil(container.StopGracePeriod / 1e9) : undefined,
    Healthcheck: container.Healthcheck ?? undefined,
    Labels: {
      ...container.Labels,
      ...(isDefault
        ? { [labels.service]: id.service }
        : { [composeLabels.project]: projectOf(id.deployment), [composeLabels.service]: id.service, [composeLabels.oneoff]: 'False' }),
      [composeLabels.number]: '1',
      ...(constraints.length === 0 ? {} : { [labels.constraints]: JSON.stringify(constraints) }),
      ...(most > 0 ? { [labels.maxPerHost]: String(most) } : {}),
      ...(preferences.length === 0 ? {} : { [labels.spread]: JSON.stringify(preferences) }),
      ...(cpus > 0 ? { [labels.reserve]: formatReservedCpus(cpus) } : {}),
      // What is on a host that is lost has no other place: every other host has its own.
      ...(isGlobal ? { [labels.reschedule]: 'off' } : {}),
      ...(files.length > 0 ? { [labels.files]: JSON.stringify(files) } : {}),
      ...restart.labels,
      ...(spec.EndpointSpec?.Mode === 'vip' ? { [labels.vip]: 'true' } : {}),
      ...ports.label,
      ...more,
      ...(task.ForceUpdate ? { [labels.forced]: String(task.ForceUpdate) } : {}),
    },
    ExposedPorts: ports.ExposedPorts,
    HostConfig: hostConfigOf(spec, targets[0]?.network, restart.policy, ports.bindings),
    NetworkingConfig: networks.length === 0 ? undefined : { EndpointsConfig: Object.fromEntries(networks) },
  });
}

function hostConfigOf(
  spec: ServiceSpec,
  network: string | undefined,
  RestartPolicy: Restart['policy'],
  PortBindings: HostConfig['PortBindings'],
): HostConfig {
  const task = spec.TaskTemplate ?? {};
  const container = task.ContainerSpec ?? {};
  const { Limits, Reservations } = task.Resources ?? {};
  return drop({
    NetworkMode: network,
    Mounts: container.Mounts?.length ? container.Mounts : undefined,
    Memory: Limits?.MemoryBytes,
    MemoryReservation: Reservations?.MemoryBytes,
    NanoCpus: Limits?.NanoCPUs,
    PidsLimit: Limits?.Pids,
    RestartPolicy,
    Init: container.Init ?? undefined,
    ReadonlyRootfs: container.ReadOnly,
    GroupAdd: container.Groups?.length ? container.Groups : undefined,
    Dns: container.DNSConfig?.Nameservers ?? undefined,
    DnsSearch: container.DNSConfig?.Search ?? undefined,
    DnsOptions: container.DNSConfig?.Options ?? undefined,
    // `IP host` there, `host:IP` here
    ExtraHosts: container.Hosts?.length ? container.Hosts.map((line) => line.split(/\s+/).toReversed().join(':')) : undefined,
    CapAdd: container.CapabilityAdd ?? undefined,
    CapDrop: container.CapabilityDrop ?? undefined,
    Sysctls: container.Sysctls ?? undefined,
    Ulimits: container.Ulimits ?? undefined,
    OomScoreAdj: container.OomScoreAdj || undefined,
    LogConfig: task.LogDriver ? { Type: task.LogDriver.Name ?? '', Config: task.LogDriver.Options ?? {} } : undefined,
    PortBindings,
  });
}

/** As the CLI writes it back: `busybox` is `busybox:latest`. */
export function tagged(image: string | undefined): string | undefined {
  return image && withDefaultTag(image);
}

/** Without what was not given: the Engine has its own defaults. */
function drop<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/** What differs between two readings of a spec, put over a request that no spec can say all of. */
export function patched(request: CreateRequest, before: CreateRequest, after: CreateRequest): CreateRequest {
  const differ = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);
  const over = (base: object, from: object, to: object): object => {
    const result: Record<string, unknown> = { ...base };
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
      const a = (from as Record<string, unknown>)[key];
      const b = (to as Record<string, unknown>)[key];
      if (!differ(a, b)) continue;
      if (key === 'Labels' || key === 'HostConfig')
        result[key] = over((result[key] as object | undefined) ?? {}, (a as object) ?? {}, (b as object) ?? {});
      else if (b === undefined) delete result[key];
      else result[key] = b;
    }
    return result;
  };
  return over(request, before, after) as CreateRequest;
}

/** Endpoints as they were, with addresses and all, where the service stays in their networks; a spec says no more of one than its aliases. By network id. */
export function withKnownEndpoints(wanted: CreateRequest, known: Readonly<Record<string, EndpointSettings>>): CreateRequest {
  const { NetworkingConfig } = wanted;
  if (!NetworkingConfig?.EndpointsConfig) return wanted;
  const EndpointsConfig = Object.fromEntries(
    Object.entries(NetworkingConfig.EndpointsConfig).map(([network, endpoint]) => [
      network,
      (Object.hasOwn(known, network) ? known[network] : undefined) ?? endpoint,
    ]),
  );
  return { ...wanted, NetworkingConfig: { ...NetworkingConfig, EndpointsConfig } };
}

export function settingsOf(config: UpdateConfig | null | undefined, base: UpdateSettings = UPDATE_DEFAULTS): UpdateSettings {
  if (!config) return base;
  const { FailureAction: action, Order: order } = config;
  return {
    ...base,
    parallelism: config.Parallelism ?? base.parallelism,
    delayMs: config.Delay === undefined ? base.delayMs : config.Delay / 1e6,
    order: order === 'start-first' || order === 'stop-first' ? order : base.order,
    onFailure: action === 'rollback' || action === 'pause' || action === 'continue' ? action : base.onFailure,
    monitorMs: config.Monitor ? config.Monitor / 1e6 : base.monitorMs,
  };
}

/** The ratio is shown as it was given: an update fails at the first instance that fails its health check. */
export function configOf(settings: UpdateSettings, ratio = 0): UpdateConfig {
  return {
    Parallelism: settings.parallelism,
    Delay: settings.delayMs * 1e6,
    FailureAction: settings.onFailure,
    Monitor: settings.monitorMs * 1e6,
    MaxFailureRatio: ratio,
    Order: settings.order,
  };
}
