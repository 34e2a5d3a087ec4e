/**
 * Which hosts are looked at for one container. Up to a hundred hosts: all. With more, a sample. If the request can only go to hosts that are known by name (it
 * is moved, one has a volume or another container that it needs, or a label that it must have), or few have room for it, these. Else the best by the strategy, in the order that the pool
 * keeps, until some fit that nothing is to be preferred to: they meet every preference, have as few of the service as the emptiest host, and are of the
 * emptiest group of a spread. And always, if they are few: the hosts that a preference names, those that have the image, and those with containers of
 * the project where its volumes or ports count. So the best by label, volume, image and affinity is among them. If nothing of it fits, all are looked at, but
 * where no other host is possible at all: then some others are examples of the refusals. Pure.
 */
import { FILTERS } from './filters/index.ts';
import { affinityFilter, isMet } from './filters/affinity.ts';
import { availabilityFilter } from './filters/availability.ts';
import { constraintFilter, satisfies } from './filters/constraint.ts';
import type { Filter } from './filters/filter.ts';
import { onlyFilter } from './filters/only.ts';
import { togetherFilter } from './filters/together.ts';
import { volumeFilter } from './filters/volume.ts';
import { type HostPool, leastMates } from './host-pool.ts';
import type { Room } from './host-room.ts';
import { holding, matesOn } from './load.ts';
import { groupRoomOn, hasPortMate, isByProjectVolumes } from './scores.ts';
import type { Constraint, HostSnapshot, PlacementOptions, PlacementRequest } from './snapshot.ts';
import { compareGroups, countsIn, type GroupCounts, groupsOf } from './spread.ts';

/** Up to so many hosts all are scored. */
export const ALL = 100;
/** Of more: so many that nothing is to be preferred to. */
const ENOUGH = 10;
/** Of these, so many with the image where many have it. */
const WITH_IMAGE = 3;
/** Of hosts that cannot be possible, and of those that take no containers. */
const EXAMPLES = 3;
/** A set of hosts of this size is looked at as a whole. */
const FEW = 100;

export interface Sample {
  readonly hosts: readonly HostSnapshot[];
  readonly counts: GroupCounts;
  /** How many other hosts there are, by the rule that refuses them; undefined: others may be possible. */
  readonly others?: ReadonlyMap<string, number>;
}

/** `isLast`: others come first, whatever their worth; `also`: names of hosts to look at in any case. Undefined: all hosts are to be looked at. */
export function candidatesFor(
  request: PlacementRequest,
  pool: HostPool,
  options: PlacementOptions,
  isLast: (host: HostSnapshot) => boolean,
  also: readonly string[] = [],
): Sample | undefined {
  if (pool.size() <= ALL) return undefined;
  const groups = pool.groups(request);
  const counts = groups?.counts ?? new Map<string, number>();
  const sampled = new Map<string, HostSnapshot>();
  const take = (names: Iterable<string>): void => {
    for (const name of names) {
      const host = pool.get(name);
      if (host !== undefined) sampled.set(name, host);
    }
  };
  const made = (): Sample => ({ hosts: [...sampled.values()], counts });

  const only = onlyAt(request, pool);
  if (only !== undefined && only.size <= FEW) {
    take(only.names());
    take(request.mustBeWith.flatMap(({ host }) => host ?? []));
    // Where no host takes containers there are no examples, and that is what is to be said.
    if (!only.isCertain || pool.open() === 0) return made();
    for (const hosts of [pool.inOrder(options), pool.closed()]) {
      const most = sampled.size + EXAMPLES;
      for (const host of hosts) {
        if (sampled.size === most) break;
        sampled.set(host.name, host);
      }
    }
    const taken = [...sampled.values()].filter((host) => availabilityFilter.accepts(request, host)).length;
    const closed = pool.size() - pool.open() - (sampled.size - taken);
    const others = [[availabilityFilter.rule, closed] as const, [only.rule, pool.open() - taken] as const];
    return { ...made(), others: new Map(others.filter(([, number]) => number > 0)) };
  }
  take(also);
  const { few, many } = preferred(request, pool);
  for (const hosts of few) take(hosts);
  const isWithImage = (host: HostSnapshot): boolean => request.imageHosts.has(host.name);
  const isImageRare = request.imageHosts.size <= FEW;
  if (isImageRare) take(request.imageHosts);

  const filters = FILTERS.filter((filter) => filter.applies(request));
  const least = leastMates(pool, request);
  const isIdeal = (host: HostSnapshot): boolean =>
    matesOn(host, request) <= least &&
    !isLast(host) &&
    many.every((isPreferred) => isPreferred(host)) &&
    (groups === undefined || compareGroups(countsIn(groupsOf(host, request.spreadOver ?? []), groups.counts), groups.least) === 0) &&
    (request.groupSize === undefined || groupRoomOn(request, host) === 1) &&
    filters.every((filter) => filter.accepts(request, host));
  let ideal = 0;
  let withImage = 0;
  for (const host of pool.inOrder(options)) {
    sampled.set(host.name, host);
    if (!isIdeal(host)) continue;
    ideal += 1;
    if (isWithImage(host)) withImage += 1;
    if (ideal >= ENOUGH && (isImageRare || withImage >= WITH_IMAGE)) break;
  }
  return made();
}

