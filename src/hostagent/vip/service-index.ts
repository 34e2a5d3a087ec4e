/**
 * Which services have one address, in which networks, and which of their instances are ready: kept up to date by changes of the name table. Pure; keeps the instances.
 * A change costs as much as the services that it concerns: their targets are computed once for all containers, and those of others are kept.
 */
import { answering, type NamedInstance } from '../../model/name-table.ts';
import type { Targets } from './rules.ts';

export interface ServiceIndex {
  /** Forgets all, and enters these. Gives the containers on this host whose targets are others now. */
  readonly replace: (instances: readonly NamedInstance[]) => ReadonlySet<string>;
  /** Gives the same. */
  readonly change: (put: readonly NamedInstance[], drop: readonly string[]) => ReadonlySet<string>;
  readonly instance: (container: string) => NamedInstance | undefined;
  /** Undefined: no service has an address in the network. Else another number than before once one more has. */
  readonly served: (network: string) => number | undefined;
  /** Of all services in these networks. Lists of services that did not change are the same objects as before. */
  readonly targets: (networks: readonly string[]) => Targets;
}

const NONE: Targets = new Map();

export function createServiceIndex(host: string): ServiceIndex {
  const instances = new Map<string, NamedInstance>();
  /** By network and address, who is behind it. */
  const networks = new Map<string, Map<string, Map<string, NamedInstance>>>();
  /** By network; none without a service. The targets are replaced, and never changed: the kernel's state refers to them. */
  const kept = new Map<string, { readonly targets: Targets; readonly served: number }>();
  /** By network, containers on this host with an address in it. */
  const local = new Map<string, Set<string>>();
  let lastServed = 0;

  function enter(instance: NamedInstance, touched: Touched): void {
    const { container, addresses, vips = {} } = instance;
    instances.set(container, instance);
    if (instance.host === host)
      for (const network of Object.keys(addresses)) local.set(network, (local.get(network) ?? new Set()).add(container));
    for (const [network, vip] of Object.entries(vips)) {
      const services = networks.get(network) ?? new Map<string, Map<string, NamedInstance>>();
      networks.set(network, services);
      const members = services.get(vip) ?? new Map<string, NamedInstance>();
      services.set(vip, members.set(container, instance));
      touch(touched, network, vip);
    }
  }
  function remove(container: string, touched: Touched): void {
    const instance = instances.get(container);
    if (instance === undefined) return;
    instances.delete(container);
    for (const network of Object.keys(instance.addresses)) {
      const here = local.get(network);
      here?.delete(container);
      if (here?.size === 0) local.delete(network);
    }
    for (const [network, vip] of Object.entries(instance.vips ?? {})) {
      const services = networks.get(network);
      const members = services?.get(vip);
      members?.delete(container);
      if (members?.size === 0) services?.delete(vip);
      if (services?.size === 0) networks.delete(network);
      touch(touched, network, vip);
    }
  }
  function targetsOf(network: string, vip: string): readonly string[] | undefined {
    const members = networks.get(network)?.get(vip);
    if (members === undefined) return undefined;
    const ready = answering([...members.values()], false).flatMap(({ addresses }) => addresses[network] ?? []);
    return [...new Set(ready)].toSorted();
  }
  /** Whether targets of these services are others now. */
  function renew(network: string, vips: ReadonlySet<string>): boolean {
    const before = kept.get(network);
    const others = [...vips]
      .map((vip) => ({ vip, was: before?.targets.get(vip), now: targetsOf(network, vip) }))
      .filter(({ was, now }) => was?.join() !== now?.join());
    if (others.length === 0) return false;
    const targets = new Map(before?.targets);
    for (const { vip, now } of others)
      if (now === undefined) targets.delete(vip);
      else targets.set(vip, now);
    const isMore = before === undefined || others.some(({ was }) => was === undefined);
    if (targets.size === 0) kept.delete(network);
    else kept.set(network, { targets, served: isMore ? ++lastServed : before.served });
    return true;
  }
  /** `before`: what was known of those that are put. */
  function concerned(touched: Touched, put: readonly NamedInstance[], before: ReadonlyMap<string, NamedInstance>): ReadonlySet<string> {
    const found = new Set<string>();
    for (const [network, vips] of touched) if (renew(network, vips)) for (const container of local.get(network) ?? []) found.add(container);
    for (const one of put) if (one.host === host && networksOf(one) !== networksOf(before.get(one.container))) found.add(one.container);
    return found;
  }

  return {
    replace(all) {
      const touched: Touched = new Map([...networks].map(([network, services]) => [network, new Set(services.keys())]));
      const before = new Map(instances);
      instances.clear();
      networks.clear();
      local.clear();
      for (const instance of all) enter(instance, touched);
      return concerned(touched, all, before);
    },
    change(put, drop) {
      const touched: Touched = new Map();
      const before = new Map(put.flatMap(({ container }) => instances.get(container) ?? []).map((one) => [one.container, one]));
      for (const container of drop) remove(container, touched);
      for (const { container } of put) remove(container, touched);
      for (const instance of put) enter(instance, touched);
      return concerned(touched, put, before);
    },
    instance: (container) => instances.get(container),
    served: (network) => kept.get(network)?.served,
    targets(of) {
      const [first = NONE, ...more] = of.flatMap((network) => kept.get(network)?.targets ?? []);
      return more.length === 0 ? first : new Map([first, ...more].flatMap((one) => [...one]));
    },
  };
}

/** By network, addresses of services of which something has changed. */
type Touched = Map<string, Set<string>>;

function touch(touched: Touched, network: string, vip: string): void {
  touched.set(network, (touched.get(network) ?? new Set()).add(vip));
}

const networksOf = (instance: NamedInstance | undefined): string | undefined =>
  instance && Object.keys(instance.addresses).toSorted().join(' ');
