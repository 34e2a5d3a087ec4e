/** `GET /info`: sums over the hosts in Docker's shape, and a line for each host under "Storage Driver", where every CLI prints rows. Pure. */
import { type ContainerView, type HostView, isUnreachable, type Json, labels } from '../../model/index.ts';
import { speakers } from './version.ts';
import { each } from '../../telemetry/left-out.ts';
import { wholeNumber } from '../json/go-values.ts';
import { reservedBy } from '../../text/reserve-label.ts';
import { dockerBytes } from '../../text/size.ts';

export interface About {
  readonly name: string;
  readonly epoch: number;
  readonly clusterId: string;
  readonly strategy: string;
  readonly schedulers: readonly string[];
}

export function showInfo(
  hosts: readonly HostView[],
  containers: readonly ContainerView[],
  imageCount: number,
  about: About,
  version: string,
  nowMs: number,
): Json {
  const known = speakers(hosts).map((facts) => facts.info);
  const figures = each({ kind: 'container', of: 'the sums of docker info' }, containers, ({ name }) => name, figuresOf);
  const counted = (state: string) => figures.filter(({ status }) => status === state).length;
  const running = counted('running');
  const paused = counted('paused');
  // API 1.50 dropped some
  const isKnown = (flag: string): boolean => known.length === 0 || known.some((info) => flag in info);
  return {
    // what differs from host to host below is overwritten; the rest (limits supported, runtimes, …) is the first host's
    ...known[0],
    ...Object.fromEntries(everywhere.filter(isKnown).map((flag) => [flag, known.length > 0 && known.every((info) => info[flag] === true)])),
    ID: about.clusterId,
    Containers: containers.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: containers.length - running - paused,
    Images: imageCount,
    Driver: joined(known, 'Driver'),
    DriverStatus: hostRows(hosts, figures, about),
    Plugins: mergedPlugins(known),
    NCPU: sum(known, 'NCPU'),
    MemTotal: sum(known, 'MemTotal'),
    SystemTime: new Date(nowMs).toISOString(),
    KernelVersion: joined(known, 'KernelVersion'),
    OperatingSystem: joined(known, 'OperatingSystem'),
    OSVersion: joined(known, 'OSVersion'),
    OSType: known[0]?.['OSType'] ?? 'linux',
    Architecture: joined(known, 'Architecture'),
    DockerRootDir: rootDirOf(hosts),
    Name: about.name,
    Labels: [],
    ServerVersion: `arpanet/${version}`,
    // The services API is spoken here; its CLI looks at this first.
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'active',
      ControlAvailable: true,
      Error: '',
      RemoteManagers: null,
      Nodes: hosts.length,
      Managers: about.schedulers.length,
      Cluster: { ID: about.clusterId.slice(0, 25), Spec: { Name: 'default' } },
    },
    SecurityOptions: common(known, 'SecurityOptions'),
    Warnings: warningsOf(hosts),
  };
}

/** Where the hosts keep their data; the first host's, if they differ: clients make paths of it. */
export function rootDirOf(hosts: readonly HostView[]): string {
  const dir = speakers(hosts)[0]?.info['DockerRootDir'];
  return typeof dir === 'string' ? dir : '/var/lib/docker';
}

/** As older versions had it. https://github.com/moby/moby/blob/v26.1.5/api/server/router/system/system_routes.go */
export function infoAt(info: Json, minor: number): Json {
  const runtimes = Object.entries((info['Runtimes'] ?? {}) as Readonly<Record<string, Json>>);
  const Runtimes = Object.fromEntries(runtimes.map(([name, runtime]) => [name, { ...runtime, status: undefined }]));
  const since44 = minor >= 44 || info['Runtimes'] === undefined ? info : { ...info, Runtimes };
  // Engines that speak 1.42 tell newer clients nothing of it; it came and went with that of TCP
  const since42 = minor >= 42 || info['KernelMemoryTCP'] !== true ? since44 : { ...since44, KernelMemory: true };
  return minor >= 25 ? since42 : before25(since42);
}

function before25(info: Json): Json {
  const names = strings(info['SecurityOptions']).map((option) => /(?:^|,)name=([^,]*)/.exec(option)?.[1] ?? option);
  return { ...info, ExecutionDriver: '<not supported>', SecurityOptions: names };
}

/** Flags that hold for the cluster when they hold on each of its hosts. */
const everywhere = (
  'MemoryLimit SwapLimit CpuCfsPeriod CpuCfsQuota CPUShares CPUSet PidsLimit IPv4Forwarding BridgeNfIptables BridgeNfIp6tables ' +
  'OomKillDisable LiveRestoreEnabled ExperimentalBuild Debug'
).split(' ');

