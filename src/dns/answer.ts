/**
 * Decides the answer to a query. Pure.
 *
 * A client whose address is that of an instance sees the instances that it shares a network with, and no others; any other client (the host)
 * sees all.
 */
import { answering, dnsLabel, type NamedInstance, type OutsideEntry } from '../model/index.ts';
import type { Owner, Scope, Targets, Zone } from './zone.ts';
import { addressOfReverseName } from '../text/ipv4.ts';
import { addressOfReverseName6 } from '../text/ipv6.ts';

export const TYPE = { A: 1, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, ANY: 255 } as const;

export interface Question {
  /** In lower case, without the dot at the end. */
  readonly name: string;
  readonly type: number;
}

/** A record to be encoded; its time to live is 0. `name` undefined: the name of the query. */
export type DnsRecord = { readonly name?: string } & (
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME' | 'PTR'; readonly target: string }
  | { readonly type: 'SRV'; readonly priority?: number; readonly weight?: number; readonly port: number; readonly target: string }
  | { readonly type: 'TXT'; readonly text: string }
);

export type Decision =
  /** `isForClient`: others of its scope may get another answer. */
  | { readonly kind: 'addresses'; readonly addresses: readonly string[]; readonly isForClient?: true }
  | {
      readonly kind: 'records';
      readonly answers: readonly DnsRecord[];
      readonly additional: readonly DnsRecord[];
      readonly isForClient?: true;
    }
  /** The query is for the SOA record itself. */
  | { readonly kind: 'authority'; readonly origin: string }
  /** `origin`: the zone whose SOA record goes with it (RFC 2308). */
  | { readonly kind: 'nodata' | 'nxdomain'; readonly origin: string; readonly isForClient?: true }
  /** The name is an alias of `target`, which another server knows. Stub resolvers do not follow aliases, so this server does. */
  | { readonly kind: 'chase'; readonly target: string; readonly answers: readonly DnsRecord[] }
  /** Any other name below `.consul`: only Consul's DNS can know it. `otherwise`: the answer without one. */
  | { readonly kind: 'consul'; readonly otherwise: 'nxdomain' | 'refer' }
  /** The client's own servers are asked for it: its Engine's resolver goes on to them after a SERVFAIL (libnetwork/resolver.go, all versions since 1.12). */
  | { readonly kind: 'refer' }
  /** `isBare`: a name of one label; if no server upstream answers, it does not exist. `servers`: the client's own. */
  | { readonly kind: 'forward'; readonly isBare: boolean; readonly servers?: readonly string[] };

interface Found {
  readonly instance: NamedInstance;
  readonly address: string;
  readonly address6: string | undefined;
  readonly isOwn: boolean;
  /** The one address of its service, where that is what the name means. */
  readonly vip: string | undefined;
}

/** A name without its service prefix: `_pricing._tcp.abc` is `pricing.abc` over tcp; `_age.pricing.abc` is the age of the name table. */
interface Reading {
  readonly name: string;
  readonly protocol?: string;
  readonly isAge?: true;
}

type Known = Reading & { readonly found: readonly Found[] };

const zoneName = 'service.consul';
const zoneSuffix = `.${zoneName}`;

/** Whether this client's kernel leads this address of a service to its instances: other clients get those. */
export type LeadsTo = (client: string, vip: string) => boolean;

/** `client`: its IP address. `nowMs`: Unix time. */
export function decide(zone: Zone, question: Question, client: string, nowMs: number, leadsTo: LeadsTo = () => false): Decision {
  const { name, type } = question;
  const scope = zone.scopes.get(client);
  const leads = (vip: string): boolean => leadsTo(client, vip);
  const known = (reading: Known, origin: string): Decision =>
    behindOne(reading, type, origin, () => reply(zone, type, reading, origin, nowMs), leads);
  if (name === zoneName) return { kind: type === TYPE.SOA ? 'authority' : 'nodata', origin: 'consul' };
  const outside = outsideEntries(zone, scope, name);
  if (outside !== undefined) return outsideReply(zone, question, outside, client, nowMs);
  if (name.endsWith(zoneSuffix)) {
    const reading = read(name.slice(0, -zoneSuffix.length), (each) => fullName(zone, scope, each));
    if (reading) return known(reading, 'consul');
    // Others may have registered services in the same Consul.
    return isOurs(zone, scope, name) ? { kind: 'nxdomain', origin: 'consul' } : { kind: 'consul', otherwise: 'nxdomain' };
  }
  if (scope) {
    const reading = read(name, (each) => bareName(zone, scope, each));
    if (reading) return known(reading, '');
  }
  const address = addressOfReverseName(name);
  if (address !== undefined) return pointer(zone, type, address, scope);
  const owner6 = zone.owners6.get(addressOfReverseName6(name) ?? '');
  if (owner6 !== undefined) return pointerTo(owner6, type, 'ip6.arpa', scope);
  const hasServers = scope?.hasServers === true;
  if (scope && isHidden(zone, scope, name)) return { kind: 'nxdomain', origin: 'consul' };
  if (name.endsWith('.consul')) return { kind: 'consul', otherwise: hasServers ? 'refer' : 'nxdomain' };
  return hasServers ? referred(scope) : { kind: 'forward', isBare: !name.includes('.') && name !== '' };
}

