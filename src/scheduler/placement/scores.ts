/**
 * How good a host is for a container: higher is better. Pure.
 * Hard to soft: the spread that the user asked for, what the user prefers, the same service apart, then the strategy's own figure, then how long the image would take to come. The weights keep that
 * order as long as a host has fewer than a hundred instances of one service.
 */
import type { ScoredHost } from '../../model/index.ts';
import { isMet } from './filters/affinity.ts';
import { satisfies } from './filters/constraint.ts';
import { roomFor } from './filters/reservations.ts';
import { holding, matesOn, usageOf, type Usage } from './load.ts';
import type { HostSnapshot, PlacedContainer, PlacementOptions, PlacementRequest } from './snapshot.ts';

const SPREAD = 1_000_000;
const PREFERENCE = 10_000;
const SAME_SERVICE = 100;
const USAGE = 10;
const CONTAINERS_PER_CORE = 1;
const IMAGE = 0.25;
/** To wait this long for a copy is as bad as a fortieth of a host's use: 40 s are as bad as a host without any room. */
const COPY_SECOND = 0.25;
/** Between hosts, in bytes a second: a link of a gigabit. */
const COPY_RATE = 100e6;

/** What is known of all hosts together. */
export interface Among {
  /** What a host without figures of its own is taken to use. */
  readonly average: Usage;
  /** How many groups of hosts are to be preferred to this one's; undefined: no spread was asked for. */
  readonly spread: number | undefined;
  /** Names of those that have the image. */
  readonly holders: ReadonlySet<string>;
}

export function score(
  request: PlacementRequest,
  host: HostSnapshot,
  { average, spread, holders }: Among,
  options: PlacementOptions,
  draw: number,
): ScoredHost {
  const usage = usageOf(host, request, options.nowMs);
  const liveCpu = usage.liveCpu ?? average.liveCpu ?? 0;
  const liveMemory = usage.liveMemory ?? average.liveMemory ?? 0;
  const liveNetwork = usage.liveNetwork ?? average.liveNetwork ?? 0;
  const running = holding(host, request);
  const same = matesOn(host, request);
  const mates = same === 0 && hasPortMate(request, running) ? 1 : 0;
  const preferences =
    mates +
    (isByProjectVolumes(request, host) ? 1 : 0) +
    request.constraints.filter((constraint) => constraint.soft && satisfies(constraint, host)).length +
    request.affinities.filter((constraint) => constraint.soft && isMet(constraint, request, host)).length;
  const groupRoom = groupRoomOn(request, host);
  const image = holders.has(host.name) ? 1 : 0;
  const copySeconds = image === 1 ? 0 : (request.imageBytes ?? 0) / COPY_RATE;
  return {
    host: host.name,
    score: round(
      -SPREAD * (spread ?? 0) +
        PREFERENCE * (preferences + groupRoom) -
        SAME_SERVICE * same +
        worthOf(options.strategy, { ...usage, liveCpu, liveMemory, liveNetwork }, running.length / Math.max(host.cpus, 1), draw) +
        (options.strategy === 'random' ? 0 : IMAGE * image - COPY_SECOND * copySeconds),
    ),
    figures: {
      ...(spread === undefined ? {} : { spread }),
      preferences,
      ...(request.groupSize === undefined ? {} : { groupRoom: round(groupRoom) }),
      sameService: same,
      cpu: round(liveCpu),
      memory: round(liveMemory),
      network: round(liveNetwork),
      pendingCpu: round(usage.pendingCpu),
      pendingMemory: round(usage.pendingMemory),
      reservedCpu: round(usage.reservedCpu),
      reservedMemory: round(usage.reservedMemory),
      containers: running.length,
      image,
      copySeconds: round(copySeconds),
    },
  };
}

/** A host's worth by the strategy alone, whatever is placed. `perCore`: its containers for each core; `draw`: 0 to 1. */
export function worthOf(strategy: PlacementOptions['strategy'], usage: Usage, perCore: number, draw: number): number {
  const { liveCpu = 0, liveMemory = 0, liveNetwork = 0, pendingCpu, pendingMemory, reservedCpu, reservedMemory } = usage;
  if (strategy === 'random') return draw * USAGE;
  // What is reserved counts as used even while it idles; what is used counts even if nobody reserved it.
  if (strategy === 'spread')
    return (
      -USAGE * Math.max(liveCpu + pendingCpu, liveMemory + pendingMemory, liveNetwork, reservedCpu, reservedMemory) -
      CONTAINERS_PER_CORE * perCore
    );
  // Fullest first; but a host that is really out of breath comes last.
  const full = Math.max(liveCpu, liveMemory, liveNetwork, reservedCpu, reservedMemory);
  return (liveCpu > 0.9 || liveMemory > 0.95 || liveNetwork > 0.9 ? -2 : 1) * USAGE * full + CONTAINERS_PER_CORE * perCore;
}

/** From 0 to 1: 1 where all of its project fits, and 0 where nobody asks. */
export function groupRoomOn(request: PlacementRequest, host: HostSnapshot): number {
  return request.groupSize === undefined ? 0 : Math.min(1, roomFor(request, host) / request.groupSize);
}

/** A container on the host's own network asks its localhost for what its project publishes: they are together, one of each service. */
export function hasPortMate({ network, deployment }: PlacementRequest, running: readonly PlacedContainer[]): boolean {
  if (network === undefined || deployment === 'default') return false;
  const wanted = network === 'host' ? 'published' : 'host';
  return running.some((other) => other.deployment === deployment && other.network === wanted);
}

/** A service that comes later may need several volumes of a project at once: they are together, as far as that fits. */
export function isByProjectVolumes({ projectVolumesAt, deployment }: PlacementRequest, host: HostSnapshot): boolean {
  if (projectVolumesAt === undefined) return false;
  return (
    projectVolumesAt.includes(host.name) || host.containers.some((other) => other.deployment === deployment && other.hasVolumes === true)
  );
}

/** The mean of the live figures known: what a host without figures of its own is taken to have. */
export function averageOf(usages: readonly Usage[]): Usage {
  const mean = (pick: (usage: Usage) => number | undefined) => {
    const known = usages.map(pick).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  return {
    liveCpu: mean((usage) => usage.liveCpu),
    liveMemory: mean((usage) => usage.liveMemory),
    liveNetwork: mean((usage) => usage.liveNetwork),
    pendingCpu: 0,
    pendingMemory: 0,
    reservedCpu: 0,
    reservedMemory: 0,
  };
}

const round = (value: number) => Math.round(value * 1000) / 1000;
