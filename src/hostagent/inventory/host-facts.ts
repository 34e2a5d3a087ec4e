/** Effects: reads what `hello` reports of this host: its Engine's version and info, and the routes that the address pool must not overlap. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { Json } from '../../model/docker.ts';
import type { HostDns, HostFacts, HostTunnel } from '../../model/facts.ts';
import { engineJson, type EngineTarget } from '../../engine/request.ts';
import { readEngineDns } from './engine-dns.ts';
import { canKeepLocal, readUnderlay } from '../overlay/observe.ts';
import { run, runJson } from '../overlay/run.ts';

export interface FactsOptions {
  readonly name: string;
  readonly address: string;
  readonly gateway: string;
  /** The gateway speaks TLS. */
  readonly hasTls: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly overlay: 'vxlan' | 'none';
  readonly version: string;
  readonly engine: EngineTarget;
  /** It takes another release when the leader says so. */
  readonly upgradesItself: boolean;
  readonly http: () => Promise<HostFacts['http']>;
  readonly httpPorts: readonly number[];
  readonly tunnel: () => Promise<HostTunnel | undefined>;
  /** Called with the Engine's DNS servers after each reading. */
  readonly onDns: (dns: HostDns) => void;
}

export interface FactsReader {
  /** Read now; the last reading while the Engine is unreachable. Throws `unavailable` if there was none: the host cannot join yet. */
  readonly read: () => Promise<HostFacts>;
  /** The routes of now, where they are not those of the last reading. Always the same list while they stay the same; undefined: not looked since. */
  readonly routes: () => readonly string[] | undefined;
  /** Looks at the routes again. Never throws. */
  readonly look: () => Promise<void>;
  /** True when the Engine reports another version than the one read last, or has other DNS settings. Never throws. */
  isEngineReplaced(): Promise<boolean>;
}

export function createFactsReader(options: FactsOptions, signal: AbortSignal): FactsReader {
  let last: HostFacts | undefined;
  let routes: readonly string[] | undefined;
  return {
    routes: () => routes,
    async look() {
      if (options.overlay !== 'vxlan') return;
      const now = await readRoutes().catch(() => undefined);
      if (now !== undefined && now.join() !== (routes ?? last?.routes)?.join()) routes = now;
    },
    async read() {
      const facts = await readFacts(options, signal).catch((error: unknown) => last ?? Promise.reject(error as Error));
      last = facts;
      routes = undefined;
      return facts;
    },
    async isEngineReplaced() {
      const now = await readFacts(options, signal).catch(() => undefined);
      return last !== undefined && now !== undefined && JSON.stringify([now.version, now.dns]) !== JSON.stringify([last.version, last.dns]);
    },
  };
}

/** Throws `unavailable` when the Engine does not answer. */
async function readFacts(options: FactsOptions, signal: AbortSignal): Promise<HostFacts> {
  const { name, address, gateway, labels, overlay, engine } = options;
  const get = async (path: string): Promise<Json> =>
    asObject(await engineJson<unknown>(engine, { method: 'GET', path, signal, timeoutMs: 30_000 }));
  const text = (value: unknown, fallback = ''): string => (typeof value === 'string' ? value : fallback);
  const [version, info, routes, dns, sharesGateway, underlay, links, tunnel, answersPorts, machine, address6, http] = await Promise.all([
    get('/version'),
    get('/info'),
    overlay === 'vxlan' ? readRoutes() : [],
    readEngineDns(engine),
    overlay === 'vxlan' ? canKeepLocal() : true,
    overlay === 'vxlan' ? readUnderlay(address) : undefined,
    readLinks(),
    options.tunnel(),
    overlay === 'vxlan'
      ? run('nft', ['--version'])
          .catch(() => run('iptables-restore', ['--version']))
          .then(isThere, isAway)
      : false,
    readMachine(),
    overlay === 'vxlan' ? readAddress6(address).catch(() => undefined) : undefined,
    options.http(),
  ]);
  options.onDns(dns);
  return {
    name,
    address,
    gateway,
    ...(options.hasTls ? { hasTls: true } : {}),
    labels,
    overlay,
    agentVersion: options.version,
    version,
    info,
    apiVersion: text(version['ApiVersion']),
    minApiVersion: text(version['MinAPIVersion']),
    os: text(version['Os'], 'linux'),
    arch: text(version['Arch']),
    cpus: amount(info['NCPU']),
    memoryBytes: amount(info['MemTotal']),
    sharesGateway,
    ...(machine === undefined ? {} : { machine }),
    ...(options.upgradesItself ? { upgradesItself: true as const } : {}),
    ...(address6 === undefined ? {} : { address6 }),
    ...(answersPorts ? { answersPorts: true as const } : {}),
    ...(http === undefined ? {} : { http, httpPorts: options.httpPorts }),
    ...(underlay === undefined ? {} : { mtu: underlay.mtu }),
    ...(links === undefined ? {} : { links }),
    addresses: addressesOf(networkInterfaces()),
    ...(tunnel === undefined ? {} : { tunnel }),
    routes,
    dns,
    takesNameChanges: true,
  };
}

