/**
 * What agents and Engines know -> the records of a new store. Pure.
 * Networks, services, volumes and hosts' settings come from what the agents keep; containers, their requests and addresses from labels on the
 * Engines; what none of them holds is said in the notes.
 */
import {
  type ContainerInspect,
  type ContainerRecord,
  type HostRecord,
  type LabelClaim,
  type LabelledContainer,
  type LabelSigner,
  type LabelVerdict,
  type RecoveryFacts,
  joinedLater,
  keys,
  STORE_SCHEMA,
  type LeaseRecord,
  type NetworkRecord,
  type VolumeRecord,
  deploymentIn,
  deploymentLabel,
  recordOfClaim,
} from '../model/index.ts';
import { SHARED_BRIDGE } from '../networks/index.ts';
import { formatAddress } from '../text/ipv4.ts';
import { withoutSlash } from '../text/names.ts';

/** Where leases begin of hosts that take none of a subnet: 169.254.0.1. */
const OUTSIDE = 0xa9fe0001;

export interface FoundNetwork {
  readonly engineId: string;
  readonly name: string;
  /** Id of the cluster network. */
  readonly network: string;
  readonly cidr: string;
  readonly gateway: string;
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
}

export interface FoundHost {
  readonly kept: RecoveryFacts;
  /** Those that carry our labels, running or not. */
  readonly containers: readonly ContainerInspect[];
  readonly networks: readonly FoundNetwork[];
}

export interface RecoverDeps {
  readonly nowMs: number;
  readonly token: string;
  readonly newClusterId: string;
  /** How far above the highest epoch seen the new store begins. */
  readonly epochsAbove: number;
  /** What the labels of containers are signed with, from a backup; undefined: it is lost with the store. */
  readonly labelKey: string | undefined;
  /** Takes over containers whose labels are not proven, as far as the facts allow. */
  readonly isTrusting: boolean;
  /** What the labels of a container prove; without a signer, what they say and the facts allow. */
  readonly judge: (container: LabelledContainer, signer: LabelSigner | undefined) => LabelVerdict;
}

export interface Recovery {
  readonly clusterId: string;
  readonly epoch: number;
  readonly records: readonly (readonly [key: string, value: unknown])[];
  /** What could not be known, or did not agree: a sentence each. */
  readonly notes: readonly string[];
  /** Names of containers that are taken over though nothing proves what their labels say. */
  readonly unproven: readonly string[];
  /** Why it must not be written; empty: it may. */
  readonly refusals: readonly string[];
}

const BRIDGE_OPTION = 'com.docker.network.bridge.name';
const MTU_OPTION = 'com.docker.network.driver.mtu';
const ANONYMOUS = /^[0-9a-f]{64}$/;

