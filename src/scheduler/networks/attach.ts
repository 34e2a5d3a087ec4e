/** `network connect` and `disconnect` on containers that exist. Effects: calls to agents and Engines. */
import {
  ArpanetError,
  type ContainerRecord,
  type ContainerView,
  type EndpointSettings,
  isKind,
  keys,
  labels,
  type NetworkRecord,
} from '../../model/index.ts';
import { isOfSharedBridge, predefinedName, shownNetwork } from '../../networks/index.ts';
import type { Core } from '../core.ts';
import { modeOf, networksOf, parseLink } from '../create/identify-networks.ts';
import { beginImplicit, implicitNetwork, type Networks, refuseOfBridge } from './networks.ts';
import type { Overlays } from './overlays.ts';
import type { SchedulerDeps } from '../deps.ts';
import { endpointMac } from '../create/label-mac.ts';
import { leasedEndpoint } from '../create/rewrite.ts';
import { createUndo } from '../create/undo.ts';

const ENGINE_TIMEOUT_MS = 30_000;
const ATTEMPTS = 5;

export interface Attach {
  connect(network: string, container: ContainerView, endpoint: unknown): Promise<void>;
  disconnect(network: string, container: ContainerView, force: boolean): Promise<void>;
  /**
   * Before a start: a container that is on no network any more returns to the one that it was created for, as on an Engine (moby
   * daemon/container_operations.go, allocateNetwork), which would give it an address of its own choice. `not-found`: that one is gone.
   */
  readonly rejoin: (container: ContainerView) => Promise<void>;
}

export function createAttach(core: Core, networks: Networks, overlays: Overlays): Attach {
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

  /** Leases the address and enters it in the record: plan and commit are one step, and a lost race is run again. */
  async function claim(network: string, container: ContainerView, endpoint: EndpointSettings): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const record = recordOf(container);
      if (record.addresses[network] !== undefined) {
        const { name } = shownNetwork(networks.one(network).record);
        throw new ArpanetError('forbidden', `endpoint with name ${record.name} already exists in network ${name}`);
      }
      try {
        const gateway = commit(dhcp.leases.planGateway(network, record.host).changes);
        const offer = dhcp.leases.planOffer(network, {
          owner: record.name,
          host: record.host,
          wanted: endpoint.IPAMConfig?.IPv4Address || undefined,
        });
        const next: ContainerRecord = {
          ...record,
          addresses: { ...record.addresses, [network]: offer.ip },
          aliases: { ...record.aliases, [network]: endpoint.Aliases ?? [] },
          connected: { ...record.connected, [network]: endpoint },
          links: [...record.links, ...(endpoint.Links ?? []).map(parseLink)],
        };
        await Promise.all([gateway, commit([...offer.changes, put(next)])]);
        return offer.ip;
      } catch (error) {
        if (!isKind(error, 'conflict') || attempt === ATTEMPTS || endpoint.IPAMConfig?.IPv4Address) throw error;
      }
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
    await commit([
      put({ ...record, addresses, aliases, connected }),
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
    const undo = createUndo(deps.log);
    const ip = await claim(network.id, container, endpoint);
    undo.push('address', () => release(network.id, container));
    try {
      const wanted = { network, host: container.host, asked: endpoint, at: { container: container.id, ip } };
      await connectOn(core, overlays, wanted, ENGINE_TIMEOUT_MS);
      await commit(dhcp.leases.planBind(network.id, ip));
    } catch (error) {
      await undo.run(error);
      throw error;
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
    async rejoin(container) {
      const record = container.record && deps.ledger.get<ContainerRecord>(keys.container(container.record.name));
      if (record === undefined || Object.keys(record.addresses).length > 0) return;
      const [wanted] = networksOf(record.request, modeOf(record.request), record.deployment);
      if (wanted === undefined) return;
      await join(
        wanted.implicit ? await madeImplicit(record.deployment) : networks.one(wanted.reference).record,
        container,
        wanted.endpoint,
      );
    },
    async disconnect(reference, container, force) {
      const predefined = predefinedName(reference);
      const shared = isShared(reference, container) ? sharedBridge() : undefined;
      if (predefined !== undefined && shared === undefined) return native('disconnect', predefined, container, { Force: force });
      const network = shared ?? networks.one(reference).record;
      if (recordOf(container).addresses[network.id] === undefined) {
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

/** Connects a container on its host, where the network is built first. */
export async function connectOn(
  { deps, engines }: Pick<Core, 'deps' | 'engines'>,
  overlays: Pick<Overlays, 'ensure'>,
  { network, host, asked, at }: NewEndpoint,
  timeoutMs: number,
): Promise<void> {
  const { engineId } = await overlays.ensure(network.id, host);
  const path = `${engines.versionPath(host)}/networks/${engineId}/connect`;
  const body = { Container: at.container, EndpointConfig: engineEndpoint(deps, network, asked, at) };
  await engines.json(host, { method: 'POST', path, body, timeoutMs });
}

interface NewEndpoint {
  readonly network: NetworkRecord;
  readonly host: string;
  readonly asked: EndpointSettings;
  readonly at: { readonly container: string; readonly ip: string };
}

/** Signed, as the container's labels are older: Engines keep driver options that they do not know. */
function engineEndpoint(
  { leader }: Pick<SchedulerDeps, 'leader'>,
  network: NetworkRecord,
  asked: EndpointSettings,
  { container, ip }: { readonly container: string; readonly ip: string },
): EndpointSettings {
  const mac = endpointMac(leader, { container, network: network.id, ip });
  return { ...leasedEndpoint(network, ip, asked), DriverOpts: { ...asked.DriverOpts, [labels.mac]: mac } };
}
