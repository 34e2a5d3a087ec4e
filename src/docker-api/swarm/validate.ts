/**
 * What a swarm's manager refuses in a service's spec whose types are right: values out of range, and words that it does not know. In its words,
 * which are those of moby daemon/cluster/convert and of swarmkit manager/controlapi/service.go. Pure.
 */
import { ArpanetError } from '../../model/index.ts';
import type { ContainerSpec, PortConfig, ServiceSpec, UpdateConfig } from './types.ts';

/** So many instances of one service are counted and shown; no cluster that this is made for runs as many. */
export const MAX_REPLICAS = 100_000;
const MAX_PORT = 65_535;
const MIN_MEMORY_BYTES = 4 * 1024 * 1024;
const MIN_NANO_CPUS = 1_000_000;
const MIN_HEALTH_NS = 1_000_000;

/** Throws `invalid` with the first of them. */
export function refuseOutOfRange(spec: ServiceSpec): void {
  const problem = [...problemsOf(spec)][0];
  if (problem !== undefined) throw new ArpanetError('invalid', problem);
}

const rpc = (why: string): string => `rpc error: code = InvalidArgument desc = ${why}`;

function* problemsOf(spec: ServiceSpec): Generator<string> {
  yield* ofMode(spec);
  yield* ofWords(spec.UpdateConfig);
  yield* ofWords(spec.RollbackConfig);
  yield* ofUpdate(spec.UpdateConfig);
  yield* ofEndpoint(spec.EndpointSpec);
  const { ContainerSpec: container, Resources, RestartPolicy, Placement } = spec.TaskTemplate ?? {};
  if (container !== undefined) yield* ofContainer(container);
  for (const resources of [Resources?.Limits, Resources?.Reservations]) {
    const { MemoryBytes: memory = 0, NanoCPUs: cpus = 0 } = resources ?? {};
    if (memory !== 0 && memory < MIN_MEMORY_BYTES) yield rpc(`invalid memory value ${memory}: Must be at least 4MiB`);
    if (cpus !== 0 && cpus < MIN_NANO_CPUS) yield rpc(`invalid cpu value ${cpus / 1e9}: Must be at least 0.001`);
  }
  const { Condition = '', Delay, Window } = RestartPolicy ?? {};
  if (!['', 'none', 'on-failure', 'any'].includes(Condition)) yield `invalid RestartCondition: "${Condition}"`;
  if ((Delay ?? 0) < 0) yield rpc('TaskSpec: restart-delay cannot be negative');
  if ((Window ?? 0) < 0) yield rpc('TaskSpec: restart-window cannot be negative');
  if ([...(spec.TaskTemplate?.Networks ?? []), ...(spec.Networks ?? [])].some(({ Target }) => !Target))
    yield 'a network of a service has no Target: name the network';
  const constraint = Placement?.Constraints?.find((text) => !/^\s*[^=!\s]+\s*(?:==|!=)/.test(text));
  if (constraint !== undefined) yield rpc(`constraint "${constraint}" expected one operator from ==, !=`);
}

function* ofMode({ Mode = {}, UpdateConfig }: ServiceSpec): Generator<string> {
  const { Replicated, Global, ReplicatedJob, GlobalJob } = Mode;
  if ([Replicated, Global, ReplicatedJob, GlobalJob].filter((mode) => mode != null).length > 1) yield 'must specify only one service mode';
  const isJob = ReplicatedJob != null || GlobalJob != null;
  if (isJob && UpdateConfig != null) yield rpc('Jobs may not have an update config');
  const replicas = Replicated?.Replicas ?? 1;
  const { MaxConcurrent, TotalCompletions } = ReplicatedJob ?? {};
  for (const count of [replicas, MaxConcurrent ?? 1, TotalCompletions ?? 1])
    if (count > MAX_REPLICAS) yield rpc(`${count} replicas: a service has ${MAX_REPLICAS} at most`);
}

