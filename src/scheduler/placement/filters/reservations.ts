import type { Filter } from './filter.ts';
import { reservedOn } from '../load.ts';
import { formatBytes } from '../../../text/size.ts';

/** What is reserved stays within what the host has. Only a request that reserves something is asked. */
export const cpuFilter: Filter = {
  rule: 'cpu',
  applies: (request) => request.reservedNanoCpus > 0,
  accepts: (request, host) => reservedOn(host, request).nanoCpus + request.reservedNanoCpus <= host.cpus * 1e9,
  explain: (request, host) =>
    `needs ${cores(request.reservedNanoCpus)} CPU, ${cores(Math.max(0, host.cpus * 1e9 - reservedOn(host, request).nanoCpus))} of ${host.cpus} unreserved`,
};

export const memoryFilter: Filter = {
  rule: 'memory',
  applies: (request) => request.reservedMemoryBytes > 0,
  accepts: (request, host) => reservedOn(host, request).memoryBytes + request.reservedMemoryBytes <= host.memoryBytes,
  explain: (request, host) =>
    `needs ${formatBytes(request.reservedMemoryBytes)} memory, ${formatBytes(Math.max(0, host.memoryBytes - reservedOn(host, request).memoryBytes))} of ${formatBytes(host.memoryBytes)} unreserved`,
};

const cores = (nanoCpus: number) => String(Math.round(nanoCpus / 1e7) / 100);
