/** A deploy's service with an instance on every host: the cluster makes the instances, also on hosts that join later. Effects: HTTP requests, timers. */
import type { Wave } from '../compose/index.ts';
import { ArpanetError, isKind } from '../model/errors.ts';
import type { ServiceReport } from '../operator-api/index.ts';
import { assertCompleted, type ClusterCalls, type How, worked } from './calls.ts';
import { withImage } from './images.ts';
import { until } from './until.ts';
import { composeLabels } from '../model/index.ts';

/** Creates the service, or replaces its instances where the definition differs; its instances once they run. Throws `conflict` for one that has a count. */
export async function deployGlobal(api: ClusterCalls, project: string, wave: Wave, { say, signal }: How): Promise<ServiceReport> {
  const reference = `${project}/${wave.service}`;
  const present = await serviceAt(api, reference);
  if (present !== undefined && present.instances.length > 0 && !present.isGlobal)
    throw new ArpanetError('conflict', `${reference} has a replica count and cannot become global: "arpanet rm ${reference}" first`);
  const differing = wave.steps.find(({ action }) => action === 'recreate');
  const step = differing ?? wave.steps.find(({ request }) => request !== undefined);
  if (step?.request !== undefined && (differing !== undefined || present?.isGlobal !== true)) {
    const number = Number(step.request.Labels?.[composeLabels.number] ?? 1);
    const template = { name: step.container, number, request: await withImage(api, step.request) };
    const body = { service: reference, isGlobal: true, template, settings: wave.update, desired: present?.desired ?? 1 };
    const name = present?.isGlobal === true ? 'postServicesReplace' : 'postServicesCreate';
    assertCompleted(await worked(api, name, { body }, { say, signal }));
  }
  return allRunning(api, reference, signal);
}

async function serviceAt(api: ClusterCalls, reference: string): Promise<ServiceReport | undefined> {
  try {
    const [service] = await api.v1.call('getServices', { of: reference });
    return service;
  } catch (error) {
    if (isKind(error, 'engine') && error.engineStatus === 404) return undefined;
    throw error;
  }
}

/** Throws `timeout` when they do not run in time. */
function allRunning(api: ClusterCalls, reference: string, signal: AbortSignal): Promise<ServiceReport> {
  const look = async () => {
    const service = await serviceAt(api, reference);
    const idle = service?.instances.filter(({ isStopped }) => isStopped).length ?? 0;
    return service !== undefined && service.desired > 0 && service.running + idle + service.done >= service.desired ? service : undefined;
  };
  return until(`${reference} does not run on all its hosts`, ': "arpanet ls" shows why', look, signal);
}
