/**
 * The name table compiled for look-ups: by client address, by name, by address (RFC 1035 section 3.5). A change of the table costs as much as it
 * concerns: what an instance was entered under is kept with it. State: what was entered.
 *
 * A name is looked up whole (`a.b.abc`, never label by label), so dots and underscores in container and service names need no rules.
 */
import { dnsLabel, dnsName, type NameChange, type NamedInstance, type NameTable, type OutsideEntry } from '../model/index.ts';
import { each } from '../telemetry/left-out.ts';
import { addressNumber, contains, parseSubnet } from '../text/ipv4.ts';
import { bareNames } from './bare-names.ts';

/** What a client's answers depend on. Clients of one deployment with the same networks and links share one scope. */
export interface Scope {
  readonly deployment: string;
  /** Network ids, the primary first. */
  readonly networks: readonly string[];
  /** Alias -> name in the same deployment, both as DNS can carry them. */
  readonly links: ReadonlyMap<string, string>;
  /** Its user named DNS servers, which the Engine's resolver asks after this one. */
  readonly hasServers: boolean;
  /** These servers, where this one is to ask them first. */
  readonly servers?: readonly string[];
}

/** An instance with a certain name; an alias is valid on its networks only. */
export interface Target {
  readonly instance: NamedInstance;
  readonly networks: readonly string[] | undefined;
  /** The name is this container's alone, unless another one has it as well. */
  readonly isOwn: boolean;
  /** The name means its service. */
  readonly isService: boolean;
}

/** One target for each instance. */
export type Targets = ReadonlyMap<NamedInstance, Target>;

export interface Zone {
  readonly version: number;
  readonly atMs: number;
  /** By client address. A client that is not here is the host, or something outside the cluster. */
  readonly scopes: ReadonlyMap<string, Scope>;
  /** Names below `service.consul`, in lower case: `pricing.abc`, `2.pricing.abc`, `abc_pricing_2.abc`, `abc`. */
  readonly names: ReadonlyMap<string, Targets>;
  /** Bare names by network id, for networks that join several deployments. */
  readonly shared: ReadonlyMap<string, ReadonlyMap<string, Targets>>;
  /** Manual records, by name below `service.consul`. */
  readonly outside: ReadonlyMap<string, readonly OutsideEntry[]>;
  /** All deployments, those without a name here included; undefined: not known. */
  readonly deployments: Pick<ReadonlySet<string>, 'has'> | undefined;
  readonly owners: ReadonlyMap<string, Owner>;
  /** By IPv6 address. */
  readonly owners6: ReadonlyMap<string, Owner>;
  /** True for an address in the pool, or in the /24 of an instance: no server upstream knows its reverse name. */
  readonly holds: (address: string) => boolean;
}

export interface Owner {
  readonly instance: NamedInstance;
  readonly network: string;
}

type Names = Map<string, Map<NamedInstance, Target>>;

/** What an instance was entered under. */
interface Entered {
  readonly instance: NamedInstance;
  /** Each of its names with its deployment's: it is found by that everywhere. */
  readonly full: readonly (readonly [name: string, target: Target])[];
  /** Its bare names by network: it is found by these where several deployments meet. */
  readonly bare: readonly (readonly [network: string, name: string, target: Target])[];
  readonly scopeText: string;
  readonly scope: Scope;
}

interface Network {
  readonly members: Set<Entered>;
  readonly deployments: Map<string, number>;
}

/** A zone that can be changed: what was looked up in it before is over with each change. */
export interface LiveZone {
  readonly zone: Zone;
  readonly change: (change: NameChange) => void;
  /** The table is what the leader has now. */
  readonly confirm: (atMs: number) => void;
}

const ENTRY = { kind: 'instance', of: 'the DNS zone' } as const;
const idOf = ({ id }: NamedInstance): string => id;

/** `pool`: the cluster's address pool (`10.32.0.0/12`), if known. */
export function compileZone(table: NameTable, pool?: string): Zone {
  return openZone(table, pool).zone;
}

