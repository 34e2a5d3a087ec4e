/** Whom a name means to the container that calls it, and which calls try the way there; what the doctor looks at. Pure. */
import { answering, type DialResult, dnsLabel, dnsName, type NamedInstance, type OutsideName } from '../model/index.ts';
import type { Finding } from './audit.ts';
import { instancesCalled } from './instance-reference.ts';
import type { HostReport, NetworkReport } from './reports/report.ts';
import type { InstanceReport, ServiceReport } from './reports/service-report.ts';

export interface DoctorInput {
  /** The calling container, as the user named it: a container, `1.web.abc`, `web-1`, or a service. */
  readonly from: string;
  /** The name that it calls; with `:PORT`, that port is tried. */
  readonly name: string;
  readonly names: readonly NamedInstance[];
  /** State and health of the instances of all services. */
  readonly instances: readonly (InstanceReport & Pick<ServiceReport, 'deployment' | 'service'>)[];
  readonly hosts: readonly HostReport[];
  readonly networks: readonly NetworkReport[];
  readonly findings: readonly Finding[];
  readonly outside: readonly OutsideName[];
  /** The results of the calls that `callsOf` lists, of those that their host could make. */
  readonly dialled?: readonly (Call & DialResult)[];
  /** The same calls made from the targets' own hosts, of those that got no answer. */
  readonly near?: readonly (Call & DialResult)[];
  /** Hosts that are said to be alive, and did not answer a moment ago: the reason of each. */
  readonly silent?: ReadonlyMap<string, string>;
}

/** A call of a port that doctor tries: from which host, of which container, at which address. */
export interface Call {
  /** The sender's: the call goes the way that the sender's would. */
  readonly host: string;
  /** The host of the container that is called. */
  readonly targetHost: string;
  readonly container: string;
  readonly address: string;
  readonly port: number;
}

/** More calls would show nothing new. */
const MOST_CALLS = 32;

/** The calls to try: to the port that is given, else to those that the targets expose. */
export function callsOf(input: DoctorInput): readonly Call[] {
  const sender = senderOf(input.from, input.names);
  if (sender === undefined) return [];
  const published = publishedAt(sender, input);
  const calls = published === undefined ? callsByName(sender, input) : callsBehind(published);
  return calls.slice(0, MOST_CALLS);
}

/** Of UDP nothing can be said: who listens need not answer. */
function callsBehind({ port, protocol, targets }: PublishedPort): readonly Call[] {
  if (protocol !== 'tcp') return [];
  return answering(targets, false).flatMap((one) => {
    const target = claimOf(one, port, 'tcp')?.target;
    const address = one.ingress?.address;
    if (target === undefined || address === undefined) return [];
    return [{ host: one.host, targetHost: one.host, container: one.container, address, port: target }];
  });
}

function callsByName(sender: NamedInstance, { name: text, names }: DoctorInput): readonly Call[] {
  const { name, port: given } = withPort(text);
  const { targets, isOwn } = targetsOf(sender, name, names);
  const site = targets.length > 0 ? undefined : siteCalled(text, names);
  if (site !== undefined) return callsBehindSite(site);
  return answering(targets, isOwn).flatMap((one) => {
    const address = sharedNetwork(sender, one) === undefined ? undefined : addressFor(sender, one);
    const ports = given === undefined ? one.ports.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port) : [given];
    const call = { host: sender.host, targetHost: one.host, container: one.container };
    return address === undefined ? [] : ports.map((port) => ({ ...call, address, port }));
  });
}

/** A port of a host, and who is behind it. */
export interface PublishedPort {
  readonly host: HostReport;
  readonly port: number;
  /** TCP where services have both. */
  readonly protocol: 'tcp' | 'udp';
  readonly targets: readonly NamedInstance[];
}

const claimOf = ({ ingress }: NamedInstance, port: number, protocol: 'tcp' | 'udp') =>
  ingress?.ports.find((one) => one.port === port && one.protocol === protocol);

/** `h1:8080`, a port of a host, by its name or address, where every host answers for it. Undefined: it is no host, or the sender calls a service or container so. */
export function publishedAt(sender: NamedInstance, { name: text, hosts, names, outside }: DoctorInput): PublishedPort | undefined {
  const { name, port } = withPort(text);
  const host = hosts.find((one) => one.name === name || one.address === name);
  if (host === undefined || port === undefined) return undefined;
  const { targets: called, full } = targetsOf(sender, name, names);
  if (host.address !== name && (called.length > 0 || outside.some((one) => isOutside(one, full)))) return undefined;
  const claiming = (protocol: 'tcp' | 'udp') => names.filter((one) => claimOf(one, port, protocol) !== undefined);
  const tcp = claiming('tcp');
  const [protocol, targets] = tcp.length > 0 ? (['tcp', tcp] as const) : (['udp', claiming('udp')] as const);
  return { host, port, protocol, targets };
}

