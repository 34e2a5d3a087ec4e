/** What operators see, as data: the cluster's status, its hosts and networks. Pure. */
import {
  type AdmissionRecord,
  type ContainerView,
  type CutHost,
  type HostLimits,
  type HostView,
  isUnreachable,
  type LeaderRecord,
  type LeaseRecord,
  type NamedInstance,
  type NetworkRecord,
  type ProcessFaults,
  type ServiceView,
  type UnreadableRecord,
} from '../../model/index.ts';
import type { Reserved } from '../../contracts/index.ts';
import { each, fenced, type LeftOut } from '../../telemetry/left-out.ts';
import { isDone, isUp } from './service-report.ts';
import { leftOutText, unreadableText } from './set-aside.ts';

/** A row of `GET /arpanet/v1/hosts`. Sizes in bytes, loads as shares from 0 to 1. */
export interface HostReport {
  readonly name: string;
  readonly address: string;
  /** expected: operators let it join, and it has not connected yet. */
  readonly state: HostView['state'] | 'expected';
  readonly why?: string | undefined;
  readonly availability: string;
  readonly engine: string;
  /** Version of the agent. */
  readonly agent: string;
  readonly apiVersion: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Busy share of all cores, 0 to 1. */
  readonly cpuLoad?: number | undefined;
  readonly memoryUsedBytes?: number | undefined;
  /** What containers that are not stopped reserve. */
  readonly reservedCores: number;
  readonly reservedMemoryBytes: number;
  readonly limits: HostLimits;
  readonly containers: number;
  readonly running: number;
  readonly labels: Readonly<Record<string, string>>;
  /** It takes another release when the leader says so; absent: somebody runs a line there. */
  readonly upgradesItself?: true;
  /** Its proxy for HTTP by name: it answers clients, or other hosts alone; absent: it has none. */
  readonly http?: 'edge' | 'hop';
  /** By what it encrypts networks; absent: it cannot. */
  readonly encryption?: 'wireguard' | 'wireguard-go';
}

export interface DeploymentReport {
  readonly name: string;
  readonly services: number;
  readonly instances: number;
  /** Instances that DNS answers with. */
  readonly ready: number;
}

/** One scheduler of the cluster, as the leader knows it. */
export interface SchedulerReport {
  readonly name: string;
  readonly url: string;
  readonly leads: boolean;
  /** Milliseconds since its last message. */
  readonly heardMsAgo: number;
  /** Absent: none was sent. */
  readonly faults?: ProcessFaults;
  /** `tcp://10.0.0.1:2375`: addresses without TLS that other machines reach. */
  readonly exposed?: readonly string[];
  /** Why its audit log is not written. */
  readonly auditTrouble?: string;
  /** Its release; absent: one of before has not sent it. */
  readonly version?: string;
  /** Its program was placed by the line of `arpanet schedulers add`, and not by a package. */
  readonly byLine?: boolean;
}

/** What one process of the cluster got over since it started. */
export interface FaultReport extends ProcessFaults {
  /** `scheduler s1`, `the agent of host h1`. */
  readonly process: string;
}

/** The answer of `GET /arpanet/v1/status`. */
export interface StatusReport {
  readonly leader: LeaderRecord;
  readonly schedulers: readonly SchedulerReport[];
  readonly clusterId: string;
  readonly store: string;
  readonly strategy: string;
  readonly hosts: readonly HostReport[];
  readonly deployments: readonly DeploymentReport[];
  readonly networks: number;
  readonly addresses: number;
  /** Of every process that reported any. */
  readonly faults: readonly FaultReport[];
  /** Hosts whose stream was ended or refused in the last ten minutes, and why. */
  readonly cutHosts: readonly CutHost[];
  /** Problems, a sentence each; none: the cluster is healthy. */
  readonly warnings: readonly string[];
  /** What operators or clients set and may have forgotten, and what is in progress. */
  readonly notes: readonly string[];
}

/** A network with the addresses in use in it: a row of `GET /arpanet/v1/networks`. */
export interface NetworkReport extends NetworkRecord {
  readonly leases: readonly LeaseRecord[];
}