/** The same, to be changed. */
export function openZone(table: NameTable, pool?: string): LiveZone {
  const entered = new Map<string, Entered>();
  /** Ids of instances that cannot be handled, by container. */
  const failed = new Map<string, string>();
  const networks = new Map<string, Network>();
  const names: Names = new Map();
  const shared = new Map<string, Names>();
  const scopesByText = new Map<string, { readonly scope: Scope; uses: number }>();
  const claims = createClaims();

  function enter(instance: NamedInstance, networkNames: Readonly<Record<string, string>>): void {
    failed.set(instance.container, instance.id);
    const one = readInstance(instance, networkNames, (text) => scopesByText.get(text)?.scope);
    entered.set(instance.container, one);
    failed.delete(instance.container);
    const ofScope = scopesByText.get(one.scopeText);
    if (ofScope === undefined) scopesByText.set(one.scopeText, { scope: one.scope, uses: 1 });
    else ofScope.uses += 1;
    for (const [name, target] of one.full) add(names, name, target);
    for (const network of Object.keys(instance.addresses)) joinNetwork(network, one);
    for (const [network, address] of Object.entries(instance.addresses)) claims.add(address, { instance, network, scope: one.scope });
  }

  function remove(container: string): void {
    const one = entered.get(container);
    if (one === undefined) return;
    const { instance } = one;
    entered.delete(container);
    const ofScope = scopesByText.get(one.scopeText);
    if (ofScope !== undefined && --ofScope.uses === 0) scopesByText.delete(one.scopeText);
    for (const [name, target] of one.full) drop(names, name, target);
    for (const network of Object.keys(instance.addresses)) leaveNetwork(network, one);
    for (const address of Object.values(instance.addresses)) claims.remove(address, instance);
  }

  /** Bare names count on a network from the moment that a second deployment is on it, and no longer than that. */
  function joinNetwork(name: string, one: Entered): void {
    const network = entry(networks, name, () => ({ members: new Set<Entered>(), deployments: new Map<string, number>() }));
    const { deployment } = one.instance;
    network.members.add(one);
    network.deployments.set(deployment, (network.deployments.get(deployment) ?? 0) + 1);
    const known = shared.get(name);
    if (known !== undefined) return enterBare(known, name, one);
    if (network.deployments.size < 2) return;
    const made: Names = new Map();
    shared.set(name, made);
    for (const member of network.members) enterBare(made, name, member);
  }

  function leaveNetwork(name: string, one: Entered): void {
    const network = networks.get(name);
    if (network === undefined) return;
    const { deployment } = one.instance;
    network.members.delete(one);
    const left = (network.deployments.get(deployment) ?? 0) - 1;
    if (left > 0) network.deployments.set(deployment, left);
    else network.deployments.delete(deployment);
    if (network.members.size === 0) networks.delete(name);
    const known = shared.get(name);
    if (known === undefined) return;
    if (network.deployments.size < 2) shared.delete(name);
    else for (const [on, bare, target] of one.bare) if (on === name) drop(known, bare, target);
  }

  each(ENTRY, table.instances, idOf, (instance) => enter(instance, table.networks ?? {}));
  const inPool = membership(pool);
  const zone = {
    version: table.version,
    atMs: table.atMs,
    scopes: claims.scopes,
    names,
    shared,
    deployments: table.deployments && countsOf(table.deployments),
    outside: outsideOf(table),
    owners: claims.owners,
    owners6: claims.owners6,
    holds: (address: string) => claims.hasBlock(address) || inPool(address),
  };
  return {
    zone,
    change({ version, atMs, put, drop: gone, networks: networkNames = {}, outside, deployments, deploymentsCome, deploymentsGone }) {
      const ids = gone.flatMap((container) => failed.get(container) ?? []);
      for (const container of gone) {
        remove(container);
        failed.delete(container);
      }
      each({ ...ENTRY, isPart: true }, ids, String, () => undefined);
      for (const { container } of put) remove(container);
      each({ ...ENTRY, isPart: true }, put, idOf, (instance) => enter(instance, networkNames));
      zone.version = version;
      zone.atMs = atMs;
      if (outside !== undefined) zone.outside = outsideOf({ outside });
      if (deployments !== undefined) zone.deployments = countsOf(deployments);
      for (const name of deploymentsGone ?? []) count(zone.deployments, dnsLabel(name), -1);
      for (const name of deploymentsCome ?? []) count(zone.deployments, dnsLabel(name), 1);
    },
    confirm(atMs) {
      zone.atMs = atMs;
    },
  };
}

function enterBare(into: Names, network: string, { bare }: Entered): void {
  for (const [on, name, target] of bare) if (on === network) add(into, name, target);
}

