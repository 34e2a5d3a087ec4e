/**
 * Lowers the MTU of running containers, whose network was made for larger packets than pass the overlay now: an Engine sets it at their start only. Effects: `ip`, in
 * their network namespaces (`nsenter`).
 */
import { readlink } from 'node:fs/promises';
import { run, runJson } from './run.ts';

export interface Wide {
  readonly bridge: string;
  /** In bytes. */
  readonly mtu: number;
  /** Process ids of the containers that run there. */
  readonly pids: readonly number[];
}

interface LinkJson {
  readonly ifname?: string;
  readonly ifindex?: number;
  /** Of a veth: the index of its other end, in whichever namespace that is. */
  readonly link_index?: number;
  readonly mtu?: number;
}

export interface Narrower {
  /** Costs nothing but a look at the bridge while its ports are those of before. Throws `unavailable`. */
  readonly narrow: (wide: Wide) => Promise<void>;
  /** What containers on the bridge send at most; undefined: what their network says. */
  readonly mtuOn: (bridge: string) => number | undefined;
  readonly forget: (bridge: string) => void;
  /** Whether any bridge has such containers. */
  readonly isActive: () => boolean;
}

/** Links of a container whose other end is one of these ports, and that send more. Pure. */
export function tooWide(links: readonly LinkJson[], ports: ReadonlySet<number>, most: number): readonly string[] {
  return links.flatMap(({ ifname, link_index: port, mtu = 0 }) =>
    ifname !== undefined && port !== undefined && ports.has(port) && mtu > most ? [ifname] : [],
  );
}

export function createNarrower(): Narrower {
  const done = new Map<string, { readonly mtu: number; readonly ports: Set<number> }>();

  return {
    async narrow({ bridge, mtu, pids }) {
      const ports = await portsOf(bridge);
      const known = done.get(bridge);
      const before = known?.mtu === mtu ? known.ports : new Set<number>();
      const handled = new Set([...before].filter((port) => ports.has(port)));
      done.set(bridge, { mtu, ports: handled });
      if (handled.size === ports.size) return;
      const own = await readlink('/proc/self/ns/net');
      for (const pid of pids) {
        const namespace = `/proc/${pid}/ns/net`;
        // one that has ended meanwhile has none
        if ([own, undefined].includes(await readlink(namespace).catch(() => undefined))) continue;
        const inside = [`--net=${namespace}`, 'ip'];
        const links = JSON.parse((await run('nsenter', [...inside, '-j', 'link', 'show', 'type', 'veth'])) || '[]') as LinkJson[];
        for (const name of tooWide(links, ports, mtu)) await run('nsenter', [...inside, 'link', 'set', 'dev', name, 'mtu', String(mtu)]);
        for (const { link_index: port = 0 } of links) if (ports.has(port)) handled.add(port);
      }
    },
    mtuOn: (bridge) => done.get(bridge)?.mtu,
    forget(bridge) {
      done.delete(bridge);
    },
    isActive: () => done.size > 0,
  };
}

async function portsOf(bridge: string): Promise<ReadonlySet<number>> {
  const links = await runJson<LinkJson>('ip', ['-j', 'link', 'show', 'master', bridge, 'type', 'veth']);
  return new Set(links.flatMap(({ ifindex }) => ifindex ?? []));
}