/** A setting of the whole cluster. */
export interface SettingReport {
  readonly name: string;
  /** As a person writes it. */
  readonly value: string;
  /** Set by `arpanet config set`; else it is what the leader was started with. */
  readonly isSet: boolean;
  /** What the leader was started with. */
  readonly own: string;
}

/** All that the leader knows at one moment: the input of the reports. */
export interface Observed {
  readonly leader: LeaderRecord;
  readonly clusterId: string;
  readonly store: string;
  readonly strategy: string;
  readonly hosts: readonly HostView[];
  readonly containers: readonly ContainerView[];
  readonly instances: readonly NamedInstance[];
  readonly networks: readonly NetworkRecord[];
  readonly leases: readonly LeaseRecord[];
  /** Lost containers that cannot be rescheduled, and why. */
  readonly stuck: readonly { readonly name: string; readonly why: string }[];
  /** By host: what its containers reserve. */
  readonly reserved: ReadonlyMap<string, Reserved>;
  readonly admissions: readonly AdmissionRecord[];
  readonly schedulers: readonly SchedulerReport[];
  /** Records of the store that cannot be read and are set aside. */
  readonly unreadable: readonly UnreadableRecord[];
  /** Entries that the leader cannot handle and leaves out. */
  readonly leftOut: readonly LeftOut[];
  /** Hosts whose stream was ended or refused lately. */
  readonly cutHosts: readonly CutHost[];
  /** Why changes are refused now; undefined: they are accepted. */
  readonly frozen: string | undefined;
  /** Containers with labels of arpanet that prove nothing, and why. */
  readonly unproven: readonly { readonly name: string; readonly host: string; readonly why: string }[];
  /** Reads all containers: called only by reports that show it. */
  readonly services: () => readonly ServiceView[];
}

export function hostReports(
  observed: Pick<Observed, 'hosts' | 'containers'> & Partial<Pick<Observed, 'reserved' | 'admissions'>>,
): readonly HostReport[] {
  const expected = (observed.admissions ?? []).filter((one) => one.kind === 'expected').map(expectedHost);
  const ran = each(
    { kind: 'container', of: 'the report of hosts' },
    observed.containers,
    ({ name }) => name,
    ({ host, facts }) => ({ host, isRunning: facts.inspect.State.Running }),
  );
  const byHost = groupBy(ran, ({ host }) => host);
  const reports = each(
    { kind: 'host', of: 'the report of hosts' },
    observed.hosts,
    ({ name }) => name,
    (host): HostReport => {
      const version = host.facts?.version['Version'];
      const mine = byHost.get(host.name) ?? [];
      return {
        name: host.name,
        address: host.record.address,
        state: host.state,
        why: host.why,
        availability: host.record.availability,
        engine: typeof version === 'string' ? version : '',
        agent: host.facts?.agentVersion ?? '',
        apiVersion: host.facts?.apiVersion ?? '',
        cpus: host.facts?.cpus ?? 0,
        memoryBytes: host.facts?.memoryBytes ?? 0,
        cpuLoad: host.load?.cpu,
        memoryUsedBytes: host.load?.memoryUsedBytes,
        reservedCores: observed.reserved?.get(host.name)?.cores ?? 0,
        reservedMemoryBytes: observed.reserved?.get(host.name)?.memoryBytes ?? 0,
        limits: host.record.limits ?? {},
        containers: mine.length,
        running: mine.filter(({ isRunning }) => isRunning).length,
        labels: host.record.labels,
        ...(host.facts?.upgradesItself === true && { upgradesItself: true }),
        ...(host.facts?.http === undefined ? {} : { http: host.facts.http }),
        ...(host.record.tunnel === undefined ? {} : { encryption: host.record.tunnel.kind }),
      };
    },
  );
  return [...reports, ...expected].sort((a, b) => byNumber.compare(a.name, b.name));
}

/** `h2` before `h10`. */
const byNumber = new Intl.Collator('en', { numeric: true });

