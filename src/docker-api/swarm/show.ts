/** Services, their instances and hosts as `GET /services`, `GET /tasks`, `GET /nodes` and `GET /swarm` show them (Docker API v1.24 and later). Pure. */
import {
  type ContainerView,
  type CreateRequest,
  type HostView,
  isUnreachable,
  type Json,
  labels,
  projectOf,
  serviceName,
  type ServiceRecord,
  type ServiceTemplate,
  type ServiceView,
  UPDATE_DEFAULTS,
  composeLabels,
  stackLabel,
  unameArch,
} from '../../model/index.ts';
import { configOf, tagged } from './spec.ts';
import type { Facade } from './facade.ts';
import type { Ids } from '../../text/swarm-ids.ts';
import { modeOfView, shownMode } from './mode.ts';
import type { PortConfig, ServiceSpec } from './types.ts';
import { ingressOf } from '../../text/ingress-label.ts';
import { parseReserve } from '../../text/reserve-label.ts';

/** The largest time that JavaScript knows. */
const MAX_MS = 8.64e15;
/** What is no time at all is shown as Go shows none. */
const iso = (ms: number): string => (Math.abs(ms) <= MAX_MS ? new Date(ms).toISOString() : '0001-01-01T00:00:00Z');

/** The spec that a client may change and send back. */
export function specOf(view: ServiceView): ServiceSpec {
  const request = view.template?.request ?? {};
  const stored: ServiceSpec | undefined = view.record?.spec;
  const derived = derivedSpec(view, request);
  if (stored === undefined) return derived;
  const task = stored.TaskTemplate ?? {};
  return {
    ...stored,
    Name: serviceName(view),
    Mode: derived.Mode ?? {},
    // a job has none, and an update of one that has is refused
    ...(view.record?.job === undefined
      ? { UpdateConfig: configOf(view.record?.update ?? UPDATE_DEFAULTS, stored.UpdateConfig?.MaxFailureRatio) }
      : {}),
    TaskTemplate: {
      ForceUpdate: 0,
      Runtime: 'container',
      ...task,
      ContainerSpec: { ...task.ContainerSpec, Image: tagged(request.Image) ?? '', Env: request.Env ?? [] },
    },
  };
}

/** The spec that a rollback goes back to. */
function previousSpecOf(view: ServiceView, record: ServiceRecord, template: ServiceTemplate): ServiceSpec {
  const settings = record.previousSettings;
  if (settings === undefined) return derivedSpec({ ...view, template }, template.request);
  const { spec: _spec, ...others } = record;
  const { spec, labels, update } = settings;
  const earlier: ServiceRecord = { ...others, labels, update, ...(spec === undefined ? {} : { spec }) };
  const desired = settings.desired?.to === record.desired ? settings.desired.from : view.desired;
  return specOf({ ...view, template, desired, record: earlier });
}

/** The service's own labels, as its spec has them. */
export function labelsOf(view: ServiceView): Readonly<Record<string, string>> {
  const stored: ServiceSpec | undefined = view.record?.spec;
  return stored === undefined ? derivedLabels(view) : (stored.Labels ?? {});
}

const derivedLabels = ({ deployment, record }: ServiceView): Readonly<Record<string, string>> => ({
  ...(deployment === 'default' ? {} : { [stackLabel]: projectOf(deployment) }),
  ...record?.labels,
});