/** What its rule refuses is all others that take containers. */
interface Only extends Room {
  /** They are all that are possible. */
  readonly isCertain: boolean;
}

/** A small set that it must be placed in, as far as one is known without a look at all: where names say it, these rather than room. */
function onlyAt(request: PlacementRequest, pool: HostPool): Only | undefined {
  const { only, mustBeWith, volumesAt } = request;
  const known = (hosts: ReadonlySet<string>, { rule }: Filter, isCertain = true): Only => ({
    rule,
    size: hosts.size,
    names: () => [...hosts],
    isCertain,
  });
  const certain = (names: readonly string[], filter: Filter): Only => known(new Set(names), filter);
  const sets: Only[] = [
    ...(only === undefined ? [] : [certain([only], onlyFilter)]),
    ...(mustBeWith.length === 0
      ? []
      : [
          certain(
            mustBeWith.flatMap(({ host }) => host ?? []),
            togetherFilter,
          ),
        ]),
    ...(volumesAt.every(({ host }) => host === undefined)
      ? []
      : [
          certain(
            volumesAt.flatMap(({ host }) => host ?? []),
            volumeFilter,
          ),
        ]),
  ];
  for (const constraint of request.constraints) {
    const hosts = constraint.soft ? undefined : hostsOf(constraint, pool);
    if (hosts !== undefined) sets.push(known(hosts, constraintFilter));
  }
  for (const affinity of request.affinities) {
    const hosts = affinity.soft ? undefined : hostsNear(affinity, request, pool);
    // An id may begin as a name is.
    if (hosts !== undefined) sets.push(known(hosts, affinityFilter, affinity.key === 'service'));
  }
  const named = smallestOf(sets);
  if (named !== undefined && named.size <= FEW) return named;
  const rooms = pool.roomFor(request).flatMap((room) => (room.size < pool.open() ? [{ ...room, isCertain: true }] : []));
  return smallestOf([...sets, ...rooms]);
}

const smallestOf = (sets: readonly Only[]): Only | undefined =>
  sets.reduce<Only | undefined>((least, one) => (least === undefined || one.size < least.size ? one : least), undefined);

/** What is worth points: sets of few hosts, and whether a host is one of those that a wider preference means. */
function preferred(
  request: PlacementRequest,
  pool: HostPool,
): { readonly few: readonly Iterable<string>[]; readonly many: readonly ((host: HostSnapshot) => boolean)[] } {
  const few: Iterable<string>[] = [];
  const many: ((host: HostSnapshot) => boolean)[] = [];
  const add = (hosts: ReadonlySet<string> | undefined, isMeant: (host: HostSnapshot) => boolean): void => {
    if (hosts !== undefined && hosts.size <= FEW) few.push(hosts);
    else many.push(isMeant);
  };
  for (const constraint of request.constraints) if (constraint.soft) add(hostsOf(constraint, pool), (host) => satisfies(constraint, host));
  for (const affinity of request.affinities)
    if (affinity.soft) add(hostsNear(affinity, request, pool), (host) => isMet(affinity, request, host));
  const project = pool.ofDeployment(request.deployment);
  if (request.network !== undefined && request.deployment !== 'default')
    add(project, (host) => hasPortMate(request, holding(host, request)));
  if (request.projectVolumesAt !== undefined)
    add(new Set([...request.projectVolumesAt, ...project]), (host) => isByProjectVolumes(request, host));
  return { few, many };
}

/** A value that means one text alone. */
const isExact = ({ operator, value }: Constraint): boolean => operator === '==' && !/^\/.*\/$|\*/s.test(value);

/** Hosts that a constraint can mean. Undefined: that is not known by name. */
function hostsOf(constraint: Constraint, pool: HostPool): ReadonlySet<string> | undefined {
  const { key, value } = constraint;
  if (!isExact(constraint)) return undefined;
  if (['node', 'node.hostname', 'node.name'].includes(key)) return new Set([value]);
  const [, label] = /^(?:node|engine)\.labels\.(.+)$/.exec(key) ?? [];
  if (label !== undefined) return pool.labelled(label, value);
  return key.startsWith('node.') ? undefined : pool.labelled(key, value);
}

/** The same of an affinity. An id, or a label of containers, can be anywhere. */
function hostsNear(affinity: Constraint, { deployment }: PlacementRequest, pool: HostPool): ReadonlySet<string> | undefined {
  const { key, value } = affinity;
  if (!isExact(affinity)) return undefined;
  if (key === 'service') return value.includes('.') ? undefined : pool.ofService(deployment, value);
  if (key !== 'container') return undefined;
  const hosts = pool.withContainer(value);
  return hosts.size > 0 ? hosts : undefined;
}
