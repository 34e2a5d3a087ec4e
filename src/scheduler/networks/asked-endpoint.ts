/** What a container's owner asked for in a network, at its create or when it was connected. Pure. */
import type { ContainerRecord, EndpointSettings, NetworkRecord } from '../../model/index.ts';
import { modeOf, networksOf } from '../create/identify-networks.ts';
import { findNetwork } from '../view/resolve-container.ts';

/** Empty where it asked for nothing. */
export function askedEndpoint(
  { request, connected, deployment }: Pick<ContainerRecord, 'request' | 'connected' | 'deployment'>,
  network: NetworkRecord,
): EndpointSettings {
  const joined = connected?.[network.id];
  if (joined !== undefined) return joined;
  const wanted = networksOf(request, modeOf(request), deployment);
  const found = wanted.find(({ reference }) => findNetwork(reference, [network]) !== undefined);
  return found === undefined ? {} : { ...found.endpoint, ...(found.mac === undefined ? {} : { MacAddress: found.mac }) };
}
