/**
 * Bugs for the fault lab to find, planted where the rooms are wired: each only while a file `plant.<name>` lies in the folder of `ARPANET_TRIP`,
 * which tests alone set. Without that folder nothing here is in the way of anything.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dhcp } from '../dhcp/index.ts';
import { engineRequest } from '../engine/index.ts';
import type { NameTable } from '../model/index.ts';
import type { Scheduler } from '../scheduler/index.ts';

export const PLANTS = ['two-leaders', 'lost-release', 'stale-dns', 'twin', 'leaked-network', 'double-lease'] as const;
export type Plant = (typeof PLANTS)[number];
export type Planted = (plant: Plant) => boolean;

export function plantsFrom(dir: string): Planted {
  return (plant) => existsSync(join(dir, `plant.${plant}`));
}

/** Addresses that are never given back, networks that never leave a host, and one address for two. */
export function plantedDhcp(dhcp: Dhcp, planted: Planted): Dhcp {
  return {
    ...dhcp,
    planRelease: (...asked) => (planted('lost-release') ? [] : dhcp.planRelease(...asked)),
    planGatewayRelease: (...asked) => (planted('leaked-network') ? [] : dhcp.planGatewayRelease(...asked)),
    planOffer(network, wish) {
      const other = dhcp
        .leasesOf(network)
        .find((lease) => lease.kind === 'instance' && lease.state === 'bound' && lease.host !== wish.host);
      return planted('double-lease') && other !== undefined ? { ip: other.ip, changes: [] } : dhcp.planOffer(network, wish);
    },
  };
}

/** What was once ready stays so in every table. */
export function plantedPush(push: (table: NameTable) => Promise<void>, planted: Planted): (table: NameTable) => Promise<void> {
  const ready = new Map<string, NameTable['instances'][number]>();
  return async (table) => {
    for (const instance of table.instances) if (instance.ready) ready.set(instance.container, instance);
    if (!planted('stale-dns')) return push(table);
    const told = new Set(table.instances.filter((instance) => instance.ready).map((instance) => instance.container));
    const stale = [...ready.values()].filter((instance) => !told.has(instance.container));
    const others = table.instances.filter((instance) => !stale.some(({ id }) => id === instance.id));
    return push({ ...table, instances: [...others, ...stale] });
  };
}

/** What is created once is created on a second host, too. */
export function plantedScheduler(scheduler: Scheduler, planted: Planted): Scheduler {
  return {
    ...scheduler,
    async createContainer(create) {
      const created = await scheduler.createContainer(create);
      if (!planted('twin')) return created;
      const { name, host } = scheduler.container(created.id);
      const other = scheduler.hosts().find((one) => one.state === 'alive' && one.name !== host)?.name;
      if (other === undefined) return created;
      const body = { Image: create.request.Image, Cmd: create.request['Cmd'] };
      const target = { agent: scheduler.engine(other).agent };
      await engineRequest(target, { method: 'POST', path: `/containers/create?name=${name}`, body });
      await engineRequest(target, { method: 'POST', path: `/containers/${name}/start` });
      return created;
    },
  };
}
