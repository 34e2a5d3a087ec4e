import type { Filter } from './filter.ts';

/** An instance that must be placed on a certain host. */
export const onlyFilter: Filter = {
  rule: 'moved',
  applies: (request) => request.only !== undefined,
  accepts: (request, host) => host.name === request.only,
  explain: (request) => `it is being moved to ${request.only ?? ''}`,
};
