/** Which services have one address, in which networks, and which of their instances are ready: kept up to date by changes of the name table. Pure; keeps the instances. */
import { answering, type NamedInstance } from '../../model/name-table.ts';
import type { Targets } from './rules.ts';

export interface ServiceIndex {
  /** Forgets all, and enters these. Gives the networks that are concerned. */
  readonly replace: (instances: readonly NamedInstance[]) => ReadonlySet<string>;
  readonly change: (put: readonly NamedInstance[], drop: readonly string[]) => ReadonlySet<string>;
  readonly instance: (container: string) => NamedInstance | undefined;
  /** Containers on this host with an address in the network. */
  readonly local: (network: string) => readonly string[];
  /** Addresses of all services in these networks. */
  readonly vips: (networks: readonly string[]) => readonly string[];
  /** Of all services in these networks. */
  readonly targets: (networks: readonly string[]) => Targets;
}

export function createServiceIndex(host: string): ServiceIndex {
  const instances = new Map<string, NamedInstance>();
  /** By network and address, who is behind it. */
  const networks = new Map<string, Map<string, Map<string, NamedInstance>>>();
  const local = new Map<string, Set<string>>();

  function enter(instance: NamedInstance, touched: Set<string>): void {
    const { container, addresses, vips = {} } = instance;
    instances.set(container, instance);
    if (instance.host === host)
      for (const network of Object.keys(addresses)) {
        local.set(network, (local.get(network) ?? new Set()).add(container));
        touched.add(network);
      }
    for (const [network, vip] of Object.entries(vips)) {
      const services = networks.get(network) ?? new Map<string, Map<string, NamedInstance>>();
      networks.set(network, services);
      const members = services.get(vip) ?? new Map<string, NamedInstance>();
      services.set(vip, members.set(container, instance));
      touched.add(network);
    }
  }
  function remove(container: string, touched: Set<string>): void {
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
      touched.add(network);
    }
  }

  return {
    replace(all) {
      const touched = new Set(networks.keys());
      instances.clear();
      networks.clear();
      local.clear();
      for (const instance of all) enter(instance, touched);
      return touched;
    },
    change(put, drop) {
      const touched = new Set<string>();
      for (const container of drop) remove(container, touched);
      for (const { container } of put) remove(container, touched);
      for (const instance of put) enter(instance, touched);
      return touched;
    },
    instance: (container) => instances.get(container),
    local: (network) => [...(local.get(network) ?? [])],
    vips: (of) => of.flatMap((network) => [...(networks.get(network)?.keys() ?? [])]),
    targets: (of) =>
      new Map(
        of.flatMap((network) =>
          [...(networks.get(network) ?? [])].map(([vip, members]): [string, readonly string[]] => {
            const ready = answering([...members.values()], false).flatMap(({ addresses }) => addresses[network] ?? []);
            return [vip, [...new Set(ready)].toSorted()];
          }),
        ),
      ),
  };
}
