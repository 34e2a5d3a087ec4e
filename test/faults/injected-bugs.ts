/**
 * Bugs for the fault lab to find: rooms of a scheduler that do wrong while a file `bug.<name>` lies in a folder, and are the product's own otherwise.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { engineRequest } from '../../src/engine/index.ts';
import type { NamedInstance } from '../../src/model/index.ts';
import { ROOMS, type Rooms } from '../../src/processes/rooms.ts';

export const BUGS = ['two-leaders', 'lost-release', 'stale-dns', 'twin', 'leaked-network', 'double-lease'] as const;
export type Bug = (typeof BUGS)[number];
type IsOn = (bug: Bug) => boolean;

export function roomsWithBugs(dir: string): Rooms {
  const isOn: IsOn = (bug) => existsSync(join(dir, `bug.${bug}`));
  return {
    ...ROOMS,
    campaign: campaignWithBugs(isOn),
    createDhcp: dhcpWithBugs(isOn),
    startScheduler: schedulerWithBugs(isOn),
    startRegistrar: registrarWithBugs(isOn),
  };
}

/** One that has led once takes no notice of another leader. */
function campaignWithBugs(isOn: IsOn): Rooms['campaign'] {
  return (deps, signal, onLead, onFollow) => {
    let hasLed = false;
    return ROOMS.campaign(
      deps,
      signal,
      (term) => {
        hasLed = true;
        return onLead(term);
      },
      (leader) => {
        if (!(hasLed && isOn('two-leaders'))) onFollow(leader);
      },
    );
  };
}

/** Addresses that are never released, networks that never leave a host, and one address for two. */
function dhcpWithBugs(isOn: IsOn): Rooms['createDhcp'] {
  return (deps) => {
    const { leases, ...others } = ROOMS.createDhcp(deps);
    const faulty: Partial<typeof leases> = {
      planRelease: (...asked) => (isOn('lost-release') ? [] : leases.planRelease(...asked)),
      planGatewayRelease: (...asked) => (isOn('leaked-network') ? [] : leases.planGatewayRelease(...asked)),
      planOffer(network, request) {
        const other = leases
          .leasesOf(network)
          .find((lease) => lease.kind === 'instance' && lease.state === 'bound' && lease.host !== request.host);
        return isOn('double-lease') && other !== undefined ? { ip: other.ip, changes: [] } : leases.planOffer(network, request);
      },
    };
    return { ...others, leases: { ...leases, ...faulty } };
  };
}

/** What was once ready stays so in every table. */
function registrarWithBugs(isOn: IsOn): Rooms['startRegistrar'] {
  return (deps, signal) => {
    const stale = new Map<string, NamedInstance>();
    const push: typeof deps.push = async (update) => {
      if (!isOn('stale-dns')) return deps.push(update);
      const changes = update.changes.map(({ before, now }) => {
        const container = (before ?? now)?.container ?? '';
        const wasReady = before?.ready === true ? before : stale.get(container);
        if (now?.ready === true || wasReady === undefined) return { before, now };
        stale.set(container, wasReady);
        return { before, now: wasReady };
      });
      const instances = () => {
        const others = update.instances().filter(({ container, ready }) => ready || !stale.has(container));
        const ready = new Set(others.map(({ container }) => container));
        return [...others, ...[...stale.values()].filter(({ container }) => !ready.has(container))];
      };
      return deps.push({ ...update, changes, instances });
    };
    return ROOMS.startRegistrar({ ...deps, push }, signal);
  };
}

/** What is created once is created on a second host, too; and a host that has seen another leader is not heard. */
function schedulerWithBugs(isOn: IsOn): Rooms['startScheduler'] {
  return async (deps, lost) => {
    const superseded = (epoch: number) => (isOn('two-leaders') ? undefined : deps.leader.superseded(epoch));
    const scheduler = await ROOMS.startScheduler({ ...deps, leader: { ...deps.leader, superseded } }, lost);
    const { containers, hosts, engines } = scheduler;
    const create: typeof containers.create = async (request) => {
      const created = await containers.create(request);
      if (!isOn('twin')) return created;
      const { name, host } = containers.one(created.id);
      const other = hosts.list().find((candidate) => candidate.state === 'alive' && candidate.name !== host)?.name;
      if (other === undefined) return created;
      const body = { Image: request.request.Image, Cmd: request.request['Cmd'] };
      const target = { agent: engines.endpoint(other).agent };
      await engineRequest(target, { method: 'POST', path: `/containers/create?name=${name}`, body });
      await engineRequest(target, { method: 'POST', path: `/containers/${name}/start` });
      return created;
    };
    return { ...scheduler, containers: { ...containers, create } };
  };
}
