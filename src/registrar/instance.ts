/** Which instances there are, their names, and which of them DNS may answer with. Pure. */
import {
  canaryOf,
  type ContainerInspect,
  type ContainerRecord,
  type ContainerView,
  dnsLabel,
  isOfSwarm,
  labels,
  type NamedInstance,
  type NetworkRecord,
  serviceKey,
  serviceName,
} from '../model/index.ts';
import { ipv6At, isPassedOn } from '../networks/index.ts';
import { each, fenced } from '../telemetry/left-out.ts';
import { hasTemplate } from '../text/go-template/index.ts';
import { parseAddress } from '../text/ipv4.ts';
import { canonicalIpv6, parseIpv6 } from '../text/ipv6.ts';
import { httpOf } from '../text/http-label.ts';
import { ingressOf } from '../text/ingress-label.ts';
import { isServiceName } from '../text/names.ts';

export interface InstancesInput {
  readonly records: readonly ContainerRecord[];
  readonly containers: readonly ContainerView[];
  /** Ids of containers about to be stopped, killed or removed. */
  readonly withdrawn: Has;
  /** Names of hosts whose state is unknown: not connected since the election, or suspect. Their containers count as running, as before. */
  readonly joining: Has;
  /** Names of hosts that nothing reaches now: theirs are out, as of hosts that are down, also where their state is unknown. */
  readonly cutOff?: Has;
  /** The record of a network by its id. */
  readonly networkOf?: (id: string) => NetworkRecord | undefined;
  /** The one address of a service (`DEPLOYMENT/SERVICE`) in a network. */
  readonly vipOf?: (network: string, service: string) => string | undefined;
  /** Where the targets of links are looked for; absent: the records given are all there are. */
  readonly linked?: Linked;
}

type Has = Pick<ReadonlySet<string>, 'has'>;

/** What links may lead to. */
export interface Linked {
  /** The record of a container by its name, or by its id or the beginning of that. */
  readonly find: (target: string) => ContainerRecord | undefined;
  /** `web.abc`: the deployment has such a service. */
  readonly hasService: (service: string) => boolean;
}

const nameOf = ({ name }: ContainerRecord): string => name;

interface Candidate {
  readonly record: ContainerRecord;
  readonly container: string;
  readonly host: string;
  readonly state: NamedInstance['state'];
  readonly isReady: boolean;
  readonly hostname: string | undefined;
  readonly ports: NamedInstance['ports'];
}

/**
 * One entry for each recorded container that exists, sorted by id. A container made directly on an Engine has no record and so no name; nor has
 * one that was replaced on another host, because the record has the id of its replacement.
 *
 * While compose recreates a container, two of them are one instance. The id `1.web.abc` belongs to the ready one, of two ready ones to the
 * newer; the other's id has the container's short id appended, so that both can be in the catalog.
 */
