/** Effects: reads the cluster networks of this host, from the Engine and from the kernel (`ip`, `bridge`). */
import { engineJson, type EngineTarget } from '../../engine/request.ts';
import { ArpanetError } from '../../model/errors.ts';
import { splitCidr } from '../../text/ipv4.ts';
import { parseIpv6 } from '../../text/ipv6.ts';
import {
  isOurVxlan,
  type KeptLocal,
  NETWORK_LABEL,
  type Observed,
  type ObservedNetwork,
  type ObservedVxlan,
  type Underlay,
} from './plan.ts';
import { run, runJson } from './run.ts';

interface EngineNetwork {
  readonly Id: string;
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Options: Readonly<Record<string, string>> | null;
  readonly EnableIPv6?: boolean;
  readonly IPAM: { readonly Config: readonly { readonly Subnet?: string; readonly Gateway?: string }[] | null };
}
interface LinkJson {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
  readonly linkinfo?: { readonly info_data?: { readonly id?: number; readonly local?: string; readonly local6?: string } };
}
interface RouteJson {
  readonly dst: string;
  readonly dev?: string;
  readonly prefsrc?: string;
}
interface FdbJson {
  readonly mac: string;
  readonly ifname: string;
  readonly dst?: string;
  readonly state?: string;
}

/** Frames to this address go to every peer entered for it: unknown and broadcast destinations. */
export const FLOOD_MAC = '00:00:00:00:00:00';

/** Which link has this address. Throws `invalid` when none does. */
export async function readUnderlay(address: string): Promise<Underlay> {
  const found = (await runJson<LinkJson>('ip', ['-j', 'addr', 'show', 'to', `${address}/32`])).find(({ ifname }) => ifname !== undefined);
  if (found === undefined)
    throw new ArpanetError('invalid', `no link of this host has the address ${address}: give --address one of its own`);
  return { address, link: found.ifname, mtu: found.mtu };
}

/** The cluster networks on the Engine, or the one with this id. Throws `engine`, `unavailable`, `timeout`. */
export async function readNetworks(engine: EngineTarget, signal: AbortSignal, network?: string): Promise<readonly ObservedNetwork[]> {
  const filters = JSON.stringify({ label: [network === undefined ? NETWORK_LABEL : `${NETWORK_LABEL}=${network}`] });
  const found = await engineJson<EngineNetwork[]>(engine, {
    method: 'GET',
    path: `/networks?filters=${encodeURIComponent(filters)}`,
    signal,
    timeoutMs: 10_000,
  });
  return found.map(({ Id, Name, Labels, Options, IPAM, EnableIPv6 }) => {
    const gateway6 = EnableIPv6 === true ? IPAM.Config?.find(({ Subnet = '' }) => Subnet.includes(':'))?.Gateway : undefined;
    return {
      engineId: Id,
      name: Name,
      network: Labels?.[NETWORK_LABEL] ?? '',
      cidr: IPAM.Config?.[0]?.Subnet ?? '',
      gateway: IPAM.Config?.[0]?.Gateway ?? '',
      bridge: Options?.['com.docker.network.bridge.name'] ?? '',
      ...(gateway6 === undefined ? {} : { gateway6: splitCidr(gateway6).address }),
      ...(Options?.['com.docker.network.driver.mtu'] === undefined ? {} : { mtu: Number(Options['com.docker.network.driver.mtu']) }),
    };
  });
}

/** What the kernel has of bridges, routes and VXLAN devices, by one run of `ip`. */
interface Kernel {
  readonly bridges: ReadonlyMap<string, LinkJson>;
  /** By link and subnet: from which address calls go out. */
  readonly sources: ReadonlyMap<string, string>;
  readonly vxlans: readonly LinkJson[];
}

/** Without an overlay the agent may be where there is no `ip`. */
const NOTHING: Kernel = { bridges: new Map(), sources: new Map(), vxlans: [] };

const KERNEL_QUESTIONS = ['addr show type bridge', 'route show scope link', 'link show type vxlan'];

async function readKernel(): Promise<Kernel> {
  const text = await run('ip', ['-j', '-d', '-batch', '-'], `${KERNEL_QUESTIONS.join('\n')}\n`);
  const [bridges, routes, vxlans] = text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [JSON.parse(line) as unknown]));
  return {
    bridges: new Map(named(bridges).map((link) => [link.ifname, link])),
    sources: new Map(
      listOf<RouteJson>(routes).flatMap(({ dst, dev, prefsrc }) => (prefsrc === undefined ? [] : [[`${dev} ${dst}`, prefsrc] as const])),
    ),
    vxlans: named(vxlans),
  };
}

const listOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? (value as readonly T[]) : []);
/** An older ip prints {} for each link that the filter left out. */
const named = (value: unknown): readonly LinkJson[] => listOf<LinkJson>(value).filter(({ ifname }) => ifname !== undefined);

/** A network of the Engine with what the kernel has of it. */
function withBridge(network: ObservedNetwork, { bridges, sources }: Kernel): ObservedNetwork {
  const { bridge, cidr, gateway, gateway6 } = network;
  if (bridge === '' || gateway === '') return network;
  const link = bridges.get(bridge);
  const addresses = link?.addr_info ?? [];
  const has = (address: string): boolean => addresses.some(({ local = '' }) => local === address);
  const has6 =
    gateway6 === undefined || addresses.some(({ local = '' }) => local.includes(':') && parseIpv6(local) === parseIpv6(gateway6));
  const source = sources.get(`${bridge} ${cidr}`);
  return {
    ...network,
    hasBridge: link !== undefined,
    isAddressed: link?.flags.includes('UP') === true && has(gateway) && has6,
    owns: addresses.flatMap(({ local = '', prefixlen }) => (prefixlen === 32 && !local.includes(':') ? [local] : [])),
    ...(source === undefined ? {} : { callsFrom: source }),
  };
}

/** What `keep-local` has done. Empty where the command does not exist. */
async function readKept(): Promise<readonly KeptLocal[]> {
  const rules = await run('ebtables', ['--concurrent', '-L', 'OUTPUT']).catch(() => '');
  return rules.split('\n').flatMap((rule) => {
    const device = / -o (\S+)/.exec(rule)?.[1] ?? '';
    const source = /--(?:arp-ip|ip6)-src (\S+)/.exec(rule)?.[1];
    return isOurVxlan(device) && source !== undefined ? [{ device, source: source.replace(/\/(?:32|128)$/, '') }] : [];
  });
}

/** Whether this host can keep a gateway address to its own containers, which others have on theirs, too. */
export async function canKeepLocal(): Promise<boolean> {
  return run('ebtables', ['--concurrent', '-L', 'OUTPUT']).then(
    () => true,
    () => false,
  );
}

/** Whether this VXLAN device exists. Throws `unavailable`. */
export const hasVxlan = async (device: string): Promise<boolean> => (await readKernel()).vxlans.some(({ ifname }) => ifname === device);

async function vxlansOf(kernel: Kernel, device?: string): Promise<readonly ObservedVxlan[]> {
  const wanted = device === undefined ? kernel.vxlans : kernel.vxlans.filter(({ ifname }) => ifname === device);
  if (wanted.length === 0) return [];
  const fdb = await readFdb(device);
  return wanted.map(({ ifname, mtu, flags, master, linkinfo }) => ({
    device: ifname,
    vni: linkinfo?.info_data?.id ?? 0,
    local: linkinfo?.info_data?.local ?? linkinfo?.info_data?.local6 ?? '',
    master: master ?? '',
    mtu,
    isUp: flags.includes('UP'),
    peers: fdb.flatMap((entry) => (entry.ifname === ifname && entry.mac === FLOOD_MAC && entry.dst !== undefined ? [entry.dst] : [])),
  }));
}

/** Learned unicast entries of a VXLAN device: on which host a MAC address was last seen. */
export async function readLearned(device: string): Promise<readonly { readonly mac: string; readonly peer: string }[]> {
  return (await readFdb(device)).flatMap(({ mac, dst, state }) =>
    dst !== undefined && mac !== FLOOD_MAC && state !== 'permanent' ? [{ mac, peer: dst }] : [],
  );
}

async function readFdb(device?: string): Promise<readonly FdbJson[]> {
  const entries = await runJson<FdbJson>('bridge', ['-j', 'fdb', 'show', ...(device === undefined ? [] : ['dev', device])]);
  return device === undefined ? entries : entries.map((entry) => ({ ...entry, ifname: device }));
}

/** Networks on the Engine and devices in the kernel; only those of one network with `only`. Throws `engine`, `unavailable`, `timeout`. */
export async function observe(
  engine: EngineTarget,
  signal: AbortSignal,
  overlay: 'vxlan' | 'none',
  only?: { network: string; device: string },
): Promise<Observed> {
  const [networks, kernel, kept] = await Promise.all([
    readNetworks(engine, signal, only?.network),
    overlay === 'vxlan' ? readKernel() : readKernel().catch(() => NOTHING),
    overlay === 'vxlan' ? readKept() : [],
  ]);
  const vxlans = overlay === 'vxlan' ? await vxlansOf(kernel, only?.device) : [];
  return {
    networks: networks.map((network) =>
      overlay === 'vxlan' || kernel.bridges.has(network.bridge) ? withBridge(network, kernel) : network,
    ),
    vxlans,
    kept,
  };
}
