import type { Filter } from './filter.ts';
import { holding } from '../load.ts';
import type { HostSnapshot, PlacementRequest } from '../snapshot.ts';

const mates = (request: PlacementRequest, host: HostSnapshot): number =>
  (request.countsEnded === true ? host.containers : holding(host, request)).filter(
    ({ deployment, service }) => deployment === request.deployment && service === request.service,
  ).length;

/** The most instances of one service that a host may have: `--replicas-max-per-node`, and 1 for a service of mode global. */
export const maxPerHostFilter: Filter = {
  rule: 'max-per-host',
  applies: (request) => request.maxPerHost !== undefined,
  accepts: (request, host) => mates(request, host) < (request.maxPerHost ?? Infinity),
  explain: (request, host) => `has ${mates(request, host)} of it, and may have ${request.maxPerHost ?? 0}`,
};
