import type { Filter } from './filter.ts';
import { holding } from '../load.ts';
import type { HostSnapshot, PlacementRequest } from '../snapshot.ts';

/** How many more may run there: infinite where ops set no bound. */
export const containersLeft = (host: HostSnapshot, request: Pick<PlacementRequest, 'replaces'>): number =>
  host.maxContainers === undefined ? Infinity : host.maxContainers - holding(host, request).length;

/** The most containers that ops let run on a host. */
export const maxContainersFilter: Filter = {
  rule: 'max-containers',
  applies: () => true,
  accepts: (request, host) => containersLeft(host, request) > 0,
  explain: (request, host) => `runs ${holding(host, request).length} containers, and ops let it have ${host.maxContainers ?? 0}`,
};