/** What is summed up of one container. */
interface Figures {
  readonly host: string;
  readonly status: string;
  readonly nanoCpus: number;
  readonly memoryBytes: number;
}

function figuresOf(container: ContainerView): Figures {
  const { State, HostConfig, Config } = container.facts.inspect;
  const reserved = reservedBy(Config.Labels?.[labels.reserve], HostConfig.MemoryReservation);
  return { host: container.host, status: State.Status, ...reserved };
}

function hostRows(hosts: readonly HostView[], containers: readonly Figures[], about: About): readonly (readonly [string, string])[] {
  const byHost = new Map<string, Figures[]>();
  for (const container of containers) {
    const own = byHost.get(container.host);
    if (own === undefined) byHost.set(container.host, [container]);
    else own.push(container);
  }
  const alive = hosts.filter((host) => host.state === 'alive').length;
  return [
    ['Leader', `${about.name} (epoch ${about.epoch})`],
    ['Schedulers', about.schedulers.join(', ')],
    ['Strategy', about.strategy],
    ['Hosts', `${hosts.length} (${alive} alive)`],
    ...each(
      { kind: 'host', of: 'docker info' },
      hosts,
      ({ name }) => name,
      (host) => [` ${host.name}`, hostLine(host, byHost.get(host.name) ?? [])] as const,
    ),
  ];
}

function hostLine(host: HostView, own: readonly Figures[]): string {
  const reserving = own.filter(({ status }) => !['exited', 'dead'].includes(status));
  const { facts, load, record } = host;
  const cpus = reserving.reduce((total, { nanoCpus }) => total + nanoCpus, 0) / 1e9;
  const memory = reserving.reduce((total, { memoryBytes }) => total + memoryBytes, 0);
  const ownLabels = Object.entries(record.labels).map(([name, value]) => `${name}=${value}`);
  const state = host.state === 'alive' && record.availability !== 'active' ? record.availability : host.state;
  return [
    record.address,
    isUnreachable(host.state) && host.why !== undefined ? `${host.state}: ${host.why}` : state,
    ...(facts === undefined ? [] : [`engine ${text(facts.version['Version'])} (API ${facts.apiVersion})`]),
    `containers ${own.length}`,
    ...(facts === undefined
      ? []
      : [`cpus ${round(cpus)}/${facts.cpus} reserved`, `memory ${dockerBytes(memory)}/${dockerBytes(facts.memoryBytes)} reserved`]),
    ...(load === undefined ? [] : [`load ${Math.round(load.cpu * 100)}%, ${dockerBytes(load.memoryUsedBytes)} used`]),
    ...(ownLabels.length === 0 ? [] : [`labels ${ownLabels.join(' ')}`]),
  ].join(' · ');
}

/** A warning that all hosts give is listed once; others name their host. The CLI prints them as they are. */
function warningsOf(hosts: readonly HostView[]): readonly string[] | null {
  const given = hosts.flatMap((host) => strings(host.facts?.info['Warnings']).map((warning) => ({ host: host.name, warning })));
  const counts = new Map<string, number>();
  for (const { warning } of given) counts.set(warning, (counts.get(warning) ?? 0) + 1);
  const isOfAll = (warning: string): boolean => counts.get(warning) === hosts.length;
  const merged = new Set(given.map(({ host, warning }) => (isOfAll(warning) ? warning : `${warning} (host ${host})`)));
  for (const { name, state, why } of hosts) {
    if (isUnreachable(state)) merged.add(`WARNING: Host ${name} is ${state}: ${why ?? 'no reason known'}`);
    else if (state === 'alive' && why !== undefined) merged.add(`WARNING: Host ${name} does not answer at the moment: ${why}`);
  }
  return merged.size === 0 ? null : [...merged];
}

function mergedPlugins(infos: readonly Json[]): Json {
  const merged = (kind: string) => {
    const names = infos.flatMap((info) => strings((info['Plugins'] as Json | undefined)?.[kind]));
    return [...new Set(names)].sort();
  };
  const authorization = merged('Authorization');
  return {
    Volume: merged('Volume'),
    Network: merged('Network'),
    Authorization: authorization.length === 0 ? null : authorization,
    Log: merged('Log'),
  };
}

function joined(infos: readonly Json[], field: string): string {
  return [...new Set(infos.map((info) => text(info[field])).filter((value) => value !== ''))].join(', ');
}

function common(infos: readonly Json[], field: string): readonly string[] {
  const lists = infos.map((info) => strings(info[field]));
  return (lists[0] ?? []).filter((value) => lists.every((list) => list.includes(value)));
}

function sum(infos: readonly Json[], field: string): number {
  return infos.reduce((total, info) => total + wholeNumber(info[field]), 0);
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
