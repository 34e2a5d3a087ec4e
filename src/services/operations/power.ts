/** Removes, stops, starts and restarts whole services. Effects: writes to the ledger; those of instance-actions. */
import type { Scheduler, Services } from '../../contracts/index.ts';
import { isKind, projectOf, type ServiceView, serviceKey } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { doAll } from '../../async/limit.ts';
import { patientlyFor } from '../../async/within.ts';
import type { InstanceActions } from '../replicas/instance-actions.ts';
import { withCanaries } from '../rollout/canary-plan.ts';
import { findServices } from '../service-reference.ts';
import { operateAll, UPDATING, whenFree } from './exclusive.ts';

const END_TIMEOUT_MS = 60_000;
/** How long a deregistered instance may finish what its clients asked for. */
const DRAIN_MS = 1_000;

export function createPower(core: Core, actions: InstanceActions): Pick<Services, 'remove' | 'power'> {
  const { deps, lost } = core;

  const servicesAt = (references: readonly string[]): readonly ServiceView[] => [
    ...new Map(
      references.flatMap((reference) => findServices(reference, core.list())).map((service) => [serviceKey(service), service]),
    ).values(),
  ];

  return {
    async remove(references, progress, patienceMs = 0) {
      const services = withCanaries(servicesAt(references), core.list());
      for (const service of services) {
        // An update of a removed service ends, once the instance that it is stopping has stopped.
        const isUpdating = core.runtime(service).operation?.what === UPDATING;
        if (isUpdating) await core.put(service, () => undefined);
        await whenFree(core, service, isUpdating ? END_TIMEOUT_MS : patienceMs);
      }
      return operateAll(core, services, 'being removed', async () => {
        await doAll(services, 4, async (service) => {
          await core.put(service, () => undefined);
          // An instance that is being created now is removed, too.
          await patientlyFor(
            END_TIMEOUT_MS,
            core.runs.serial(serviceKey(service), async () => {}),
            lost,
          );
          await doAll(core.instances(service), 8, async (container) => {
            progress(`${serviceKey(service)}: ${container.name} is deregistered, stopped and removed`);
            await actions.remove(container, DRAIN_MS, service.record);
          });
        });
        for (const deployment of new Set(services.map((service) => service.deployment))) {
          if (!references.includes(deployment) && !references.includes(projectOf(deployment))) continue;
          for (const network of await removeNetworks(deps.scheduler, deployment)) progress(`${deployment}: network ${network} removed`);
        }
        return services.map(serviceKey);
      });
    },
    async power(how, references, progress) {
      const services = servicesAt(references);
      return operateAll(core, services, how === 'stop' ? 'being stopped' : `being ${how}ed`, async () => {
        await doAll(services, 4, async (service) => {
          const { instances } = service;
          if (service.record !== undefined) {
            const stopped = how === 'stop' ? instances.map((container) => container.id) : [];
            await core.put(service, (before) => before && { ...before, stopped, version: before.version + 1 });
          }
          await doAll(instances, 8, async (container) => {
            progress(`${serviceKey(service)}: ${how} ${container.name}`);
            if (how === 'start') await actions.start(container);
            else await actions[how](container, DRAIN_MS);
          });
        });
        return services.map(serviceKey);
      });
    },
  };
}

/** Removes the deployment's networks that no container is on; their names. */
async function removeNetworks({ networks }: Pick<Scheduler, 'networks'>, deployment: string): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { record, members } of networks.list()) {
    if (record.deployment !== deployment || deployment === 'default' || members.length > 0) continue;
    try {
      await networks.remove(record.id);
      removed.push(record.name);
    } catch (error) {
      if (!isKind(error, 'forbidden', 'not-found')) throw error;
    }
  }
  return removed;
}
