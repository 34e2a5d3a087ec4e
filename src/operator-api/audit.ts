/** What does not agree between store, Engines, kernels, names and catalog, a sentence each. Pure. */
import {
  type ContainerRecord,
  type ContainerView,
  type HostObservation,
  type HostView,
  keys,
  type LeaseRecord,
  type NamedInstance,
  type NetworkPlan,
  type NetworkRecord,
  type SubnetRecord,
  type UnreadableRecord,
  unreadableContainerText,
} from '../model/index.ts';
import type { ExpectedOnHost } from '../contracts/index.ts';
import type { LeftOut } from '../telemetry/left-out.ts';
import { leftOutText, unreadableText } from './reports/set-aside.ts';

export interface AuditInput {
  readonly hosts: readonly HostView[];
  readonly containers: readonly ContainerView[];
  /** Ids of those whose labels prove that the cluster made them. */
  readonly proven: ReadonlySet<string>;
  readonly records: readonly ContainerRecord[];
  readonly networks: readonly NetworkRecord[];
  readonly leases: readonly LeaseRecord[];
  readonly subnets: readonly SubnetRecord[];
  /** Leases kept for containers that go when their host is back, as keys. */
  readonly keptLeases: ReadonlySet<string>;
  /** By host: what should exist, and what does; undefined: its agent did not answer. */
  readonly looks: ReadonlyMap<string, { readonly wanted: ExpectedOnHost; readonly found: HostObservation | undefined }>;
  /** What the catalog lacks or has too much of. */
  readonly catalog: readonly string[];
  /** Keys that were written or deleted by something else than the leader. */
  readonly foreignKeys: readonly string[];
  /** Records that cannot be read and are set aside. */
  readonly unreadable: readonly UnreadableRecord[];
  /** Entries that the leader cannot handle and leaves out. */
  readonly leftOut: readonly LeftOut[];
}

/** One difference that lasts between two sources of truth. */
export interface Finding {
  readonly where: 'store' | 'engine' | 'network' | 'names' | 'http' | 'catalog';
  readonly host?: string;
  readonly what: string;
  /** It is about how much can be sent at once. */
  readonly isMtu?: true;
}

/** What an audit found, and what `--fix` repaired. */
export interface AuditReport {
  readonly findings: readonly Finding[];
  /** What was found and is repaired now. */
  readonly fixed: readonly Finding[];
}

/** All differences between the records of the store and what Engines, agents and the catalog have. Changes nothing. */
export function audit(input: AuditInput): readonly Finding[] {
  return [
    ...input.unreadable.map((record): Finding => ({ where: 'store', what: unreadableText(record) })),
    ...input.leftOut.map((entry): Finding => ({ where: 'store', what: leftOutText(entry) })),
    ...input.foreignKeys.map((key): Finding => ({ where: 'store', what: `key ${key} was modified externally` })),
    ...ofContainers(input),
    ...ofLeases(input),
    ...ofNetworks(input),
    // before the device's own number: this is what people notice
    ...ofMtus(input),
    ...[...input.looks].flatMap(([host, { wanted, found }]) =>
      found === undefined
        ? [{ where: 'network', host, what: 'its agent could not be asked' } as const]
        : [
            ...(found.unreadable ?? []).map((one): Finding => ({ where: 'engine', host, what: unreadableContainerText(one) })),
            ...ofHostNetworks(host, wanted.plans, found),
            ...(found.differs ?? []).map(
              (what): Finding => ({
                where: what.startsWith('HTTP by name ') ? 'http' : 'network',
                host,
                what,
                ...(/ has an MTU of \d/.test(what) && { isMtu: true }),
              }),
            ),
            ...ofHostNames(host, wanted.names, found.names),
          ],
    ),
    ...input.catalog.map((what): Finding => ({ where: 'catalog', what })),
  ];
}