/** A name and path of the label `arpanet.http`, and who is behind it. */
export interface CalledSite {
  /** `shop.example.com/api` */
  readonly site: string;
  readonly targets: readonly NamedInstance[];
}

/** `shop.example.com/api/x`, also as a URL: the longest name and path that fits, as a proxy takes it. Undefined: it is none of a service. */
export function siteCalled(text: string, names: readonly NamedInstance[]): CalledSite | undefined {
  const [, host = '', path = ''] = /^(?:https?:\/\/)?([^/:]+)(?::\d{1,5})?(\/.*)?$/.exec(text) ?? [];
  const asked = `${host.toLowerCase()}${path}/`;
  const sites = new Set(names.flatMap(({ http }) => http?.sites.filter((site) => asked.startsWith(site)) ?? []));
  const [site] = [...sites].toSorted((a, b) => b.length - a.length);
  if (site === undefined) return undefined;
  return { site: site.replace(/\/$/, ''), targets: names.filter(({ http }) => http?.sites.includes(site)) };
}

/** Each from the instance's own host, as its proxy calls it. */
export function callsBehindSite({ targets }: CalledSite): readonly Call[] {
  return answering(targets, false).flatMap(({ host, container, http }) =>
    http === undefined ? [] : [{ host, targetHost: host, container, address: http.address, port: http.port }],
  );
}

/** Whether an operator added this whole name. */
export const isOutside = ({ name }: OutsideName, full: string): boolean => `${name}.service.consul` === full;

/** `pricing:8080` */
export function withPort(text: string): { readonly name: string; readonly port: number | undefined } {
  const [, given = text, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  // `abc/pricing` as other commands take it
  const name = given.replace(/^([^/]+)\/([^/]+)$/, '$2.$1');
  return { name, port: port === undefined ? undefined : Number(port) };
}

export const sharedNetwork = (sender: NamedInstance, one: NamedInstance): string | undefined =>
  Object.keys(sender.addresses).find((network) => one.addresses[network] !== undefined);

/** In a network of both, if there is one. */
export const addressFor = (sender: NamedInstance, one: NamedInstance): string | undefined =>
  one.addresses[sharedNetwork(sender, one) ?? Object.keys(one.addresses)[0] ?? ''];

/** Of a service, its first instance that is ready. */
export function senderOf(from: string, names: readonly NamedInstance[]): NamedInstance | undefined {
  const called = instancesCalled(from, names).toSorted((a, b) => a.number - b.number);
  if (deploymentsOf(called).length > 1) return undefined;
  return called.find(({ ready }) => ready) ?? called[0];
}

export const deploymentsOf = (instances: readonly NamedInstance[]) =>
  [...new Set(instances.map(({ deployment }) => deployment))].toSorted();

/** As the sender's search domain and links would have it. */
export function targetsOf(
  sender: NamedInstance,
  name: string,
  names: readonly NamedInstance[],
): { readonly targets: readonly NamedInstance[]; readonly full: string; readonly isOwn: boolean } {
  const bare = name
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/\.service\.consul$/, '');
  const linked = sender.links[bare] ?? bare;
  const called = (one: NamedInstance, what: string, aliases = Object.values(one.aliases).flat()) =>
    [
      ...servicesOf(one),
      ...servicesOf(one).map((service) => `${one.number}.${service}`),
      ...[one.name, one.container.slice(0, 12), one.hostname ?? '', ...aliases].map(dnsName),
    ].includes(what);
  const servicesOf = ({ service }: NamedInstance) => [dnsName(service), dnsLabel(service)];
  const isOwnOf = ([first, ...more]: readonly NamedInstance[], what: string) =>
    first !== undefined && more.length === 0 && !servicesOf(first).includes(what);
  const own = names.filter((one) => one.deployment === sender.deployment && called(one, linked));
  const ownDomain = dnsLabel(sender.deployment);
  const ofOwn = { targets: own, full: `${linked}.${ownDomain}.service.consul`, isOwn: isOwnOf(own, linked) };
  if (own.some((one) => sharedNetwork(sender, one) !== undefined)) return ofOwn;
  // in a network that several deployments share, each finds the others by bare name
  const sharing = names.filter((one) =>
    Object.keys(sender.addresses).some(
      (network) => one.addresses[network] !== undefined && called(one, bare, [...(one.aliases[network] ?? [])]),
    ),
  );
  if (sharing.length > 0) return { targets: sharing, full: bare, isOwn: isOwnOf(sharing, bare) };
  if (own.length > 0) return ofOwn;
  const before = ({ deployment }: NamedInstance) =>
    [dnsLabel(deployment), dnsName(deployment)].flatMap((domain) =>
      bare.endsWith(`.${domain}`) ? [bare.slice(0, -domain.length - 1)] : [],
    );
  const others = names.filter((one) => before(one).some((what) => called(one, what)));
  const isOwn = others[0] !== undefined && before(others[0]).every((what) => isOwnOf(others, what));
  return { targets: others, full: `${bare}${others.length > 0 ? '' : `.${ownDomain}`}.service.consul`, isOwn };
}
