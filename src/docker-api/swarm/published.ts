/**
 * Published ports of the services API: those of mode ingress are answered by every host, where all hosts can (label `arpanet.ingress`); elsewhere, and
 * those of mode host, on the hosts that run the instances. Pure.
 */
import {
  ArpanetError,
  clusterUse,
  type CreateRequest,
  type HostView,
  labels,
  type ServiceId,
  serviceKey,
  serviceName,
  type ServiceView,
} from '../../model/index.ts';
import { urlPort } from '../../text/host-port.ts';
import { formatIngress, ingressOf } from '../../text/ingress-label.ts';
import type { PortConfig, ServiceSpec } from './types.ts';

/** Swarmkit's own (manager/allocator/portallocator.go, `dynamicPortStart`): below the ports that Linux gives to connections. */
const [FIRST, LAST] = [30_000, 32_767];

/** Whether all hosts that are alive answer for such ports. */
export function isMeshed(hosts: readonly Pick<HostView, 'state' | 'facts'>[]): boolean {
  const alive = hosts.filter(({ state }) => state === 'alive');
  return alive.length > 0 && alive.every(({ facts }) => facts?.answersPorts === true);
}

const protocolOf = ({ Protocol }: PortConfig): string => Protocol || 'tcp';
const portsIn = (spec: ServiceSpec): readonly PortConfig[] => spec.EndpointSpec?.Ports ?? [];
/** SCTP is left to the hosts of the instances. */
const canBeEverywhere = (port: PortConfig): boolean => port.PublishMode !== 'host' && protocolOf(port) !== 'sctp';
const isEverywhere = (port: PortConfig): boolean => canBeEverywhere(port) && Boolean(port.PublishedPort);

export interface PublishedParts {
  readonly ExposedPorts?: CreateRequest['ExposedPorts'];
  readonly bindings?: Readonly<Record<string, readonly { readonly HostPort: string }[]>>;
  readonly label?: Readonly<Record<string, string>>;
}

/** Of a create request. An Engine's containers expose the ports of mode host, and no others (moby daemon/cluster/executor/container, `exposedPorts`). */
export function publishedParts(spec: ServiceSpec, isOnAllHosts: boolean): PublishedParts {
  const ports = portsIn(spec).filter(({ TargetPort }) => TargetPort !== undefined);
  const everywhere = ports.filter((port) => isOnAllHosts && isEverywhere(port));
  const onHost = ports.filter((port) => !everywhere.includes(port));
  const claims = everywhere.map(({ PublishedPort: port = 0, TargetPort: target = 0, Protocol }) => ({
    port,
    target,
    protocol: Protocol === 'udp' ? ('udp' as const) : ('tcp' as const),
  }));
  const bindings: Record<string, { HostPort: string }[]> = {};
  for (const port of onHost) (bindings[keyOf(port)] ??= []).push({ HostPort: port.PublishedPort ? String(port.PublishedPort) : '' });
  return {
    ...(onHost.length === 0 ? {} : { ExposedPorts: Object.fromEntries(onHost.map((port) => [keyOf(port), {}])), bindings }),
    ...(claims.length === 0 ? {} : { label: { [labels.ingress]: formatIngress(claims) } }),
  };
}

const keyOf = (port: PortConfig): string => `${port.TargetPort}/${protocolOf(port)}`;

/** What a client should know of its ports. */
export function portWarnings(spec: ServiceSpec, isOnAllHosts: boolean): readonly string[] {
  const isOnHosts = portsIn(spec).some((port) => port.PublishMode !== 'host' && !(isOnAllHosts && canBeEverywhere(port)));
  return isOnHosts
    ? ['there is no routing mesh: ports are published on the hosts that run the instances, one instance a host for a fixed port']
    : [];
}