export function instancesOf(input: InstancesInput): readonly NamedInstance[] {
  const { networkOf = () => undefined, vipOf = () => undefined } = input;
  const isPart = input.linked === undefined ? {} : { isPart: true as const };
  const seen = new Map(input.containers.map((view) => [view.id, view]));
  const candidates = [
    ...fenced({ kind: 'container', of: 'the instances', ...isPart }, input.records, nameOf, (record) => {
      const candidate = candidateOf(record, seen.get(record.id ?? ''), input);
      return candidate === undefined ? [] : [candidate];
    }),
  ];
  const linkTo = linker(input.linked ?? linkedIn(input.records));
  const idsTaken = new Set<string>();
  const toNamed = (candidate: Candidate): NamedInstance => {
    const { record, container, host, state, isReady, hostname, ports } = candidate;
    const { name, deployment, service, number, addresses, aliases } = record;
    const plain = plainId({ number, service, deployment });
    const id = idsTaken.has(plain) ? `${plain}.${container.slice(0, 12)}` : plain;
    idsTaken.add(plain);
    const all = [...(record.linkedHosts ?? []), ...record.links];
    const links = Object.fromEntries(
      all.flatMap((link) => {
        const to = linkTo(record, link);
        return to === undefined ? [] : [[link.alias, to] as const];
      }),
    );
    const addresses6 = addresses6Of(record, networkOf);
    return {
      id,
      container,
      name,
      deployment,
      service,
      number,
      host,
      addresses,
      aliases,
      links,
      ports,
      state,
      ...vipsOf(record, vipOf),
      ...addresses6,
      ...(isOfSwarm(record.request.Labels ?? {}) && { swarmService: serviceName(record) }),
      ready: isReady,
      ...(hostname !== undefined && { hostname }),
      ...(record.request.Labels?.[labels.dns] === 'healthy' && { strict: true }),
      ...(record.request.Labels?.[labels.allowFrom] && { allowFrom: record.request.Labels[labels.allowFrom] }),
      ...serversOf(record.request.HostConfig?.Dns ?? []),
      ...ingressAt(record, networkOf, addresses6.addresses6),
      ...httpAt(record, ports, networkOf),
    };
  };
  const named = each(
    { kind: 'container', of: 'the name table', ...isPart },
    candidates.sort(byPrecedence),
    ({ record }) => nameOf(record),
    toNamed,
  );
  return named.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** An Engine's resolver asks three servers (moby libnetwork/resolver.go, `maxExtDNS`), and the agent is the first of them. */
const ASKED_BY_ENGINE = 2;

/** One on the container's own loopback can be asked from inside only. */
const isOutside = (server: string): boolean =>
  !/^(?:127\.|::1$)/.test(server) && (parseAddress(server) !== undefined || parseIpv6(server) !== undefined);

function serversOf(servers: readonly string[]): Pick<NamedInstance, 'hasServers' | 'servers'> {
  if (servers.length === 0) return {};
  const isAskedHere = servers.length > ASKED_BY_ENGINE && servers.every(isOutside);
  return { hasServers: true, ...(isAskedHere ? { servers } : {}) };
}

function vipsOf(record: ContainerRecord, vipOf: NonNullable<InstancesInput['vipOf']>): Pick<NamedInstance, 'vips'> {
  if (record.request.Labels?.[labels.vip] !== 'true') return {};
  const found = Object.keys(record.addresses).flatMap((network): [string, string][] => {
    const address = vipOf(network, serviceKey(record));
    return address === undefined ? [] : [[network, address]];
  });
  return found.length === 0 ? {} : { vips: Object.fromEntries(found) };
}

/** The addresses that go with its leases in networks with IPv6, or that its user asked for. */
function addresses6Of(
  { addresses, request, connected }: ContainerRecord,
  networkOf: (id: string) => NetworkRecord | undefined,
): Pick<NamedInstance, 'addresses6'> {
  const found = Object.entries(addresses).flatMap(([id, ip]): [string, string][] => {
    const network = networkOf(id);
    if (network?.ipv6?.isEnabled !== true) return [];
    const endpoints = request.NetworkingConfig?.EndpointsConfig ?? {};
    const asked = (connected?.[id] ?? endpoints[network.name] ?? endpoints[id])?.IPAMConfig?.IPv6Address;
    const address = asked ? canonicalIpv6(asked) : ipv6At(network, ip);
    return address === undefined ? [] : [[id, address]];
  });
  return found.length === 0 ? {} : { addresses6: Object.fromEntries(found) };
}

/** Each address is that of the first network that its host passes packets on to, and that has such addresses. */
function ingressAt(
  record: ContainerRecord,
  networkOf: NetworkOf,
  addresses6: NamedInstance['addresses6'] = {},
): Pick<NamedInstance, 'ingress'> {
  const ports = ingressOf(record.request.Labels?.[labels.ingress]);
  const address = ports.length === 0 ? undefined : reachedAt(record.addresses, networkOf);
  const address6 = reachedAt(addresses6, networkOf);
  if (address === undefined) return {};
  const isProxied = record.request.Labels?.[labels.proxyProtocol] === 'true';
  return { ingress: { address, ...(address6 === undefined ? {} : { address6 }), ports, ...(isProxied && { isProxied }) } };
}

const HTTP_PORT = 80;

function httpAt(record: ContainerRecord, exposed: NamedInstance['ports'], networkOf: NetworkOf): Pick<NamedInstance, 'http'> {
  const given = record.request.Labels ?? {};
  const claim = httpOf(given[labels.http]);
  const address = claim === undefined ? undefined : reachedAt(record.addresses, networkOf);
  if (claim === undefined || address === undefined) return {};
  const [only, ...others] = exposed.filter(({ protocol }) => protocol === 'tcp');
  const port = claim.port ?? (others.length === 0 ? only?.port : undefined) ?? HTTP_PORT;
  const canary = canaryOf(given[labels.canary]);
  const { sites, isH2c, isSticky } = claim;
  return {
    http: { sites, address, port, ...(isH2c && { isH2c }), ...(isSticky && { isSticky }), ...(canary !== undefined && { canary }) },
  };
}

type NetworkOf = (id: string) => NetworkRecord | undefined;

/** The first of these, by network, that its host passes packets on to. */
function reachedAt(addresses: Readonly<Record<string, string>>, networkOf: NetworkOf): string | undefined {
  const isOpen = (id: string): boolean => {
    const network = networkOf(id);
    return network === undefined || isPassedOn(network);
  };
  return Object.entries(addresses).find(([id]) => isOpen(id))?.[1];
}

/** The id that one of those of this number has. */
export const plainId = ({ number, service, deployment }: Pick<ContainerRecord, 'number' | 'service' | 'deployment'>): string =>
  `${number}.${idPart(service)}.${idPart(deployment)}`;

/** Ids have three parts and two dots. */
const idPart = (name: string): string => (isServiceName(name) ? name : dnsLabel(name));

function candidateOf(
  record: ContainerRecord,
  view: ContainerView | undefined,
  { withdrawn, joining, cutOff }: InstancesInput,
): Candidate | undefined {
  const container = record.id;
  if (container === undefined || (view === undefined && !joining.has(record.host))) return undefined;
  const engine = view?.facts.inspect.State;
  const isDown = view !== undefined && !joining.has(view.host) && view.hostState === 'down';
  const isAway = isDown || cutOff?.has(view?.host ?? record.host) === true;
  const isOut = withdrawn.has(container) || isAway;
  const state = isOut ? 'out' : engine === undefined ? 'running' : stateOf(engine);
  const isReady = state === 'running' && (engine === undefined || record.request.Labels?.[labels.dns] === 'running' || isHealthy(engine));
  const ports = portsOf((view?.facts.inspect.Config ?? record.request).ExposedPorts);
  return { record, container, host: view?.host ?? record.host, state, isReady, hostname: hostnameOf(record, view), ports };
}

/** A template is filled in for each instance. */
function hostnameOf({ request }: ContainerRecord, view: ContainerView | undefined): string | undefined {
  const isTemplate = Boolean(request.Labels?.[labels.templates]) && hasTemplate(request.Hostname ?? '');
  return (isTemplate ? view?.facts.inspect.Config.Hostname : request.Hostname) || undefined;
}

function stateOf({ Running, Paused, Restarting, Dead }: ContainerInspect['State']): NamedInstance['state'] {
  if (!Running || Restarting || Dead) return 'out';
  return Paused ? 'paused' : 'running';
}

/** Healthy, or without a health check. */
function isHealthy({ Health }: ContainerInspect['State']): boolean {
  const health = Health?.Status ?? '';
  return health === '' || health === 'none' || health === 'healthy';
}

/** The container that gets the instance's plain id comes first. */
function byPrecedence(a: Candidate, b: Candidate): number {
  return Number(b.isReady) - Number(a.isReady) || b.record.createdAtMs - a.record.createdAtMs || (a.container < b.container ? -1 : 1);
}

/**
 * What a link's alias resolves to: the target container if the alias is its name or its `<service>_<n>`, else its whole service, so that all
 * replicas are found. If the target does not exist any more, an alias that names a service means that service. Undefined: the link is of a network
 * that one of the two is not on.
 */
function linker({ find, hasService }: Linked) {
  return ({ deployment, addresses }: ContainerRecord, { target, alias, network }: ContainerRecord['links'][number]): string | undefined => {
    const found = find(target);
    const isOn = (on: ContainerRecord['addresses'] | undefined): boolean =>
      network === undefined || on === undefined || on[network] !== undefined;
    if (!isOn(addresses) || !isOn(found?.addresses)) return undefined;
    if (found === undefined) return hasService(`${alias}.${deployment}`) ? alias : target;
    const { name, service, number } = found;
    const isOneContainer = [name, `${service}_${number}`, `${service}-${number}`].includes(alias) || found.deployment !== deployment;
    return isOneContainer ? name : service;
  };
}

/** A link's target may be one's id, or the beginning of it. */
export const isIdLike = (target: string): boolean => /^[0-9a-f]{12,64}$/.test(target);

function linkedIn(records: readonly ContainerRecord[]): Linked {
  const byName = new Map(records.map((record) => [record.name, record]));
  const services = new Set(records.map((record) => `${record.service}.${record.deployment}`));
  return {
    find: (target) => byName.get(target) ?? (isIdLike(target) ? records.find(({ id }) => id?.startsWith(target)) : undefined),
    hasService: (service) => services.has(service),
  };
}

const MOST_PORT = 65_535;

/** `{"80/tcp": {}, "53/udp": {}}`, lowest first. */
function portsOf(exposed: ContainerInspect['Config']['ExposedPorts']): NamedInstance['ports'] {
  const ports: { port: number; protocol: string }[] = [];
  for (const text in exposed) {
    const [, port, protocol = 'tcp'] = /^(\d{1,5})(?:\/(\w+))?$/.exec(text) ?? [];
    if (port !== undefined && Number(port) <= MOST_PORT) ports.push({ port: Number(port), protocol });
  }
  return ports.sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}
