/** `arpanet scale`: sets the counts, and waits until the reconciler has reached them. Effects: writes to the ledger. */
import { setImmediate as turn } from 'node:timers/promises';
import type { ScaleResult, Services } from '../../contracts/index.ts';
import { ArpanetError, type ServiceRecord, type ServiceView, serviceKey } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { freeNumbers, numberOf } from '../replicas/replica-plan.ts';
import type { ReplicaReconciler } from '../replicas/replica-reconciler.ts';
import { instanceName, instanceRequest, scaleRefusal } from '../replicas/template.ts';
import { newRecord } from '../service-record.ts';
import { findService, parseScaling, scaled } from '../service-reference.ts';
import { operateAll } from './exclusive.ts';

const REACH_TIMEOUT_MS = 60_000;
/** Of very many instances the first are tried, a few more each time, with time for the leader's other work between. The last but one is what a network of the default size holds. */
const REHEARSED: readonly number[] = [64, 256, 1_100, 2_000];

export function createScale(core: Core, reconciler: ReplicaReconciler): Services['scale'] {
  const { deps } = core;

  return async (texts, progress) => {
    const services = core.list();
    const targets = texts.map((text) => {
      const scaling = parseScaling(text);
      const service = findService(scaling.reference, services);
      const to = scaled(service.desired, { ...scaling, reference: serviceKey(service) });
      const refusal =
        service.record?.isGlobal === true
          ? 'it runs once on every host; exclude a host by "arpanet drain" or a constraint'
          : service.record?.job !== undefined
            ? 'it is a job, which "docker service scale" runs again with another count'
            : service.template && scaleRefusal(service.template, to);
      if (refusal !== undefined) throw new ArpanetError('invalid', `${serviceKey(service)} cannot have ${to} instances: ${refusal}`);
      return { service, to };
    });
    const twice = targets.find(({ service }, index) => targets.findIndex((other) => other.service === service) !== index);
    if (twice !== undefined) throw new ArpanetError('invalid', `${serviceKey(twice.service)} is given twice: give one count for it`);
    return operateAll(
      core,
      targets.map(({ service }) => service),
      'being scaled',
      async () => {
        await mustFit(core, targets);
        for (const { service, to } of targets) await setDesired(core, service, to);
        await deps.failpoint('scale.written');
        const failures: string[] = [];
        const results = await Promise.all(
          targets.map(async ({ service, to }): Promise<ScaleResult> => {
            progress(`${serviceKey(service)}: from ${service.desired} to ${to}`);
            const running = await reconciler.reach(service, to, REACH_TIMEOUT_MS).catch((error: Error) => {
              failures.push(`${serviceKey(service)}: ${error.message}`);
              return core.instances(service).filter((one) => one.facts.inspect.State.Running).length;
            });
            progress(`${serviceKey(service)}: ${running} of ${to} running`);
            return { deployment: service.deployment, service: service.service, from: service.desired, to, running };
          }),
        );
        if (failures.length > 0)
          throw new ArpanetError('unavailable', `${failures.join('; ')}. The count stays, and the missing instances are tried again`);
        return results;
      },
    );
  };
}

/** Throws `unplaceable` saying how many fit. */
async function mustFit({ deps }: Core, targets: readonly { readonly service: ServiceView; readonly to: number }[]): Promise<void> {
  const creates = targets.flatMap(({ service, to }) => {
    const { template } = service;
    const numbers = new Set(service.instances.map(numberOf));
    const more = Math.max(0, to - numbers.size);
    if (template === undefined) return [];
    return freeNumbers(numbers, more).map((number) => ({
      service,
      to,
      name: instanceName(template, number),
      request: instanceRequest(template, number),
    }));
  });
  let placements: ReturnType<typeof deps.rehearse> = [];
  let failed = -1;
  for (const size of REHEARSED) {
    if (placements.length > 0) await turn();
    placements = deps.rehearse(creates.slice(0, size));
    failed = placements.findIndex((placement) => placement.kind === 'refused');
    if (failed !== -1 || size >= creates.length) break;
  }
  const refused = placements[failed];
  const target = creates[failed];
  if (refused?.kind !== 'refused' || target === undefined) return;
  const { service, to } = target;
  const placed = placements.filter((placement, index) => placement.kind === 'placed' && creates[index]?.service === service).length;
  const fits = new Set(service.instances.map(numberOf)).size + placed;
  throw new ArpanetError(
    'unplaceable',
    `${serviceKey(service)} cannot have ${to} instances: ${fits} fit. For one more, ${refused.message}. Ask for ${serviceKey(service)}=${fits}, or make room`,
  );
}

async function setDesired(core: Core, service: ServiceView, desired: number): Promise<ServiceRecord | undefined> {
  const nowMs = core.deps.now();
  return core.put(service, (before) => {
    if (before !== undefined) return { ...before, desired, countedAtMs: nowMs, version: before.version + 1, updatedAtMs: nowMs };
    const { template } = service;
    if (template === undefined) throw new ArpanetError('not-found', `no such service: ${serviceKey(service)}`);
    return newRecord(service, { origin: 'client', desired, template, nowMs });
  });
}