function derivedSpec(view: ServiceView, request: CreateRequest): ServiceSpec {
  const { HostConfig = {} } = request;
  const host = HostConfig ?? {};
  const given = request.Labels ?? {};
  const policy = host['RestartPolicy'] as { readonly Name?: string; readonly MaximumRetryCount?: number } | undefined;
  const condition =
    policy?.Name === 'on-failure' ? 'on-failure' : policy?.Name === 'always' || policy?.Name === 'unless-stopped' ? 'any' : 'none';
  const list = (value: unknown): readonly string[] | undefined => (Array.isArray(value) ? (value as readonly string[]) : undefined);
  const constraints = constraintsOf(given[labels.constraints]);
  const spread = constraintsOf(given[labels.spread]);
  const ports = portsOf(request);
  return {
    Name: serviceName(view),
    Labels: derivedLabels(view),
    TaskTemplate: {
      ContainerSpec: {
        Image: tagged(request.Image) ?? '',
        Labels: Object.fromEntries(
          Object.entries(given).filter(
            ([name]) =>
              !name.startsWith(composeLabels.prefix) &&
              name !== labels.forced &&
              name !== labels.constraints &&
              name !== labels.maxPerHost &&
              name !== labels.spread &&
              name !== labels.reserve &&
              name !== labels.files &&
              name !== labels.templates &&
              name !== labels.iteration &&
              name !== labels.restart &&
              name !== labels.ingress &&
              name !== labels.bindPrefixes &&
              name !== labels.service,
          ),
        ),
        ...(list(request['Entrypoint'])?.length ? { Command: list(request['Entrypoint']) ?? [] } : {}),
        ...(list(request['Cmd'])?.length ? { Args: list(request['Cmd']) ?? [] } : {}),
        Env: request.Env ?? [],
        ...(request.Hostname ? { Hostname: request.Hostname } : {}),
        ...(typeof request['User'] === 'string' && request['User'] !== '' ? { User: request['User'] } : {}),
        ...(typeof request['WorkingDir'] === 'string' && request['WorkingDir'] !== '' ? { Dir: request['WorkingDir'] } : {}),
        ...(host.Mounts?.length ? { Mounts: host.Mounts } : {}),
        ...(request.Healthcheck ? { Healthcheck: request.Healthcheck } : {}),
        Isolation: 'default',
      },
      Resources: {
        Limits: drop({ NanoCPUs: host.NanoCpus, MemoryBytes: host.Memory }),
        Reservations: drop({ NanoCPUs: parseReserve(given[labels.reserve] ?? '')?.nanoCpus, MemoryBytes: host.MemoryReservation }),
      },
      RestartPolicy: { Condition: condition, MaxAttempts: policy?.MaximumRetryCount ?? 0 },
      Placement: {
        ...(constraints.length > 0 ? { Constraints: constraints } : {}),
        ...(spread.length > 0 ? { Preferences: spread.map((SpreadDescriptor) => ({ Spread: { SpreadDescriptor } })) } : {}),
        ...(given[labels.maxPerHost] ? { MaxReplicas: Number(given[labels.maxPerHost]) } : {}),
      },
      Networks: Object.entries({ ...request.NetworkingConfig?.EndpointsConfig, ...view.template?.connected }).map(([Target, endpoint]) => ({
        Target,
        Aliases: endpoint?.Aliases ?? [],
      })),
      ForceUpdate: Number(given[labels.forced] ?? 0),
      Runtime: 'container',
    },
    Mode: shownMode(view),
    UpdateConfig: configOf(view.record?.update ?? UPDATE_DEFAULTS),
    EndpointSpec: { Mode: given[labels.vip] === 'true' ? 'vip' : 'dnsrr', ...(ports.length > 0 ? { Ports: ports } : {}) },
  };
}

function constraintsOf(label: string | undefined): readonly string[] {
  if (!label) return [];
  try {
    const parsed: unknown = JSON.parse(label);
    return Array.isArray(parsed) ? parsed.map(String) : [];
  } catch {
    return label.split(',');
  }
}

function portsOf(request: CreateRequest): readonly PortConfig[] {
  const everywhere = ingressOf(request.Labels?.[labels.ingress]).map(({ port, target, protocol }) => ({
    Protocol: protocol,
    TargetPort: target,
    PublishedPort: port,
    PublishMode: 'ingress',
  }));
  const onHost = Object.entries(request.HostConfig?.PortBindings ?? {}).flatMap(([port, bindings]) => {
    const [target = '', Protocol = 'tcp'] = port.split('/');
    return (bindings ?? []).map(({ HostPort }) => ({
      Protocol,
      TargetPort: Number(target),
      ...(HostPort ? { PublishedPort: Number(HostPort) } : {}),
      PublishMode: 'host',
    }));
  });
  return [...everywhere, ...onHost];
}

function drop(value: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, number] => entry[1] !== undefined && entry[1] > 0));
}

/** What an Engine adds where a client asked for the defaults. */
const withDefaults = (spec: ServiceSpec): ServiceSpec => ({
  ...spec,
  RollbackConfig: spec.RollbackConfig ?? { ...configOf(UPDATE_DEFAULTS), FailureAction: 'pause', Order: 'stop-first' },
});

export interface Showing {
  /** How many run. */
  readonly withStatus?: boolean;
  readonly withDefaults?: boolean;
}

