/** Effects: what the hello says of this host: its Engine's version and info, and the routes that the address pool must keep clear of. */
import type { Json } from '../../model/docker.ts';
import type { HostFacts } from '../../model/facts.ts';
import { engineJson, type EngineTarget } from '../../engine/request.ts';
import { run } from '../overlay/observe.ts';

export interface FactsOptions {
  readonly name: string;
  readonly address: string;
  readonly gateway: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly overlay: 'vxlan' | 'none';
  readonly version: string;
  readonly engine: EngineTarget;
}

/** Throws `unavailable` when the Engine does not answer. */
export async function readFacts(options: FactsOptions, signal: AbortSignal): Promise<HostFacts> {
  const { name, address, gateway, labels, overlay, engine } = options;
  const get = (path: string): Promise<Json> => engineJson<Json>(engine, { method: 'GET', path, signal, timeoutMs: 30_000 });
  const word = (value: unknown, otherwise = ''): string => (typeof value === 'string' ? value : otherwise);
  const [version, info, routes] = await Promise.all([get('/version'), get('/info'), overlay === 'vxlan' ? readRoutes() : []]);
  return {
    name,
    address,
    gateway,
    labels,
    overlay,
    agentVersion: options.version,
    version,
    info,
    apiVersion: word(version['ApiVersion']),
    minApiVersion: word(version['MinAPIVersion']),
    os: word(version['Os'], 'linux'),
    arch: word(version['Arch']),
    cpus: Number(info['NCPU'] ?? 0),
    memoryBytes: Number(info['MemTotal'] ?? 0),
    routes,
  };
}

/** IPv4 routes of all links but our own bridges, without the default one. */
async function readRoutes(): Promise<readonly string[]> {
  const found = JSON.parse((await run('ip', ['-j', '-4', 'route', 'show'])) || '[]') as { dst: string; dev?: string }[];
  const foreign = found.filter(({ dst, dev }) => dst !== 'default' && !/^arp[0-9a-f]{6}$/.test(dev ?? ''));
  return foreign.map(({ dst }) => (dst.includes('/') ? dst : `${dst}/32`));
}
