/** Which containers count for a service. Pure. */
import { type CreateRequest, labels, type ServiceId } from '../model/index.ts';

const truthy = (value: string | undefined) => value?.toLowerCase() === 'true';

/** Whether a create request is one of a service that is counted: compose's own, not `compose run`'s; or one that was given a service. */
export function isCounted(request: CreateRequest): boolean {
  const given = request.Labels ?? {};
  if (truthy(given['com.docker.compose.oneoff'])) return false;
  return Boolean(given['com.docker.compose.service'] || given[labels.service]);
}

/** The service that a request counts for; undefined: none. */
export function serviceOf(request: CreateRequest): ServiceId | undefined {
  if (!isCounted(request)) return undefined;
  const given = request.Labels ?? {};
  return {
    deployment: given['com.docker.compose.project'] || given[labels.deployment] || 'default',
    service: given['com.docker.compose.service'] || given[labels.service] || '',
  };
}
