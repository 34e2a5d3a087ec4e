/** Makes a placement request of a create request. Pure. */
import { ArpanetError, type CreateRequest, labels } from '../../model/index.ts';
import type { Identity } from '../create/identify.ts';
import type { PlacementRequest } from './snapshot.ts';
import { parseReserve, reservedBy } from '../../text/reserve-label.ts';
import { parseRestartRule } from '../../text/restart-label.ts';
import { constraintsOf } from './constraints.ts';
import { spreadKeys } from './spread.ts';

export interface PlacementFacts
  extends Pick<
    PlacementRequest,
    'volumesAt' | 'projectVolumesAt' | 'groupSize' | 'mustBeWith' | 'imageHosts' | 'imageBytes' | 'parentLinks' | 'replacesAt'
  > {
  readonly name: string;
  readonly platform?: string | undefined;
}

/** Throws `invalid` when a constraint, an affinity or a number cannot be read. */
export function placementRequest(identity: Identity, request: CreateRequest, facts: PlacementFacts): PlacementRequest {
  const { platform, ...others } = facts;
  refuseUnreadable(request.Labels?.[labels.reserve]);
  refuseUnreadableRule(request.Labels?.[labels.restart]);
  const spreadOver = spreadKeys(request);
  const apiVersion = neededVersion(request);
  return {
    ...others,
    deployment: identity.deployment,
    service: identity.service,
    ...needsOf(request),
    hostPorts: identity.hostPorts,
    ...constraintsOf(request),
    ...maxPerHostOf(request),
    ...(request.Labels?.[labels.iteration]?.startsWith('global-') === true ? { countsEnded: true as const } : {}),
    ...(spreadOver.length === 0 ? {} : { spreadOver }),
    ...(platform ? { platform } : {}),
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(identity.replaces === undefined ? {} : { replaces: identity.replaces }),
  };
}

/** Where an Engine's API has had a part of a volume as a mount since (moby docs/api/version-history.md). */
const SUBPATH_SINCE = '1.45';

/** The oldest version of an Engine's API that has all of the request; undefined: any that arpanet speaks. */
export function neededVersion({ HostConfig }: Pick<CreateRequest, 'HostConfig'>): string | undefined {
  const hasPart = HostConfig?.Mounts?.some((mount) =>
    Boolean((mount['VolumeOptions'] as { Subpath?: string } | null | undefined)?.Subpath),
  );
  return hasPart === true ? SUBPATH_SINCE : undefined;
}

function maxPerHostOf(request: CreateRequest): Pick<PlacementRequest, 'maxPerHost'> {
  const value = request.Labels?.[labels.maxPerHost];
  if (!value) return {};
  if (!/^[1-9]\d{0,8}$/.test(value))
    throw new ArpanetError('invalid', `label ${labels.maxPerHost} is "${value.slice(0, 80)}": it must be a whole number from 1`);
  return { maxPerHost: Number(value) };
}

export type Needs = Pick<
  PlacementRequest,
  'reservedNanoCpus' | 'reservedMemoryBytes' | 'expectedNanoCpus' | 'expectedMemoryBytes' | 'network'
>;

/**
 * What a container sets aside on its host, and what it is taken to use there. It reserves what its label `arpanet.reserve` says
 * (`cpus=0.5,memory=512m`), and else `--memory-reservation`. A limit (`-m`, `--cpus`) reserves nothing, as on an Engine. The same reading
 * serves requests and inspected containers. A label that cannot be read counts for nothing here: `placementRequest` refuses it.
 */
export function needsOf({ HostConfig, Labels }: Pick<CreateRequest, 'HostConfig' | 'Labels'>): Needs {
  const { NanoCpus = 0, CpuQuota = 0, CpuPeriod = 0, MemoryReservation = 0, Memory = 0 } = HostConfig ?? {};
  const byQuota = CpuQuota > 0 ? (CpuQuota / (CpuPeriod || 100_000)) * 1e9 : 0;
  const reserved = reservedBy(Labels?.[labels.reserve], MemoryReservation);
  return {
    reservedNanoCpus: reserved.nanoCpus,
    reservedMemoryBytes: reserved.memoryBytes,
    expectedNanoCpus: reserved.nanoCpus || NanoCpus || byQuota,
    expectedMemoryBytes: reserved.memoryBytes || Memory,
    ...networkOf(HostConfig),
  };
}

function networkOf(given: CreateRequest['HostConfig']): Pick<Needs, 'network'> {
  if (given?.NetworkMode === 'host') return { network: 'host' };
  return given?.PublishAllPorts === true || Object.keys(given?.PortBindings ?? {}).length > 0 ? { network: 'published' } : {};
}

function refuseUnreadableRule(value: string | undefined): void {
  if (value && parseRestartRule(value) === undefined)
    throw new ArpanetError(
      'invalid',
      `label ${labels.restart} is "${value.slice(0, 80)}": it must be none, on-failure or any, and then what is wanted of delay=5s, window=2m, attempts=3`,
    );
}

function refuseUnreadable(value: string | undefined): void {
  if (value && parseReserve(value) === undefined)
    throw new ArpanetError('invalid', `label ${labels.reserve} is "${value.slice(0, 80)}": it must be like cpus=0.5,memory=512m`);
}
