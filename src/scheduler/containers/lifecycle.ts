/** What happens to containers after their create: withdrawn, removed, renamed. */
import type * as contracts from '../../contracts/index.ts';
import {
  type ContainerRecord,
  type ContainerView,
  keys,
  type LeaseRecord,
  type NetworkRecord,
  serviceFromName,
  serviceLabel,
} from '../../model/index.ts';
import type { Change } from '../../store/ledger/contract.ts';
import { refuseTaken } from '../create/claim.ts';
import type { Core } from '../core.ts';
import { createLeaving } from './leaving.ts';
import { drainTimeOf } from '../create/drain-time.ts';
import { checkedName } from '../create/identify.ts';
import type { Overlays } from '../networks/overlays.ts';
import type { ChangeListeners } from '../view/change-listeners.ts';
import { inBackground } from '../../telemetry/faults.ts';

export interface Lifecycle {
  /** It is just being stopped: no name may lead to it. */
  readonly isWithdrawn: (id: string) => boolean;
  readonly withdrawn: contracts.Containers['withdrawn'];
  readonly removed: (container: Pick<ContainerView, 'id' | 'name' | 'record'>) => Promise<void>;
  /** Gives back all that a record holds. Nothing if the name is by now another container's. */
  readonly forget: (record: ContainerRecord) => Promise<void>;
  readonly rename: (container: ContainerView, name: string, act: () => Promise<void>) => Promise<void>;
  /** Takes a link away from the container that has it. */
  readonly unlink: (container: ContainerView, alias: string) => Promise<void>;
}

interface Listeners extends Pick<ChangeListeners, 'next'> {
  /** It is withdrawn now, or no more. */
  readonly withdrawalsChanged: (id: string) => void;
}

export function createLifecycle(core: Core, overlays: Overlays, listeners: Listeners): Lifecycle {
  const { deps, view, records, syncs, keyed, commit, lost } = core;
  const { ledger, dhcp, log } = deps;
  const { lingerMs } = deps.settings;
  const withdrawals = new Map<string, number>();
  const lingering = new Map<string, NodeJS.Timeout>();

  lost.addEventListener('abort', () => {
    for (const timer of lingering.values()) clearTimeout(timer);
  });

  function mark(id: string, by: 1 | -1): void {
    const count = (withdrawals.get(id) ?? 0) + by;
    if (count > 0) withdrawals.set(id, count);
    else withdrawals.delete(id);
    listeners.withdrawalsChanged(id);
    records.touch();
  }

  const left = createLeaving(core, listeners);

  /** For requests that it has, and for clients that still have its address. */
  const drainMsOf = ({ record }: ContainerView): number => drainTimeOf(record?.request.Labels ?? {}) ?? deps.settings.drainMs;

  async function withdrawn<T>(
    container: ContainerView,
    act: () => Promise<T>,
    { drains = false, drainMs = drains ? drainMsOf(container) : 0 }: { readonly drains?: boolean; readonly drainMs?: number } = {},
  ): Promise<T> {
    if (container.record === undefined) return act();
    mark(container.id, 1);
    try {
      await deps.flushNames();
      await deps.failpoint('stop.withdrawn');
      await left(container, drainMs);
      return await act();
    } finally {
      // The names come back only by what the Engine says then, not by what the view still shows from before.
      const shown = syncs.sync(container.host, { containers: [container.id] });
      inBackground(
        log,
        'a refresh',
        shown.finally(() => mark(container.id, -1)),
      );
    }
  }

  /**
   * A deployment's implicit network goes with its last container, and is gone when that one's removal is answered: nobody else takes it away.
   * A network that a client made, or that of single containers, is soon wanted again: a host keeps it between one `docker run` and the next.
   */
  async function tidy(network: string, host: string): Promise<void> {
    const record = ledger.get<NetworkRecord>(keys.network(network));
    const key = `${network}/${host}`;
    clearTimeout(lingering.get(key));
    lingering.delete(key);
    const isLast = record?.implicit === true && record.deployment !== 'default';
    if (lingerMs === 0 || isLast) return overlays.tidy(network, [host]);
    const timer = setTimeout(() => {
      lingering.delete(key);
      overlays
        .tidy(network, [host])
        .catch((error: unknown) => log.warn({ network, host, err: error }, 'could not remove an unused network'));
    }, lingerMs);
    lingering.set(key, timer.unref());
  }

  async function forget(record: ContainerRecord): Promise<void> {
    const present = ledger.get<ContainerRecord>(keys.container(record.name));
    if (present === undefined || present.id !== record.id || present.createdAtMs !== record.createdAtMs) return;
    const released = Object.entries(present.addresses).flatMap(([network, ip]) => dhcp.leases.planRelease(network, ip, present.name));
    await deps.failpoint('remove.done');
    await commit([{ kind: 'delete', key: keys.container(present.name) }, ...released]);
    await deps.failpoint('remove.released');
    log.info({ container: present.name, host: present.host }, 'container record deleted, addresses released');
    const { addresses, modeNetwork } = present;
    const left = new Set([...Object.keys(addresses), ...(modeNetwork === undefined ? [] : [modeNetwork])]);
    await Promise.all([...left].map((network) => tidy(network, present.host)));
    await deps.failpoint('remove.tidied');
  }

  const serially = <T>(id: string, act: () => Promise<T>): Promise<T> => keyed.serial(`container/${id}`, act);

  function recordOf(container: Pick<ContainerView, 'id' | 'record'>): ContainerRecord | undefined {
    const name = (view.byId(container.id)?.record ?? container.record)?.name;
    const record = name === undefined ? undefined : ledger.get<ContainerRecord>(keys.container(name));
    return record?.id === container.id ? record : undefined;
  }

  return {
    isWithdrawn: (id) => withdrawals.has(id),
    withdrawn,
    forget,
    removed: (container) =>
      serially(container.id, async () => {
        const record = recordOf(container);
        if (record === undefined) return;
        // The agent takes a network away only when it knows that nobody is on it any more, and the name is free once nobody shows it any more.
        if (view.byId(container.id) !== undefined) await syncs.sync(record.host, { containers: [container.id] });
        await forget(record);
      }),
    rename: (container, name, act) =>
      serially(container.id, async () => {
        refuseTaken(core, checkedName(name));
        const record = recordOf(container);
        if (record === undefined) return act();
        const { id, requestId: _made, ...rest } = record;
        const claim: ContainerRecord = { ...rest, name };
        await commit([{ kind: 'create', key: keys.container(name), value: claim }]);
        try {
          await act();
        } catch (error) {
          await commit([{ kind: 'delete', key: keys.container(name) }]);
          throw error;
        }
        await commit(
          renameChanges(core, record, { ...record, ...(id === undefined ? {} : { id }), name, service: serviceAfter(record, name) }),
        );
        log.info({ container: record.name, to: name }, 'container renamed');
      }),
    unlink: (container, alias) =>
      serially(container.id, async () => {
        const record = recordOf(container);
        if (record === undefined) return;
        await commit([{ kind: 'put', key: keys.container(record.name), value: withoutLink(record, alias) }]);
        await deps.flushNames();
      }),
  };
}

