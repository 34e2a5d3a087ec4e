import type { Filter } from './filter.ts';
import { reservedOn } from '../load.ts';
import { containersLeft } from './max-containers.ts';
import type { HostSnapshot, PlacementRequest } from '../snapshot.ts';
import { formatBytes } from '../../../text/size.ts';

/** What may be reserved there, by the settings `overcommit-cpu` and `overcommit-memory`. */
const cpusOf = ({ cpus, overcommit }: HostSnapshot) => cpus * (overcommit?.cpus ?? 1);
const memoryOf = ({ memoryBytes, overcommit }: HostSnapshot) => Math.floor(memoryBytes * (overcommit?.memory ?? 1));

/** What may still be reserved there; below zero where more is. */
export function unreserved(
  host: HostSnapshot,
  request: Pick<PlacementRequest, 'replaces'>,
): { readonly nanoCpus: number; readonly memoryBytes: number } {
  const reserved = reservedOn(host, request);
  return { nanoCpus: cpusOf(host) * 1e9 - reserved.nanoCpus, memoryBytes: memoryOf(host) - reserved.memoryBytes };
}

/** What is reserved stays within what the host has. Only a request that reserves something is asked. */
export const cpuFilter: Filter = {
  rule: 'cpu',
  applies: (request) => request.reservedNanoCpus > 0,
  accepts: (request, host) => request.reservedNanoCpus <= unreserved(host, request).nanoCpus,
  explain: (request, host) =>
    `needs ${cores(request.reservedNanoCpus)} CPU, ${cores(Math.max(0, unreserved(host, request).nanoCpus))} of ${cores(cpusOf(host) * 1e9)} unreserved`,
};

export const memoryFilter: Filter = {
  rule: 'memory',
  applies: (request) => request.reservedMemoryBytes > 0,
  accepts: (request, host) => request.reservedMemoryBytes <= unreserved(host, request).memoryBytes,
  explain: (request, host) =>
    `needs ${formatBytes(request.reservedMemoryBytes)} memory, ${formatBytes(Math.max(0, unreserved(host, request).memoryBytes))} of ${formatBytes(memoryOf(host))} unreserved`,
};

/** How many containers like this one can be reserved for there: 0 and up, or infinite. */
export function roomFor(request: PlacementRequest, host: HostSnapshot): number {
  const left = unreserved(host, request);
  const fit = (left: number, each: number) => (each > 0 ? Math.max(0, Math.floor(left / each)) : Infinity);
  return Math.min(
    fit(left.nanoCpus, request.reservedNanoCpus),
    fit(left.memoryBytes, request.reservedMemoryBytes),
    Math.max(0, containersLeft(host, request)),
  );
}

const cores = (nanoCpus: number) => String(Math.round(nanoCpus / 1e7) / 100);