/** The records of a new store, with notes on what could not be known and the reasons to refuse, if any. Writes nothing. */
export function planRecovery(hosts: readonly FoundHost[], deps: RecoverDeps): Recovery {
  const notes: string[] = [];
  const records = new Map<string, unknown>();
  const seen = Math.max(0, ...hosts.map(({ kept }) => kept.epoch));
  const [newest] = hosts
    .flatMap(({ kept }) => (kept.state === undefined ? [] : [kept.state]))
    .toSorted((a, b) => b.epoch - a.epoch || b.atMs - a.atMs);
  if (newest === undefined)
    notes.push('no host keeps a copy of services, volumes and settings: only what the Engines know can be recovered');
  const isOwn = (key: string): boolean => ![keys.hosts, keys.containers, keys.leases].some((prefix) => key.startsWith(prefix));
  for (const [key, value] of newest?.records ?? []) if (isOwn(key)) records.set(key, value);
  const keptRecords = new Map(newest?.records);

  const inUse = hosts.filter(({ kept, containers }) => containers.length > 0 || kept.plans.length > 0);
  const clusters = [...new Set((inUse.length > 0 ? inUse : hosts).map(({ kept }) => kept.clusterId).filter((id) => id !== ''))];
  const refusals =
    clusters.length > 1
      ? [
          `the hosts belong to ${clusters.length} clusters: ${hosts.map(({ kept }) => `${kept.host.name} to ${kept.clusterId.slice(0, 12)}`).join(', ')}`,
        ]
      : [];

  for (const { kept } of hosts) addHost(records, kept, newest?.records ?? [], deps.nowMs);
  for (const host of hosts) addNetworks(records, host, notes, deps.nowMs);
  const networks = new Map(
    [...records].flatMap(([key, value]) =>
      key.startsWith(keys.networks) ? [[(value as NetworkRecord).id, value as NetworkRecord] as const] : [],
    ),
  );
  for (const { id, cidr } of networks.values()) records.set(keys.subnet(cidr), { cidr, network: id });

  const epoch = seen + deps.epochsAbove;
  const lease = (one: Omit<LeaseRecord, 'sinceMs' | 'epoch'>) => {
    const key = keys.lease(one.network, one.ip);
    const other = records.get(key) as LeaseRecord | undefined;
    if (other === undefined) records.set(key, { ...one, sinceMs: deps.nowMs, epoch } satisfies LeaseRecord);
    else if (other.owner !== one.owner)
      notes.push(`address ${one.ip} is held by ${other.owner} and by ${one.owner}: it stays with the first`);
    return other === undefined || other.owner === one.owner;
  };
  for (const [index, { kept, networks: found }] of hosts.entries()) {
    const gateways = new Map([
      ...found.map((one) => [one.network, one.gateway] as const),
      ...kept.plans.map((plan) => [plan.network, plan.own ?? plan.gateway] as const),
    ]);
    for (const [network, ip] of gateways) {
      const record = networks.get(network);
      if (record === undefined || ip === '') continue;
      // the gateway that all hosts have is nobody's own
      const own = record.isGatewayShared === true && record.gateway === ip ? formatAddress(OUTSIDE + index) : ip;
      lease({ ip: own, network, kind: 'gateway', owner: kept.host.name, host: kept.host.name, state: 'bound' });
    }
  }
  for (const { id, auxAddresses, gateway } of networks.values()) {
    const user = (owner: string, ip: string) => lease({ ip, network: id, kind: 'user', owner, host: '', state: 'bound' });
    for (const [owner, ip] of Object.entries(auxAddresses)) user(owner, ip);
    if (gateway !== undefined && !records.has(keys.lease(id, gateway))) user('gateway', gateway);
  }

  const clusterId = clusters[0] ?? deps.newClusterId;
  const signer = deps.labelKey === undefined ? undefined : { clusterId, labelKey: deps.labelKey };
  const unproven: string[] = [];
  const containers = hosts
    .flatMap((host) =>
      host.containers.map((inspect) => {
        const kept = keptRecords.get(keys.container(nameOf(inspect))) as Partial<ContainerRecord> | undefined;
        const before = kept?.id === inspect.Id ? kept : undefined;
        const container = { host: host.kept.host.name, inspect, networkOf: networkOf(host, networks) };
        return { host, inspect, before, judged: judgedBy(deps, signer, container, before) };
      }),
    )
    .toSorted((a, b) => Number(b.inspect.State.Running) - Number(a.inspect.State.Running));
  const originals = originalsOf(containers);
  for (const { host, inspect, before, judged } of containers) {
    const { claim, isProven } = judged;
    const nonce = claim?.labelled.nonce;
    const isCopy = nonce !== undefined && originals.get(nonce)?.Id !== inspect.Id;
    const why = isCopy ? 'has the labels of an older container' : judged.why;
    if (claim === undefined || isCopy) {
      if (why !== undefined) notes.push(`container ${nameOf(inspect)} on ${host.kept.host.name} ${why}: it is left as it is`);
      continue;
    }
    const record = containerRecord(host, inspect, claim, before, deps.nowMs, notes);
    const key = keys.container(record.name);
    if (records.has(key)) {
      notes.push(
        `${record.name} exists twice: the one on ${(records.get(key) as ContainerRecord).host} is taken, the one on ${record.host} is not`,
      );
      continue;
    }
    const addresses = Object.entries(record.addresses).filter(([network, ip]) =>
      lease({ ip, network, kind: 'instance', owner: record.name, host: record.host, state: 'bound' }),
    );
    records.set(key, { ...record, addresses: Object.fromEntries(addresses) });
    if (!isProven) unproven.push(record.name);
    for (const volume of volumesOf(inspect, record.host, deps.nowMs))
      if (!records.has(keys.volume(volume.name))) records.set(keys.volume(volume.name), volume);
  }
  // after the containers': an address that one of them has since is its own, and the service gets another
  for (const [key, value] of newest?.records ?? []) {
    const { ip, network, kind, owner } = value as LeaseRecord;
    if (key.startsWith(keys.leases) && kind === 'service' && networks.has(network))
      lease({ ip, network, kind, owner, host: '', state: 'bound' });
  }
  records.set(keys.clusterId, clusterId);
  records.set(keys.schema, STORE_SCHEMA);
  records.set(keys.joinToken, deps.token);
  if (deps.labelKey !== undefined) records.set(keys.labelKey, deps.labelKey);
  records.set(keys.epoch, epoch);
  return { clusterId, epoch, records: [...records].toSorted(([a], [b]) => (a < b ? -1 : 1)), notes, unproven, refusals };
}