/** Throws what a broken instance throws. `known`: the scope of others that have the same. */
function readInstance(
  instance: NamedInstance,
  networkNames: Readonly<Record<string, string>>,
  known: (text: string) => Scope | undefined,
): Entered {
  const networks = Object.keys(instance.addresses);
  const deployment = dnsLabel(instance.deployment);
  // As it was typed, too: agents can answer what Consul's catalog cannot hold.
  const deployments = [...new Set([deployment, dnsName(instance.deployment)])];
  const full: [string, Target][] = deployments.map((one) => [one, { instance, networks: undefined, isOwn: false, isService: false }]);
  const bare: [string, string, Target][] = [];
  for (const { name, networks: on, isOwn, isService = false } of bareNames(instance, networkNames)) {
    const target = { instance, networks: on, isOwn, isService };
    for (const one of deployments) full.push([`${name}.${one}`, target]);
    for (const network of on ?? networks) bare.push([network, name, target]);
  }
  const hasServers = instance.hasServers === true;
  const { servers } = instance;
  const scopeText = JSON.stringify([deployment, networks, Object.entries(instance.links), hasServers, servers]);
  const scope = known(scopeText) ?? {
    deployment,
    networks,
    hasServers,
    ...(servers === undefined ? {} : { servers }),
    links: lowerCase(instance.links),
  };
  return { instance, full, bare, scopeText, scope };
}

interface Claim extends Owner {
  readonly scope: Scope;
}

/** The instance of each address. While an instance is replaced, two may have the same: it belongs to the one that runs. */
function createClaims() {
  const all = new Map<string, readonly Claim[]>();
  const owners = new Map<string, Owner>();
  const owners6 = new Map<string, Owner>();
  const scopes = new Map<string, Scope>();
  const blocks = new Map<string, number>();

  function settle(address: string, claimed: readonly Claim[]): void {
    const before = owners.get(address);
    const after = claimed.reduce<Claim | undefined>((best, one) => (isBehind(one.instance, best?.instance) ? best : one), undefined);
    const before6 = before?.instance.addresses6?.[before.network];
    if (before6 !== undefined && owners6.get(before6)?.instance === before?.instance) owners6.delete(before6);
    if (after === undefined) {
      all.delete(address);
      owners.delete(address);
      scopes.delete(address);
    } else {
      const { instance, network, scope } = after;
      const owner = { instance, network };
      all.set(address, claimed);
      owners.set(address, owner);
      scopes.set(address, scope);
      const address6 = instance.addresses6?.[network];
      if (address6 !== undefined) owners6.set(address6, owner);
    }
    if ((before === undefined) !== (after === undefined)) count(blocks, block(address), after === undefined ? -1 : 1);
  }

  return {
    owners,
    owners6,
    scopes,
    hasBlock: (address: string) => blocks.has(block(address)),
    add: (address: string, claim: Claim) => settle(address, [...(all.get(address) ?? []), claim]),
    remove: (address: string, instance: NamedInstance) =>
      settle(
        address,
        (all.get(address) ?? []).filter((claim) => claim.instance !== instance),
      ),
  };
}

/** Of two with one address the one that runs has it; of two like that, the later by id. */
function isBehind(instance: NamedInstance, other: NamedInstance | undefined): boolean {
  if (other === undefined) return false;
  return rank(instance) === rank(other) ? instance.id < other.id : rank(instance) < rank(other);
}

const rank = (instance: NamedInstance): number => (instance.ready ? 2 : instance.state === 'out' ? 0 : 1);

/** A name that an instance has twice is valid wherever one of them is. */
function add(names: Names, name: string, target: Target): void {
  const targets = entry(names, name, () => new Map<NamedInstance, Target>());
  const { instance } = target;
  const other = targets.get(instance);
  const networks = other === undefined ? target.networks : other.networks && target.networks && [...other.networks, ...target.networks];
  const isService = target.isService || other?.isService === true;
  targets.set(instance, { instance, networks, isOwn: target.isOwn && other?.isOwn !== false, isService });
}

function drop(names: Names, name: string, { instance }: Target): void {
  const targets = names.get(name);
  targets?.delete(instance);
  if (targets?.size === 0) names.delete(name);
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

function count(counts: Map<string, number> | undefined, key: string, by: 1 | -1): void {
  const now = (counts?.get(key) ?? 0) + by;
  if (now > 0) counts?.set(key, now);
  else counts?.delete(key);
}

function countsOf(deployments: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of deployments) count(counts, dnsLabel(name), 1);
  return counts;
}

const outsideOf = ({ outside = [] }: Pick<NameTable, 'outside'>): ReadonlyMap<string, readonly OutsideEntry[]> =>
  new Map(outside.map(({ name, entries }) => [name, entries]));

function lowerCase(links: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(links).map(([alias, name]) => [dnsName(alias), dnsName(name)]));
}

const block = (address: string): string => address.slice(0, address.lastIndexOf('.'));

function membership(cidr: string | undefined): (address: string) => boolean {
  const subnet = cidr === undefined ? undefined : parseSubnet(cidr);
  return (address) => subnet !== undefined && contains(subnet, addressNumber(address));
}
