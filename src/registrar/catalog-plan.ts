/**
 * What the catalog needs, by what has changed: the registrations of a service depend on its instances and on their hosts, and on nothing else, so
 * that a change costs as much as the services that it concerns. Pure; remembers instances, and what the catalog holds.
 */
import type { InstanceChange } from '../contracts/index.ts';
import { dnsLabel, type NamedInstance, type OutsideName } from '../model/index.ts';
import type { CatalogChange, CatalogService } from '../store/index.ts';
import { each } from '../telemetry/left-out.ts';
import {
  CATALOG_INSTANCES,
  CATALOG_SERVICES,
  diff,
  keyOf,
  NODE_PREFIX,
  OUTSIDE_NODE,
  outsideRegistrations,
  registrations,
} from './catalog.ts';
import type { NamedHost } from './contract.ts';

export interface CatalogReads {
  readonly host: (name: string) => NamedHost | undefined;
  readonly outside: () => readonly OutsideName[];
}

export interface CatalogPlan {
  /** What has changed since the last call: instances, and the address or state of hosts. */
  readonly note: (changes: readonly InstanceChange[], hosts: Iterable<string>) => void;
  /** The catalog holds these, and nothing else. */
  readonly listed: (all: readonly CatalogService[]) => void;
  /** These nodes hold these, and nothing else. */
  readonly looked: (nodes: readonly string[], found: readonly CatalogService[]) => void;
  /** Nodes that it is taken to hold. */
  readonly nodes: () => Iterable<string>;
  /** What the catalog is taken to hold is not certain any more. */
  readonly forget: () => void;
  /** Nobody has listed it, or it was forgotten since. */
  readonly isUnknown: () => boolean;
  /** What the catalog needs for all that was noted since the last call; after `listed`, for everything. */
  readonly changes: () => readonly CatalogChange[];
  /** The catalog has taken what `changes` gave last. */
  readonly done: () => void;
  /** What a catalog needs that holds these. */
  readonly drift: (all: readonly CatalogService[]) => readonly CatalogChange[];
}

const OUTSIDE = 'outside names';
const serviceOf = ({ service, deployment }: NamedInstance): string => `service ${dnsLabel(service)}.${dnsLabel(deployment)}`;

