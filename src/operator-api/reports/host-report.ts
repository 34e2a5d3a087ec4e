/** One host with all that is known of it, and what was done to hosts, as data and as text. Pure. */
import { hint } from '../../config/nearest.ts';
import { ArpanetError, type LeaseRecord, type NetworkRecord } from '../../model/index.ts';
import { type HostReport, hostReports, type Observed } from './report.ts';
import { stateText } from './service-report.ts';
import { bytes, percent, reserved, table } from '../tables.ts';

export interface HostDetail extends HostReport {
  readonly joinedAtMs: number | undefined;
  readonly os: string;
  readonly arch: string;
  readonly kernel: string;
  readonly agentVersion: string;
  readonly gateway: string;
  readonly overlay: string;
  readonly networks: readonly { readonly name: string; readonly cidr: string; readonly gateway: string; readonly instances: number }[];
  readonly instances: readonly {
    readonly name: string;
    readonly image: string;
    readonly state: string;
    readonly addresses: readonly string[];
  }[];
  readonly volumes: readonly string[];
  readonly images: number;
  readonly leases: readonly Pick<LeaseRecord, 'ip' | 'kind' | 'owner' | 'state'>[];
}

/** Throws `not-found` naming the nearest. */
export function hostDetail(observed: Observed, name: string, nowMs: number): HostDetail {
  const reports = hostReports(observed);
  const report = reports.find((one) => one.name === name);
  if (report === undefined) {
    const known = reports.map((one) => one.name);
    throw new ArpanetError('not-found', `no such host: ${name}; ${hint(name, known, 'no host has joined: "arpanet hosts add"')}`);
  }
  const host = observed.hosts.find((one) => one.name === name);
  const word = (value: unknown): string => (typeof value === 'string' ? value : '');
  const leases = observed.leases.filter((lease) => lease.host === name);
  const networkOf = new Map(observed.networks.map((network): [string, NetworkRecord] => [network.id, network]));
  return {
    ...report,
    joinedAtMs: host?.record.joinedAtMs,
    os: word(host?.facts?.info['OperatingSystem']) || word(host?.facts?.os),
    arch: word(host?.facts?.arch),
    kernel: word(host?.facts?.info['KernelVersion']),
    agentVersion: word(host?.facts?.agentVersion),
    gateway: host?.record.gateway ?? '',
    overlay: word(host?.facts?.overlay),
    networks: leases
      .filter((lease) => lease.kind === 'gateway' && lease.state !== 'resting')
      .map((lease) => ({
        name: networkOf.get(lease.network)?.name ?? lease.network,
        cidr: networkOf.get(lease.network)?.cidr ?? '',
        gateway: lease.ip,
        instances: leases.filter((one) => one.network === lease.network && one.kind === 'instance' && one.state !== 'resting').length,
      })),
    instances: observed.containers
      .filter((container) => container.host === name)
      .map((container) => ({
        name: container.name,
        image: container.record?.request.Image ?? container.facts.summary.Image,
        state: stateText(container, nowMs),
        addresses: Object.values(container.record?.addresses ?? {}),
      })),
    volumes: (host?.volumes ?? []).map((volume) => volume.Name),
    images: host?.images.length ?? 0,
    leases: leases.map(({ ip, kind, owner, state }) => ({ ip, kind, owner, state })),
  };
}