/** After the servers that are asked here, its Engine's resolver goes on to those that it asks itself. */
const referred = ({ servers }: Scope): Decision =>
  servers === undefined ? { kind: 'refer' } : { kind: 'forward', isBare: false, servers };

/** Whether a name with a data centre (`db.abc.service.dc1.consul`) is of a deployment that the client has no part in: Consul would tell it. */
function isHidden(zone: Zone, scope: Scope, name: string): boolean {
  const [, deployment] = /(?:^|\.)([^.]+)\.service\.[^.]+\.consul$/.exec(name) ?? [];
  return deployment !== undefined && deployment !== scope.deployment && zone.deployments?.has(deployment) === true;
}

/** Whether a name below `service.consul` is, or may be, below one of our deployments: then no other server is asked. */
function isOurs(zone: Zone, scope: Scope | undefined, name: string): boolean {
  const deployment = name.slice(name.lastIndexOf('.', name.length - zoneSuffix.length - 1) + 1, -zoneSuffix.length);
  return (
    zone.deployments === undefined || deployment === scope?.deployment || zone.deployments.has(deployment) || zone.names.has(deployment)
  );
}

/** Manual records of this name, unless an instance has the name, or a link of the client. */
function outsideEntries(zone: Zone, scope: Scope | undefined, name: string): readonly OutsideEntry[] | undefined {
  if (zone.outside.size === 0) return undefined;
  const full = name.endsWith(zoneSuffix) ? name.slice(0, -zoneSuffix.length) : scope && `${name}.${scope.deployment}`;
  if (full === undefined || zone.names.has(full)) return undefined;
  const isLinked =
    scope !== undefined && full.endsWith(`.${scope.deployment}`) && scope.links.has(full.slice(0, -scope.deployment.length - 1));
  return isLinked ? undefined : zone.outside.get(full);
}

/** An alias may point to another alias; a loop of them must end. */
const maxAliases = 8;

function outsideReply(
  zone: Zone,
  { name, type }: Question,
  entries: readonly OutsideEntry[],
  client: string,
  nowMs: number,
  depth = 0,
): Decision {
  const origin = name.endsWith(zoneSuffix) ? 'consul' : '';
  const alias = entries.find((entry) => entry.type === 'CNAME')?.value;
  if (alias === undefined || type === TYPE.CNAME || type === TYPE.ANY) {
    const own = entries.filter((entry) => type === TYPE.ANY || TYPE[entry.type] === type);
    if (own.length === 0) return { kind: 'nodata', origin };
    if (type === TYPE.A) return { kind: 'addresses', addresses: own.map((entry) => entry.value) };
    return { kind: 'records', answers: own.map(recordOf), additional: [] };
  }
  const link: DnsRecord = { type: 'CNAME', name, target: alias };
  if (!alias.endsWith(zoneSuffix)) return { kind: 'chase', target: alias, answers: [link] };
  const next = { name: alias, type };
  const further = outsideEntries(zone, zone.scopes.get(client), alias);
  const found =
    depth >= maxAliases
      ? undefined
      : further === undefined
        ? decide(zone, next, client, nowMs)
        : outsideReply(zone, next, further, client, nowMs, depth + 1);
  switch (found?.kind) {
    case 'addresses':
      return {
        kind: 'records',
        answers: [link, ...found.addresses.map((address): DnsRecord => ({ type: 'A', name: alias, address }))],
        additional: [],
      };
    case 'records':
      return { ...found, answers: [link, ...found.answers.map((record) => ({ name: alias, ...record }))] };
    case 'chase':
      return { ...found, answers: [link, ...found.answers] };
    default:
      return { kind: 'records', answers: [link], additional: [] };
  }
}