export function showService(view: ServiceView, ids: Ids, showing: Showing = {}): Json {
  const { record } = view;
  const madeMs = record?.createdAtMs ?? Math.min(...view.instances.map((container) => container.record?.createdAtMs ?? 0));
  const Spec = showing.withDefaults === true ? withDefaults(specOf(view)) : specOf(view);
  const running = view.instances.filter((container) => stateOf(container) === 'running').length;
  const completed = view.instances.filter((container) => stateOf(container) === 'complete').length;
  const { status } = record ?? {};
  return {
    ID: ids.service(view.deployment, view.service),
    Version: { Index: record?.version ?? 1 },
    CreatedAt: iso(madeMs),
    UpdatedAt: iso(record?.updatedAtMs ?? madeMs),
    Spec,
    ...(record?.previous === undefined ? {} : { PreviousSpec: previousSpecOf(view, record, record.previous) }),
    ...(record?.job === undefined
      ? {}
      : { JobStatus: { JobIteration: { Index: record.job.iteration }, LastExecution: iso(record.job.startedAtMs) } }),
    Endpoint: { Spec: Spec.EndpointSpec ?? {}, Ports: Spec.EndpointSpec?.Ports ?? [], VirtualIPs: [] },
    ...(status === undefined
      ? {}
      : {
          UpdateStatus: {
            State: status.state,
            StartedAt: iso(status.startedAtMs),
            ...(status.completedAtMs === undefined ? {} : { CompletedAt: iso(status.completedAtMs) }),
            Message: status.message,
          },
        }),
    ...(showing.withStatus === true
      ? { ServiceStatus: { RunningTasks: running, DesiredTasks: desiredTasks(view), CompletedTasks: completed } }
      : {}),
  };
}

/** Of a job, those that may run at once (swarmkit manager/controlapi/service.go, `ListServiceStatuses`). */
function desiredTasks(view: ServiceView): number {
  return modeOfView(view) === 'replicated-job' ? Math.min(view.record?.job?.concurrent ?? 1, view.desired) : view.desired;
}

/** Of a job the slots count from 0 (swarmkit manager/orchestrator/jobs/replicated). */
const slotOf = (view: ServiceView, number: number): number => (modeOfView(view) === 'replicated-job' ? number - 1 : number);

function stateOf(container: ContainerView): string {
  const { State } = container.facts.inspect;
  if (isUnreachable(container.hostState)) return 'orphaned';
  switch (State.Status) {
    case 'running':
    case 'paused':
      return State.Health?.Status === 'starting' ? 'starting' : 'running';
    case 'restarting':
      return 'starting';
    case 'created':
      return 'ready';
    default:
      return State.ExitCode === 0 ? 'complete' : 'failed';
  }
}

/** Of the tasks that only wait for a place, so much is shown: each repeats the whole spec, which is as long as its client likes. */
const PENDING_BYTES = 4 * 1024 * 1024;

/** Instances, and a pending task for each that is missing. */
export function* showTasks(view: ServiceView, ids: Ids): Generator<Task> {
  const spec = specOf(view);
  const ServiceID = ids.service(view.deployment, view.service);
  const { job } = view.record ?? {};
  const base = {
    ServiceID,
    Labels: {},
    Version: { Index: view.record?.version ?? 1 },
    ...(job === undefined ? {} : { JobIteration: { Index: job.iteration } }),
  };
  for (const container of view.instances) {
    if (job === undefined || !view.outdated.includes(container.id)) yield instanceTask(view, container, spec, ids, base);
  }
  // the CLI waits for the hosts of a global job's tasks, and what has no host yet would be one more
  if (modeOfView(view) === 'global-job' && view.trouble === undefined) return;
  const taken = new Set(view.instances.map((container) => container.record?.number));
  const now = iso(view.record?.updatedAtMs ?? 0);
  const missing = view.desired - taken.size;
  let pending = missing > 0 ? Math.min(missing, Math.ceil(PENDING_BYTES / JSON.stringify(spec).length)) : 0;
  for (let slot = 1; pending > 0; slot++) {
    if (taken.has(slot)) continue;
    pending--;
    yield {
      ...base,
      ID: ids.task(`${ServiceID}/${slot}`),
      CreatedAt: now,
      UpdatedAt: now,
      Spec: spec.TaskTemplate,
      Slot: slotOf(view, slot),
      Status: {
        Timestamp: now,
        State: 'pending',
        Message: 'pending task scheduling',
        ...(view.trouble === undefined ? {} : { Err: view.trouble }),
        PortStatus: {},
      },
      DesiredState: job === undefined ? 'running' : 'complete',
    };
  }
}

/** Made of what was known before its container: its templates can name it. */
export const taskId = ({ id, record }: ContainerView, ids: Ids): string => ids.task(record?.nonce ?? id);

