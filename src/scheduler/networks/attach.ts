/** `network connect` and `disconnect` on containers that exist. Effects: calls to agents and Engines. */
import {
  ArpanetError,
  type ContainerRecord,
  type ContainerView,
  type EndpointSettings,
  isKind,
  keys,
  type NetworkRecord,
} from '../../model/index.ts';
import type { AddressRequest } from '../../contracts/index.ts';
import { isOfSharedBridge, predefinedName, shownNetwork } from '../../networks/index.ts';
import type { Core } from '../core.ts';
import { modeOf, networksOf, parseLink } from '../create/identify-networks.ts';
import type { Addresses } from './addresses.ts';
import { askedEndpoint } from './asked-endpoint.ts';
import { connectOn, takeOffNetwork } from './endpoints.ts';
import { beginImplicit, implicitNetwork, type Networks, refuseOfBridge } from './networks.ts';
import { ensureMode, isMode } from './mode-network.ts';
import type { Overlays } from './overlays.ts';
import { createUndo } from '../create/undo.ts';

const ENGINE_TIMEOUT_MS = 30_000;
const ATTEMPTS = 5;
/** Idle addresses that are taken back for one request, in a network that is full. */
const VACATED = 4;

export interface Attach {
  connect(network: string, container: ContainerView, endpoint: unknown): Promise<void>;
  disconnect(network: string, container: ContainerView, force: boolean): Promise<void>;
  /** Gives a container that runs an address in each network where it has none: others took it while its host was lost. Throws as `starting`. */
  addressRunning(container: ContainerView): Promise<void>;
  /**
   * Around a start or restart: before `act` the container has an address in each of its networks, on its Engine too. One that is on no network any more
   * returns to the one that it was created for, as on an Engine (moby daemon/container_operations.go, allocateNetwork), which would give it an address
   * of its own choice. Throws `not-found` (that one is gone), `forbidden` (another runs with the address that it asks for), `exhausted`.
   */
  readonly starting: <T>(container: ContainerView, act: () => Promise<T>) => Promise<T>;
}