function* ofWords(config: UpdateConfig | null | undefined): Generator<string> {
  const { FailureAction: action = '', Order: order = '' } = config ?? {};
  if (!['', 'pause', 'continue', 'rollback'].includes(action)) yield `unrecognized update failure action ${action}`;
  if (!['', 'stop-first', 'start-first'].includes(order)) yield `unrecognized update order ${order}`;
}

/** Managers look at the numbers of updates, and not at those of rollbacks. */
function* ofUpdate(config: UpdateConfig | null | undefined): Generator<string> {
  const { Delay = 0, Monitor = 0, MaxFailureRatio: ratio = 0 } = config ?? {};
  if (Delay < 0) yield rpc('TaskSpec: update-delay cannot be negative');
  if (Monitor < 0) yield rpc('TaskSpec: update-monitor cannot be negative');
  if (ratio < 0 || ratio > 1) yield rpc('TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1');
}

function* ofEndpoint(endpoint: ServiceSpec['EndpointSpec']): Generator<string> {
  const { Mode: mode = '', Ports } = endpoint ?? {};
  if (!['', 'vip', 'dnsrr'].includes(mode)) yield `invalid resolution mode: "${mode}"`;
  const ports = Ports ?? [];
  for (const port of ports) yield* ofPort(port);
  const published = ports.flatMap(({ PublishedPort, Protocol, PublishMode }) =>
    PublishedPort && PublishMode !== 'host' ? [`${PublishedPort}/${Protocol || 'tcp'}`] : [],
  );
  if (new Set(published).size < published.length) yield rpc('EndpointSpec: duplicate published ports provided');
}

/** Managers take any of these, and no instance can then be made. */
function* ofPort({ TargetPort: target = 0, PublishedPort: published = 0, Protocol = '', PublishMode = '' }: PortConfig): Generator<string> {
  if (target < 1 || target > MAX_PORT) yield rpc(`EndpointSpec: invalid target port ${target}`);
  if (published > MAX_PORT) yield rpc(`EndpointSpec: invalid published port ${published}`);
  if (!['', 'tcp', 'udp', 'sctp'].includes(Protocol)) yield rpc(`EndpointSpec: invalid protocol "${Protocol}"`);
  if (!['', 'ingress', 'host'].includes(PublishMode)) yield rpc(`EndpointSpec: invalid publish mode "${PublishMode}"`);
}

const PROPAGATIONS: readonly unknown[] = ['', 'rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave'];

function* ofContainer({ Mounts, Healthcheck, Secrets, Configs }: ContainerSpec): Generator<string> {
  for (const { BindOptions } of Mounts ?? []) {
    const { Propagation = '' } = (BindOptions ?? {}) as { readonly Propagation?: unknown };
    if (!PROPAGATIONS.includes(Propagation)) yield `invalid MountPropagation: ${JSON.stringify(Propagation)}`;
  }
  if (Secrets?.some(({ SecretID, SecretName }) => !SecretID || !SecretName) === true) yield rpc('malformed secret reference');
  if (Configs?.some(({ File, Runtime }) => File == null && Runtime == null) === true)
    yield 'invalid Config: either File or Runtime should be set';
  if (Configs?.some(({ ConfigID, ConfigName }) => !ConfigID || !ConfigName) === true) yield rpc('malformed config reference');
  for (const { Type = 'bind' } of Mounts ?? [])
    if (!['bind', 'volume', 'tmpfs', 'npipe', 'cluster', 'image'].includes(Type)) yield `invalid MountType: "${Type}"`;
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = Healthcheck?.[name] ?? 0;
    if (value !== 0 && value < MIN_HEALTH_NS) yield rpc(`ContainerSpec: ${name} in HealthConfig cannot be less than 1ms`);
  }
  if ((Healthcheck?.Retries ?? 0) < 0) yield rpc('ContainerSpec: Retries in HealthConfig cannot be negative');
}
