/**
 * The network that a container was made in, by the name that its Engine keeps as its mode. Since 25.0 an Engine starts and connects no container while it
 * has no network of that name, whether the container is on it or not (moby daemon/container_operations.go, normalizeNetMode). So its host keeps the
 * network when the container leaves it. Effects: the ledger, calls to agents.
 */
import { type ContainerRecord, type ContainerView, keys, type NetworkRecord } from '../../model/index.ts';
import { type Core, networkRecords } from '../core.ts';

/** Whether it is the network that the container was made in. */
export const isMode = ({ facts }: ContainerView, { name }: Pick<NetworkRecord, 'name'>): boolean =>
  facts.inspect.HostConfig.NetworkMode === name;

/** Before a start or a connect: the host has that network, also where it was removed and made again meanwhile. */
export async function ensureMode(
  { deps, commit }: Core,
  container: ContainerView,
  overlays: { readonly ensure: (network: string, host: string) => Promise<unknown> },
): Promise<void> {
  const { HostConfig, NetworkSettings } = container.facts.inspect;
  const mode = HostConfig.NetworkMode ?? '';
  if (mode === '' || Object.hasOwn(NetworkSettings.Networks ?? {}, mode)) return;
  const network = networkRecords(deps).find(({ name }) => name === mode);
  const record = container.record && deps.ledger.get<ContainerRecord>(keys.container(container.record.name));
  if (network === undefined || record?.id !== container.id) return;
  if (record.addresses[network.id] !== undefined || record.unaddressed?.includes(network.id)) return; // it joins that one anyway
  await commit(deps.dhcp.leases.planGateway(network.id, record.host).changes);
  if (record.modeNetwork !== network.id) {
    await commit([{ kind: 'put', key: keys.container(record.name), value: { ...record, modeNetwork: network.id } }]);
  }
  await overlays.ensure(network.id, record.host);
}

/** Whether a container of the host was made in the network, and is not on it any more. */
export function isModeOnHost({ deps, view }: Core, network: string, host: string): boolean {
  return view.containersOn(host).some(({ id, record }) => {
    const known = record && deps.ledger.get<ContainerRecord>(keys.container(record.name));
    return known?.id === id && known.modeNetwork === network;
  });
}
