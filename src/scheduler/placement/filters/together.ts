import type { Filter } from './filter.ts';
import type { PlacementRequest } from '../snapshot.ts';

const elsewhere = (request: PlacementRequest, host: string) => request.mustBeWith.filter((parent) => parent.host !== host);

/** Volumes, network, IPC or PID namespace of another container: only on its host. */
export const togetherFilter: Filter = {
  rule: 'together',
  applies: (request) => request.mustBeWith.length > 0,
  accepts: (request, host) => elsewhere(request, host.name).length === 0,
  explain: (request, host) =>
    elsewhere(request, host.name)
      .map(
        (parent) =>
          `${parent.because} needs container ${parent.container}, which is ${parent.host === undefined ? 'on no host' : `on ${parent.host}`}`,
      )
      .join(' and '),
};