export function createCatalogPlan(read: CatalogReads): CatalogPlan {
  const members = new Map<string, Map<string, NamedInstance>>();
  /** Services that have an instance on a host, with how many. */
  const onHost = new Map<string, Map<string, number>>();
  /** Services, or the outside names, that are to be looked at. */
  let due = new Set<string>();
  /** Nodes of hosts that have changed: all that they hold is looked at. */
  let dueNodes = new Set<string>();
  let outsideText: string | undefined;
  /** What was wanted for each of them when it was looked at last. */
  const wanted = new Map<string, readonly CatalogService[]>();
  const held = createHeld();
  let isHeld = false;
  let isWhole = true;
  let planned: readonly CatalogChange[] = [];

  function enter(instance: NamedInstance, by: 1 | -1): void {
    const service = serviceOf(instance);
    due.add(service);
    const group = members.get(service) ?? new Map<string, NamedInstance>();
    if (by === 1) members.set(service, group.set(instance.container, instance));
    else group.delete(instance.container);
    if (group.size === 0) members.delete(service);
    const services = onHost.get(instance.host) ?? new Map<string, number>();
    const count = (services.get(service) ?? 0) + by;
    if (count > 0) onHost.set(instance.host, services.set(service, count));
    else services.delete(service);
    if (services.size === 0) onHost.delete(instance.host);
  }

  const isMember = (instance: NamedInstance): boolean => members.get(serviceOf(instance))?.get(instance.container)?.name === instance.name;

  function wantedOf(group: string): readonly CatalogService[] {
    if (group === OUTSIDE) return outsideRegistrations(read.outside());
    const instances = [...(members.get(group)?.values() ?? [])];
    const hosts = [...new Set(instances.map(({ host }) => host))].flatMap((name) => read.host(name) ?? []);
    return registrations(instances, hosts, true);
  }

  /** The node of a host whose state is unknown keeps what it has. */
  const isOpen = ({ node }: CatalogService): boolean => read.host(node.slice(NODE_PREFIX.length))?.state !== 'joining';

  return {
    note(changes, hosts) {
      const idOf = ({ before, now }: InstanceChange): string => (now ?? before)?.id ?? '';
      // what goes first: of a container that was renamed both are in the list, in any order
      for (const { before } of changes) if (before !== undefined && isMember(before)) enter(before, -1);
      each({ ...CATALOG_SERVICES, isPart: true }, changes, idOf, ({ now }) => {
        if (now !== undefined) enter(now, 1);
      });
      const gone = changes.filter(({ now }) => now === undefined);
      each({ ...CATALOG_INSTANCES, isPart: true }, gone, idOf, () => undefined);
      for (const host of hosts) {
        dueNodes.add(NODE_PREFIX + host);
        for (const service of onHost.get(host)?.keys() ?? []) due.add(service);
      }
      const text = JSON.stringify(read.outside());
      if (text !== outsideText) due.add(OUTSIDE);
      outsideText = text;
    },
    listed(all) {
      held.replace(all);
      isHeld = true;
      isWhole = true;
    },
    looked(nodes, found) {
      const differing = new Set(held.replaceOn(nodes, found));
      for (const node of differing) {
        dueNodes.add(node);
        for (const service of onHost.get(node.slice(NODE_PREFIX.length))?.keys() ?? []) due.add(service);
        if (node === OUTSIDE_NODE) due.add(OUTSIDE);
      }
    },
    nodes: () => held.nodes(),
    forget() {
      isHeld = false;
    },
    isUnknown: () => !isHeld,
    changes() {
      planned = isWhole ? wholeChanges() : partialChanges();
      return planned;
    },
    done() {
      held.apply(planned);
      planned = [];
      isWhole = false;
    },
    drift(all) {
      const now = [...members.keys(), OUTSIDE].flatMap(wantedOf);
      return diff(now.filter(isOpen), all.filter(isOpen));
    },
  };

  function wholeChanges(): readonly CatalogChange[] {
    due = new Set();
    dueNodes = new Set();
    wanted.clear();
    for (const group of [...members.keys(), OUTSIDE]) wanted.set(group, wantedOf(group));
    return diff([...wanted.values()].flat().filter(isOpen), held.all().filter(isOpen));
  }

  function partialChanges(): readonly CatalogChange[] {
    const [groups, nodes] = [due, dueNodes];
    due = new Set();
    dueNodes = new Set();
    const before = [...groups].flatMap((group) => wanted.get(group) ?? []);
    const now = [...groups].flatMap((group) => {
      const services = wantedOf(group);
      if (services.length > 0) wanted.set(group, services);
      else wanted.delete(group);
      return services;
    });
    const keys = new Set([...before, ...now].map(keyOf));
    for (const node of nodes) for (const key of held.on(node)) keys.add(key);
    const actual = [...keys].flatMap((key) => held.get(key) ?? []);
    // one that stays keeps the node that the others may leave
    const others = [...new Set([...actual, ...now].map(({ node }) => node))].flatMap((node) => held.another(node, keys) ?? []);
    return diff([...others, ...now].filter(isOpen), [...others, ...actual].filter(isOpen));
  }
}

/** The content of the catalog, by key and by node. */
function createHeld() {
  const services = new Map<string, CatalogService>();
  const onNode = new Map<string, Set<string>>();

  function set(service: CatalogService): void {
    const key = keyOf(service);
    services.set(key, service);
    onNode.set(service.node, (onNode.get(service.node) ?? new Set()).add(key));
  }
  function remove(node: string, key: string): void {
    services.delete(key);
    const keys = onNode.get(node);
    keys?.delete(key);
    if (keys?.size === 0) onNode.delete(node);
  }
  return {
    get: (key: string) => services.get(key),
    all: () => [...services.values()],
    on: (node: string): Iterable<string> => onNode.get(node) ?? [],
    /** Any service of the node that is none of these. */
    another(node: string, than: ReadonlySet<string>): CatalogService | undefined {
      for (const key of onNode.get(node) ?? []) if (!than.has(key)) return services.get(key);
      return undefined;
    },
    replace(all: readonly CatalogService[]): void {
      services.clear();
      onNode.clear();
      for (const service of all) set(service);
    },
    nodes: (): Iterable<string> => onNode.keys(),
    /** Which of the nodes held something else. */
    replaceOn(nodes: readonly string[], found: readonly CatalogService[]): readonly string[] {
      return nodes.filter((node) => {
        const now = found.filter((service) => service.node === node);
        const before = [...(onNode.get(node) ?? [])].flatMap((key) => services.get(key) ?? []);
        if (diff(now, before).length === 0) return false;
        for (const service of before) remove(node, keyOf(service));
        for (const service of now) set(service);
        return true;
      });
    },
    apply(changes: readonly CatalogChange[]): void {
      for (const change of changes) {
        if (change.kind === 'register') set(change.service);
        else if (change.kind === 'deregister') remove(change.node, keyOf(change));
        else if (change.kind === 'deregister-node') for (const key of onNode.get(change.node) ?? []) remove(change.node, key);
        else
          for (const key of onNode.get(change.node) ?? []) {
            const service = services.get(key);
            if (service !== undefined) services.set(key, { ...service, nodeAddress: change.address });
          }
      }
    },
  };
}