function recordOf({ type, value }: OutsideEntry): DnsRecord {
  switch (type) {
    case 'A':
    case 'AAAA':
      return { type, address: value };
    case 'CNAME':
      return { type, target: value };
    case 'TXT':
      return { type, text: value };
    default: {
      const [priority = 0, weight = 0, port = 0] = value.split(' ').map(Number);
      return { type, priority, weight, port, target: value.split(' ')[3] ?? '' };
    }
  }
}

/** The first reading of a name that is known; the whole name is tried first. */
function read(name: string, find: (name: string) => readonly Found[] | undefined): Known | undefined {
  for (const reading of readings(name)) {
    const found = reading.name === '' ? [] : find(reading.name);
    if (found) return { ...reading, found };
  }
  return undefined;
}

function readings(name: string): readonly Reading[] {
  if (!name.startsWith('_')) return [{ name }];
  if (name === '_age') return [{ name: '', isAge: true }];
  if (name.startsWith('_age.')) return [{ name }, { name: name.slice(5), isAge: true }];
  const [service = '', label = '', ...rest] = name.split('.');
  if (!label.startsWith('_')) return [{ name }];
  const protocol = label.slice(1);
  const isProtocol = protocol === 'tcp' || protocol === 'udp';
  // Consul's own form of RFC 2782 has a tag in the second place: `_abc._pricing` is `pricing.abc`.
  const plain = [...(isProtocol ? [] : [protocol]), service.slice(1), ...rest].join('.');
  return [{ name }, isProtocol ? { name: plain, protocol } : { name: plain }];
}

type Reply = Extract<Decision, { readonly kind: 'addresses' | 'records' | 'nodata' | 'nxdomain' }>;

/** The answer of a name that means a service with one address, to a client that can use that; else the usual one. */
function behindOne({ found, isAge }: Known, type: number, origin: string, usual: () => Reply, leads: (vip: string) => boolean): Reply {
  const [vip, ...others] = new Set(found.map((one) => one.vip));
  if (vip === undefined || others.length > 0 || isAge === true || type === TYPE.SRV) return usual();
  if (leads(vip))
    return type === TYPE.A || type === TYPE.ANY
      ? { kind: 'addresses', addresses: [vip], isForClient: true }
      : { kind: 'nodata', origin, isForClient: true };
  return { ...usual(), isForClient: true };
}

function reply(zone: Zone, type: number, reading: Known, origin: string, nowMs: number): Reply {
  if (reading.isAge) {
    const text = String(Math.max(0, Math.floor((nowMs - zone.atMs) / 1000)));
    return type === TYPE.TXT || type === TYPE.ANY
      ? { kind: 'records', answers: [{ type: 'TXT', text }], additional: [] }
      : { kind: 'nodata', origin };
  }
  const [first, ...others] = reading.found;
  const isOwn = first?.isOwn === true && others.length === 0;
  const instances = reading.found.map(({ instance }) => instance);
  const answers = new Set(answering(instances, isOwn));
  const found = reading.found.filter(({ instance }) => answers.has(instance));
  if (found.length === 0) return { kind: 'nxdomain', origin };
  if (type === TYPE.A || type === TYPE.ANY) return { kind: 'addresses', addresses: found.map(({ address }) => address) };
  if (type === TYPE.AAAA) {
    const answers = found.flatMap(({ address6 }): DnsRecord[] => (address6 === undefined ? [] : [{ type: 'AAAA', address: address6 }]));
    return answers.length === 0 ? { kind: 'nodata', origin } : { kind: 'records', answers, additional: [] };
  }
  if (type !== TYPE.SRV) return { kind: 'nodata', origin };
  const offers = found.flatMap((one) => services(one, reading.protocol));
  if (offers.length === 0) return { kind: 'nodata', origin };
  const hosts = new Map(offers.map(({ target, address }) => [target, { type: 'A', name: target, address } as const]));
  return { kind: 'records', answers: offers.map(({ port, target }) => ({ type: 'SRV', port, target })), additional: [...hosts.values()] };
}

