/** One host with all that is known of it. Pure. */
import { hostNamed } from '../../config/nearest.ts';
import type { LeaseRecord, NetworkRecord } from '../../model/index.ts';
import { type HostReport, hostReports, type Observed } from './report.ts';
import { stateText } from './service-report.ts';

/** Everything known about one host: `GET /arpanet/v1/hosts/HOST`. Sizes in bytes, times in ms since 1970. */
export interface HostDetail extends HostReport {
  readonly joinedAtMs?: number | undefined;
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
  const report = hostNamed(name, hostReports(observed));
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
      .map((lease) => ({ lease, network: networkOf.get(lease.network) }))
      .map(({ lease, network }) => ({
        name: network?.name ?? lease.network,
        cidr: network?.cidr ?? '',
        gateway: (network?.isGatewayShared === true ? network.gateway : undefined) ?? lease.ip,
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
