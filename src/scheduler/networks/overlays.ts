/**
 * Networks on hosts: built before the first container of a host needs them, and taken away with its last. A host has a network while it holds
 * a gateway lease in it. Effects: calls to agents.
 */
import {
  type AdmissionRecord,
  ArpanetError,
  type HostTunnel,
  keys,
  type MaterialisedNetwork,
  type NetworkPlan,
  type NetworkRecord,
} from '../../model/index.ts';
import { isSharedBridge } from '../../networks/index.ts';
import { type Core, commitInPieces, hostRecords, fencedHosts } from '../core.ts';
import { each } from '../../telemetry/left-out.ts';
import { createHostNetworks } from './host-networks.ts';
import { isModeOnHost } from './mode-network.ts';
import { gatewayAt, planFor } from './network-plans.ts';
import { createSlots } from '../../async/keyed.ts';
import { guarded } from '../../telemetry/faults.ts';

const BUILD_TIMEOUT_MS = 20_000;
/** Networks built or removed at the same time on one host. An Engine makes them one after the other; more would only wait there. */
const AT_ONCE = 4;
/** A peer that does not answer must not delay a create: it gets its plans again when it reconnects. */
const PEER_TIMEOUT_MS = 2_000;
const FENCE_TIMEOUT_MS = 3_000;

export interface Overlays {
  /** Makes the network exist on the host, whose gateway lease is committed; peers know of it when this resolves. */
  ensure(network: string, host: string, signal?: AbortSignal): Promise<MaterialisedNetwork>;
  /** Takes the network off those of the hosts where it has no members left, and drops it altogether if it is implicit and nobody's. */
  tidy(network: string, hosts: readonly string[]): Promise<void>;
  /** Takes a network whose record is already gone off these hosts. */
  takeOff(network: string, hosts: readonly string[]): Promise<void>;
  /** The network on a host that has it, and from which it is not being taken away. */
  builtOn(network: string, host: string): MaterialisedNetwork | undefined;
  /** Makes the host's part of the network as it is planned now. Throws what the call to its agent throws. */
  renew(network: string, host: string): Promise<void>;
  plansOf(host: string): readonly NetworkPlan[];
  /** Where the containers of the host find it in a network in which it has this address. */
  gatewayFor(record: NetworkRecord, host: string, own: string): string;
  /** Makes the host drop the overlay packets of lost hosts; `more`: of these as well. Rejects if the host cannot be reached. */
  fence(host: string, more?: readonly string[]): Promise<unknown>;
  /** Sends a host all its plans, now. */
  push(host: string): void;
  /** The same to one that has joined; to all where it lets less pass than any of them: their networks' MTU is another now. */
  welcome(host: string): void;
  /** The record of a host has other keys: those that share an encrypted network with it get them. */
  keysChanged(host: string): void;
  /** The same to every connected host. */
  pushAll(): void;
}

const cannotEncrypt = (network: string, host: string): string =>
  `network ${network} is encrypted, and host ${host} has neither WireGuard in its kernel nor wireguard-go: apt-get install wireguard-tools wireguard-go there, and restart its agent`;

