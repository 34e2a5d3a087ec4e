import type { Filter } from './filter.ts';

/** An instance on its way to a certain host. */
export const onlyFilter: Filter = {
  rule: 'moved',
  applies: (request) => request.only !== undefined,
  accepts: (request, host) => host.name === request.only,
  explain: (request) => `it is being moved to ${request.only ?? ''}`,
};
