/** Steps that make the networks of this host what the leader planned. Pure: compares what exists with the plans. */
import type { MaterialisedNetwork, NetworkPlan } from '../../model/facts.ts';
import { labels } from '../../model/labels.ts';
import { splitCidr } from '../../text/ipv4.ts';

/** A Docker network on this Engine that carries our label. */
export interface ObservedNetwork {
  readonly engineId: string;
  readonly name: string;
  /** The label `arpanet.network`. */
  readonly network: string;
  readonly cidr: string;
  readonly gateway: string;
  readonly bridge: string;
  readonly mtu?: number;
  /** The bridge is up and has the gateway's addresses; without them the containers there reach no DNS. Absent: not read. */
  readonly isAddressed?: boolean;
  /** The bridge exists; somebody may have deleted it behind its Engine's back. Absent: not read, or it may be in another network namespace. */
  readonly hasBridge?: boolean;
  /** The gateway's IPv6 address, if the Engine gives containers such addresses. */
  readonly gateway6?: string;
  /** Single addresses that the bridge has beside it. */
  readonly owns?: readonly string[];
  /** From which address the host calls into the subnet. */
  readonly callsFrom?: string;
}

export interface ObservedVxlan {
  readonly device: string;
  readonly vni: number;
  readonly local: string;
  readonly master: string;
  readonly mtu: number;
  readonly isUp: boolean;
  /** Where flooded frames go. */
  readonly peers: readonly string[];
}

/** Frames of the host itself with this source address do not leave through this VXLAN device. IPv4 as ARP says it, or IPv6. */
export interface KeptLocal {
  readonly device: string;
  readonly source: string;
}

export interface Observed {
  readonly networks: readonly ObservedNetwork[];
  readonly vxlans: readonly ObservedVxlan[];
  readonly kept?: readonly KeptLocal[];
}

/** The link that carries the overlay: the one with the host's own address. */
export interface Underlay {
  readonly address: string;
  readonly link: string;
  readonly mtu: number;
  /** The addresses are those inside WireGuard (tunnel-plan.ts). */
  readonly isTunnel?: true;
}

export type Step =
  | { readonly do: 'remove-network'; readonly engineId: string; readonly name: string }
  | { readonly do: 'create-network'; readonly plan: NetworkPlan; readonly mtu: number | undefined }
  | { readonly do: 'make-bridge'; readonly bridge: string; readonly engineId: string; readonly mtu: number | undefined }
  | { readonly do: 'address-bridge'; readonly bridge: string; readonly addresses: readonly string[]; readonly withRoute: boolean }
  | { readonly do: 'route-bridge'; readonly bridge: string; readonly cidr: string; readonly from: string }
  | { readonly do: 'call-from'; readonly bridge: string; readonly cidr: string; readonly own: string }
  | { readonly do: 'drop-own'; readonly bridge: string; readonly own: string }
  | ({ readonly do: 'keep-local' | 'release-local' } & KeptLocal)
  | { readonly do: 'remove-vxlan'; readonly device: string }
  | { readonly do: 'add-vxlan'; readonly device: string; readonly vni: number; readonly underlay: Underlay }
  | { readonly do: 'attach-vxlan'; readonly device: string; readonly bridge: string; readonly mtu: number }
  | { readonly do: 'add-peer'; readonly device: string; readonly peer: string }
  | { readonly do: 'remove-peer'; readonly device: string; readonly peer: string };

/** Outer IPv4, UDP and VXLAN headers with the inner Ethernet header. */
export const VXLAN_OVERHEAD_BYTES = 50;
/** The same with an outer header of IPv6. */
const VXLAN6_OVERHEAD_BYTES = 70;
export const NETWORK_LABEL = labels.network;
const MTU_OPTION = 'com.docker.network.driver.mtu';
const BRIDGE_OPTION = 'com.docker.network.bridge.name';

/** `arp00002a`: the bridge of VXLAN id 42. */
export const bridgeOf = (vni: number): string => `arp${vni.toString(16).padStart(6, '0')}`;
/** `arv00002a`: its VXLAN device. */
export const vxlanOf = (vni: number): string => `arv${vni.toString(16).padStart(6, '0')}`;
export const isOurBridge = (link: string): boolean => /^arp[0-9a-f]{6}$/.test(link);
/** Of the network `bridge`, which an Engine has by itself. */
export const DEFAULT_BRIDGE = 'docker0';
export const isOurVxlan = (device: string): boolean => /^arv[0-9a-f]{6}$/.test(device);

/** A Docker network of this Engine was made, or removed. */
export interface NetworkTouch {
  readonly engineId: string;
  readonly isGone: boolean;
}

/** Whether it is what this overlay has done itself, and knows: the one made is in use, or the one removed is not and every plan has one. */
export function isOwnDoing(
  { engineId, isGone }: NetworkTouch,
  present: readonly MaterialisedNetwork[],
  planned: readonly string[],
): boolean {
  const isInUse = present.some((one) => one.engineId === engineId);
  return isGone ? !isInUse && planned.every((network) => present.some((one) => one.network === network)) : isInUse;
}

