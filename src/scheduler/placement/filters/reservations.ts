import type { Filter } from './filter.ts';
import { holding, reservedOn } from '../load.ts';
import type { HostSnapshot, PlacementRequest } from '../snapshot.ts';
import { formatBytes } from '../../../text/size.ts';

/** What may be reserved there, by the settings `overcommit-cpu` and `overcommit-memory`. */
const cpusOf = ({ cpus, overcommit }: HostSnapshot) => cpus * (overcommit?.cpus ?? 1);
const memoryOf = ({ memoryBytes, overcommit }: HostSnapshot) => Math.floor(memoryBytes * (overcommit?.memory ?? 1));

/** What is reserved stays within what the host has. Only a request that reserves something is asked. */
export const cpuFilter: Filter = {
  rule: 'cpu',
  applies: (request) => request.reservedNanoCpus > 0,
  accepts: (request, host) => reservedOn(host, request).nanoCpus + request.reservedNanoCpus <= cpusOf(host) * 1e9,
  explain: (request, host) =>
    `needs ${cores(request.reservedNanoCpus)} CPU, ${cores(Math.max(0, cpusOf(host) * 1e9 - reservedOn(host, request).nanoCpus))} of ${cores(cpusOf(host) * 1e9)} unreserved`,
};

export const memoryFilter: Filter = {
  rule: 'memory',
  applies: (request) => request.reservedMemoryBytes > 0,
  accepts: (request, host) => reservedOn(host, request).memoryBytes + request.reservedMemoryBytes <= memoryOf(host),
  explain: (request, host) =>
    `needs ${formatBytes(request.reservedMemoryBytes)} memory, ${formatBytes(Math.max(0, memoryOf(host) - reservedOn(host, request).memoryBytes))} of ${formatBytes(memoryOf(host))} unreserved`,
};

/** How many containers like this one can be reserved for there: 0 and up, or infinite. */
export function roomFor(request: PlacementRequest, host: HostSnapshot): number {
  const reserved = reservedOn(host, request);
  const fit = (left: number, each: number) => (each > 0 ? Math.max(0, Math.floor(left / each)) : Infinity);
  return Math.min(
    fit(cpusOf(host) * 1e9 - reserved.nanoCpus, request.reservedNanoCpus),
    fit(memoryOf(host) - reserved.memoryBytes, request.reservedMemoryBytes),
    host.maxContainers === undefined ? Infinity : Math.max(0, host.maxContainers - holding(host, request).length),
  );
}

const cores = (nanoCpus: number) => String(Math.round(nanoCpus / 1e7) / 100);
