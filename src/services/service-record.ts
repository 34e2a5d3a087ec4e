/** A service's record as it is first written. Pure. */
import { type ServiceId, type ServiceRecord, UPDATE_DEFAULTS } from '../model/index.ts';

export function newRecord(
  id: ServiceId,
  { origin, desired, template, nowMs }: Pick<ServiceRecord, 'origin' | 'desired' | 'template'> & { readonly nowMs: number },
): ServiceRecord {
  return {
    deployment: id.deployment,
    service: id.service,
    origin,
    desired,
    countedAtMs: nowMs,
    template,
    update: UPDATE_DEFAULTS,
    labels: {},
    stopped: [],
    version: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}
