/** `arpanet ls` and `arpanet ps` as text for a terminal. Pure. */
import type { InstanceReport, ServiceReport } from '../../operator-api/index.ts';
import { table } from './table.ts';

export function serviceTable(services: readonly ServiceReport[], width?: number): string {
  return table(
    ['DEPLOYMENT', 'SERVICE', 'RUNNING', 'COUNT', 'IMAGE', 'NOTE'],
    services.map((service) => [
      service.deployment,
      service.service,
      `${service.running}/${service.desired}`,
      service.isHeld ? 'held' : "client's",
      service.image,
      service.trouble ?? noteOf(service),
    ]),
    width,
  );
}

function noteOf({ update, done }: ServiceReport): string {
  if (update !== undefined && !update.startsWith('completed')) return update;
  return done === 0 ? '' : `${done} ended with 0`;
}

/** An instance with the service that it is of: a row of `arpanet ps`. */
export type InstanceRow = InstanceReport & Pick<ServiceReport, 'deployment' | 'service'>;

export const instanceRows = (services: readonly ServiceReport[]): readonly InstanceRow[] =>
  services.flatMap(({ deployment, service, instances }) => instances.map((one) => ({ deployment, service, ...one })));

export function instanceTable(services: readonly ServiceReport[], width?: number): string {
  return table(
    ['INSTANCE', 'NAME', 'HOST', 'ADDRESS', 'IMAGE', 'STATE'],
    instanceRows(services).map((one) => [
      `${one.number}.${one.service}.${one.deployment}`,
      one.name,
      one.host,
      one.addresses.join(','),
      one.image,
      one.isStopped ? `${one.state} (stopped by a user)` : one.state,
    ]),
    width,
  );
}
