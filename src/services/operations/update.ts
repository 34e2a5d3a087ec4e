/** Creates, updates and rolls back services. Effects: writes to the ledger; those of the rollout. */
import type { Progress, Services, ServiceUpdate, StartedUpdate } from '../../contracts/index.ts';
import {
  ArpanetError,
  type JobSettings,
  labels,
  type ServiceId,
  type ServiceRecord,
  type ServiceTemplate,
  type UpdateSettings,
  type UpdateStatus,
  withoutReserved,
  serviceKey,
  serviceName,
} from '../../model/index.ts';
import type { Core } from '../core.ts';
import { ensureImage } from '../engine-calls.ts';
import { numberOf } from '../replicas/replica-plan.ts';
import type { ReplicaReconciler } from '../replicas/replica-reconciler.ts';
import { essence, scaleRefusal } from '../replicas/template.ts';
import { hasOtherSettings, previousOf, restored } from '../rollout/previous.ts';
import type { Rollout } from '../rollout/rollout.ts';
import { newRecord } from '../service-record.ts';
import { findService } from '../service-reference.ts';
import { inBackground } from '../../telemetry/faults.ts';
import { UPDATING, whenFree } from './exclusive.ts';

export interface Updates extends Pick<Services, 'create' | 'update' | 'rollback'> {
  /** Continues what an earlier leader began. */
  readonly resume: () => void;
}