const nameOf = ({ Name }: ContainerInspect): string => withoutSlash(Name);

type Records = Map<string, unknown>;

function addHost(records: Records, { host }: RecoveryFacts, kept: readonly (readonly [string, unknown])[], nowMs: number): void {
  const before = kept.find(([key]) => key === keys.host(host.name))?.[1] as HostRecord | undefined;
  const fresh: HostRecord = { ...host, availability: 'active', joinedAtMs: nowMs };
  records.set(keys.host(host.name), before === undefined ? fresh : { ...before, address: host.address, gateway: host.gateway });
}

/** Networks that nobody keeps a record of, from the host's plans and, without one, from its Engine. */
function addNetworks(records: Records, { kept, networks, containers }: FoundHost, notes: string[], nowMs: number): void {
  const fromEngine = networks.flatMap(({ network, name, cidr, internal, labels, options }) => {
    const { [BRIDGE_OPTION]: bridge = '', [MTU_OPTION]: _mtu, ...others } = options;
    const vni = Number.parseInt(/^arp([0-9a-f]{6})$/.exec(bridge)?.[1] ?? '', 16);
    return network === '' || Number.isNaN(vni) ? [] : [{ network, name, cidr, vni, internal, labels, options: others }];
  });
  for (const plan of [...kept.plans, ...fromEngine]) {
    const { network: id, name, cidr, vni, internal, labels, options } = plan;
    if (records.has(keys.network(id))) continue;
    const other = [...records.values()].find(
      (value) => (value as Partial<NetworkRecord>).cidr === cidr && (value as Partial<NetworkRecord>).vni !== undefined,
    );
    if (other !== undefined) {
      notes.push(`network ${name} on ${kept.host.name} has the subnet ${cidr} of network ${(other as NetworkRecord).name}: it is left out`);
      continue;
    }
    const project = deploymentLabel(labels) && deploymentIn(labels);
    const member = containers.find(({ NetworkSettings }) => NetworkSettings.Networks?.[name] !== undefined);
    const record: NetworkRecord = {
      id,
      name,
      deployment: project ?? deploymentIn(member?.Config.Labels ?? {}),
      cidr,
      vni,
      labels,
      options,
      internal,
      attachable: false,
      ...('isGatewayShared' in plan || ('driver' in plan && plan.driver !== undefined)
        ? { gateway: plan.gateway, isGatewayShared: true as const }
        : {}),
      ...('driver' in plan && plan.driver !== undefined ? { driver: plan.driver } : {}),
      auxAddresses: {},
      implicit: project === undefined && (name === SHARED_BRIDGE || name.endsWith('_default')),
      createdAtMs: nowMs,
    };
    records.set(keys.network(id), record);
    notes.push(
      `network ${name} is known from host ${kept.host.name} alone: an ip-range, reserved addresses and the like that it had are not`,
    );
  }
}

