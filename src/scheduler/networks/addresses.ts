/**
 * Addresses belong to the containers that run, as on one Engine. One that does not run keeps a claim: it yields when somebody asks for the address
 * by name, or when it is the last one. So does one whose host is lost. It is taken away on the Engine first, and in the store after that: whatever ends in between, no container
 * can run with an address that the store gives to another. Effects: calls to agents and Engines, writes to the ledger.
 */
import type { IdleSince } from '../../contracts/index.ts';
import {
  ArpanetError,
  type ContainerRecord,
  type ContainerView,
  type EndpointSettings,
  keys,
  type LeaseRecord,
  type NetworkRecord,
} from '../../model/index.ts';
import type { Core } from '../core.ts';
import { askedEndpoint } from './asked-endpoint.ts';
import { connectOn, takeOffNetwork } from './endpoints.ts';
import type { YieldedAddresses } from '../loss/yielded-addresses.ts';
import type { Overlays } from './overlays.ts';

const ENGINE_TIMEOUT_MS = 10_000;

export interface Addresses {
  readonly idleSince: IdleSince;
  /** Takes back an idle lease. Throws `conflict` (it is in use after all), and what calls to its host throw. */
  readonly vacate: (lease: LeaseRecord) => Promise<void>;
  /** While `act` runs, the container counts as one that runs. `alone` is done before, alone for this container. */
  readonly running: <T>(container: ContainerView, alone: () => Promise<void>, act: () => Promise<T>) => Promise<T>;
}

export function createAddresses(core: Core, overlays: Overlays, yielded: Pick<YieldedAddresses, 'lostSince' | 'take'>): Addresses {
  const { deps, view, engines, syncs, keyed, commit } = core;
  const { ledger, dhcp, log } = deps;
  /** Ids of containers that are just being started, with their hosts. */
  const starting = new Map<string, { count: number; readonly host: string }>();

  const recordOf = (name: string): ContainerRecord | undefined => ledger.get<ContainerRecord>(keys.container(name));
  const networkOf = (id: string): NetworkRecord | undefined => ledger.get<NetworkRecord>(keys.network(id));

  function containerIdleSince({ owner }: LeaseRecord): number | undefined {
    const id = recordOf(owner)?.id;
    const container = id === undefined || starting.has(id) ? undefined : view.byId(id);
    if (container === undefined) return undefined;
    if (container.hostState !== 'alive') return yielded.lostSince(container.host);
    const { State, Created } = container.facts.inspect;
    if (State.Running || State.Paused || State.Restarting) return undefined;
    const stoppedMs = Date.parse(State.Status === 'created' ? Created : State.FinishedAt);
    return Number.isFinite(stoppedMs) ? Math.max(0, stoppedMs) : 0;
  }

  /** Nobody runs there: it is the first to go. */
  function hostIdleSince({ network, owner: host }: LeaseRecord): number | undefined {
    if (view.host(host)?.state !== 'alive' || [...starting.values()].some((one) => one.host === host)) return undefined;
    const users = dhcp.leases.usersOf(network).filter((lease) => lease.host === host);
    return users.every((lease) => containerIdleSince(lease) !== undefined) ? 0 : undefined;
  }

  const idleSince: IdleSince = (lease) => {
    if (lease.kind === 'user' || lease.state !== 'bound') return undefined;
    return lease.kind === 'gateway' ? hostIdleSince(lease) : containerIdleSince(lease);
  };

  const inUse = ({ ip, owner }: LeaseRecord): ArpanetError =>
    new ArpanetError('conflict', `Address already in use: ${ip} is held by ${owner}`);

  async function vacateHost(lease: LeaseRecord): Promise<void> {
    const { network, owner: host } = lease;
    if (hostIdleSince(lease) !== undefined) {
      await commit(dhcp.leases.planGatewayRelease(network, host));
      await overlays.takeOff(network, [host]);
      return;
    }
    if (networkOf(network)?.isGatewayShared !== true) throw inUse(lease);
    await commit(dhcp.yielding.planGatewayMove(network, host));
    await overlays.renew(network, host);
    log.info({ host, network, ip: lease.ip }, 'a host has another own address in a network');
  }

  /** On its Engine. One that runs after all keeps it. */
  async function strip(container: ContainerView, network: NetworkRecord, ip: string, asked: EndpointSettings): Promise<void> {
    const { host, id } = container;
    await takeOffNetwork(core, { network: network.name, host, container: id }, ENGINE_TIMEOUT_MS);
    const { State } = await engines.json<ContainerView['facts']['inspect']>(host, {
      method: 'GET',
      path: `/containers/${id}/json`,
      timeoutMs: ENGINE_TIMEOUT_MS,
    });
    const at = { container: id, ip: State.Running ? ip : undefined };
    const isThere = view.networksOn(host).some((there) => there.network === network.id);
    if (State.Running || isThere) await connectOn(core, overlays, { network, host, asked, at }, ENGINE_TIMEOUT_MS);
    if (State.Running) throw new ArpanetError('conflict', `Address already in use: ${ip} is held by ${container.name}`);
  }

  async function vacateContainer(lease: LeaseRecord): Promise<void> {
    const id = recordOf(lease.owner)?.id;
    const before = id === undefined ? undefined : view.byId(id);
    const network = networkOf(lease.network);
    if (before === undefined || network === undefined) throw inUse(lease);
    await keyed.serial(`addresses/${before.id}`, async () => {
      if (before.hostState !== 'alive') return yielded.take(lease);
      await syncs.sync(before.host, { containers: [before.id] });
      const record = recordOf(lease.owner);
      const container = view.byId(before.id);
      if (record?.addresses[network.id] !== lease.ip) return;
      if (container === undefined || containerIdleSince(lease) === undefined) throw inUse(lease);
      await strip(container, network, lease.ip, askedEndpoint(record, network));
      const present = recordOf(lease.owner);
      if (present?.id !== before.id) return;
      const { [network.id]: _given, ...addresses } = present.addresses;
      const unaddressed = [...(present.unaddressed ?? []), network.id];
      await commit([
        { kind: 'put', key: keys.container(present.name), value: { ...present, addresses, unaddressed } },
        ...dhcp.leases.planRelease(network.id, lease.ip, present.name),
      ]);
      await syncs.sync(before.host, { containers: [before.id] });
      log.info(
        { container: present.name, host: before.host, network: network.name, ip: lease.ip },
        'address of a stopped container taken back',
      );
    });
  }

  return {
    idleSince,
    vacate: (lease) => (lease.kind === 'gateway' ? vacateHost(lease) : vacateContainer(lease)),
    async running(container, alone, act) {
      const { id, host } = container;
      const mark = starting.get(id) ?? { count: 0, host };
      mark.count += 1;
      starting.set(id, mark);
      try {
        await keyed.serial(`addresses/${id}`, alone);
        return await act();
      } finally {
        mark.count -= 1;
        if (mark.count === 0) starting.delete(id);
      }
    },
  };
}