/**
 * Steps for one planned network. No underlay means `--overlay none`: the Docker network alone. A Docker network with the wrong subnet,
 * gateway or bridge is replaced if no container is on it (`usersOf`, running or not); otherwise it stays as it is.
 */
export function stepsFor(
  plan: NetworkPlan,
  observed: Observed,
  underlay: Underlay | undefined,
  usersOf: (network: ObservedNetwork) => number,
): readonly Step[] {
  const steps: Step[] = [];
  const bridge = bridgeOf(plan.vni);
  const found = observed.networks.filter(({ network }) => network === plan.network);
  const kept = chosen(plan, observed, underlay, usersOf);
  for (const network of found)
    if (network !== kept && usersOf(network) === 0) steps.push({ do: 'remove-network', engineId: network.engineId, name: network.name });
  if (kept === undefined) steps.push({ do: 'create-network', plan, mtu: mtuOf(plan, underlay) });
  if (kept !== undefined) steps.push(...bridgeSteps(plan, kept));
  if (plan.driver !== undefined) return steps;
  steps.push(...ownSteps(plan, kept, bridge), ...localSteps(plan, observed, underlay));
  if (underlay === undefined) return steps;
  return [...steps, ...vxlanSteps(plan, observed, underlay, kept?.bridge ?? bridge, kept === undefined)];
}

/** The Docker network used for the plan: the one exactly as planned, else one with containers on it. */
export function chosen(
  plan: NetworkPlan,
  observed: Observed,
  underlay: Underlay | undefined,
  usersOf: (network: ObservedNetwork) => number,
): ObservedNetwork | undefined {
  const found = observed.networks.filter(({ network }) => network === plan.network);
  const isWire = plan.driver !== undefined;
  const most = (isWire ? undefined : mtuOf(plan, underlay)) ?? Number.POSITIVE_INFINITY;
  const right = found.find(
    ({ cidr, gateway, bridge, mtu = 0 }) =>
      cidr === plan.cidr && gateway === plan.gateway && bridge === (isWire ? '' : bridgeOf(plan.vni)) && mtu <= most,
  );
  return right ?? found.find((network) => usersOf(network) > 0);
}

function bridgeSteps({ own, ipv6 }: NetworkPlan, kept: ObservedNetwork): readonly Step[] {
  const { bridge, cidr, gateway, gateway6, engineId, mtu } = kept;
  const addresses = [
    `${gateway}/${splitCidr(cidr).prefix}`,
    ...(gateway6 === undefined || ipv6 === undefined ? [] : [`${gateway6}/${splitCidr(ipv6.cidr).prefix}`]),
  ];
  // with an address comes its route; with an own address the route leaves from that one (ownSteps)
  const lacksRoute = own === undefined && kept.isAddressed === true && kept.callsFrom !== gateway;
  return [
    ...(kept.hasBridge === false ? [{ do: 'make-bridge' as const, bridge, engineId, mtu }] : []),
    ...(kept.isAddressed === false ? [{ do: 'address-bridge' as const, bridge, addresses, withRoute: own === undefined }] : []),
    ...(lacksRoute ? [{ do: 'route-bridge' as const, bridge, cidr, from: gateway }] : []),
  ];
}

/** The bridge of a plan whose containers send more than fits into the overlay: it was made before, and is in use. Undefined: none does. */
export function wideBridge(
  plan: NetworkPlan,
  observed: Observed,
  underlay: Underlay | undefined,
  usersOf: (network: ObservedNetwork) => number,
): { readonly network: ObservedNetwork; readonly mtu: number } | undefined {
  const mtu = plan.driver === undefined ? mtuOf(plan, underlay) : undefined;
  const network = chosen(plan, observed, underlay, usersOf);
  return mtu === undefined || network?.mtu === undefined || network.mtu <= mtu ? undefined : { network, mtu };
}

/** The host's own address, beside the gateway that all hosts have: a call from that one would be answered on the host of the one called. */
function ownSteps({ own, cidr }: NetworkPlan, kept: ObservedNetwork | undefined, bridge: string): readonly Step[] {
  const on = kept?.bridge ?? bridge;
  const dropped = (kept?.owns ?? []).filter((address) => address !== own);
  const isRight = own === undefined || (kept?.owns?.includes(own) === true && kept.callsFrom === own);
  return [
    ...(isRight || own === undefined ? [] : [{ do: 'call-from' as const, bridge: on, cidr, own }]),
    // after it: with an address go the routes that use it
    ...dropped.map((address) => ({ do: 'drop-own' as const, bridge: on, own: address })),
  ];
}

