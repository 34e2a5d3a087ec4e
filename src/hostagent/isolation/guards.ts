/**
 * Effects: binds the link of each container on a bridge of the cluster to the container's own addresses, with `ebtables`. Which link it is, is read in the container's
 * network namespace (`nsenter`, `ip`). The rules stay when the agent stops; what somebody removes is back after the next pass.
 */

import { createKeyed } from '../../async/keyed.ts';
import type { ContainerFacts } from '../../model/facts.ts';
import type { Logger } from '../../telemetry/log.ts';
import { run, runJson } from '../overlay/run.ts';
import {
  CHAIN,
  type Chains,
  chainsIn,
  chainsOf,
  changeText,
  type Guarded,
  type GuardedPort,
  guardedOf,
  isAdmin,
  isBoundOn,
  JUMP,
  ownPart,
  sharedNetwork,
} from './guards-plan.ts';
import { createNeighbours } from './neighbours.ts';

interface Link {
  readonly ifindex?: number;
  readonly ifname?: string;
  readonly address?: string;
  readonly master?: string;
  /** Of a veth: the index of its other end. */
  readonly link_index?: number;
}

export interface Guards {
  /** Facts of these containers have changed. Never throws. */
  readonly changed: (upserts: readonly ContainerFacts[], removes: readonly string[]) => Promise<void>;
  /** All that there are. Never throws. */
  readonly all: (containers: readonly ContainerFacts[]) => Promise<void>;
  /** Puts back what somebody removed. Never throws. */
  readonly reconcile: () => Promise<void>;
  /** What containers can forge, in sentences. */
  readonly differences: () => Promise<readonly string[]>;
}

interface Known {
  readonly key: string;
  readonly ports: readonly GuardedPort[];
}

export function createGuards(overlay: 'vxlan' | 'none', log: Logger): Guards {
  const keyed = createKeyed();
  const known = new Map<string, Known>();
  /** By id, with their latest facts. */
  const latest = new Map<string, ContainerFacts>();
  /** Ids of those whose links could not be read: they are bound to nothing, until the next pass. */
  const unread = new Set<string>();
  /** By id: containers with other rights in its network. */
  const admins = new Map<string, string>();
  /** Ids of those whose network such a one shares. */
  let open: ReadonlySet<string> = new Set();
  /** What is in the kernel as far as nobody else changes it. Undefined: not known. */
  let applied: { readonly chains: Chains; readonly printed: string } | undefined;
  let failure: string | undefined;
  const neighbours = createNeighbours();

  const look = (): Promise<string> => run('ebtables', ['--concurrent', '-t', 'nat', '-L']);
  const bound = (): readonly GuardedPort[] => [...known.values()].flatMap(({ ports }) => ports);

  async function apply(): Promise<void> {
    const chains = chainsOf(bound());
    const there = applied === undefined ? await look() : undefined;
    const before = applied?.chains ?? new Map(chainsIn(there ?? '').map((name) => [name, undefined] as const));
    const text = changeText(before, chains, there?.split('\n').includes(JUMP.replace(/^PREROUTING /, '')) ?? true);
    if (text === undefined) return;
    applied = undefined;
    await run('ebtables-restore', ['--noflush'], text);
    applied = { chains, printed: ownPart(await look()) };
  }
  async function read(guarded: Guarded, hostLinks: () => Promise<ReadonlyMap<number, Link>>): Promise<readonly GuardedPort[]> {
    const inside = await runJson<Link>('nsenter', [`--net=/proc/${guarded.pid}/ns/net`, 'ip', '-j', 'link', 'show', 'type', 'veth']);
    const links = await hostLinks();
    return inside.flatMap(({ address: mac = '', link_index: index = 0 }) => {
      const { ifname = '', master = '' } = links.get(index) ?? {};
      return guarded.macs.includes(mac) && isBoundOn(guarded, master) && ifname.startsWith('veth')
        ? [{ ifname, mac, addresses: guarded.addresses }]
        : [];
    });
  }
  const readHostLinks = async (): Promise<ReadonlyMap<number, Link>> =>
    new Map(
      (await runJson<Link>('ip', ['-j', 'link', 'show', 'type', 'veth'])).flatMap((link) =>
        link.ifindex === undefined ? [] : [[link.ifindex, link]],
      ),
    );

  /** `again`: ids of others that are looked at, too. */
  async function take(upserts: readonly ContainerFacts[], again: readonly string[] = []): Promise<void> {
    let links: Promise<ReadonlyMap<number, Link>> | undefined;
    const hostLinks = () => (links ??= readHostLinks());
    for (const facts of upserts) {
      const { inspect } = facts;
      latest.set(inspect.Id, facts);
      const shared = sharedNetwork(inspect);
      if (shared !== undefined && isAdmin(inspect) && inspect.State.Running) admins.set(inspect.Id, shared);
      else admins.delete(inspect.Id);
    }
    const before = open;
    open = new Set(admins.values());
    for (const id of open) known.delete(id);
    const closed = [...before].filter((id) => !open.has(id));
    for (const id of new Set([...upserts.map(({ inspect }) => inspect.Id), ...closed, ...again])) await bind(id, hostLinks);
  }
  async function bind(id: string, hostLinks: () => Promise<ReadonlyMap<number, Link>>): Promise<void> {
    const inspect = open.has(id) ? undefined : latest.get(id)?.inspect;
    const guarded = inspect && guardedOf(inspect);
    const key = JSON.stringify(guarded);
    unread.delete(id);
    if (guarded !== undefined && known.get(id)?.key === key) return;
    known.delete(id);
    if (guarded === undefined) return;
    try {
      known.set(id, { key, ports: await read(guarded, hostLinks) });
    } catch (err) {
      // one that has ended meanwhile has none, and its next facts say so
      log.debug({ container: id, err }, 'cannot read the links of a container');
      unread.add(id);
    }
  }
  function forget(id: string): void {
    for (const all of [known, latest, admins, unread]) all.delete(id);
  }
  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    if (overlay === 'none') return;
    await keyed
      .serial('guards', async () => {
        await work();
        await apply();
        await neighbours.bind(bound());
        failure = undefined;
      })
      .catch((err: unknown) => {
        const why = err instanceof Error ? err.message : String(err);
        if (why !== failure) log.error({ err }, 'cannot bind containers to their own addresses');
        failure = why;
      });
  };
  return {
    changed: (upserts, removes) =>
      inTurn(async () => {
        for (const id of removes) forget(id);
        await take(upserts);
      }),
    all: (containers) =>
      inTurn(async () => {
        const ids = new Set(containers.map(({ inspect }) => inspect.Id));
        for (const id of latest.keys()) if (!ids.has(id)) forget(id);
        await take(containers);
      }),
    reconcile: () =>
      inTurn(async () => {
        if (unread.size > 0) await take([], [...unread]);
        await neighbours.look();
        if (applied === undefined || applied.printed === ownPart(await look())) return;
        log.warn('somebody changed the rules that bind containers to their own addresses: they are put back');
        applied = undefined;
      }),
    async differences() {
      if (overlay === 'none' || known.size === 0) return [];
      const printed = await look().then(ownPart, () => undefined);
      const isInPlace = printed !== undefined && printed === applied?.printed;
      const unbound = await neighbours.fault();
      const neighbour = unbound === undefined ? [] : [`containers can answer for IPv6 addresses of others to their neighbours: ${unbound}`];
      return isInPlace
        ? neighbour
        : [
            ...neighbour,
            `containers can send with addresses of others: the rules of ebtables’ chain ${CHAIN} are not as they should be${failure === undefined ? '' : ` (${failure})`}`,
          ];
    },
  };
}