interface Judged {
  /** Undefined: it is not taken over. */
  readonly claim?: LabelClaim;
  readonly isProven: boolean;
  /** Why it is not; undefined: it has no labels of arpanet. */
  readonly why?: string;
}

/** By nonce: labels can only be copied from a container that exists. */
function originalsOf(
  containers: readonly { readonly inspect: ContainerInspect; readonly judged: Judged }[],
): ReadonlyMap<string, ContainerInspect> {
  const found = new Map<string, ContainerInspect>();
  for (const { inspect, judged } of containers) {
    const nonce = judged.claim?.labelled.nonce;
    const other = nonce === undefined ? undefined : found.get(nonce);
    if (nonce !== undefined && (other === undefined || inspect.Created < other.Created)) found.set(nonce, inspect);
  }
  return found;
}

/** Proven by the MAC and the facts, or by a copy of the store's own record of this container. */
function judgedBy(
  { judge, isTrusting }: Pick<RecoverDeps, 'judge' | 'isTrusting'>,
  signer: LabelSigner | undefined,
  container: LabelledContainer,
  before: Partial<ContainerRecord> | undefined,
): Judged {
  const proven = signer === undefined ? undefined : judge(container, signer);
  if (proven?.kind === 'proven') return { claim: proven.claim, isProven: true };
  const said = judge(container, undefined);
  if (said.kind === 'none') return { isProven: false };
  if (said.kind === 'unproven') return { isProven: false, why: said.why };
  const { deployment, service, number } = said.claim.labelled;
  const isKept = before?.deployment === deployment && before.service === service && before.number === number;
  const addresses = Object.entries(said.claim.addresses).filter(([network, ip]) => before?.addresses?.[network] === ip);
  if (isKept && addresses.length > 0) return { claim: { ...said.claim, addresses: Object.fromEntries(addresses) }, isProven: true };
  if (isTrusting) return { claim: said.claim, isProven: false };
  return { isProven: false, why: proven?.kind === 'unproven' ? proven.why : 'has labels that nothing proves' };
}

function networkOf({ networks: found }: FoundHost, networks: ReadonlyMap<string, NetworkRecord>): LabelledContainer['networkOf'] {
  return (name, { NetworkID }) => {
    const on = found.find((one) => (NetworkID ? one.engineId === NetworkID : one.name === name));
    return on && networks.get(on.network);
  };
}

function containerRecord(
  { kept }: FoundHost,
  inspect: ContainerInspect,
  claim: LabelClaim,
  before: Partial<ContainerRecord> | undefined,
  nowMs: number,
  notes: string[],
): ContainerRecord {
  const name = nameOf(inspect);
  const unknown = joinedLater(claim).filter((network) => before?.connected?.[network] === undefined);
  if (unknown.length > 0)
    notes.push(`container ${name} joined a network after it was made: the aliases that it was given there are not known`);
  if (!claim.isRequestWhole) notes.push(`the request that made ${name} is known from its Engine's description only`);
  const made = { strategy: 'recovered', atMs: nowMs };
  return recordOfClaim(claim, { name, host: kept.host.name, inspect }, made, before, (network) => ({
    IPAMConfig: { IPv4Address: claim.addresses[network] ?? '' },
  }));
}

/** Named volumes that it mounts: their data is where it is. */
function volumesOf(inspect: ContainerInspect, host: string, nowMs: number): readonly VolumeRecord[] {
  return (inspect.Mounts ?? []).flatMap(({ Type, Name = '' }) =>
    Type !== 'volume' || Name === '' || ANONYMOUS.test(Name) ? [] : [{ name: Name, host, driver: 'local', createdAtMs: nowMs }],
  );
}
