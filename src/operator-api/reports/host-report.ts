/** One host with all that is known of it, and what was done to hosts, as data and as text. Pure. */
import { hint } from '../../config/nearest.ts';
import { ArpanetError, type LeaseRecord, type NetworkRecord } from '../../model/index.ts';
import { type HostReport, hostReports, type Observed } from './report.ts';
import { stateText } from './service-report.ts';

/** Everything known about one host: `GET /arpanet/v1/hosts/HOST`. Sizes in bytes, times in ms since 1970. */
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

/** What was planned, as `arpanet rebalance --plan` says it. */
export interface RebalanceReport {
  readonly moves: readonly { readonly name: string; readonly service: string; readonly from: string; readonly to: string }[];
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
  readonly stays: readonly { readonly container: string; readonly why: string }[];
}

/** What `arpanet hosts clean` would remove from a host. Sizes in bytes. */
export interface CleanReport {
  readonly host: string;
  readonly containers: readonly { readonly name: string; readonly ended: string }[];
  readonly images: readonly { readonly name: string; readonly id: string; readonly bytes: number }[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
}
