/**
 * Addresses of containers on a lost host that nothing replaces: others may have them, as those of a container that does not run. The container may run
 * there all the same, so its host is fenced off first, and stays so until the container has been taken off that network. A record (LostRecord) is
 * stored before anything else. Effects: writes to the ledger; calls to agents and Engines.
 */
import { ArpanetError, type ContainerRecord, keys, type LeaseRecord, type LostRecord, type NetworkRecord } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { takeOffNetwork } from '../networks/endpoints.ts';
import type { Overlays } from '../networks/overlays.ts';
import type { FenceOff } from './fence-off.ts';

const ENGINE_TIMEOUT_MS = 20_000;

export interface YieldedAddresses {
  /** Since when the host has been down, in Unix milliseconds, if that is so long that it is lost. */
  readonly lostSince: (host: string) => number | undefined;
  /** Takes the address of a container on a lost host. Throws `conflict` (the host is back), and what calls to the other hosts throw. */
  readonly take: (lease: LeaseRecord) => Promise<void>;
  /** On its host, which is back: takes the container off the networks whose addresses others have. Throws what calls to its host throw. */
  readonly returned: (lost: LostRecord) => Promise<void>;
}

export function createYieldedAddresses(core: Core, overlays: Overlays, { uninformed, fence }: FenceOff): YieldedAddresses {
  const { deps, view, syncs, commit } = core;
  const { ledger, dhcp, log } = deps;

  function lostSince(name: string): number | undefined {
    const host = view.host(name);
    if (host?.state !== 'down' || host.unreachableSinceMs === undefined) return undefined;
    return deps.now() - host.unreachableSinceMs >= 2 * deps.settings.hostDownMs ? host.unreachableSinceMs : undefined;
  }

  async function take(lease: LeaseRecord): Promise<void> {
    const inUse = () => new ArpanetError('conflict', `Address already in use: ${lease.ip} is held by ${lease.owner}`);
    const { network, ip } = lease;
    const owner = (): ContainerRecord | undefined => {
      const record = ledger.get<ContainerRecord>(keys.container(lease.owner));
      return record?.addresses[network] === ip && lostSince(record.host) !== undefined ? record : undefined;
    };
    const before = owner();
    if (before?.id === undefined) throw inUse();
    const { id, name, host } = before;
    const key = keys.lostContainer(id);
    const unreached = uninformed(host);
    const known = ledger.get<LostRecord>(key);
    const note: LostRecord = {
      ...(known ?? { id, name, host, addresses: {}, isReplaced: false, sinceMs: deps.now() }),
      yielded: [...new Set([...(known?.yielded ?? []), network])],
      ...(unreached.length === 0 ? {} : { uninformed: unreached }),
    };
    await commit([{ kind: 'put', key, value: note }]);
    await fence(host, unreached);
    const record = owner();
    if (record?.id !== id) throw inUse();
    const { [network]: _given, ...addresses } = record.addresses;
    const value: ContainerRecord = { ...record, addresses, unaddressed: [...(record.unaddressed ?? []), network] };
    await commit([{ kind: 'put', key: keys.container(name), value }, ...dhcp.leases.planRelease(network, ip, name)]);
    overlays.pushAll();
    log.info({ container: name, host, network, ip }, 'address of a container on a lost host taken back');
  }

  async function returned({ id, host, yielded = [] }: LostRecord): Promise<void> {
    for (const network of yielded) {
      const record = ledger.get<NetworkRecord>(keys.network(network));
      if (record !== undefined) await takeOffNetwork(core, { network: record.name, host, container: id }, ENGINE_TIMEOUT_MS);
    }
    await syncs.sync(host, { containers: [id] });
    await commit([{ kind: 'delete', key: keys.lostContainer(id) }]);
  }

  return { lostSince, take, returned };
}
