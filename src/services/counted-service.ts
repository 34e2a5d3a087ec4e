/** Which containers count for a service. Pure. */
import { type CreateRequest, deploymentIn, isOneoff, serviceLabel, type ServiceId } from '../model/index.ts';

/** Whether a create request is one of a service that is counted: compose's own, not `compose run`'s; or one that was given a service. */
export function isCounted(request: CreateRequest): boolean {
  const given = request.Labels ?? {};
  return !isOneoff(given) && serviceLabel(given) !== undefined;
}

/** The service that a request counts for; undefined: none. */
export function serviceOf(request: CreateRequest): ServiceId | undefined {
  if (!isCounted(request)) return undefined;
  const given = request.Labels ?? {};
  return { deployment: deploymentIn(given), service: serviceLabel(given)?.[1] ?? '' };
}