export function hostDetailText(host: HostDetail): string {
  const { limits } = host;
  const lines: (readonly [string, string])[] = [
    ['host', `${host.name} at ${host.address}${host.gateway === '' ? '' : ` (engine gateway ${host.gateway})`}`],
    ['state', `${host.state}${host.why === undefined ? '' : `: ${host.why}`}`],
    ['availability', AVAILABILITY[host.availability] ?? host.availability],
    ['joined', host.joinedAtMs === undefined ? 'not yet' : moment(host.joinedAtMs)],
    ['machine', [host.os, host.kernel, host.arch].filter(Boolean).join(', ') || '-'],
    ['engine', `${host.engine} (API ${host.apiVersion || '-'}), agent ${host.agentVersion || '-'}, overlay ${host.overlay || '-'}`],
    ['cpus', `${host.cpus}${limits.cpus === undefined ? '' : `, ${limits.cpus} for the cluster`}; ${percent(host.cpuLoad)} busy`],
    [
      'memory',
      `${bytes(host.memoryBytes)}${limits.memoryBytes === undefined ? '' : `, ${bytes(limits.memoryBytes)} for the cluster`}; ${
        host.memoryUsedBytes === undefined ? '-' : bytes(host.memoryUsedBytes)
      } used`,
    ],
    ['reserved', reserved(host)],
    [
      'containers',
      `${host.running} running of ${host.containers}${limits.maxContainers === undefined ? '' : `, at most ${limits.maxContainers}`}`,
    ],
    [
      'labels',
      Object.entries(host.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ') || '-',
    ],
    ['volumes', host.volumes.join(', ') || '-'],
    ['images', String(host.images)],
  ];
  const parts = [lines.map(([name, text]) => `${name.padEnd(13)}${text}`).join('\n')];
  if (host.networks.length > 0)
    parts.push(
      table(
        ['NETWORK', 'SUBNET', 'GATEWAY HERE', 'INSTANCES HERE'],
        host.networks.map((one) => [one.name, one.cidr, one.gateway, String(one.instances)]),
      ),
    );
  if (host.instances.length > 0)
    parts.push(
      table(
        ['CONTAINER', 'IMAGE', 'STATE', 'ADDRESS'],
        host.instances.map((one) => [one.name, one.image, one.state, one.addresses.join(',')]),
      ),
    );
  return parts.join('\n\n');
}

const AVAILABILITY: Readonly<Record<string, string>> = {
  active: 'active',
  pause: 'pause: takes no new containers',
  drain: 'drain: takes no new containers, and what can move has moved',
};

const moment = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');

/** What was planned, as `arpanet rebalance --plan` says it. */
export interface RebalanceReport {
  readonly moves: readonly { readonly name: string; readonly service: string; readonly from: string; readonly to: string }[];
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
  readonly stays: readonly { readonly container: string; readonly why: string }[];
}

export function rebalanceText({ moves, before, after, stays }: RebalanceReport): string {
  const levels = table(
    ['HOST', 'FULL NOW', 'FULL AFTER'],
    Object.keys(before).map((host) => [host, String(before[host]), String(after[host])]),
  );
  const planned =
    moves.length === 0
      ? 'evenly full already, or nothing may move: nothing to do'
      : table(
          ['MOVE', 'SERVICE', 'FROM', 'TO'],
          moves.map((move) => [move.name, move.service, move.from, move.to]),
        );
  const kept = stays.length === 0 ? [] : [stays.map(({ container, why }) => `${container} stays: ${why}`).join('\n')];
  return [levels, planned, ...kept].join('\n\n');
}

export interface CleanReport {
  readonly host: string;
  readonly containers: readonly { readonly name: string; readonly ended: string }[];
  readonly images: readonly { readonly name: string; readonly id: string; readonly bytes: number }[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
}

/** What `arpanet hosts clean` would take away. */
export function cleanText({ host, containers, images, volumes, networks }: CleanReport): string {
  const line = (count: number, what: string, names: readonly string[]) =>
    count === 0 ? [] : [`  - ${count} ${what}${count === 1 ? '' : 's'}: ${names.slice(0, 8).join(', ')}${count > 8 ? ', …' : ''}`];
  const lines = [
    ...line(
      containers.length,
      'stopped container',
      containers.map((one) => one.name),
    ),
    ...line(
      images.length,
      'image',
      images.map((one) => `${one.name === '<none>' ? one.id.replace('sha256:', '').slice(0, 12) : one.name} (${bytes(one.bytes)})`),
    ),
    ...line(
      volumes.length,
      'volume without a name',
      volumes.map((name) => name.slice(0, 12)),
    ),
    ...line(networks.length, 'network of its own Engine', networks),
    '  - its build cache',
  ];
  return `this takes from ${host}:\n${lines.join('\n')}`;
}