export function createUpdates(core: Core, reconciler: ReplicaReconciler, rollout: Rollout): Updates {
  const { deps, lost } = core;

  const pulled = async (reference: string | undefined, registryAuth: string | undefined) =>
    reference === undefined ? undefined : ensureImage(deps.scheduler, reference, lost, registryAuth);

  async function update(
    reference: string,
    change: ServiceUpdate & { readonly isRollback?: boolean },
    progress: Progress,
  ): Promise<StartedUpdate> {
    const service = findService(reference, core.list());
    await whenFree(core, service, change.patienceMs ?? 0);
    const { template: asked = service.template, desired = service.desired } = change;
    const job = nextJob(service.record?.job, change.job, deps.now());
    const template = asked && withIteration(withoutReservedIn(asked), service.record?.isGlobal, job);
    if (template === undefined) throw new ArpanetError('not-found', `no such service: ${reference}`);
    const refusal = scaleRefusal(template, desired);
    if (refusal !== undefined) throw new ArpanetError('invalid', `${serviceKey(service)} cannot have ${desired} instances: ${refusal}`);
    const version = service.record?.version ?? 1;
    if (change.version !== undefined && change.version !== version)
      throw new ArpanetError(
        'conflict',
        `update out of sequence: ${serviceName(service)} is at version ${version}, not ${change.version}; look at it again`,
      );
    await pulled(template.request.Image, change.registryAuth);
    const isOther = service.template === undefined || essence(template) !== essence(service.template);
    const isHalfWay = service.record?.status?.state.endsWith('paused') === true && service.outdated.length > 0;
    const isNew = isOther || isHalfWay;
    const nowMs = deps.now();
    const { status } = service.record ?? {};
    const numbers = (isHalfWay ? status?.numbers : undefined) ?? core.instances(service).map(numberOf);
    const record = await core.put(service, (before) => {
      const kept =
        before ?? newRecord(service, { origin: 'client', desired: service.desired, template: service.template ?? template, nowMs });
      const { rollback, ...base } = kept;
      const after: ServiceRecord = {
        ...base,
        desired,
        ...(desired === base.desired ? {} : { countedAtMs: nowMs }),
        ...(change.update === undefined ? {} : { update: change.update }),
        ...rollbackOf(change.rollback, rollback),
        ...(change.labels === undefined ? {} : { labels: change.labels }),
        ...(change.spec === undefined ? {} : { spec: change.spec }),
        ...(job === undefined ? {} : { job, template, countedAtMs: nowMs }),
        ...(isNew && job === undefined
          ? {
              template,
              status:
                change.isRollback === true
                  ? ({ state: 'rollback_started', startedAtMs: nowMs, message: 'rollback requested', numbers } as const)
                  : ({ state: 'updating', startedAtMs: nowMs, message: 'update in progress', numbers } as const),
            }
          : {}),
        version: base.version + 1,
        updatedAtMs: nowMs,
      };
      return isOther || job !== undefined || (!isHalfWay && hasOtherSettings(kept, after))
        ? { ...after, ...previousOf(kept, desired) }
        : after;
    });
    if (record === undefined) throw new ArpanetError('not-found', `no such service: ${reference}`);
    if (!isNew || job !== undefined) {
      if (desired !== service.desired || job !== undefined) reconciler.soon(service, 1);
      return { record, done: Promise.resolve(undefined) };
    }
    return { record, done: run(service, progress) };
  }

  async function run(id: ServiceId, progress: Progress): Promise<UpdateStatus | undefined> {
    try {
      return await core.operate(id, UPDATING, () => rollout.run(id, progress));
    } catch (error) {
      if (!lost.aborted) deps.log.warn({ service: serviceKey(id), err: error }, 'an update stopped');
      const message = `the update stopped: ${error instanceof Error ? error.message : String(error)}`;
      progress(`${serviceKey(id)}: ${message}`);
      return { state: 'updating', startedAtMs: deps.now(), message };
    } finally {
      reconciler.soon(id);
    }
  }

  return {
    update,
    async create(request, registryAuth) {
      const known = core.list().find((service) => serviceKey(service) === serviceKey(request));
      if (known !== undefined)
        throw new ArpanetError('conflict', `name conflicts with an existing object: service ${serviceName(known)} already exists`);
      const refusal = scaleRefusal(request.template, request.desired);
      if (refusal !== undefined)
        throw new ArpanetError('invalid', `${serviceKey(request)} cannot have ${request.desired} instances: ${refusal}`);
      await pulled(request.template.request.Image, registryAuth);
      const template = withIteration(withoutReservedIn(request.template), request.isGlobal, request.job);
      const nowMs = deps.now();
      const record: ServiceRecord = { ...newRecord(request, { ...request, origin: request.origin ?? 'api', nowMs }), ...request, template };
      await core.put(request, () => record);
      reconciler.soon(request, 1);
      return record;
    },
    async rollback(reference, progress, patienceMs = 0) {
      const service = findService(reference, core.list());
      const before = service.record && restored(service.record);
      if (before === undefined)
        throw new ArpanetError(
          'invalid',
          `${serviceKey(service)} has no earlier version to go back to: it was never updated, or is back there already`,
        );
      const { template, desired, job, update: settings, rollback = null, labels: own, spec } = before;
      const counts = { desired, ...(job === undefined ? {} : { job }) };
      const change = { template, ...counts, update: settings, rollback, labels: own, ...(spec === undefined ? {} : { spec }) };
      return update(reference, { ...change, isRollback: true, patienceMs }, progress);
    },
    resume() {
      for (const record of core.records()) {
        const { status } = record;
        if (status?.state !== 'updating' && status?.state !== 'rollback_started') continue;
        inBackground(
          deps.log,
          'resuming an update',
          run(record, () => undefined),
        );
      }
    },
  };
}

/** Every update runs a job again (swarmkit manager/controlapi/service.go, `UpdateService`). */
function nextJob(before: JobSettings | undefined, asked: JobSettings | undefined, nowMs: number): JobSettings | undefined {
  return before && { ...before, ...asked, iteration: before.iteration + 1, startedAtMs: nowMs };
}

function withIteration(template: ServiceTemplate, isGlobal: boolean | undefined, job: JobSettings | undefined): ServiceTemplate {
  if (job === undefined) return template;
  const { request } = template;
  const iteration = `${isGlobal === true ? 'global-' : ''}${job.iteration}`;
  return { ...template, request: { ...request, Labels: { ...request.Labels, [labels.iteration]: iteration } } };
}

const rollbackOf = (asked: UpdateSettings | null | undefined, before: UpdateSettings | undefined): Pick<ServiceRecord, 'rollback'> => {
  const rollback = asked === null ? undefined : (asked ?? before);
  return rollback === undefined ? {} : { rollback };
};

/** Instances are created without reserved labels: a template that had them would be no instance's. */
const withoutReservedIn = (template: ServiceTemplate): ServiceTemplate => ({ ...template, request: withoutReserved(template.request) });
