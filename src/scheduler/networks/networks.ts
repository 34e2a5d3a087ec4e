/** Networks as clients make, list and remove them. */
import type * as contracts from '../../contracts/index.ts';
import {
  ArpanetError,
  ENCRYPTED_SCHEMA,
  type ContainerView,
  type EndpointSettings,
  type NetworkCreateRequest,
  type NetworkRecord,
  isKind,
  keys,
  predefinedNetworks,
  storeSchemaOf,
  deploymentIn,
} from '../../model/index.ts';
import {
  askedAddresses,
  implicitNetworkName,
  isSharedBridge,
  missingParent,
  predefinedName,
  SHARED_BRIDGE,
  shownNetwork,
} from '../../networks/index.ts';
import type { Change } from '../../store/ledger/contract.ts';
import { type Core, commitInPieces, networkRecords } from '../core.ts';
import type { SchedulerDeps } from '../deps.ts';
import type { FeedDeps } from '../events/feed.ts';
import { networkLists } from './network-lists.ts';
import type { Overlays } from './overlays.ts';
import { implicitAmong } from '../view/resolve-container.ts';
import type { ViewReader } from '../view/roles.ts';

const DRIVERS: ReadonlySet<string> = new Set(['', 'default', 'bridge', 'overlay', 'macvlan', 'ipvlan']);
const ATTEMPTS = 5;

export interface Networks extends Pick<contracts.Networks, 'list' | 'one' | 'create'> {
  /** `detach`: takes a stopped container off the network; without it, stopped ones keep theirs. */
  readonly remove: (reference: string, detach?: (network: string, container: ContainerView) => Promise<void>) => Promise<void>;
}

export function createNetworks(core: Core, overlays: Overlays): Networks {
  const { deps, view, commit } = core;
  const { dhcp, log } = deps;
  const { list, one } = networkLists(deps, view);

  async function create(request: NetworkCreateRequest, requestId: string): Promise<NetworkRecord> {
    const name = checkedNetwork(request);
    for (let attempt = 1; ; attempt++) {
      const existing = networkRecords(deps).find((record) => record.name === name);
      if (existing?.requestId === requestId) return existing;
      if (existing !== undefined) throw new ArpanetError('conflict', `network with name ${name} already exists`);
      const labels = request.Labels ?? {};
      refuseParent(request);
      const encryption = encryptionOf(name, request);
      const { record, changes } = dhcp.networks.plan({
        name,
        deployment: deploymentIn(labels),
        labels,
        options: request.Options ?? {},
        ...(request.Driver && request.Driver !== 'default' && request.Driver !== 'bridge' ? { driver: request.Driver } : {}),
        ...(request['Scope'] === 'swarm' ? { scope: 'swarm' } : {}),
        internal: request.Internal === true,
        attachable: request.Attachable === true,
        ...encryption,
        implicit: false,
        createdAtMs: deps.now(),
        ipam: request.IPAM,
        enableIpv6: request.EnableIPv6 === true,
        requestId,
        routes: hostRoutes(view),
      });
      try {
        await commit(changes);
      } catch (error) {
        if (!isKind(error, 'conflict') || attempt === ATTEMPTS) throw error;
        continue;
      }
      core.feed.own('network', 'create', record.id, { name, type: 'bridge' });
      await deps.failpoint('network-create.committed');
      log.info({ network: name, cidr: record.cidr }, 'network created');
      return record;
    }
  }

  /** Presence counts, as in Swarm mode. On a wire there is nothing to encrypt. */
  function encryptionOf(name: string, { Driver = '', Options }: NetworkCreateRequest): { readonly isEncrypted?: true } {
    if (!('encrypted' in (Options ?? {}) || deps.settings.encryptsAll) || Driver === 'macvlan' || Driver === 'ipvlan') return {};
    refuseUnread(deps, name);
    if (view.hosts().some(({ state, facts }) => state === 'alive' && facts?.tunnel !== undefined)) return { isEncrypted: true };
    throw new ArpanetError(
      'unsupported',
      `network ${name} cannot be encrypted: no host has WireGuard in its kernel or wireguard-go (apt-get install wireguard-tools wireguard-go on all hosts, and restart their agents)`,
    );
  }

  /** An Engine refuses a network on a wire that it does not have; a cluster one that none of its hosts has. */
  function refuseParent({ Driver = '', Options }: NetworkCreateRequest): void {
    const alive = view.hosts().filter(({ state }) => state === 'alive');
    const why = missingParent(
      { driver: Driver, options: Options ?? {} },
      alive.map(({ name, facts }) => ({ name, links: facts?.links })),
    );
    if (why !== undefined) throw new ArpanetError('engine', why, { engineStatus: 500 });
  }

  function stopped(name: string): readonly ContainerView[] {
    return view
      .named(name)
      .filter(({ record, hostState, facts }) => record?.id !== undefined && hostState === 'alive' && !facts.inspect.State.Running);
  }

  const remove: Networks['remove'] = async (reference, detach) => {
    const predefined = predefinedName(reference);
    if (predefined !== undefined) throw new ArpanetError('forbidden', `${predefined} is a pre-defined network and cannot be removed`);
    const { record } = one(reference);
    if (isSharedBridge(record)) throw new ArpanetError('forbidden', 'bridge is a pre-defined network and cannot be removed');
    const refuse = (): never => {
      throw new ArpanetError('forbidden', `error while removing network: network ${record.name} id ${record.id} has active endpoints`);
    };
    const users = dhcp.leases.usersOf(record.id);
    const idle = users.flatMap(({ owner }) => stopped(owner));
    if (users.length > 0 && (detach === undefined || record.implicit || idle.length < users.length)) refuse();
    for (const container of idle) await detach?.(record.id, container);
    if (dhcp.leases.usersOf(record.id).length > 0) refuse();
    const hosts = Object.keys(dhcp.leases.gatewaysOf(record.id));
    await commitInPieces(commit, dhcp.networks.planRemoval(record.id));
    await deps.failpoint('network-remove.committed');
    await overlays.takeOff(record.id, hosts);
    await deps.failpoint('network-remove.taken');
    core.feed.own('network', 'destroy', record.id, { name: record.name, type: 'bridge' });
    log.info({ network: record.name }, 'network removed');
  };

  return { list, one, create, remove };
}