function expectedHost({ name, address, availability, setLabels, limits }: AdmissionRecord): HostReport {
  const labels = Object.entries(setLabels ?? {}).filter((entry): entry is [string, string] => entry[1] !== null);
  return {
    name,
    address: address ?? '-',
    state: 'expected',
    why: 'its agent has not connected yet',
    availability: availability ?? 'active',
    engine: '-',
    agent: '',
    apiVersion: '',
    cpus: 0,
    memoryBytes: 0,
    cpuLoad: undefined,
    memoryUsedBytes: undefined,
    reservedCores: 0,
    reservedMemoryBytes: 0,
    limits: limits ?? {},
    containers: 0,
    running: 0,
    labels: Object.fromEntries(labels),
  };
}

export function statusReport(observed: Observed): StatusReport {
  const hosts = hostReports(observed);
  const deployments = groupBy(observed.instances, (instance) => instance.deployment);
  const alive = hosts.filter((host) => host.state === 'alive');
  const services = observed.services();
  const faults = faultReports(observed);
  return {
    leader: observed.leader,
    schedulers: observed.schedulers,
    clusterId: observed.clusterId,
    store: observed.store,
    strategy: observed.strategy,
    hosts,
    deployments: [...deployments]
      .map(([name, instances]) => ({
        name,
        services: new Set(instances.map((instance) => instance.service)).size,
        instances: instances.length,
        ready: instances.filter((instance) => instance.ready).length,
      }))
      .sort((a, b) => a.name.localeCompare(b.name, 'en')),
    networks: observed.networks.length,
    addresses: observed.leases.filter((lease) => lease.kind === 'instance' && lease.state !== 'resting').length,
    faults,
    cutHosts: observed.cutHosts,
    warnings: [
      ...(observed.frozen === undefined ? [] : [`changes are refused: ${observed.frozen}`]),
      ...(observed.hosts.some((host) => host.state === 'suspect')
        ? [
            'more than a third of the hosts were lost at the same time, which suggests a network fault: rescheduling is paused and their names stay until some return',
          ]
        : []),
      ...(alive.length === 0 ? ['no host is alive: start an agent with "arpanet agent --join …"'] : []),
      ...hosts.flatMap(({ name, state, why }) =>
        state !== 'expected' && isUnreachable(state) ? [`host ${name} is ${state}: ${why ?? 'no heartbeat'}`] : [],
      ),
      ...hosts.flatMap(({ name, state, why }) => (state === 'alive' && why !== undefined ? [`host ${name} does not answer: ${why}`] : [])),
      ...observed.stuck.map(({ name, why }) => `${name} is lost with its host and cannot be replaced: ${why}`),
      ...hosts.filter((host) => host.state === 'joining').map((host) => `host ${host.name} has not connected to this leader yet`),
      ...observed.schedulers
        .filter(({ leads, heardMsAgo }) => !leads && heardMsAgo > LOST_SCHEDULER_MS)
        .map(({ name, url, heardMsAgo }) => `scheduler ${name} at ${url} has sent no message for ${Math.round(heardMsAgo / 1000)} s`),
      ...observed.cutHosts.flatMap(
        (cut) =>
          cutText(
            cut,
            hosts.find(({ name }) => name === cut.host),
          ) ?? [],
      ),
      ...faults.flatMap((one) => faultText(one) ?? []),
      ...observed.unreadable.map(unreadableText),
      ...observed.hosts.flatMap(({ name, leftOut = [] }) => leftOut.map((sentence) => `host ${name}: ${sentence}`)),
      ...observed.leftOut.map(leftOutText),
      ...observed.schedulers.flatMap(({ name, auditTrouble }) =>
        auditTrouble === undefined ? [] : [`scheduler ${name}: ${auditTrouble}`],
      ),
      ...fenced(
        { kind: 'service', of: 'the report of services' },
        services,
        ({ deployment, service }) => `${deployment}/${service}`,
        problemsOf,
      ),
    ],
    notes: [
      ...hosts.filter((host) => host.availability !== 'active').map(closedHost),
      ...hosts.filter((host) => host.state === 'expected').map((host) => `host ${host.name} is expected, and has not connected yet`),
      ...services.flatMap(({ deployment, service, record }) => {
        const { status } = record ?? {};
        return status?.state === 'updating' || status?.state === 'rollback_started' ? [`${deployment}/${service}: ${status.message}`] : [];
      }),
      ...observed.unproven.map(
        ({ name, host, why }) => `container ${name} on host ${host} ${why}: it counts as one that arpanet did not make`,
      ),
      ...observed.schedulers.flatMap(({ name, exposed = [] }) => exposed.map((url) => exposedText(name, url))),
    ],
  };
}

