/** Which addresses a create gets, and which idle one must be released for it before. Reads the ledger. */
import type { AddressRequest, IdleSince, Leased } from '../../contracts/index.ts';
import { ArpanetError, type ContainerRecord, type CreateRequest, isKind, labels, type LeaseRecord } from '../../model/index.ts';
import { networkRecords } from '../core.ts';
import type { SchedulerDeps } from '../deps.ts';
import { isOnWire, parentLink } from '../../networks/index.ts';
import { findNetwork } from '../view/resolve-container.ts';
import type { Identity } from './identify.ts';
import type { JoinedNetwork } from './rewrite.ts';

/** Undefined: all that is wanted can be had, or cannot be had at all. */
export function occupantOf(
  deps: SchedulerDeps,
  { networks }: Pick<Identity, 'networks'>,
  { owner, host }: Pick<AddressRequest, 'owner' | 'host'>,
  idleSince: IdleSince,
): LeaseRecord | undefined {
  const { yielding } = deps.dhcp;
  for (const { reference, ip: wanted } of networks) {
    const network = findNetwork(reference, networkRecords(deps))?.id;
    if (network === undefined) continue;
    const held = yielding.occupantForHost(network, host, idleSince) ?? yielding.occupant(network, { owner, host, wanted }, idleSince);
    if (held !== undefined) return held;
  }
  return undefined;
}

/**
 * Throws `invalid` if a network that it names does not exist, or if it has a check by label and is only where its host cannot reach it: on a macvlan or ipvlan
 * network a host reaches all but its own containers. `planned`: names of networks that will exist when it is created.
 */
export function refuseNetworks(
  deps: Pick<SchedulerDeps, 'ledger'>,
  { networks, mode }: Pick<Identity, 'networks' | 'mode'>,
  given: CreateRequest['Labels'],
  planned?: ReadonlySet<string>,
): void {
  const found = networks.map(({ reference, implicit }) => {
    const network = findNetwork(reference, networkRecords(deps));
    if (!implicit && network === undefined && planned?.has(reference) !== true)
      throw new ArpanetError('invalid', `network ${reference} not found`);
    return network;
  });
  const [wire] = found;
  if (!given?.[labels.check] || mode.kind !== 'cluster' || !found.every((one) => one !== undefined && isOnWire(one))) return;
  throw new ArpanetError(
    'invalid',
    `label ${labels.check}: a host does not reach its own containers on network ${wire?.name} (driver ${wire?.driver}), so it cannot check this one: put it on a network of driver bridge or overlay too, or give it a HEALTHCHECK`,
  );
}

/** What its networks need of its host. */
export function parentLinksOf(deps: SchedulerDeps, { networks }: Pick<Identity, 'networks'>): readonly string[] {
  return networks.flatMap(({ reference }) => {
    const network = findNetwork(reference, networkRecords(deps));
    return network === undefined ? [] : (parentLink(network) ?? []);
  });
}

/** Undefined: another has the address that is wanted, which an Engine tells at start. `isAsked`: a user named it. */
export function offerFor(
  { dhcp }: Pick<SchedulerDeps, 'dhcp'>,
  network: string,
  request: AddressRequest,
  isAsked: boolean,
): Leased | undefined {
  try {
    const offer = dhcp.leases.planOffer(network, request);
    if (request.wanted === undefined || !isAsked) return offer;
    return { ...offer, changes: [...offer.changes, ...dhcp.yielding.planAsked(network, request.wanted)] };
  } catch (error) {
    if (isKind(error, 'conflict') && request.wanted !== undefined) return undefined;
    throw error;
  }
}

/** As the container's record has them. */
export function addressesOf(networks: readonly JoinedNetwork[]): Pick<ContainerRecord, 'addresses' | 'unaddressed'> {
  const unaddressed = networks.flatMap(({ record, ip }) => (ip === undefined ? [record.id] : []));
  const addresses = Object.fromEntries(networks.flatMap(({ record: { id }, ip }) => (ip === undefined ? [] : [[id, ip] as const])));
  return unaddressed.length === 0 ? { addresses } : { addresses, unaddressed };
}
