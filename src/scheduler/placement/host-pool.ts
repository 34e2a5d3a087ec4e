/**
 * The hosts as placement sees them, kept up to date one by one: in the order of their worth by the strategy, and by what requests ask for. A look costs as
 * much as it finds. Pure.
 */
import type { PlacedContainer } from '../../contracts/index.ts';
import { firstPlace } from '../first-place.ts';
import { goArch } from './filters/platform.ts';
import { createHostRoom, type Room } from './host-room.ts';
import { holding, matesOn, type Usage, usageOf } from './load.ts';
import { worthOf } from './scores.ts';
import type { HostSnapshot, PlacementOptions, PlacementRequest } from './snapshot.ts';
import { compareGroups, countsIn, type GroupCounts, groupCounts, groupsOf } from './spread.ts';

export interface HostPool {
  /** It came, or something of it has changed. */
  readonly put: (host: HostSnapshot, options: PlacementOptions) => void;
  readonly remove: (name: string) => void;
  readonly get: (name: string) => HostSnapshot | undefined;
  readonly size: () => number;
  readonly all: () => readonly HostSnapshot[];
  readonly isAnyAlive: () => boolean;
  /** `linux/amd64`: what hosts that have joined are, each once. */
  readonly platforms: () => readonly string[];
  /** TCP ports at which agents' APIs are, each once. */
  readonly apiPorts: () => readonly number[];
  /** Whether a host that is alive can answer them to clients. */
  readonly isAnswered: (what: 'ports' | 'http') => boolean;
  /** Those that are alive and take containers, about the best by the strategy first. */
  readonly inOrder: (options: Pick<PlacementOptions, 'strategy' | 'random'>) => Iterable<HostSnapshot>;
  /** How many these are. */
  readonly open: () => number;
  /** The others. */
  readonly closed: () => Iterable<HostSnapshot>;
  /** Of these, those that have room for it, by each rule that asks for room. */
  readonly roomFor: (request: PlacementRequest) => readonly Room[];
  /** Names of hosts with this label, of their own or of their Engine. */
  readonly labelled: (label: string, value: string) => ReadonlySet<string>;
  /** Names of hosts with containers of it, stopped ones included. */
  readonly ofDeployment: (deployment: string) => ReadonlySet<string>;
  readonly ofService: (deployment: string, service: string) => ReadonlySet<string>;
  readonly withContainer: (name: string) => ReadonlySet<string>;
  /** For a request that is spread over groups of hosts: its service's instances in each, and the fewest that some host's groups have. */
  readonly groups: (request: PlacementRequest) => { readonly counts: GroupCounts; readonly least: readonly number[] } | undefined;
}

/** Hosts whose worth differs by less are equal for the order. */
const STEP = 0.25;
/** Where the strategy draws: hardly any two are equal, so that each comes first as often as any other. */
const DRAWN_STEP = 0.0001;
const MOST_GROUPINGS = 20;
const NONE: ReadonlySet<string> = new Set();

interface Entry {
  readonly host: HostSnapshot;
  /** Its place in the order; undefined: it takes no containers. */
  readonly rank: number | undefined;
  readonly keys: ReadonlySet<string>;
}