/** What any client can do at an address without TLS. */
const exposedText = (scheduler: string, url: string): string =>
  `INSECURE: scheduler ${scheduler} listens without TLS at ${url}: any client that reaches it is root on every host`;

const LOST_SCHEDULER_MS = 15_000;
/** An unexpected error is a problem for this long; afterwards it is only counted. */
const FAULT_IS_NEW_MS = 3_600_000;

function faultReports({ schedulers, hosts }: Pick<Observed, 'schedulers' | 'hosts'>): readonly FaultReport[] {
  return [
    ...schedulers.map(({ name, faults }) => ({ process: `scheduler ${name}`, faults })),
    ...hosts.map(({ name, faults }) => ({ process: `the agent of host ${name}`, faults })),
  ].flatMap(({ process, faults }) =>
    faults !== undefined && faults.unexpectedErrors + faults.refusedMessages > 0 ? [{ process, ...faults }] : [],
  );
}

const ago = (ms: number): string => (ms < 120_000 ? `${Math.round(ms / 1_000)} s ago` : `${Math.round(ms / 60_000)} min ago`);

function faultText({ process, unexpectedErrors, lastMsAgo, lastPlace }: FaultReport): string | undefined {
  if (unexpectedErrors === 0 || lastMsAgo === undefined || lastMsAgo > FAULT_IS_NEW_MS) return undefined;
  const errors = unexpectedErrors === 1 ? '1 unexpected error' : `${unexpectedErrors} unexpected errors`;
  return `${process} has had ${errors}, the last ${ago(lastMsAgo)} (${lastPlace ?? 'unknown'}): its log shows where, please report it`;
}

/** Undefined where the host's own state tells it. */
function cutText({ host, reason, isMalformed, msAgo }: CutHost, known: HostReport | undefined): string | undefined {
  if (known !== undefined && known.state !== 'expected' && known.why !== undefined) return undefined;
  const who =
    host === ''
      ? 'an agent that has not given its name'
      : isMalformed || known === undefined
        ? `host ${host}`
        : `another host named ${host}`;
  if (!isMalformed) return `${who} is refused: ${reason}`;
  return `${who} sent a malformed message ${ago(msAgo)}, which closed its stream: ${reason}`;
}

const closedHost = ({ name, availability, running }: HostReport): string =>
  `host ${name} takes no new containers (${availability === 'drain' ? 'drained' : 'paused'}), ${running} run there: "arpanet activate ${name}" or "arpanet hosts fillup ${name}"`;

/** The problems of one service, a sentence each. */
function problemsOf({ deployment, service, record, desired, instances, trouble }: ServiceView): readonly string[] {
  const name = `${deployment}/${service}`;
  // of a job so many run at once as it allows: the others wait for their turn
  const due = record?.job === undefined || trouble !== undefined ? desired : Math.min(desired, instances.length);
  const wanted = record === undefined ? 0 : due - record.stopped.length;
  const done = instances.filter(isDone).length;
  const running = instances.filter(isUp).length;
  const { status } = record ?? {};
  return [
    ...(running + done < wanted ? [`${name} runs ${running} of ${wanted}${trouble === undefined ? '' : `: ${trouble}`}`] : []),
    ...(status?.state === 'paused' || status?.state === 'rollback_paused' ? [`${name}: ${status.message}`] : []),
    ...instances.flatMap(({ name: container, host, facts: { inspect } }) => {
      if (inspect.State.Health?.Status === 'unhealthy') return [`${container} on ${host} is unhealthy`];
      return inspect.State.Restarting ? [`${container} on ${host} keeps restarting, last exit code ${inspect.State.ExitCode}`] : [];
    }),
  ];
}

export function networkReports(observed: Pick<Observed, 'networks' | 'leases'>): readonly NetworkReport[] {
  const byNetwork = groupBy(observed.leases, (lease) => lease.network);
  return observed.networks.map((network) => ({ ...network, leases: byNetwork.get(network.id) ?? [] }));
}

/** `Map.groupBy`, which Node 20 does not have. */
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
