/**
 * Instances as Consul catalog registrations, and what to change so that the catalog holds those and no others.
 *
 * Consul DNS reads `pricing.abc.service.consul` as tag `pricing` of service `abc`: a service named `pricing.abc` is found in the catalog but
 * never by DNS. So each instance is registered twice.
 */
import { answering, dnsLabel, dnsName, type NamedInstance, type OutsideName } from '../model/index.ts';
import type { CatalogChange, CatalogService } from '../store/index.ts';
import { each, fenced } from '../telemetry/left-out.ts';
import type { NamedHost } from './contract.ts';

const CATALOG = "Consul's catalog";

/** Prefix of catalog nodes. No Consul agent has such a name: an agent removes from its node what it does not know (anti-entropy). */
export const NODE_PREFIX = 'arpanet-';

export const CATALOG_INSTANCES = { kind: 'instance', of: CATALOG } as const;
export const CATALOG_SERVICES = { kind: 'instance', of: `the services of ${CATALOG}` } as const;

/**
 * The registrations of instances that run and have an address in the cluster. `isPart`: there are others, of other services.
 *
 * The check of one that is not ready is `warning` where its service's name leads to it all the same, since no other is ready, and `critical`
 * where it does not: Consul's DNS leaves out what is critical.
 */
export function registrations(instances: readonly NamedInstance[], hosts: readonly NamedHost[], isPart = false): readonly CatalogService[] {
  const addressOf = new Map(hosts.map((host) => [host.name, host.address]));
  const services = new Map<string, NamedInstance[]>();
  const join = (instance: NamedInstance): void => {
    const service = `${dnsLabel(instance.service)}.${dnsLabel(instance.deployment)}`;
    const others = services.get(service);
    if (others === undefined) services.set(service, [instance]);
    else others.push(instance);
  };
  const made = (instance: NamedInstance): readonly CatalogService[] => {
    const nodeAddress = addressOf.get(instance.host);
    if (instance.state === 'out' || nodeAddress === undefined) return [];
    const status = instance.ready ? undefined : answers.has(instance) ? 'warning' : 'critical';
    return registrationsOf(instance, nodeAddress, status);
  };
  const part = isPart ? { isPart } : {};
  const idOf = ({ id }: NamedInstance): string => id;
  each({ ...CATALOG_SERVICES, ...part }, instances, idOf, join);
  const joined = [...services.values()];
  const answers = new Set(joined.flatMap((members) => answering(members, false)));
  return each({ ...CATALOG_INSTANCES, ...part }, joined.flat(), idOf, made).flat();
}

function registrationsOf(instance: NamedInstance, nodeAddress: string, status: CatalogService['status']): readonly CatalogService[] {
  const address = Object.values(instance.addresses)[0];
  if (address === undefined) return [];
  const { id, container, name, number, host } = instance;
  const [service, deployment] = [dnsLabel(instance.service), dnsLabel(instance.deployment)];
  const typed = dnsName(instance.service);
  const port = (instance.ports.find(({ protocol }) => protocol === 'tcp') ?? instance.ports[0])?.port;
  const common = {
    node: NODE_PREFIX + host,
    nodeAddress,
    address,
    ...(port === undefined ? {} : { port }),
    meta: { 'external-source': 'arpanet', container, name, host, deployment, service: typed, number: String(number) },
  };
  const own = [`${number}.${service}`, `${number}.${typed}`, name, instance.hostname ?? '', ...Object.values(instance.aliases).flat()];
  if (status === undefined)
    return [
      { ...common, id, service: `${service}.${deployment}`, tags: [] },
      { ...common, id: `${id}.dns`, service: deployment, tags: tagsOf([service, typed, ...own]) },
    ];
  // Names of its own lead to it while it runs: they have no part in the check of its service.
  const ownTags = tagsOf(own).filter((tag) => tag !== service && tag !== typed);
  return [
    { ...common, status, id, service: `${service}.${deployment}`, tags: [] },
    { ...common, status, id: `${id}.dns`, service: deployment, tags: tagsOf([service, typed]) },
    { ...common, id: `${id}.own`, service: deployment, tags: ownTags },
  ];
}

