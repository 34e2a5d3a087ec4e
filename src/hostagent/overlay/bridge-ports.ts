/**
 * Effects: puts the containers of a network back on its bridge, after somebody deleted that and it was made again. The Engine does not: to it the
 * network never went. Which links are theirs is read in the containers' own network namespaces (`nsenter`, `ip`).
 */
import { engineJson, type EngineTarget } from '../../engine/request.ts';
import { run, runJson } from './run.ts';

interface Link {
  readonly ifindex: number;
  readonly ifname?: string;
  readonly address?: string;
  /** Of a veth: the index of its other end. */
  readonly link_index?: number;
}

const TIMEOUT_MS = 10_000;

/** Throws `engine`, `unavailable`, `timeout`. */
export async function joinBridge(
  engine: EngineTarget,
  { engineId, bridge }: { readonly engineId: string; readonly bridge: string },
  signal: AbortSignal,
): Promise<void> {
  const get = <T>(path: string): Promise<T> => engineJson<T>(engine, { method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
  const { Containers } = await get<{ Containers?: Readonly<Record<string, { MacAddress?: string }>> | null }>(`/networks/${engineId}`);
  const ends = await Promise.all(
    Object.entries(Containers ?? {}).map(async ([id, { MacAddress }]) => {
      const { State } = await get<{ State: { Pid: number } }>(`/containers/${id}/json`);
      const inside = await runJson<Link>('nsenter', [`--net=/proc/${State.Pid}/ns/net`, 'ip', '-j', 'link', 'show']);
      return inside.find(({ address }) => address !== undefined && address === MacAddress)?.link_index;
    }),
  );
  const own = await runJson<Link>('ip', ['-j', 'link', 'show', 'type', 'veth']);
  const ports = own.filter(({ ifindex, ifname }) => ifname !== undefined && ends.includes(ifindex));
  if (ports.length > 0) await run('ip', ['-batch', '-'], ports.map(({ ifname }) => `link set ${ifname} master ${bridge} up`).join('\n'));
}
