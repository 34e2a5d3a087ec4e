/**
 * The name table compiled for look-ups: by client address, by name, by address. Pure.
 *
 * A name is looked up whole (`a.b.abc`, never label by label), so dots and underscores in container and service names need no rules.
 */
import type { NamedInstance, NameTable, OutsideEntry } from '../model/index.ts';
import { each } from '../telemetry/left-out.ts';
import { addressNumber, contains, parseSubnet } from '../text/ipv4.ts';

/** What a client's answers depend on. Clients of one deployment with the same networks and links share one scope. */
export interface Scope {
  readonly deployment: string;
  /** Network ids, the primary first. */
  readonly networks: readonly string[];
  /** Alias -> name in the same deployment, both in lower case. */
  readonly links: ReadonlyMap<string, string>;
}

/** An instance with a certain name; an alias is valid on its networks only. */
export interface Target {
  readonly instance: NamedInstance;
  readonly networks: readonly string[] | undefined;
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
  readonly owners: ReadonlyMap<string, { readonly instance: NamedInstance; readonly network: string }>;
  /** True for an address in the pool, or in the /24 of an instance: no server upstream knows its reverse name. */
  readonly holds: (address: string) => boolean;
}

type Names = Map<string, Target[]>;

/** `pool`: the cluster's address pool (`10.32.0.0/12`), if known. */
export function compileZone(table: NameTable, pool?: string): Zone {
  const deploymentsOn = new Map<string, Set<string>>();
  for (const instance of table.instances)
    for (const network of Object.keys(instance.addresses)) entry(deploymentsOn, network, () => new Set<string>()).add(instance.deployment);

  const names: Names = new Map();
  const shared = new Map<string, Names>();
  const owners = new Map<string, { instance: NamedInstance; network: string }>();
  const scopes = new Map<string, Scope>();
  const scopesByText = new Map<string, Scope>();
  const include = (instance: NamedInstance): void => {
    const networks = Object.keys(instance.addresses);
    const deployment = instance.deployment.toLowerCase();
    add(names, deployment, instance);
    for (const [name, on] of bareNames(instance, table.networks ?? {})) {
      add(names, `${name}.${deployment}`, instance, on);
      for (const network of on ?? networks)
        if ((deploymentsOn.get(network)?.size ?? 0) > 1)
          add(
            entry(shared, network, () => new Map()),
            name,
            instance,
            on,
          );
    }
    const text = JSON.stringify([deployment, networks, Object.entries(instance.links)]);
    const scope = entry(scopesByText, text, () => ({ deployment, networks, links: lowerCase(instance.links) }));
    for (const [network, address] of Object.entries(instance.addresses)) {
      // While an instance is replaced, two may have the same address: it belongs to the ready one.
      if (owners.get(address)?.instance.ready && !instance.ready) continue;
      owners.set(address, { instance, network });
      scopes.set(address, scope);
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
    outside: new Map((table.outside ?? []).map(({ name, entries }) => [name, entries])),
    owners,
    holds: (address) => blocks.has(block(address)) || inPool(address),
  };
}

/** As Docker's own resolver does, also the container's short id, and `web.backend`: container web in network backend. */
function* bareNames(
  instance: NamedInstance,
  networkNames: Readonly<Record<string, string>>,
): Generator<[name: string, networks: readonly string[] | undefined]> {
  const service = instance.service.toLowerCase();
  yield [service, undefined];
  yield [`${instance.number}.${service}`, undefined];
  yield [instance.name.toLowerCase(), undefined];
  if (instance.container !== '') yield [instance.container.slice(0, 12).toLowerCase(), undefined];
  for (const network of Object.keys(instance.addresses)) {
    const of = networkNames[network]?.toLowerCase();
    if (of !== undefined) yield [`${instance.name.toLowerCase()}.${of}`, [network]];
  }
  for (const [network, aliases] of Object.entries(instance.aliases)) for (const alias of aliases) yield [alias.toLowerCase(), [network]];
}

function add(names: Names, name: string, instance: NamedInstance, networks?: readonly string[]): void {
  const targets = entry(names, name, () => []);
  const last = targets.at(-1);
  if (last?.instance !== instance) targets.push({ instance, networks });
  else targets[targets.length - 1] = { instance, networks: last.networks && networks && [...last.networks, ...networks] };
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

function lowerCase(links: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(links).map(([alias, name]) => [alias.toLowerCase(), name.toLowerCase()]));
}

const block = (address: string): string => address.slice(0, address.lastIndexOf('.'));

function membership(cidr: string | undefined): (address: string) => boolean {
  const subnet = cidr === undefined ? undefined : parseSubnet(cidr);
  return (address) => subnet !== undefined && contains(subnet, addressNumber(address));
}