function ofContainers({ hosts, containers, proven, records }: AuditInput): readonly Finding[] {
  const alive = new Set(hosts.flatMap((host) => (host.state === 'alive' ? [host.name] : [])));
  const byId = new Map(containers.map((container) => [container.id, container]));
  const owned = new Set(records.map((record) => record.id));
  const held = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { name, id, host, addresses } of records) {
    if (!alive.has(host)) continue;
    const container = id === undefined ? undefined : byId.get(id);
    if (id === undefined) findings.push({ where: 'store', host, what: `the create of ${name} was begun and neither finished nor undone` });
    else if (container === undefined)
      findings.push({ where: 'engine', host, what: `container ${name} is in the store and not on its Engine` });
    if (container === undefined) continue;
    if (container.host !== host) findings.push({ where: 'engine', host, what: `container ${name} runs on ${container.host} instead` });
    if (!container.facts.inspect.State.Running) continue;
    const actual = new Set(Object.values(container.facts.inspect.NetworkSettings.Networks ?? {}).map(({ IPAddress }) => IPAddress));
    for (const [network, ip] of Object.entries(addresses)) {
      if (!actual.has(ip)) findings.push({ where: 'engine', host, what: `container ${name} runs without its address ${ip}` });
      const other = held.get(`${network}/${ip}`);
      if (other !== undefined) findings.push({ where: 'engine', host, what: `address ${ip} is held by ${other} and by ${name}` });
      held.set(`${network}/${ip}`, name);
    }
  }
  for (const { id, name, host } of containers) {
    if (alive.has(host) && proven.has(id) && !owned.has(id)) {
      findings.push({ where: 'engine', host, what: `container ${name} carries our labels and is not in the store` });
    }
  }
  return findings;
}

function ofLeases({ records, leases, networks, keptLeases }: AuditInput): readonly Finding[] {
  const byName = new Map(records.map((record) => [record.name, record]));
  const known = new Set(networks.map(({ id }) => id));
  const inUse = new Map(leases.flatMap((lease) => (lease.state === 'resting' ? [] : [[keys.lease(lease.network, lease.ip), lease]])));
  return [
    ...leases.flatMap(({ network, ip, kind, owner, state }): readonly Finding[] => {
      if (!known.has(network)) return [{ where: 'store', what: `lease ${ip} of ${owner} is in a network that does not exist` }];
      if (
        kind !== 'instance' ||
        state === 'resting' ||
        keptLeases.has(keys.lease(network, ip)) ||
        byName.get(owner)?.addresses[network] === ip
      )
        return [];
      return [{ where: 'store', what: `lease ${ip} is held for ${owner}, which does not have it` }];
    }),
    ...records.flatMap(({ name, addresses }) =>
      Object.entries(addresses).flatMap(([network, ip]): readonly Finding[] => {
        const lease = inUse.get(keys.lease(network, ip));
        return lease?.owner === name
          ? []
          : [{ where: 'store', what: `address ${ip} of ${name} is ${lease ? `leased to ${lease.owner}` : 'not leased'}` }];
      }),
    ),
  ];
}

function ofNetworks({ networks, subnets }: AuditInput): readonly Finding[] {
  const owners = new Map(subnets.map(({ cidr, network }) => [cidr, network]));
  const byId = new Map(networks.map((network) => [network.id, network]));
  const vnis = new Map<number, string>();
  const findings: Finding[] = [];
  for (const { id, name, cidr, vni } of networks) {
    if (owners.get(cidr) !== id)
      findings.push({ where: 'store', what: `subnet ${cidr} of network ${name} is allocated to another network` });
    const other = vnis.get(vni);
    if (other !== undefined) findings.push({ where: 'store', what: `networks ${other} and ${name} share the VXLAN id ${vni}` });
    vnis.set(vni, name);
  }
  for (const { cidr, network } of subnets) {
    if (byId.get(network)?.cidr !== cidr)
      findings.push({ where: 'store', what: `subnet ${cidr} belongs to a network that does not exist` });
  }
  return findings;
}

