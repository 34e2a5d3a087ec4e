/** Makes a placement request of a create request. Pure. */
import { ArpanetError, type CreateRequest, labels } from '../../model/index.ts';
import type { Identity } from '../create/identify.ts';
import type { PlacementRequest } from './snapshot.ts';
import { constraintsOf } from './constraints.ts';

export interface PlacementFacts extends Pick<PlacementRequest, 'volumesAt' | 'mustBeWith' | 'imageHosts'> {
  readonly name: string;
  readonly platform?: string | undefined;
}

/** Throws `invalid` when a constraint, an affinity or a number cannot be read. */
export function placementRequest(identity: Identity, request: CreateRequest, facts: PlacementFacts): PlacementRequest {
  const { platform, ...others } = facts;
  return {
    ...others,
    deployment: identity.deployment,
    service: identity.service,
    ...reservationsOf(request),
    hostPorts: identity.hostPorts,
    ...constraintsOf(request),
    ...maxPerHostOf(request),
    ...(platform ? { platform } : {}),
    ...(identity.replaces === undefined ? {} : { replaces: identity.replaces }),
  };
}

function maxPerHostOf(request: CreateRequest): Pick<PlacementRequest, 'maxPerHost'> {
  const value = request.Labels?.[labels.maxPerHost];
  if (!value) return {};
  if (!/^[1-9]\d{0,8}$/.test(value))
    throw new ArpanetError('invalid', `label ${labels.maxPerHost} is "${value.slice(0, 80)}": it must be a whole number from 1`);
  return { maxPerHost: Number(value) };
}

/**
 * What a container sets aside for itself on its host: its reservation, else its limit (as classic Swarm did). The same reading serves
 * requests and inspected containers.
 */
export function reservationsOf(request: Pick<CreateRequest, 'HostConfig'>): {
  readonly reservedNanoCpus: number;
  readonly reservedMemoryBytes: number;
} {
  const { NanoCpus = 0, CpuQuota = 0, CpuPeriod = 0, MemoryReservation = 0, Memory = 0 } = request.HostConfig ?? {};
  const byQuota = CpuQuota > 0 ? (CpuQuota / (CpuPeriod || 100_000)) * 1e9 : 0;
  return { reservedNanoCpus: NanoCpus || byQuota, reservedMemoryBytes: MemoryReservation || Memory };
}