export function createHostPool(): HostPool {
  const entries = new Map<string, Entry>();
  const byKey = new Map<string, Set<string>>();
  /** By worth, and the worths that there are, the highest first. */
  const order = new Map<number, Set<string>>();
  const ranks: number[] = [];
  const averages = createAverages();
  const room = createHostRoom();
  const groupings = new Map<string, readonly (readonly string[])[]>();
  const traits = new Map<string, Set<string>>();
  let alive = 0;
  let open = 0;
  const closed = new Set<string>();
  let list: readonly HostSnapshot[] | undefined;

  function rankOf(host: HostSnapshot, { strategy, nowMs, random }: PlacementOptions): number | undefined {
    if (host.state !== 'alive' || host.availability !== 'active') return undefined;
    const usage = averages.filled(usageOf(host, {}, nowMs));
    return Math.round(
      worthOf(strategy, usage, holding(host, {}).length / Math.max(host.cpus, 1), random()) / (strategy === 'random' ? DRAWN_STEP : STEP),
    );
  }

  function leave(name: string, { host, rank, keys }: Entry, next: ReadonlySet<string>): void {
    if (host.state === 'alive') alive -= 1;
    for (const trait of traitsOf(host)) drop(traits, trait, name);
    averages.leave(host);
    for (const key of keys) if (!next.has(key)) drop(byKey, key, name);
    closed.delete(name);
    if (rank === undefined) return;
    open -= 1;
    drop(order, rank, name);
    if (!order.has(rank)) ranks.splice(placeIn(ranks, rank), 1);
  }

  function enter(name: string, { host, rank, keys }: Entry, before: ReadonlySet<string>): void {
    if (host.state === 'alive') alive += 1;
    for (const trait of traitsOf(host)) add(traits, trait, name);
    for (const key of keys) if (!before.has(key)) add(byKey, key, name);
    if (rank === undefined) {
      closed.add(name);
      return;
    }
    open += 1;
    if (!order.has(rank)) ranks.splice(placeIn(ranks, rank), 0, rank);
    add(order, rank, name);
  }

  const named = (key: string): ReadonlySet<string> => byKey.get(key) ?? NONE;

  /** The groups that open hosts are in, each once. */
  function grouping(keys: readonly string[]): readonly (readonly string[])[] {
    const key = JSON.stringify(keys);
    const known = groupings.get(key);
    if (known !== undefined) return known;
    const made = new Map<string, readonly string[]>();
    for (const { host, rank } of entries.values()) {
      const groups = groupsOf(host, keys);
      if (rank !== undefined) made.set(groups.at(-1) ?? '', groups);
    }
    if (groupings.size === MOST_GROUPINGS) groupings.clear();
    groupings.set(key, [...made.values()]);
    return [...made.values()];
  }

  const traitsWith = (prefix: string): readonly string[] =>
    [...traits.keys()].flatMap((trait) => (trait.startsWith(prefix) ? [trait.slice(prefix.length)] : []));

  function* snapshots(names: Iterable<string>): Generator<HostSnapshot> {
    for (const name of names) {
      const entry = entries.get(name);
      if (entry !== undefined) yield entry.host;
    }
  }

  return {
    put(host, options) {
      const before = entries.get(host.name);
      averages.enter(host);
      const isSame = before !== undefined && isSameFor(before.host, host);
      const entry = { host, rank: rankOf(host, options), keys: isSame ? before.keys : keysOf(host) };
      if (before !== undefined) leave(host.name, before, entry.keys);
      enter(host.name, entry, before?.keys ?? NONE);
      entries.set(host.name, entry);
      averages.enter(host);
      if (entry.rank === undefined) room.remove(host.name);
      else room.put(host);
      list = undefined;
      if (before === undefined || (before.rank === undefined) !== (entry.rank === undefined) || !isSameLabels(before.host, host))
        groupings.clear();
    },
    remove(name) {
      const before = entries.get(name);
      if (before === undefined) return;
      leave(name, before, NONE);
      room.remove(name);
      entries.delete(name);
      list = undefined;
      groupings.clear();
    },
    get: (name) => entries.get(name)?.host,
    size: () => entries.size,
    all: () => (list ??= [...entries.values()].map(({ host }) => host)),
    isAnyAlive: () => alive > 0,
    platforms: () => traitsWith('platform '),
    apiPorts: () => traitsWith('api ').map(Number),
    isAnswered: (what) => traits.has(`answers ${what}`),
    open: () => open,
    closed: () => snapshots(closed),
    roomFor: room.roomFor,
    *inOrder({ strategy, random }) {
      const first = strategy === 'random' ? Math.floor(random() * ranks.length) : 0;
      for (let i = 0; i < ranks.length; i++) yield* snapshots(order.get(ranks[(first + i) % ranks.length] ?? 0) ?? NONE);
    },
    labelled: (label, value) => named(`label ${label}=${value}`),
    ofDeployment: (deployment) => named(`deployment ${deployment}`),
    ofService: (deployment, service) => named(`service ${service} ${deployment}`),
    withContainer: (name) => named(`container ${name}`),
    groups(request) {
      const { spreadOver = [], deployment, service } = request;
      if (spreadOver.length === 0) return undefined;
      const counts = groupCounts(request, snapshots(named(`service ${service} ${deployment}`)));
      const all = grouping(spreadOver).map((groups) => countsIn(groups, counts));
      const [first = []] = all;
      return { counts, least: all.reduce((least, one) => (compareGroups(one, least) < 0 ? one : least), first) };
    },
  };
}