/** CIDRs that some host routes already. */
function hostRoutes(view: Pick<ViewReader, 'hosts'>): readonly string[] {
  return view.hosts().flatMap(({ facts }) => facts?.routes ?? []);
}

/** The network that was made for those of a deployment who name none; undefined: none was. */
export function implicitNetwork(deps: SchedulerDeps, deployment: string): NetworkRecord | undefined {
  return implicitAmong(networkRecords(deps), deployment);
}

/** Changes that remember which addresses the requests ask for by name, in networks that exist. */
export function planAskedOf(deps: SchedulerDeps, requests: Parameters<typeof askedAddresses>[0]): readonly Change[] {
  const asked = askedAddresses(requests);
  if (asked.size === 0) return [];
  const all = networkRecords(deps);
  const byId = new Map<string, readonly string[]>();
  for (const [reference, ips] of asked) {
    const id = all.find(({ name, id: own }) => name === reference || own === reference)?.id;
    if (id !== undefined) byId.set(id, [...(byId.get(id) ?? []), ...ips]);
  }
  return [...byId].flatMap(([network, ips]) => deps.dhcp.yielding.planAsked(network, ...ips));
}

/** A scheduler of a release that knows no encrypted network may lead next: it would send its packets in the clear. Throws `conflict`. */
function refuseUnread({ ledger }: Core['deps'], name: string): void {
  if (storeSchemaOf(ledger.get(keys.schema)) >= ENCRYPTED_SCHEMA) return;
  throw new ArpanetError(
    'conflict',
    `network ${name} cannot be encrypted yet: this cluster was begun by a release that cannot read such a network. Once all schedulers are upgraded, "arpanet upgrade --confirm" lets it`,
  );
}

