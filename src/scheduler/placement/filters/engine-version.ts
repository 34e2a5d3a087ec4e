import { compareVersions } from '../../../text/api-version.ts';
import type { Filter } from './filter.ts';

/** What an older Engine's API does not have it would leave out in silence: a part of a volume would be all of it. */
export const engineVersionFilter: Filter = {
  rule: 'Engine version',
  applies: (request) => request.apiVersion !== undefined,
  accepts: ({ apiVersion = '' }, host) => host.apiVersion !== undefined && compareVersions(host.apiVersion, apiVersion) >= 0,
  explain: ({ apiVersion = '' }, host) =>
    `its Engine has API version ${host.apiVersion ?? 'unknown'}, and a subpath of a volume needs ${apiVersion}`,
};