export function createOverlays(core: Core): Overlays {
  const { deps, view, hub, keyed, commit } = core;
  const { dhcp, log } = deps;
  const inTurn = createSlots(AT_ONCE);
  const networksOf = createHostNetworks(deps.ledger);
  /** `network/host` of those that were taken off: whatever the view still shows there, the next one is built again. */
  const leaving = new Set<string>();
  /** Their public keys, as text, as their peers have them: at first those that an earlier leader sent. */
  const tunnels = new Map([...hostRecords(deps).values()].map(({ name, tunnel }) => [name, JSON.stringify(tunnel) as string | undefined]));
  /** Of all hosts that this leader has welcomed, in bytes. */
  let leastMtu = Number.POSITIVE_INFINITY;

  function planOf(record: NetworkRecord, host: string): NetworkPlan | undefined {
    const { gatewaysOf, reservedFor } = dhcp.leases;
    const at = { record, gateways: gatewaysOf(record.id), reserved: reservedFor(record.id, host), sharesGateway: sharesGateway(host) };
    return planFor(host, at, hostRecords(deps));
  }

  const sharesGateway = (host: string): boolean => hostRecords(deps).get(host)?.sharesGateway === true;

  const recordsOn = (host: string): readonly NetworkRecord[] =>
    networksOf(host).flatMap((id) => deps.ledger.get<NetworkRecord>(keys.network(id)) ?? []);

  function plansOf(host: string): readonly NetworkPlan[] {
    const plans = each(
      { kind: 'network', of: `the networks of host ${host}` },
      recordsOn(host),
      ({ name }) => name,
      (record) => planOf(record, host),
    );
    return plans.filter((plan) => plan !== undefined);
  }

  function fenced(more: readonly string[]): readonly string[] {
    const hosts = new Set([...fencedHosts(deps), ...more]);
    if (hosts.size === 0) return [];
    const members = hostRecords(deps);
    const taken = new Set([...members.values()].map(({ address }) => address));
    return [...hosts].flatMap((host) => {
      const member = members.get(host)?.address;
      // One that ops took out: the machine at its address may be another by now.
      const was = deps.ledger.get<AdmissionRecord>(keys.admission(host))?.was;
      return member ?? (was === undefined || taken.has(was) ? [] : was);
    });
  }

  const push = guarded(log, 'plans for a host', (host: string) =>
    hub.send(host, { type: 'plans', plans: plansOf(host), fenced: fencedFor(host) }),
  );

  function pushAll(): void {
    for (const host of hub.hosts()) push(host);
  }

  /** A host that was lost is not kept from itself. */
  function fencedFor(host: string, more: readonly string[] = []): readonly string[] {
    const own = hostRecords(deps).get(host)?.address;
    return fenced(more).filter((address) => address !== own);
  }

  async function tellPeers(record: NetworkRecord, host: string): Promise<void> {
    const peers = Object.keys(dhcp.leases.gatewaysOf(record.id)).filter((peer) => peer !== host && hub.connected(peer));
    await Promise.all(
      peers.map(async (peer) => {
        const plan = planOf(record, peer);
        if (plan === undefined) return;
        await hub.call(peer, { method: 'materialise', plan }, PEER_TIMEOUT_MS).catch((error: unknown) => {
          log.warn({ host: peer, network: record.name, err: error }, 'could not send a new peer to a host; it gets it when it reconnects');
        });
      }),
    );
  }

  /** Hosts that share an encrypted network with this one get its new public keys. */
  function tellOfKeys(host: string, ofHost: HostTunnel | undefined): void {
    const tunnel = JSON.stringify(ofHost);
    const isNew = tunnels.has(host) && tunnels.get(host) !== tunnel;
    tunnels.set(host, tunnel);
    if (!isNew) return;
    const shared = recordsOn(host).filter(({ isEncrypted }) => isEncrypted === true);
    const peers = new Set(shared.flatMap(({ id }) => Object.keys(dhcp.leases.gatewaysOf(id))));
    for (const peer of peers) if (peer !== host && hub.connected(peer)) push(peer);
  }

  function builtOn(network: string, host: string): MaterialisedNetwork | undefined {
    if (leaving.has(`${network}/${host}`) || dhcp.leases.gatewaysOf(network)[host] === undefined) return undefined;
    return view.networksOn(host).find((other) => other.network === network && other.isLeaving === undefined);
  }

  async function build(network: string, host: string, signal: AbortSignal | undefined): Promise<MaterialisedNetwork> {
    const record = deps.ledger.get<NetworkRecord>(keys.network(network));
    if (record === undefined) throw new ArpanetError('not-found', `network ${network} not found`);
    const plan = planOf(record, host);
    if (record.isEncrypted === true && hostRecords(deps).get(host)?.tunnel === undefined)
      throw new ArpanetError('unsupported', cannotEncrypt(record.name, host));
    if (plan === undefined) throw new ArpanetError('conflict', `network ${record.name} is being taken off host ${host}: try again`);
    const there = builtOn(network, host);
    if (there?.gateway === plan.gateway) return there;
    const [made] = await Promise.all([
      inTurn(host, () => hub.call(host, { method: 'materialise', plan }, BUILD_TIMEOUT_MS, signal)) as Promise<MaterialisedNetwork>,
      tellPeers(record, host),
    ]);
    leaving.delete(`${network}/${host}`);
    log.info({ host, network: record.name, gateway: plan.gateway }, 'network built');
    return made;
  }

  /** What the view shows no more need not be remembered. */
  function forgetGone(): void {
    for (const key of leaving) {
      const [network = '', host = ''] = key.split('/');
      if (!view.networksOn(host).some((there) => there.network === network)) leaving.delete(key);
    }
  }

  async function takeOff(network: string, hosts: readonly string[]): Promise<void> {
    await Promise.all(
      hosts.map((host) =>
        keyed.serial(`network/${network}/${host}`, async () => {
          if (dhcp.leases.gatewaysOf(network)[host] !== undefined) return; // someone came back meanwhile
          forgetGone();
          leaving.add(`${network}/${host}`);
          try {
            // A disconnected host gets its plans when it reconnects.
            if (hub.connected(host)) await inTurn(host, () => hub.call(host, { method: 'dematerialise', network }, BUILD_TIMEOUT_MS));
          } catch (error) {
            log.warn({ host, network, err: error }, 'could not remove a network from a host; its agent removes it later');
            push(host);
          }
        }),
      ),
    );
    // The others are sent their whole list, without these peers: nothing waits for it.
    for (const peer of Object.keys(dhcp.leases.gatewaysOf(network))) push(peer);
  }

  async function dropImplicit(network: string): Promise<void> {
    const record = deps.ledger.get<NetworkRecord>(keys.network(network));
    if (record?.implicit !== true) return;
    if (dhcp.leases.leasesOf(network).some((lease) => lease.kind !== 'user' && lease.state !== 'resting')) return;
    if (core.recordIndex.inNetwork(network).some(({ unaddressed }) => unaddressed?.includes(network))) return;
    await commitInPieces(commit, dhcp.networks.planRemoval(network));
    if (!isSharedBridge(record)) core.feed.own('network', 'destroy', network, { name: record.name, type: 'bridge' });
    log.info({ network: record.name }, 'implicit network removed');
  }

  return {
    plansOf,
    builtOn,
    gatewayFor: (record, host, own) => gatewayAt({ record, sharesGateway: sharesGateway(host) }, own),
    push,
    welcome(host) {
      const { mtu = Number.POSITIVE_INFINITY, tunnel } = hostRecords(deps).get(host) ?? {};
      tellOfKeys(host, tunnel);
      if (mtu >= leastMtu) return push(host);
      leastMtu = mtu;
      pushAll();
    },
    keysChanged: (host) => tellOfKeys(host, hostRecords(deps).get(host)?.tunnel),
    pushAll,
    fence: (host, more) => hub.call(host, { method: 'fence', addresses: fencedFor(host, more) }, FENCE_TIMEOUT_MS),
    ensure: (network, host, signal) => keyed.serial(`network/${network}/${host}`, () => build(network, host, signal)),
    takeOff,
    renew: (network, host) =>
      keyed.serial(`network/${network}/${host}`, async () => {
        const record = deps.ledger.get<NetworkRecord>(keys.network(network));
        const plan = record && planOf(record, host);
        if (plan !== undefined) await inTurn(host, () => hub.call(host, { method: 'materialise', plan }, BUILD_TIMEOUT_MS));
      }),
    async tidy(network, hosts) {
      const gateways = dhcp.leases.gatewaysOf(network);
      const used = new Set(dhcp.leases.usersOf(network).map((lease) => lease.host));
      const empty = hosts.filter((host) => gateways[host] !== undefined && !used.has(host) && !isModeOnHost(core, network, host));
      if (empty.length > 0) {
        await commit(empty.flatMap((host) => dhcp.leases.planGatewayRelease(network, host)));
        await takeOff(network, empty);
      }
      await dropImplicit(network);
    },
  };
}
