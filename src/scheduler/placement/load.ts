/** How busy a host is, with what was placed on it a moment ago and does not show yet. Pure. */
import type { Charge, HostSnapshot, PlacedContainer, PlacementRequest } from './snapshot.ts';
import { refersTo } from '../create/identify.ts';

/** A fresh placement's charge halves in this time, while the container's own load comes up in the host's figures. */
export const HALF_LIFE_MS = 25_000;
/** Older figures say nothing of now: the host is then judged by what is on it. */
export const STALE_MS = 60_000;
/** A container of which nothing is known is taken to use one core at first. */
const UNKNOWN_CORES = 1;

/** What to add to the chosen host's `pending`. */
export function chargeFor(
  request: Pick<PlacementRequest, 'expectedNanoCpus' | 'expectedMemoryBytes'>,
  host: Pick<HostSnapshot, 'cpus'>,
  nowMs: number,
): Charge {
  const cores = request.expectedNanoCpus > 0 ? request.expectedNanoCpus / 1e9 : UNKNOWN_CORES;
  return { atMs: nowMs, cpu: cores / Math.max(host.cpus, 1), memoryBytes: request.expectedMemoryBytes };
}

/** Charges that still count; the others can be forgotten. */
export function liveCharges(pending: readonly Charge[], nowMs: number): readonly Charge[] {
  return pending.filter((charge) => nowMs - charge.atMs < HALF_LIFE_MS * 8);
}

export interface Usage {
  /** Shares of the whole host, 0 and up. */
  readonly liveCpu: number | undefined;
  readonly liveMemory: number | undefined;
  /** Of its busiest link. */
  readonly liveNetwork: number | undefined;
  readonly pendingCpu: number;
  readonly pendingMemory: number;
  /** What its containers reserve, or else are limited to. */
  readonly reservedCpu: number;
  readonly reservedMemory: number;
}

export function usageOf(host: HostSnapshot, request: Pick<PlacementRequest, 'replaces'>, nowMs: number): Usage {
  const load = host.load !== undefined && nowMs - host.load.atMs < STALE_MS ? host.load : undefined;
  const memory = Math.max(host.memoryBytes, 1);
  const { expected } = summaryOf(host, request);
  let pendingCpu = 0;
  let pendingBytes = 0;
  for (const charge of host.pending) {
    const left = 0.5 ** (Math.max(0, nowMs - charge.atMs) / HALF_LIFE_MS);
    pendingCpu += charge.cpu * left;
    pendingBytes += charge.memoryBytes * left;
  }
  return {
    liveCpu: load?.cpu,
    liveMemory: load === undefined ? undefined : load.memoryUsedBytes / memory,
    liveNetwork: load?.network,
    pendingCpu,
    pendingMemory: pendingBytes / memory,
    reservedCpu: expected.nanoCpus / 1e9 / Math.max(host.cpus, 1),
    reservedMemory: expected.memoryBytes / memory,
  };
}

/** What the host's containers reserve, the one being replaced left out. */
export function reservedOn(host: HostSnapshot, request: Pick<PlacementRequest, 'replaces'>): Amount {
  return summaryOf(host, request).reserved;
}

/** What placement asks of the containers of a host that are not stopped. */
interface Summary {
  readonly holding: readonly PlacedContainer[];
  readonly reserved: Amount;
  readonly expected: Amount;
  /** How many there are of a service, by deployment and service. */
  readonly services: ReadonlyMap<string, number>;
}

/** A host is asked about by every placement, and changes seldom: what was found holds as long as its list of containers is the same. */
const summaries = new WeakMap<readonly PlacedContainer[], Summary>();

function summaryOf({ containers }: HostSnapshot, { replaces }: Pick<PlacementRequest, 'replaces'>): Summary {
  if (replaces !== undefined && containers.some((container) => refersTo(replaces, container)))
    return summarised(containers.filter((container) => !refersTo(replaces, container)));
  const known = summaries.get(containers);
  if (known !== undefined) return known;
  const made = summarised(containers);
  summaries.set(containers, made);
  return made;
}

function summarised(containers: readonly PlacedContainer[]): Summary {
  const holding = containers.filter((container) => container.state !== 'stopped');
  const services = new Map<string, number>();
  for (const container of holding) services.set(serviceIn(container), (services.get(serviceIn(container)) ?? 0) + 1);
  return {
    holding,
    services,
    reserved: totalOf(
      holding,
      (container) => container.reservedNanoCpus,
      (container) => container.reservedMemoryBytes,
    ),
    expected: totalOf(
      holding,
      (container) => container.expectedNanoCpus,
      (container) => container.expectedMemoryBytes,
    ),
  };
}

const serviceIn = ({ deployment, service }: Pick<PlacedContainer, 'deployment' | 'service'>): string => `${deployment}/${service}`;

/** Instances of the request's service there that are not stopped. */
export function matesOn(host: HostSnapshot, request: PlacementRequest): number {
  return summaryOf(host, request).services.get(serviceIn(request)) ?? 0;
}

interface Amount {
  readonly nanoCpus: number;
  readonly memoryBytes: number;
}

function totalOf(
  containers: readonly PlacedContainer[],
  nanoCpusOf: (container: PlacedContainer) => number,
  memoryBytesOf: (container: PlacedContainer) => number,
): Amount {
  let nanoCpus = 0;
  let memoryBytes = 0;
  for (const container of containers) {
    nanoCpus += nanoCpusOf(container);
    memoryBytes += memoryBytesOf(container);
  }
  return { nanoCpus, memoryBytes };
}

export function reservedCores(host: HostSnapshot): { readonly cores: number; readonly memoryBytes: number } {
  const { nanoCpus, memoryBytes } = reservedOn(host, {});
  return { cores: nanoCpus / 1e9, memoryBytes };
}

/** Containers that hold their ports and reservations against this request. */
export function holding(host: HostSnapshot, request: Pick<PlacementRequest, 'replaces'>): readonly PlacedContainer[] {
  return summaryOf(host, request).holding;
}
