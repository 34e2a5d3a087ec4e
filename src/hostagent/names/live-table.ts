/** A name table that takes changes, each at the cost of what it concerns; and which networks' addresses have moved to other hosts by one. Pure; keeps the table. */
import type { NameChange, NamedInstance, NameTable } from '../../model/name-table.ts';

export interface LiveTable {
  /** The change is of this table. */
  readonly fits: (change: NameChange) => boolean;
  /** Must fit. Gives the networks in which an address is on another host now: what the kernel learned of them is stale. */
  readonly change: (change: NameChange) => readonly string[];
  readonly instances: () => readonly NamedInstance[];
  /** All of it. */
  readonly table: () => NameTable;
}

export function openLiveTable(whole: NameTable): LiveTable {
  const instances = new Map(whole.instances.map((one) => [one.container, one]));
  const deployments = whole.deployments && new Set(whole.deployments);
  let { version, epoch, atMs, outside } = whole;
  let networks = new Map(Object.entries(whole.networks ?? {}));
  /** By network and address, who has it: of two the one that came later. */
  const holders = new Map<string, NamedInstance>();

  function hold(instance: NamedInstance): readonly string[] {
    return Object.entries(instance.addresses).flatMap(([network, ip]) => {
      const before = holders.get(`${network} ${ip}`);
      holders.set(`${network} ${ip}`, instance);
      return before === undefined || before.host === instance.host ? [] : [network];
    });
  }
  function release(instance: NamedInstance): void {
    for (const [network, ip] of Object.entries(instance.addresses))
      if (holders.get(`${network} ${ip}`) === instance) holders.delete(`${network} ${ip}`);
  }
  for (const one of instances.values()) hold(one);

  return {
    fits: (change) => change.epoch === epoch && change.since === version,
    change(change) {
      const gone = [...change.drop, ...change.put.map(({ container }) => container)].flatMap((container) => instances.get(container) ?? []);
      for (const container of change.drop) instances.delete(container);
      const moved = change.put.flatMap((one) => {
        instances.set(one.container, one);
        return hold(one);
      });
      for (const one of gone) release(one);
      ({ version, atMs } = change);
      outside = change.outside ?? outside;
      for (const [id, name] of Object.entries(change.networks ?? {})) networks.set(id, name);
      if (change.deployments !== undefined) deployments?.clear();
      for (const name of [...(change.deployments ?? []), ...(change.deploymentsCome ?? [])]) deployments?.add(name);
      for (const name of change.deploymentsGone ?? []) deployments?.delete(name);
      return [...new Set(moved)];
    },
    instances: () => [...instances.values()],
    table() {
      const all = [...instances.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      const used = new Set(all.flatMap(({ addresses }) => Object.keys(addresses)));
      networks = new Map([...networks].filter(([id]) => used.has(id)));
      return {
        version,
        epoch,
        atMs,
        instances: all,
        networks: Object.fromEntries(networks),
        ...(outside && { outside }),
        ...(deployments && { deployments: [...deployments] }),
      };
    },
  };
}