/** The host name of what it led to goes with the last link to it. */
function withoutLink(record: ContainerRecord, alias: string): ContainerRecord {
  const { linkedHosts, ...rest } = record;
  const links = record.links.filter((link) => link.alias !== alias);
  const hosts = linkedHosts?.filter(({ target }) => links.some((link) => link.target === target)) ?? [];
  return { ...rest, links, ...(hosts.length === 0 ? {} : { linkedHosts: hosts }) };
}

/** A container that nobody gave a service is a service of its own name. */
function serviceAfter(record: ContainerRecord, name: string): string {
  return serviceLabel(record.request.Labels ?? {}) === undefined ? serviceFromName(name) : record.service;
}

/** The new name takes over the record and the leases of the old. */
export function renameChanges(
  { deps: { ledger, dhcp }, recordIndex }: Core,
  from: ContainerRecord,
  to: ContainerRecord,
): readonly Change[] {
  const leases = Object.entries(from.addresses).flatMap(([network, ip]) => {
    const lease = ledger.get<LeaseRecord>(keys.lease(network, ip));
    return lease === undefined ? [] : dhcp.leases.planTransfer(network, ip, from.name, { owner: to.name, host: to.host });
  });
  // links follow the container, whatever it is called
  const linkers = recordIndex.linkedTo(from.name).flatMap((other): Change[] => {
    if (other.name === from.name) return [];
    const key = keys.container(other.name);
    const follow = (links: ContainerRecord['links']) =>
      links.map((link) => (link.target === from.name ? { ...link, target: to.name } : link));
    const linkedHosts = other.linkedHosts === undefined ? {} : { linkedHosts: follow(other.linkedHosts) };
    return [{ kind: 'put', key, value: { ...other, links: follow(other.links), ...linkedHosts } }];
  });
  return [
    { kind: 'put', key: keys.container(to.name), value: to },
    { kind: 'delete', key: keys.container(from.name) },
    ...leases,
    ...linkers,
  ];
}