function services({ instance, address }: Found, protocol: string | undefined): { port: number; target: string; address: string }[] {
  const target = hostName(instance);
  if (target === undefined) return [];
  return instance.ports
    .filter((each) => protocol === undefined || each.protocol === protocol)
    .map(({ port }) => ({ port, target, address }));
}

/** `2.pricing.abc.service.consul`; undefined if it is no valid DNS name (RFC 1035 section 2.3.4). */
function hostName(instance: NamedInstance): string | undefined {
  const name = `${instance.number}.${dnsLabel(instance.service)}.${dnsLabel(instance.deployment)}${zoneSuffix}`;
  return name.length <= 253 ? name : undefined;
}

/**
 * A name below `service.consul`. Below the client's own deployment it may be a bare name with the search domain appended: a container's resolver
 * may ask so, and asks only so where its user has set `ndots`.
 */
function fullName(zone: Zone, scope: Scope | undefined, name: string): readonly Found[] | undefined {
  if (scope && name.endsWith(`.${scope.deployment}`)) return bareName(zone, scope, name.slice(0, -scope.deployment.length - 1));
  return visible(zone.names.get(name), scope);
}

/** A name without a domain: a link, a name of the client's own deployment, or of another deployment on a shared network. */
function bareName(zone: Zone, scope: Scope, name: string): readonly Found[] | undefined {
  return linked(zone, scope, name) ?? neighbour(zone, scope, name);
}

/** compose v1 links `abc_pricing_1` as `pricing`, but means the service: such a link must not hide instances 2 and 3. */
function linked(zone: Zone, scope: Scope, alias: string): readonly Found[] | undefined {
  const name = scope.links.get(alias);
  const found = name === undefined ? undefined : neighbour(zone, scope, name);
  return found?.every(({ instance }) => instance.service.toLowerCase() === alias) ? undefined : found;
}

function neighbour(zone: Zone, scope: Scope, name: string): readonly Found[] | undefined {
  const own = zone.names.get(`${name}.${scope.deployment}`);
  const found = visible(own, scope);
  if (found) return found; // also if none of them runs: an instance of another deployment must not answer for them
  for (const network of scope.networks) {
    const others = visible(zone.shared.get(network)?.get(name), scope);
    if (others) return others;
  }
  return own && [];
}

/**
 * One address for each instance: on the first of the client's networks that the instance is on; for an unknown client, on its primary network.
 * Undefined: the client may see none.
 */
function visible(targets: Targets | undefined, scope: Scope | undefined): readonly Found[] | undefined {
  if (!targets) return undefined;
  const found = [...targets.values()].flatMap(({ instance, networks, isOwn, isService }) => {
    const from = scope ? scope.networks : Object.keys(instance.addresses);
    const via = from.find((network) => instance.addresses[network] !== undefined && (!scope || !networks || networks.includes(network)));
    const address = via === undefined ? undefined : instance.addresses[via];
    const vip = isService && via !== undefined ? instance.vips?.[via] : undefined;
    return address === undefined ? [] : [{ instance, address, address6: address6Of(instance, from, networks), isOwn, vip }];
  });
  return found.length > 0 ? found : undefined;
}

/** On the first of these networks where it has one; a name may be valid on some only. */
function address6Of({ addresses6 = {} }: NamedInstance, from: readonly string[], valid: readonly string[] | undefined): string | undefined {
  const via = from.find((network) => addresses6[network] !== undefined && valid?.includes(network) !== false);
  return via === undefined ? undefined : addresses6[via];
}

function pointer(zone: Zone, type: number, address: string, scope: Scope | undefined): Decision {
  const origin = 'in-addr.arpa';
  const owner = zone.owners.get(address);
  if (!owner && !zone.holds(address)) return scope?.hasServers === true ? referred(scope) : { kind: 'forward', isBare: false };
  return owner ? pointerTo(owner, type, origin, scope) : { kind: 'nxdomain', origin };
}

function pointerTo(owner: Owner, type: number, origin: string, scope: Scope | undefined): Decision {
  const target = hostName(owner.instance);
  if (target === undefined || (scope && !scope.networks.includes(owner.network))) return { kind: 'nxdomain', origin };
  return type === TYPE.PTR || type === TYPE.ANY
    ? { kind: 'records', answers: [{ type: 'PTR', target }], additional: [] }
    : { kind: 'nodata', origin };
}
