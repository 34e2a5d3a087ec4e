/** Rolling updates: batch by batch, each healthy before the next, rolled back when it is not. Continues under the next leader. Effects: timers. */
import type { Progress } from '../../contracts/index.ts';
import { ArpanetError, type ContainerView, type ServiceId, type ServiceRecord, type UpdateStatus, serviceKey } from '../../model/index.ts';
import type { InstanceActions } from '../replicas/instance-actions.ts';
import type { Core } from '../core.ts';
import { doAll } from '../../async/limit.ts';
import { restored } from './previous.ts';
import { fitness, inItsDirection, nextBatch } from './rollout-plan.ts';
import { essence, instanceName, isCurrent } from '../replicas/template.ts';
import { pauseWhileLeading } from '../leading.ts';

const LOOK_EVERY_MS = 200;
/** An update that takes more turns never ends: the instances that it creates are not what was asked for. */
const MAX_TURNS = 2_000;

export interface Rollout {
  /** Replaces the instances that do not match the record's template. Resolves when the update has ended, well or not; the caller holds the service. */
  readonly run: (id: ServiceId, progress: Progress) => Promise<UpdateStatus>;
}

const isRunning = (record: ServiceRecord) => record.status?.state === 'updating' || record.status?.state === 'rollback_started';

export function createRollout(core: Core, actions: InstanceActions): Rollout {
  const { deps, lost } = core;

  async function run(id: ServiceId, progress: Progress): Promise<UpdateStatus> {
    let hasReplaced = false;
    for (let turn = 0; ; turn++) {
      const kept = core.record(id);
      const record = kept && inItsDirection(kept);
      if (record?.status === undefined || !isRunning(record)) {
        if (record?.status !== undefined) return record.status;
        throw new ArpanetError('not-found', `${serviceKey(id)} was removed while it was being updated`);
      }
      const instances = core.instances(id);
      const unseen = core.unseen(id).map(({ number }) => number);
      const batch = nextBatch(record, instances, unseen);
      if (batch === undefined) return await finish(id, record, 'completed', progress);
      if (hasReplaced && !batch.isLast) await pause(id, record.update.delayMs);
      hasReplaced ||= batch.retire.length > 0;
      const old = instances.filter((container) => !isCurrent(container, essence(record.template))).length;
      progress(`${serviceKey(id)}: ${instances.length - old} of ${Math.max(record.desired, instances.length)} instances are up to date`);
      try {
        if (turn > MAX_TURNS) throw new ArpanetError('conflict', 'new instances never match the template');
        if (batch.order === 'start-first') {
          await add(record, batch.add, progress);
          await retire(record, batch.retire, progress);
        } else {
          await retire(record, batch.retire, progress);
          await add(record, batch.add, progress);
        }
      } catch (error) {
        if (lost.aborted) throw error;
        const ended = await fail(id, record, error instanceof Error ? error.message : String(error), progress);
        if (ended !== undefined) return ended;
      }
    }
  }

  /** Ends at once when the service is removed. */
  async function pause(id: ServiceId, ms: number): Promise<void> {
    const endMs = deps.now() + ms;
    while (deps.now() < endMs && core.record(id) !== undefined) await pauseWhileLeading(Math.min(LOOK_EVERY_MS, ms), lost);
  }

  async function add(record: ServiceRecord, numbers: readonly number[], progress: Progress): Promise<void> {
    await doAll(numbers, 4, async (number) => {
      progress(`${serviceKey(record)}: starting ${instanceName(record.template, number)}`);
      await actions.add(record.template, number);
    });
    const sinceMs = deps.now();
    let isConfirmed = false;
    for (;;) {
      const fresh = core.instances(record).filter((container) => isCurrent(container, essence(record.template)));
      const states = fresh.map((container) => fitness(container, record.update, sinceMs, deps.now()));
      const failed = states.find((state) => typeof state === 'object');
      if (typeof failed === 'object') throw new ArpanetError('conflict', failed.failed);
      if (core.record(record) === undefined) return;
      const isWell = states.every((state) => state === 'healthy');
      if (isWell && isConfirmed) return;
      // On a busy host the view may lag behind an instance that has just exited: the Engines are asked before the old ones go.
      isConfirmed = isWell;
      if (isWell) await Promise.allSettled(fresh.map(({ host, id }) => deps.scheduler.view.refresh(host, { containers: [id] })));
      else await pauseWhileLeading(LOOK_EVERY_MS, lost);
    }
  }

  async function retire(record: ServiceRecord, old: readonly ContainerView[], progress: Progress): Promise<void> {
    await doAll(old, 8, async (container) => {
      progress(`${serviceKey(record)}: ${container.name} is deregistered, then stopped`);
      await actions.remove(container, record.update.drainMs, record);
    });
  }

  async function finish(id: ServiceId, record: ServiceRecord, how: 'completed', progress: Progress): Promise<UpdateStatus> {
    const isBack = record.status?.state === 'rollback_started';
    const status: UpdateStatus = {
      state: isBack ? 'rollback_completed' : how,
      startedAtMs: record.status?.startedAtMs ?? deps.now(),
      completedAtMs: deps.now(),
      message: isBack ? (record.status?.message ?? 'rolled back') : 'update completed',
    };
    await core.put(id, (before) => before && { ...before, status, version: before.version + 1, updatedAtMs: deps.now() });
    progress(`${serviceKey(id)}: ${status.state === 'completed' ? 'all instances are up to date' : `rolled back: ${status.message}`}`);
    deps.log.info({ service: serviceKey(id), state: status.state }, 'update ended');
    return status;
  }

  /** Undefined: continue. */
  async function fail(id: ServiceId, record: ServiceRecord, why: string, progress: Progress): Promise<UpdateStatus | undefined> {
    deps.log.warn({ service: serviceKey(id), why }, 'update failed');
    const startedAtMs = record.status?.startedAtMs ?? deps.now();
    const isBack = record.status?.state === 'rollback_started';
    if (!isBack && record.update.onFailure === 'rollback' && record.previous !== undefined) {
      progress(`${serviceKey(id)}: ${why}; rolling back`);
      const { numbers } = record.status ?? {};
      const message = `update failed: ${why}`;
      const status: UpdateStatus = { state: 'rollback_started', startedAtMs, message, ...(numbers === undefined ? {} : { numbers }) };
      await core.put(id, (before) => {
        // What failed is not to be rolled back to.
        const earlier = before && restored(before);
        return earlier === undefined ? before : { ...earlier, status, version: earlier.version + 1, updatedAtMs: deps.now() };
      });
      return undefined;
    }
    if (record.update.onFailure === 'continue' && (!isBack || record.rollback !== undefined)) {
      progress(`${serviceKey(id)}: ${why}; continuing, as configured`);
      await pauseWhileLeading(1_000, lost);
      return undefined;
    }
    const state = isBack ? 'rollback_paused' : 'paused';
    const status: UpdateStatus = { state, startedAtMs, message: `${isBack ? 'rollback' : 'update'} paused: ${why}` };
    await core.put(id, (before) => before && { ...before, status, version: before.version + 1, updatedAtMs: deps.now() });
    progress(`${serviceKey(id)}: ${status.message}`);
    return status;
  }

  return { run };
}