function ofHostNetworks(host: string, plans: readonly NetworkPlan[], { networks, vxlans }: HostObservation): readonly Finding[] {
  const find = (what: string): Finding => ({ where: 'network', host, what });
  const isOverlay = vxlans.length > 0 || plans.some((plan) => plan.peers.length > 0);
  const planned = new Map(plans.map((plan) => [plan.network, plan]));
  const vnis = new Set(plans.map((plan) => plan.vni));
  return [
    ...plans.flatMap((plan) => {
      const there = networks.filter(({ network }) => network === plan.network);
      const [first] = there;
      if (first === undefined) return [find(`network ${plan.name} does not exist on its Engine`)];
      const device = vxlans.find(({ vni }) => vni === plan.vni);
      const isVxlan = isOverlay && plan.driver === undefined;
      return [
        ...(there.length > 1 ? [find(`network ${plan.name} exists ${there.length} times on its Engine`)] : []),
        ...(first.gateway === plan.gateway ? [] : [find(`network ${plan.name} has gateway ${first.gateway} instead of ${plan.gateway}`)]),
        ...(first.isAddressed === false
          ? [find(`the bridge of network ${plan.name} has lost its address ${first.gateway}, or is down: names are not answered there`)]
          : []),
        ...(device === undefined && isVxlan ? [find(`network ${plan.name} has no VXLAN device`)] : []),
        ...(device === undefined || (device.isUp && device.master === first.bridge)
          ? []
          : [find(`the VXLAN device of network ${plan.name} is ${device.isUp ? 'not on its bridge' : 'down'}`)]),
        ...(device === undefined
          ? []
          : differences(plan.peers, device.peers).map((what) => find(`network ${plan.name}: forwarding ${what}`))),
      ];
    }),
    ...networks.flatMap(({ network, name }) => (planned.has(network) ? [] : [find(`network ${name} is on its Engine and should not be`)])),
    ...vxlans.flatMap(({ device, vni }) => (vnis.has(vni) ? [] : [find(`VXLAN device ${device} belongs to no network`)])),
  ];
}

/** A container whose MTU is larger than what passes between two hosts loses its large packets, and only those. */
function ofMtus({ looks }: AuditInput): readonly Finding[] {
  const passes = new Map<number, { readonly mtu: number; readonly host: string }>();
  for (const [host, { found }] of looks)
    for (const { vni, mtu, peers } of found?.vxlans ?? []) {
      const least = passes.get(vni);
      if (mtu !== undefined && peers.length > 0 && (least === undefined || mtu < least.mtu)) passes.set(vni, { mtu, host });
    }
  return [...looks].flatMap(([host, { wanted, found }]) =>
    (found?.networks ?? []).flatMap(({ network, name, mtu = DEFAULT_MTU }): readonly Finding[] => {
      const plan = wanted.plans.find((one) => one.network === network);
      const least = plan && passes.get(plan.vni);
      if (plan === undefined || plan.peers.length === 0 || least === undefined || mtu <= least.mtu) return [];
      const what = `network ${name}: containers send up to ${mtu} bytes at once, and no more than ${least.mtu} pass its VXLAN device on ${least.host}`;
      return [{ where: 'network', host, what, isMtu: true }];
    }),
  );
}

/** An Ethernet's. */
const DEFAULT_MTU = 1500;

function ofHostNames(host: string, wanted: readonly NamedInstance[], found: readonly NamedInstance[]): readonly Finding[] {
  const up = (instances: readonly NamedInstance[]): readonly string[] =>
    instances.flatMap((one) => (one.state === 'out' ? [] : Object.values(one.addresses).map((ip) => `${one.id} at ${ip}`)));
  return differences(up(wanted), up(found)).map((what) => ({ where: 'names', host, what: `its DNS ${what}` }));
}

function differences(wanted: readonly string[], found: readonly string[]): readonly string[] {
  const [want, have] = [new Set(wanted), new Set(found)];
  return [
    ...[...want].filter((one) => !have.has(one)).map((one) => `lacks ${one}`),
    ...[...have].filter((one) => !want.has(one)).map((one) => `has ${one}, which does not exist`),
  ];
}