/** A digest, as the id itself is not for others (machine-id(5)). The script of `arpanet hosts add` makes the same. Undefined: there is none. */
async function readMachine(file = '/etc/machine-id'): Promise<string | undefined> {
  const id = (await readFile(file, 'utf8').catch(() => '')).trim();
  return id === '' ? undefined : createHash('sha256').update(`arpanet ${id}`).digest('hex').slice(0, 32);
}

const isThere = (): boolean => true;
const isAway = (): boolean => false;

/** An Engine that answers something else is treated like one that reports nothing: the leader refuses it for its missing API version. */
const asObject = (value: unknown): Json => (typeof value === 'object' && value !== null ? { ...value } : {});

const amount = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0);

/** Undefined where the command does not exist. */
async function readLinks(): Promise<readonly string[] | undefined> {
  const found = await runJson<{ ifname?: string }>('ip', ['-j', 'link', 'show']).catch(() => undefined);
  return found?.flatMap(({ ifname = '' }) => (OF_CONTAINERS.test(ifname) ? [] : [ifname]));
}

const OF_CONTAINERS = /^(?:|lo|veth.*|docker\d.*|br-[0-9a-f]{12}|ar[pv][0-9a-f]{6}|arw[0-9a-f]{8}[abp])$/;

/** Where other machines may reach this one. Pure. */
export function addressesOf(links: ReturnType<typeof networkInterfaces>): readonly string[] {
  const own = Object.entries(links).flatMap(([name, all = []]) => (OF_CONTAINERS.test(name) ? [] : all));
  return own.flatMap(({ address, internal, scopeid = 0 }) => (internal || scopeid !== 0 ? [] : [address])).toSorted();
}

/** Of the link with the host's address, one that stays: RFC 8981 has others that change each day. */
async function readAddress6(address: string): Promise<string | undefined> {
  const { link } = await readUnderlay(address);
  const [found] = await runJson<{ addr_info?: readonly Address6[] }>('ip', ['-j', '-6', 'addr', 'show', 'dev', link, 'scope', 'global']);
  const lasting = (found?.addr_info ?? []).filter((one) =>
    [one.temporary, one.deprecated, one.tentative, one.dadfailed].every((is) => is !== true),
  );
  return lasting.find(({ local }) => local !== undefined)?.local;
}
interface Address6 {
  readonly local?: string;
  readonly temporary?: boolean;
  readonly deprecated?: boolean;
  readonly tentative?: boolean;
  readonly dadfailed?: boolean;
}

/** IPv4 routes of all links but our own bridges, without the default one. */
async function readRoutes(): Promise<readonly string[]> {
  const found = await runJson<{ dst: string; dev?: string }>('ip', ['-j', '-4', 'route', 'show']);
  const foreign = found.filter(({ dst, dev }) => dst !== 'default' && !/^arp[0-9a-f]{6}$/.test(dev ?? ''));
  return [...new Set(foreign.map(({ dst }) => (dst.includes('/') ? dst : `${dst}/32`)))].sort();
}