export function createAttach(core: Core, networks: Networks, overlays: Overlays, addresses: Addresses): Attach {
  const { deps, engines, syncs, commit } = core;
  const { dhcp } = deps;

  function recordOf(container: ContainerView): ContainerRecord {
    const record = container.record && deps.ledger.get<ContainerRecord>(keys.container(container.record.name));
    if (record === undefined) {
      throw new ArpanetError(
        'invalid',
        `container ${container.name} was not created through arpanet: it cannot join the cluster's networks`,
      );
    }
    return record;
  }

  const put = (record: ContainerRecord) => ({ kind: 'put', key: keys.container(record.name), value: record }) as const;

  /** Takes back idle leases until the request can be granted, or nothing more can be taken back. */
  async function makeRoom(network: string, request: AddressRequest): Promise<void> {
    const { yielding } = dhcp;
    for (let taken = 0; taken < VACATED; taken++) {
      const held =
        yielding.occupantForHost(network, request.host, addresses.idleSince) ?? yielding.occupant(network, request, addresses.idleSince);
      if (held === undefined) return;
      await addresses.vacate(held).catch((error: unknown) => {
        if (!isKind(error, 'conflict')) throw error;
      });
    }
  }

  /** Leases an address and enters it in the record: plan and commit are one step, and a lost race is run again. */
  async function lease(network: string, container: ContainerView, changed: (record: ContainerRecord) => ContainerRecord): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const wanted = askedEndpoint(changed(recordOf(container)), networks.one(network).record).IPAMConfig?.IPv4Address || undefined;
      await makeRoom(network, { owner: recordOf(container).name, host: container.host, wanted });
      const record = recordOf(container);
      const request = { owner: record.name, host: record.host, wanted };
      try {
        const gateway = commit(dhcp.leases.planGateway(network, record.host).changes);
        gateway.catch(() => undefined);
        const offer = dhcp.leases.planOffer(network, request);
        const asked = wanted === undefined ? [] : dhcp.yielding.planAsked(network, wanted);
        await Promise.all([gateway, commit([...offer.changes, ...asked, put(addressed(changed(record), network, offer.ip))])]);
        return offer.ip;
      } catch (error) {
        if (isKind(error, 'conflict') && wanted !== undefined)
          throw new ArpanetError('forbidden', 'Address already in use', { cause: error });
        if (!isKind(error, 'conflict') || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** As asked for, in a network that it is not on yet. */
  async function claim(network: string, container: ContainerView, endpoint: EndpointSettings): Promise<string | undefined> {
    const before = recordOf(container);
    if (isOn(before, network)) {
      const { name } = shownNetwork(networks.one(network).record);
      throw new ArpanetError('forbidden', `endpoint with name ${before.name} already exists in network ${name}`);
    }
    const joined = (record: ContainerRecord): ContainerRecord => ({
      ...record,
      aliases: { ...record.aliases, [network]: endpoint.Aliases ?? [] },
      connected: { ...record.connected, [network]: endpoint },
      links: [...record.links, ...(endpoint.Links ?? []).map((link) => ({ ...parseLink(link), network }))],
    });
    try {
      return await lease(network, container, joined);
    } catch (error) {
      // an Engine tells at start
      if (!isKind(error, 'forbidden') || container.facts.inspect.State.Running) throw error;
      const record = joined(recordOf(container));
      await commit([put({ ...record, unaddressed: [...(record.unaddressed ?? []), network] })]);
      return undefined;
    }
  }

  async function release(network: string, container: ContainerView): Promise<void> {
    // The agent takes a network away only when it knows that nobody is on it any more.
    await syncs.sync(container.host, { containers: [container.id] });
    const record = recordOf(container);
    const ip = record.addresses[network];
    const { [network]: _address, ...addresses } = record.addresses;
    const { [network]: _aliases, ...aliases } = record.aliases;
    const { [network]: _endpoint, ...connected } = record.connected ?? {};
    const { unaddressed = [], modeNetwork: before, ...rest } = record;
    const left = unaddressed.filter((other) => other !== network);
    const known = deps.ledger.get<NetworkRecord>(keys.network(network));
    const modeNetwork = known !== undefined && isMode(container, known) ? network : before;
    await commit([
      put({
        ...rest,
        addresses,
        aliases,
        connected,
        links: record.links.filter((link) => link.network !== network),
        ...(left.length === 0 ? {} : { unaddressed: left }),
        ...(modeNetwork === undefined ? {} : { modeNetwork }),
      }),
      ...(ip === undefined ? [] : dhcp.leases.planRelease(network, ip, record.name)),
    ]);
    await overlays.tidy(network, [record.host]);
  }

  /** The Engine's own networks are joined as on one Engine: it says what is possible. */
  async function native(action: 'connect' | 'disconnect', network: string, container: ContainerView, body: object): Promise<void> {
    const path = `${engines.versionPath(container.host)}/networks/${network}/${action}`;
    await engines.json(container.host, { method: 'POST', path, body: { Container: container.id, ...body }, timeoutMs: ENGINE_TIMEOUT_MS });
    await syncs.sync(container.host, { containers: [container.id] });
  }

  const sharedBridge = () => implicitNetwork(deps, 'default');

  /** It goes with the last that is on it. */
  async function madeImplicit(deployment: string): Promise<NetworkRecord> {
    const known = implicitNetwork(deps, deployment);
    if (known !== undefined) return known;
    const { record, committed } = beginImplicit(core, deployment);
    await committed;
    return record;
  }

  const isShared = (reference: string, { record }: ContainerView) =>
    predefinedName(reference) === 'bridge' && record !== undefined && isOfSharedBridge(record);

  async function join(network: NetworkRecord, container: ContainerView, endpoint: EndpointSettings): Promise<void> {
    await ensureMode(core, container, overlays);
    const undo = createUndo(deps.log);
    const ip = await claim(network.id, container, endpoint);
    undo.push('address', () => release(network.id, container));
    try {
      const wanted = { network, host: container.host, asked: endpoint, at: { container: container.id, ip } };
      if (ip === undefined) await commit(dhcp.leases.planGateway(network.id, container.host).changes);
      await connectOn(core, overlays, wanted, ENGINE_TIMEOUT_MS);
      if (ip !== undefined) await commit(dhcp.leases.planBind(network.id, ip));
    } catch (error) {
      await undo.run(error);
      throw error;
    }
    await syncs.sync(container.host, { containers: [container.id] });
    await deps.flushNames();
  }

  /** Where the container was made to be, when it is on no network any more. */
  async function rejoin(container: ContainerView, record: ContainerRecord): Promise<void> {
    const [wanted] = networksOf(record.request, modeOf(record.request), record.deployment);
    if (wanted === undefined) return;
    await join(wanted.implicit ? await madeImplicit(record.deployment) : networks.one(wanted.reference).record, container, wanted.endpoint);
  }

  /** Whether its Engine will start it in this network with its address. */
  function isReady({ host, facts }: ContainerView, record: ContainerRecord, { id, name }: NetworkRecord): boolean {
    const ip = record.addresses[id];
    const there = overlays.builtOn(id, host);
    const endpoint = facts.inspect.NetworkSettings.Networks?.[name];
    if (ip === undefined || there === undefined || endpoint === undefined) return false;
    return endpoint.IPAMConfig?.IPv4Address === ip && (!endpoint.NetworkID || endpoint.NetworkID === there.engineId);
  }

  async function readdress(container: ContainerView): Promise<void> {
    const record = container.record && deps.ledger.get<ContainerRecord>(keys.container(container.record.name));
    if (record?.id !== container.id) return undefined;
    const all = [...Object.keys(record.addresses), ...(record.unaddressed ?? [])];
    if (all.length === 0) return rejoin(container, record);
    await ensureMode(core, container, overlays);
    if (container.facts.inspect.State.Running) return undefined; // a restart: it keeps what it has
    let isChanged = false;
    for (const id of all) {
      const network = deps.ledger.get<NetworkRecord>(keys.network(id));
      if (network === undefined || isReady(container, record, network)) continue;
      const ip = record.addresses[id] ?? (await lease(id, container, (same) => same));
      await makeRoom(id, { owner: record.name, host: container.host, wanted: ip });
      await commit(dhcp.leases.planGateway(id, container.host).changes);
      await takeOffNetwork(core, { network: network.name, host: container.host, container: container.id }, ENGINE_TIMEOUT_MS);
      const at = { container: container.id, ip };
      await connectOn(core, overlays, { network, host: container.host, asked: askedEndpoint(record, network), at }, ENGINE_TIMEOUT_MS);
      await commit(dhcp.leases.planBind(id, ip));
      isChanged = true;
    }
    if (!isChanged) return undefined;
    await syncs.sync(container.host, { containers: [container.id] });
    return deps.flushNames();
  }

  async function addressNow(container: ContainerView): Promise<void> {
    for (const id of recordOf(container).unaddressed ?? []) {
      const network = deps.ledger.get<NetworkRecord>(keys.network(id));
      if (network === undefined) continue;
      const ip = await lease(id, container, (same) => same);
      const asked = askedEndpoint(recordOf(container), network);
      await connectOn(core, overlays, { network, host: container.host, asked, at: { container: container.id, ip } }, ENGINE_TIMEOUT_MS);
      await commit(dhcp.leases.planBind(id, ip));
    }
    await syncs.sync(container.host, { containers: [container.id] });
    await deps.flushNames();
  }

  return {
    async connect(reference, container, wanted) {
      const endpoint = (typeof wanted === 'object' && wanted !== null ? wanted : {}) as EndpointSettings;
      const predefined = predefinedName(reference);
      const toShared = isShared(reference, container);
      if (predefined !== undefined && !toShared) return native('connect', predefined, container, { EndpointConfig: wanted });
      if (toShared) refuseOfBridge(endpoint);
      await join(toShared ? await madeImplicit('default') : networks.one(reference).record, container, endpoint);
    },
    addressRunning: (container) =>
      addresses.running(
        container,
        () => addressNow(container),
        async () => undefined,
      ),
    starting: (container, act) => addresses.running(container, () => readdress(container), act),
    async disconnect(reference, container, force) {
      const predefined = predefinedName(reference);
      const shared = isShared(reference, container) ? sharedBridge() : undefined;
      if (predefined !== undefined && shared === undefined) return native('disconnect', predefined, container, { Force: force });
      const network = shared ?? networks.one(reference).record;
      if (!isOn(recordOf(container), network.id)) {
        // an Engine takes this for a failure of its own
        throw new ArpanetError('engine', `container ${container.id} is not connected to network ${shownNetwork(network).name}`, {
          engineStatus: 500,
        });
      }
      const engineId = core.view.networksOn(container.host).find((there) => there.network === network.id)?.engineId ?? network.name;
      const path = `${engines.versionPath(container.host)}/networks/${engineId}/disconnect`;
      const body = { Container: container.id, Force: force };
      await engines.json(container.host, { method: 'POST', path, body, timeoutMs: ENGINE_TIMEOUT_MS });
      await release(network.id, container);
      await deps.flushNames();
    },
  };
}

const isOn = ({ addresses, unaddressed }: ContainerRecord, network: string): boolean =>
  addresses[network] !== undefined || unaddressed?.includes(network) === true;

/** With this address there; its networks stay in their order. */
function addressed(record: ContainerRecord, network: string, ip: string): ContainerRecord {
  const { unaddressed = [], ...rest } = record;
  const left = unaddressed.filter((other) => other !== network);
  const all: Readonly<Record<string, string>> = { ...record.addresses, [network]: ip };
  const order = [...new Set([...Object.keys(record.aliases), ...Object.keys(all)])];
  const addresses = Object.fromEntries(order.flatMap((id) => (all[id] === undefined ? [] : [[id, all[id]] as const])));
  return { ...rest, addresses, ...(left.length === 0 ? {} : { unaddressed: left }) };
}
