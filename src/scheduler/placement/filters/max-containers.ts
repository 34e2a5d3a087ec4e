import type { Filter } from './filter.ts';
import { holding } from '../load.ts';

/** The most containers that ops let run on a host. */
export const maxContainersFilter: Filter = {
  rule: 'max-containers',
  applies: () => true,
  accepts: (request, host) => host.maxContainers === undefined || holding(host, request).length < host.maxContainers,
  explain: (request, host) => `runs ${holding(host, request).length} containers, and ops let it have ${host.maxContainers ?? 0}`,
};
