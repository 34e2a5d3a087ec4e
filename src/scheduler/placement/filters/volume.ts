import type { Filter } from './filter.ts';
import type { PlacementRequest } from '../snapshot.ts';

const elsewhere = (request: PlacementRequest, host: string) => request.volumesAt.filter((at) => at.host !== undefined && at.host !== host);

/** A named volume's data is on one host; a volume that nobody used yet comes up anywhere. */
export const volumeFilter: Filter = {
  rule: 'volume',
  applies: (request) => request.volumesAt.some((at) => at.host !== undefined),
  accepts: (request, host) => elsewhere(request, host.name).length === 0,
  explain: (request, host) =>
    elsewhere(request, host.name)
      .map((at) => `volume ${at.volume} is on ${at.host ?? ''}`)
      .join(' and '),
};