/** The fewest instances of the service that an open host has. */
export function leastMates(pool: Pick<HostPool, 'ofService' | 'open' | 'get'>, request: PlacementRequest): number {
  const having = pool.ofService(request.deployment, request.service);
  if (having.size < pool.open()) return 0;
  let least = Number.POSITIVE_INFINITY;
  for (const name of having) {
    const host = pool.get(name);
    if (host !== undefined) least = Math.min(least, matesOn(host, request));
  }
  return least === Number.POSITIVE_INFINITY ? 0 : least;
}

/** What is asked of all hosts together: there are few different ones. */
const traitsOf = ({ state, os, arch, apiPort, httpPorts = [], answers = [] }: HostSnapshot): readonly string[] => [
  ...(os === '' ? [] : [`platform ${os}/${goArch(arch)}`]),
  ...[...(apiPort === undefined ? [] : [apiPort]), ...httpPorts].map((port) => `api ${port}`),
  ...(state === 'alive' ? answers.map((what) => `answers ${what}`) : []),
];

const isSameLabels = (a: HostSnapshot, b: HostSnapshot): boolean => a.labels === b.labels && a.engine === b.engine;
const isSameFor = (a: HostSnapshot, b: HostSnapshot): boolean => a.containers === b.containers && isSameLabels(a, b);

function keysOf({ labels, engine = {}, containers }: HostSnapshot): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const of of [labels, engine]) for (const [label, value] of Object.entries(of)) keys.add(`label ${label}=${value}`);
  for (const container of containers) for (const key of keysOfContainer(container)) keys.add(key);
  return keys;
}

const keysOfContainer = ({ name, deployment, service }: PlacedContainer): readonly string[] => [
  `container ${name}`,
  `deployment ${deployment}`,
  `service ${service} ${deployment}`,
];

function add<K>(among: Map<K, Set<string>>, key: K, name: string): void {
  const names = among.get(key);
  if (names === undefined) among.set(key, new Set([name]));
  else names.add(name);
}

function drop<K>(among: Map<K, Set<string>>, key: K, name: string): void {
  const names = among.get(key);
  names?.delete(name);
  if (names?.size === 0) among.delete(key);
}

/** In a list that falls: where the number is, or would be. */
const placeIn = (falling: readonly number[], number: number): number => firstPlace(falling, (one) => one <= number);

/** Of the live figures that are known: what a host without figures is taken to have. */
function createAverages() {
  const figures = new Map<string, NonNullable<HostSnapshot['load']>>();
  let cpu = 0;
  let memory = 0;
  const leave = ({ name }: Pick<HostSnapshot, 'name'>): void => {
    const load = figures.get(name);
    if (load === undefined) return;
    figures.delete(name);
    cpu -= load.cpu;
    memory -= load.memoryUsedBytes;
  };
  return {
    leave,
    enter(host: HostSnapshot): void {
      leave(host);
      if (host.load === undefined) return;
      // a share, as the others are
      const share = { ...host.load, memoryUsedBytes: host.load.memoryUsedBytes / Math.max(host.memoryBytes, 1) };
      figures.set(host.name, share);
      cpu += share.cpu;
      memory += share.memoryUsedBytes;
    },
    filled(usage: Usage): Usage {
      const among = Math.max(figures.size, 1);
      return { ...usage, liveCpu: usage.liveCpu ?? cpu / among, liveMemory: usage.liveMemory ?? memory / among };
    },
  };
}