/** With a number for each port of mode ingress that has none: the one that it had, else the first that is free in Swarm mode's own range. */
export function withNumbers(spec: ServiceSpec, before: ServiceSpec | undefined, isTaken: (key: string) => boolean): ServiceSpec {
  if (!portsIn(spec).some((port) => canBeEverywhere(port) && !port.PublishedPort)) return spec;
  const own = new Set(portsIn(spec).flatMap((port) => (port.PublishedPort ? [`${port.PublishedPort}/${protocolOf(port)}`] : [])));
  const numberFor = (port: PortConfig): number | undefined => {
    const isSame = (one: PortConfig): boolean =>
      one.TargetPort === port.TargetPort && protocolOf(one) === protocolOf(port) && isEverywhere(one);
    const candidates = [
      ...portsIn(before ?? {})
        .filter(isSame)
        .map(({ PublishedPort = 0 }) => PublishedPort),
      ...range(),
    ];
    const number = candidates.find((one) => !own.has(`${one}/${protocolOf(port)}`) && !isTaken(`${one}/${protocolOf(port)}`));
    if (number !== undefined) own.add(`${number}/${protocolOf(port)}`);
    return number;
  };
  const Ports = portsIn(spec).map((port) => {
    const number = canBeEverywhere(port) && !port.PublishedPort ? numberFor(port) : undefined;
    return number === undefined ? port : { ...port, PublishedPort: number };
  });
  return { ...spec, EndpointSpec: { ...spec.EndpointSpec, Ports } };
}

function* range(): Generator<number> {
  for (let number = FIRST; number <= LAST; number++) yield number;
}

interface Holder {
  readonly view: ServiceView;
  readonly mode: 'an ingress' | 'a host-published';
}

/** By `8080/tcp`, the service of the cluster that has it, other than this one; one for which every host answers goes before. */
export function portsTaken(views: readonly ServiceView[], own: ServiceId): ReadonlyMap<string, Holder> {
  const holders = new Map<string, Holder>();
  for (const view of views) {
    if (serviceKey(view) === serviceKey(own)) continue;
    const request = view.template?.request;
    for (const [target, list] of Object.entries(request?.HostConfig?.PortBindings ?? {}))
      for (const { HostPort } of list ?? []) {
        const key = `${HostPort}/${target.split('/')[1] ?? 'tcp'}`;
        if (!holders.has(key)) holders.set(key, { view, mode: 'a host-published' });
      }
    for (const { port, protocol } of ingressOf(request?.Labels?.[labels.ingress]))
      holders.set(`${port}/${protocol}`, { view, mode: 'an ingress' });
  }
  return holders;
}

/** TCP ports of the hosts' agents. */
export const agentPorts = (hosts: readonly Pick<HostView, 'record'>[]): readonly number[] =>
  hosts.flatMap(({ record }) => urlPort(`http://${record.gateway}`) ?? []);

/** Throws `invalid` for a port that the cluster itself has on its hosts, where every host would answer for it. */
export function refuseClusterPorts(spec: ServiceSpec, agents: readonly number[]): void {
  for (const port of portsIn(spec).filter(isEverywhere)) {
    const use = clusterUse({ port: port.PublishedPort ?? 0, protocol: port.Protocol === 'udp' ? 'udp' : 'tcp' }, agents);
    if (use === undefined) continue;
    throw new ArpanetError('invalid', `rpc error: code = InvalidArgument desc = port '${port.PublishedPort}' is already in use: ${use}`);
  }
}

/** Throws `invalid` in swarmkit's words (manager/controlapi/service.go, `checkPortConflicts`); two that publish on their hosts alone may share a number. */
export function refuseTaken(
  spec: ServiceSpec,
  isOnAllHosts: boolean,
  holders: ReadonlyMap<string, Holder>,
  idOf: (view: ServiceView) => string,
): void {
  for (const port of portsIn(spec)) {
    const holder = holders.get(`${port.PublishedPort}/${protocolOf(port)}`);
    if (holder === undefined || (holder.mode !== 'an ingress' && !(isOnAllHosts && isEverywhere(port)))) continue;
    throw new ArpanetError(
      'invalid',
      `rpc error: code = InvalidArgument desc = port '${port.PublishedPort}' is already in use by service '${serviceName(holder.view)}' (${idOf(holder.view)}) as ${holder.mode} port`,
    );
  }
}
