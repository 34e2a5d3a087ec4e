/** A recovery, for a person to read before it is written. Pure. */
import { type ContainerRecord, type HostRecord, keys, type NetworkRecord, type ServiceRecord } from '../model/index.ts';
import type { Recovery } from './recover-plan.ts';

/** The plan of a recovery, one record or note per line. */
export function recoveryText({ clusterId, epoch, records, notes, unproven, refusals }: Recovery): string {
  const under = <T>(prefix: string): readonly T[] => records.flatMap(([key, value]) => (key.startsWith(prefix) ? [value as T] : []));
  const networks = under<NetworkRecord>(keys.networks);
  const nameOf = new Map(networks.map(({ id, name }) => [id, name]));
  const places = ({ addresses }: ContainerRecord): string =>
    Object.entries(addresses)
      .map(([network, ip]) => `${ip} in ${nameOf.get(network) ?? network}`)
      .join(', ') || 'no address in a cluster network';
  return [
    `cluster ${clusterId.slice(0, 12)}, next epoch ${epoch + 1}, ${records.length} records`,
    ...under<HostRecord>(keys.hosts).map(({ name, address, availability }) => `host       ${name} at ${address}, ${availability}`),
    ...networks.map(({ name, cidr, vni, deployment }) => `network    ${name} ${cidr}, VXLAN id ${vni}, of ${deployment}`),
    ...under<ContainerRecord>(keys.containers).map(
      (one) => `container  ${one.name} on ${one.host}: ${one.number}.${one.service}.${one.deployment}, ${places(one)}`,
    ),
    ...under<ServiceRecord>(keys.services).map(
      ({ deployment, service, desired }) => `service    ${deployment}/${service}, ${desired} wanted`,
    ),
    ...under<{ name: string; host?: string }>(keys.volumes).map(
      ({ name, host }) => `volume     ${name}${host === undefined ? '' : ` on ${host}`}`,
    ),
    ...notes.map((note) => `note: ${note}`),
    ...unproven.map((name) => `unproven: only labels say what container ${name} is, and nothing proves them`),
    ...refusals.map((why) => `refused: ${why}`),
  ].join('\n');
}