/** As far as filters and look-ups read it. */
export interface Task extends Json {
  readonly ID: string;
  readonly NodeID?: string;
  readonly DesiredState: string;
  readonly Status: Json & { readonly ContainerStatus?: Json & { readonly ContainerID: string } };
}

function instanceTask(view: ServiceView, container: ContainerView, spec: ServiceSpec, ids: Ids, base: Json): Task {
  const { State } = container.facts.inspect;
  const state = stateOf(container);
  const atMs = Date.parse(state === 'complete' || state === 'failed' ? State.FinishedAt : State.StartedAt);
  const madeMs = container.record?.createdAtMs ?? 0;
  const at = iso(Math.max(atMs, madeMs));
  const image = tagged(container.record?.request.Image);
  const isStopped = view.record?.stopped.includes(container.id) ?? false;
  return {
    ...base,
    ID: taskId(container, ids),
    CreatedAt: iso(madeMs),
    UpdatedAt: at,
    Spec: { ...spec.TaskTemplate, ContainerSpec: { ...spec.TaskTemplate?.ContainerSpec, Image: image } },
    Slot: slotOf(view, container.record?.number ?? 0),
    NodeID: ids.node(container.host),
    Status: {
      Timestamp: at,
      State: state,
      Message: state === 'orphaned' ? `host ${container.host} is down` : state === 'running' ? 'started' : state,
      ...(state === 'failed' ? { Err: `task: non-zero exit (${State.ExitCode})` } : {}),
      ContainerStatus: { ContainerID: container.id, PID: Number(State['Pid'] ?? 0), ExitCode: State.ExitCode },
      PortStatus: {},
    },
    DesiredState: isStopped ? 'shutdown' : view.record?.job === undefined ? (state === 'complete' ? 'shutdown' : 'running') : 'complete',
    NetworksAttachments: [],
  };
}

export function showNode(host: HostView, ids: Ids): Json {
  const { record, facts } = host;
  const plugins = facts?.info['Plugins'] as Readonly<Record<string, readonly string[] | null>> | undefined;
  return {
    ID: ids.node(host.name),
    Version: { Index: 1 },
    CreatedAt: iso(record.joinedAtMs),
    UpdatedAt: iso(record.joinedAtMs),
    Spec: { Labels: record.labels, Role: 'worker', Availability: record.availability },
    Description: {
      Hostname: host.name,
      Platform: { Architecture: unameArch(facts), OS: facts?.os ?? '' },
      Resources: { NanoCPUs: (facts?.cpus ?? 0) * 1e9, MemoryBytes: facts?.memoryBytes ?? 0 },
      Engine: {
        EngineVersion: typeof facts?.version['Version'] === 'string' ? facts.version['Version'] : '',
        Labels: {},
        Plugins: Object.entries(plugins ?? {}).flatMap(([Type, names]) => (names ?? []).map((Name) => ({ Type, Name }))),
      },
      TLSInfo: {},
    },
    Status: {
      State: host.state === 'alive' ? 'ready' : host.state === 'down' ? 'down' : 'unknown',
      Addr: record.address,
      ...(host.why === undefined ? {} : { Message: host.why }),
    },
  };
}

/** The defaults are an Engine's; nobody here takes them, they are shown as they were set. */
export function showSwarm(clusterId: string, ids: Ids, { spec, version, rotated, pool }: Facade): Json {
  return {
    ID: ids.swarm(clusterId),
    Version: { Index: version },
    CreatedAt: iso(0),
    UpdatedAt: iso(0),
    Spec: {
      Name: 'default',
      Labels: {},
      Orchestration: { TaskHistoryRetentionLimit: 5 },
      Raft: { SnapshotInterval: 10_000, KeepOldSnapshots: 0, LogEntriesForSlowFollowers: 500, ElectionTick: 10, HeartbeatTick: 1 },
      Dispatcher: { HeartbeatPeriod: 5_000_000_000 },
      CAConfig: { NodeCertExpiry: 7_776_000_000_000_000 },
      TaskDefaults: {},
      EncryptionConfig: { AutoLockManagers: false },
      ...spec,
    },
    TLSInfo: {},
    RootRotationInProgress: false,
    DefaultAddrPool: pool.ranges,
    SubnetSize: pool.subnetSize,
    DataPathPort: 0,
    JoinTokens: { Worker: tokenOf(rotated.worker), Manager: tokenOf(rotated.manager) },
  };
}

/** Hosts join by `arpanet token`: this text says so. */
const tokenOf = (rotations: number): string => (rotations === 0 ? 'arpanet token' : `arpanet token (${rotations})`);