/** The other hosts have this gateway, too: a container is answered by its own host alone. */
function localSteps(
  { vni, isGatewayShared, gateway, ipv6 }: NetworkPlan,
  { kept = [] }: Observed,
  underlay: Underlay | undefined,
): readonly Step[] {
  const device = vxlanOf(vni);
  const sources =
    isGatewayShared !== true || underlay === undefined ? [] : [gateway, ...(ipv6?.gateway === undefined ? [] : [ipv6.gateway])];
  const present = kept.filter((one) => one.device === device).map(({ source }) => source);
  return [
    ...sources.filter((source) => !present.includes(source)).map((source) => ({ do: 'keep-local' as const, device, source })),
    ...present.filter((source) => !sources.includes(source)).map((source) => ({ do: 'release-local' as const, device, source })),
  ];
}

/** What fits into the overlay on every host: a larger frame would be dropped silently. */
function mtuOf({ mtu = Number.POSITIVE_INFINITY }: NetworkPlan, underlay: Underlay | undefined): number | undefined {
  return underlay && Math.min(underlay.mtu, mtu) - overheadOf(underlay);
}

const overheadOf = ({ isTunnel }: Underlay): number => (isTunnel === true ? VXLAN6_OVERHEAD_BYTES : VXLAN_OVERHEAD_BYTES);

function vxlanSteps(plan: NetworkPlan, observed: Observed, underlay: Underlay, bridge: string, isBridgeNew: boolean): readonly Step[] {
  const device = vxlanOf(plan.vni);
  const mtu = underlay.mtu - overheadOf(underlay);
  const found = observed.vxlans.find((vxlan) => vxlan.device === device);
  const usable = found !== undefined && found.vni === plan.vni && found.local === underlay.address ? found : undefined;
  const steps: Step[] = [];
  if (found !== undefined && usable === undefined) steps.push({ do: 'remove-vxlan', device });
  if (usable === undefined) steps.push({ do: 'add-vxlan', device, vni: plan.vni, underlay });
  if (isBridgeNew || usable?.master !== bridge || usable.mtu !== mtu || !usable.isUp)
    steps.push({ do: 'attach-vxlan', device, bridge, mtu });
  const wanted = new Set(plan.peers.filter((peer) => peer !== underlay.address));
  const present = new Set(usable?.peers);
  for (const peer of wanted) if (!present.has(peer)) steps.push({ do: 'add-peer', device, peer });
  for (const peer of present) if (!wanted.has(peer)) steps.push({ do: 'remove-peer', device, peer });
  return steps;
}

/**
 * Steps that remove what no plan names: our Docker networks without containers, and VXLAN devices without their network.
 * A network that still has containers stays, with its VXLAN device.
 */
export function leftovers(
  planned: ReadonlySet<string>,
  plannedVnis: ReadonlySet<number>,
  observed: Observed,
  usersOf: (network: ObservedNetwork) => number,
): readonly Step[] {
  const steps: Step[] = [];
  const keptBridges = new Set<string>();
  for (const network of observed.networks) {
    if (planned.has(network.network) || usersOf(network) > 0) keptBridges.add(network.bridge);
    else steps.push({ do: 'remove-network', engineId: network.engineId, name: network.name });
  }
  for (const { device, vni, master } of observed.vxlans) {
    if (isOurVxlan(device) && !plannedVnis.has(vni) && !keptBridges.has(master)) steps.unshift({ do: 'remove-vxlan', device });
  }
  const gone = new Set(steps.flatMap((step) => (step.do === 'remove-vxlan' ? [step.device] : [])));
  const left = new Set(observed.vxlans.flatMap(({ device }) => (gone.has(device) ? [] : [device])));
  const devices = new Set([...plannedVnis].map(vxlanOf));
  for (const one of observed.kept ?? []) if (!left.has(one.device) && !devices.has(one.device)) steps.push({ do: 'release-local', ...one });
  return steps;
}

/** Body of `POST /networks/create` (Engine API 1.24) for a plan. `mtu` in bytes. The user's options stay, except the bridge's name, by which the network is found. */
export function createBody(plan: NetworkPlan, mtu: number | undefined): object {
  const wanted = Number(plan.options[MTU_OPTION] ?? mtu);
  const bounded = mtu === undefined ? wanted : Math.min(wanted, mtu);
  const bridged = { [BRIDGE_OPTION]: bridgeOf(plan.vni), ...(Number.isFinite(bounded) && { [MTU_OPTION]: String(bounded) }) };
  return {
    Name: plan.name,
    CheckDuplicate: true,
    Driver: plan.driver ?? 'bridge',
    Internal: plan.internal,
    EnableIPv6: plan.ipv6?.isEnabled === true,
    Labels: { ...plan.labels, [NETWORK_LABEL]: plan.network },
    Options: { ...plan.options, ...(plan.driver === undefined && bridged) },
    IPAM: {
      Driver: 'default',
      Config: [
        // the range is used up: the Engine never chooses an address itself, which might be another host's
        { Subnet: plan.cidr, Gateway: plan.gateway, IPRange: `${plan.gateway}/32`, AuxiliaryAddresses: plan.reserved },
        ...(plan.ipv6 === undefined ? [] : [{ Subnet: plan.ipv6.cidr, Gateway: plan.ipv6.gateway }]),
      ],
    },
  };
}
