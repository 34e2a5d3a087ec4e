/** `arpanet ls` and `arpanet ps` as text for a terminal. Pure. */
import type { ServiceReport } from '../../operator-api/index.ts';
import { table } from './table.ts';

export function serviceTable(services: readonly ServiceReport[]): string {
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
  );
}

function noteOf({ update, done }: ServiceReport): string {
  if (update !== undefined && !update.startsWith('completed')) return update;
  return done === 0 ? '' : `${done} ended with 0`;
}

export function instanceTable(services: readonly ServiceReport[]): string {
  return table(
    ['INSTANCE', 'NAME', 'HOST', 'ADDRESS', 'IMAGE', 'STATE'],
    services.flatMap((service) =>
      service.instances.map((instance) => [
        `${instance.number}.${service.service}.${service.deployment}`,
        instance.name,
        instance.host,
        instance.addresses.join(','),
        instance.image,
        instance.isStopped ? `${instance.state} (stopped by a user)` : instance.state,
      ]),
    ),
  );
}