/** Makes the network of those of a deployment who name none. */
export function beginImplicit(
  { deps, view, commit, feed }: Core,
  deployment: string,
): { readonly record: NetworkRecord; readonly committed: Promise<void> } {
  const name = deployment === 'default' ? SHARED_BRIDGE : implicitNetworkName(deployment);
  if (deps.settings.encryptsAll) refuseUnread(deps, name);
  const nothing = { labels: {}, options: {}, internal: false, attachable: false };
  const { record, changes } = deps.dhcp.networks.plan({
    ...nothing,
    ...(deps.settings.encryptsAll ? { isEncrypted: true } : {}),
    name,
    deployment,
    implicit: true,
    createdAtMs: deps.now(),
    routes: hostRoutes(view),
  });
  if (!isSharedBridge(record)) feed.own('network', 'create', record.id, { name: record.name, type: 'bridge' });
  return { record, committed: commit(changes) };
}

/** Networks as the event feed looks for them. */
export function seenNetworks(deps: SchedulerDeps, view: ViewReader): Pick<FeedDeps, 'networkOf' | 'networkNamed'> {
  return {
    networkOf(host, engineId) {
      const id = view.networkOf(host, engineId);
      const record = id === undefined ? undefined : deps.ledger.get<NetworkRecord>(keys.network(id));
      if (record !== undefined) return shownNetwork(record);
      return id === undefined ? undefined : { id };
    },
    networkNamed(name) {
      const record = networkRecords(deps).find((one) => one.name === name);
      return record && shownNetwork(record);
    },
  };
}

/** What a user cannot choose on `bridge`. As Engines do: https://github.com/moby/moby/blob/v26.1.5/daemon/container_operations.go, validateEndpointSettings. */
export function refuseOfBridge({ IPAMConfig, Aliases }: EndpointSettings): void {
  if (IPAMConfig?.IPv4Address || IPAMConfig?.['IPv6Address']) {
    throw new ArpanetError('invalid', 'user specified IP address is supported on user defined networks only');
  }
  if ((Aliases ?? []).length > 0) {
    throw new ArpanetError('invalid', 'network-scoped alias is supported only for containers in user defined networks');
  }
}

/** The request's name, if it asks for what we can give. Throws in Docker's words. */
export function checkedNetwork(request: NetworkCreateRequest): string {
  const name = request.Name ?? '';
  if (name.trim() === '') throw new ArpanetError('invalid', 'invalid name: ');
  // the space at the end is Docker's
  if (predefinedNetworks.has(name) || name === 'default' || name === SHARED_BRIDGE)
    throw new ArpanetError('forbidden', `operation is not permitted on predefined ${name} network `);
  if (name.length > 255 || /\p{Cc}/u.test(name)) throw new ArpanetError('invalid', `invalid network name "${name.slice(0, 80)}"`);
  refuseDriver(request.Driver ?? '');
  const ipam = request.IPAM?.Driver ?? '';
  if (ipam !== '' && ipam !== 'default') throw new ArpanetError('not-found', `plugin "${ipam}" not found`);
  if (request.Ingress === true) throw new ArpanetError('forbidden', 'Ingress network can only be global scope network');
  const from = request.ConfigFrom?.Network ?? '';
  if (from !== '') throw new ArpanetError('not-found', `configuration network "${from}" does not exist`);
  const mtu = request.Options?.['com.docker.network.driver.mtu'] ?? '';
  if (mtu !== '' && !/^[+-]?\d+$/.test(mtu)) {
    const why = `strconv.Atoi: parsing ${JSON.stringify(mtu)}: invalid syntax`;
    throw new ArpanetError('invalid', `failed to parse com.docker.network.driver.mtu value: ${mtu} (${why})`);
  }
  return name;
}

function refuseDriver(driver: string): void {
  if (DRIVERS.has(driver)) return;
  if (driver === 'host' || driver === 'null') throw new ArpanetError('forbidden', `only one instance of "${driver}" network is allowed`);
  throw new ArpanetError('not-found', `plugin "${driver}" not found`);
}
