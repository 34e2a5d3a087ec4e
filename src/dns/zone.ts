/**
 * The name table compiled for look-ups: by client address, by name, by address (RFC 1035 section 3.5). Pure.
 *
 * A name is looked up whole (`a.b.abc`, never label by label), so dots and underscores in container and service names need no rules.
 */
import { dnsLabel, dnsName, type NamedInstance, type NameTable, type OutsideEntry } from '../model/index.ts';
import { each } from '../telemetry/left-out.ts';
import { addressNumber, contains, parseSubnet } from '../text/ipv4.ts';

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
}

export interface Zone {
  readonly version: number;
  readonly atMs: number;
  /** By client address. A client that is not here is the host, or something outside the cluster. */
  readonly scopes: ReadonlyMap<string, Scope>;
  /** Names below `service.consul`, in lower case: `pricing.abc`, `2.pricing.abc`, `abc_pricing_2.abc`, `abc`. */
  readonly names: ReadonlyMap<string, readonly Target[]>;
  /** Bare names by network id, for networks that join several deployments. */
  readonly shared: ReadonlyMap<string, ReadonlyMap<string, readonly Target[]>>;
  /** Manual records, by name below `service.consul`. */
  readonly outside: ReadonlyMap<string, readonly OutsideEntry[]>;
  /** All deployments, those without a name here included; undefined: not known. */
  readonly deployments: ReadonlySet<string> | undefined;
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

type Names = Map<string, Target[]>;

/** `pool`: the cluster's address pool (`10.32.0.0/12`), if known. */
export function compileZone(table: NameTable, pool?: string): Zone {
  const deploymentsOn = new Map<string, Set<string>>();
  const note = ({ addresses, deployment }: NamedInstance): void => {
    for (const network of Object.keys(addresses)) entry(deploymentsOn, network, () => new Set<string>()).add(deployment);
  };
  each({ kind: 'instance', of: 'the networks of the DNS zone' }, table.instances, ({ id }) => id, note);

  const names: Names = new Map();
  const shared = new Map<string, Names>();
  const owners = new Map<string, Owner>();
  const owners6 = new Map<string, Owner>();
  const scopes = new Map<string, Scope>();
  const scopesByText = new Map<string, Scope>();
  const include = (instance: NamedInstance): void => {
    const networks = Object.keys(instance.addresses);
    const deployment = dnsLabel(instance.deployment);
    // As it was typed, too: agents can answer what Consul's catalog cannot hold.
    const deployments = new Set([deployment, dnsName(instance.deployment)]);
    for (const one of deployments) add(names, one, { instance, networks: undefined, isOwn: false });
    for (const { name, networks: on, isOwn } of bareNames(instance, table.networks ?? {})) {
      for (const one of deployments) add(names, `${name}.${one}`, { instance, networks: on, isOwn });
      for (const network of on ?? networks)
        if ((deploymentsOn.get(network)?.size ?? 0) > 1)
          add(
            entry(shared, network, () => new Map()),
            name,
            { instance, networks: on, isOwn },
          );
    }
    const hasServers = instance.hasServers === true;
    const { servers } = instance;
    const text = JSON.stringify([deployment, networks, Object.entries(instance.links), hasServers, servers]);
    const made = { deployment, networks, hasServers, ...(servers === undefined ? {} : { servers }) };
    const scope = entry(scopesByText, text, () => ({ ...made, links: lowerCase(instance.links) }));
    for (const [network, address] of Object.entries(instance.addresses)) {
      // While an instance is replaced, two may have the same address: it belongs to the one that runs.
      if (rank(owners.get(address)?.instance) > rank(instance)) continue;
      owners.set(address, { instance, network });
      scopes.set(address, scope);
      const address6 = instance.addresses6?.[network];
      if (address6 !== undefined) owners6.set(address6, { instance, network });
    }
  };
  each({ kind: 'instance', of: 'the DNS zone' }, table.instances, ({ id }) => id, include);
  const blocks = new Set([...owners.keys()].map(block));
  const inPool = membership(pool);
  return {
    version: table.version,
    atMs: table.atMs,
    scopes,
    names,
    shared,
    deployments: table.deployments && new Set(table.deployments.map(dnsLabel)),
    outside: new Map((table.outside ?? []).map(({ name, entries }) => [name, entries])),
    owners,
    owners6,
    holds: (address) => blocks.has(block(address)) || inPool(address),
  };
}

/** Of two with one address, the higher has it. */
function rank(instance: NamedInstance | undefined): number {
  if (instance === undefined) return -1;
  return instance.ready ? 2 : instance.state === 'out' ? 0 : 1;
}

interface BareName {
  readonly name: string;
  /** Undefined: on all of its networks. */
  readonly networks: readonly string[] | undefined;
  readonly isOwn: boolean;
}

/**
 * As Docker's own resolver does, also the container's short id and host name, and each name with a network's name behind it:
 * `web.backend` is web's address in network backend.
 */
function* bareNames(instance: NamedInstance, networkNames: Readonly<Record<string, string>>): Generator<BareName> {
  const services = [...new Set([dnsName(instance.service), dnsLabel(instance.service)])];
  const own = [instance.name, instance.container.slice(0, 12), instance.hostname ?? ''].filter((name) => name !== '').map(dnsName);
  const { swarmService = '' } = instance;
  // As swarm mode calls services and their tasks: `abc_web`, `tasks.web`, `tasks.abc_web`.
  const ofSwarm = swarmService === '' ? [] : [...services.slice(0, 1), dnsName(swarmService)].map((name) => `tasks.${name}`);
  const all = new Set([...services, ...(swarmService === '' ? [] : [dnsName(swarmService)]), ...ofSwarm]);
  for (const name of all) yield { name, networks: undefined, isOwn: false };
  for (const name of [...services.map((service) => `${instance.number}.${service}`), ...own])
    yield { name, networks: undefined, isOwn: true };
  for (const network of Object.keys(instance.addresses)) {
    const aliases = (instance.aliases[network] ?? []).map(dnsName);
    for (const name of aliases) yield { name, networks: [network], isOwn: true };
    const of = networkNames[network]?.toLowerCase();
    if (of === undefined) continue;
    for (const service of services) yield { name: `${service}.${of}`, networks: [network], isOwn: false };
    for (const name of [...own, ...aliases]) yield { name: `${name}.${of}`, networks: [network], isOwn: true };
  }
}

/** One target for each instance: a name that it has twice is valid wherever one of them is. */
function add(names: Names, name: string, target: Target): void {
  const targets = entry(names, name, () => []);
  const last = targets.at(-1);
  if (last?.instance !== target.instance) targets.push(target);
  else {
    const networks = last.networks && target.networks && [...last.networks, ...target.networks];
    targets[targets.length - 1] = { instance: target.instance, networks, isOwn: last.isOwn && target.isOwn };
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

function lowerCase(links: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(links).map(([alias, name]) => [dnsName(alias), dnsName(name)]));
}

const block = (address: string): string => address.slice(0, address.lastIndexOf('.'));

function membership(cidr: string | undefined): (address: string) => boolean {
  const subnet = cidr === undefined ? undefined : parseSubnet(cidr);
  return (address) => subnet !== undefined && contains(subnet, addressNumber(address));
}