/** No host can have this name: host names begin with a letter or digit. */
export const OUTSIDE_NODE = `${NODE_PREFIX}-outside`;

/** Registrations of manual DNS records. Consul's catalog has no TXT records for services, and sets priority and weight of SRV itself. */
export function outsideRegistrations(outside: readonly OutsideName[]): readonly CatalogService[] {
  const registered = ({ name, entries }: OutsideName): readonly CatalogService[] =>
    entries.flatMap(({ type, value }): readonly CatalogService[] => {
      if (type === 'TXT') return [];
      const [deployment = '', ...short] = name.split('.').toReversed();
      const [, , port, target] = type === 'SRV' ? value.split(' ') : [];
      const common = {
        node: OUTSIDE_NODE,
        nodeAddress: '127.0.0.1',
        address: target ?? value,
        ...(port === undefined ? {} : { port: Number(port) }),
        meta: { 'external-source': 'arpanet', made: 'by an operator', type, deployment },
      };
      const id = `${name}/${type}/${value}`;
      return [
        { ...common, id, service: name, tags: [] },
        { ...common, id: `${id}.dns`, service: deployment, tags: [short.toReversed().join('.')] },
      ];
    });
  return [...fenced({ kind: 'DNS record', of: CATALOG }, outside, ({ name }) => name, registered)];
}

/** In lower case, as DNS compares them; without duplicates, and without those that are no DNS names. */
function tagsOf(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))].filter((name) => name.length < 200 && name.split('.').every(isLabel));
}

function isLabel(text: string): boolean {
  return /^[a-z0-9_-]{1,63}$/.test(text);
}

/** Changes that turn `actual` into `desired`, removals first: a name must be gone before its instance stops. */
export function diff(desired: readonly CatalogService[], actual: readonly CatalogService[]): readonly CatalogChange[] {
  const wanted = new Map(desired.map((service) => [keyOf(service), service]));
  const present = new Map(actual.map((service) => [keyOf(service), service]));
  const wantedNodes = new Map(desired.map((service) => [service.node, service.nodeAddress]));
  const nodes = new Map(actual.map((service) => [service.node, service.nodeAddress]));
  return [
    ...[...nodes.keys()].filter((node) => !wantedNodes.has(node)).map((node) => ({ kind: 'deregister-node', node }) as const),
    ...actual
      .filter((service) => wantedNodes.has(service.node) && !wanted.has(keyOf(service)))
      .map(({ node, id }) => ({ kind: 'deregister', node, id }) as const),
    ...[...wantedNodes]
      .filter(([node, address]) => nodes.get(node) !== address)
      .map(([node, address]) => ({ kind: 'node', node, address }) as const),
    ...desired
      .filter((service) => {
        const registered = present.get(keyOf(service));
        return registered === undefined || !isSame(service, registered);
      })
      .map((service) => {
        const isCheckOver = service.status === undefined && present.get(keyOf(service))?.status !== undefined;
        return { kind: 'register', service, ...(isCheckOver && { isCheckOver }) } as const;
      }),
  ];
}

/** Of a registration. */
export function keyOf({ node, id }: { readonly node: string; readonly id: string }): string {
  return `${node} ${id}`;
}

/** Without the node's address, which is changed by a `node` change. */
function isSame(a: CatalogService, b: CatalogService): boolean {
  if (a === b) return true;
  const isAt = a.service === b.service && a.status === b.status && a.address === b.address && (a.port ?? 0) === (b.port ?? 0);
  return isAt && isSameTags(a.tags, b.tags) && isSameMeta(a.meta, b.meta);
}

/** In any order. */
function isSameTags(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  if (a.every((tag, i) => tag === b[i])) return true;
  const sorted = b.toSorted();
  return a.toSorted().every((tag, i) => tag === sorted[i]);
}

function isSameMeta(a: CatalogService['meta'], b: CatalogService['meta']): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
