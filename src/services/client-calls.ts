/** Counts what clients do to instances through the Docker API, so that compose, `docker rm` and operators agree on the count. Effects: writes to the ledger. */
import type { ReplicaCounts } from '../contracts/index.ts';
import type { ServiceId } from '../model/index.ts';
import { alreadyBusy, type Core } from './core.ts';
import { serviceOf } from './counted-service.ts';
import { putClientSecrets } from './secret-files.ts';
import { newRecord } from './service-record.ts';
import type { ReplicaReconciler } from './replicas/replica-reconciler.ts';
import { createCountRemovals } from './replicas/count-removals.ts';
import { newestFirst, numberOf } from './replicas/replica-plan.ts';
import { bareName, isSameTemplate, templateOf } from './replicas/template.ts';

export function createClientCalls(core: Core, reconciler: ReplicaReconciler): ReplicaCounts {
  const { deps } = core;
  const removals = createCountRemovals(core);

  /** The reconciler leaves these services alone until `act` has ended. */
  async function pausing<T>(ids: readonly ServiceId[], act: () => Promise<T>): Promise<T> {
    for (const id of ids) core.runtime(id).busy++;
    try {
      return await act();
    } finally {
      for (const id of ids) {
        core.runtime(id).busy--;
        if (core.record(id) !== undefined) reconciler.soon(id);
      }
    }
  }

  /** A client has created an instance: the newest one is the service's template from now on, and the desired count is at least what there is. */
  async function counted(id: ServiceId): Promise<void> {
    const instances = core.instances(id);
    const [newest] = newestFirst(instances);
    const template = newest && templateOf(newest);
    if (template === undefined) return;
    const count = new Set(instances.map(numberOf)).size;
    const nowMs = deps.now();
    if (core.record(id) === undefined && count < 2) return;
    await core.put(id, (before) => {
      if (before === undefined) return newRecord(id, { origin: 'client', desired: count, template, nowMs });
      const isSame = isSameTemplate(template, before.template);
      if (isSame && before.desired >= count) return before;
      return {
        ...before,
        desired: Math.max(before.desired, count),
        countedAtMs: nowMs,
        ...(isSame ? {} : { template, previous: before.template }),
        version: before.version + 1,
        updatedAtMs: nowMs,
      };
    });
  }

  async function mark(id: ServiceId, container: string, isStopped: boolean): Promise<void> {
    await core.put(id, (before) => {
      if (before === undefined || before.stopped.includes(container) === isStopped) return before;
      const others = before.stopped.filter((one) => one !== container);
      return { ...before, stopped: isStopped ? [...others, container] : others, version: before.version + 1 };
    });
  }

  return {
    async creating(request, act) {
      const id = serviceOf(request);
      if (id === undefined) return act();
      const { operation } = core.runtime(id);
      if (operation !== undefined) throw alreadyBusy(id, operation, deps.now());
      return pausing([id], async () => {
        const created = await act();
        await putClientSecrets(deps, created.id);
        await deps.failpoint('count.created');
        await counted(id);
        return created;
      });
    },
    async touching(container, how, act) {
      const id = container.record && serviceOf(container.record.request);
      if (id === undefined || core.record(id) === undefined) return act();
      return pausing([id], async () => {
        if (how === 'stop') await mark(id, container.id, true);
        if (how === 'remove') await removals.mark(id, container);
        if (how === 'remove') await deps.failpoint('count.marked');
        try {
          const result = await act();
          if (how === 'start' || how === 'restart') await mark(id, container.id, false);
          if (how !== 'remove') return result;
          await deps.failpoint('count.removed');
          if (deps.scheduler.containers.list().some((one) => one.id === container.id)) await removals.unmark(id, container);
          else await removals.settleRemoved(id, [numberOf(container)]);
          return result;
        } catch (error) {
          if (how === 'stop') await mark(id, container.id, false);
          throw error;
        }
      });
    },
    async joined(container) {
      const id = container.record && serviceOf(container.record.request);
      const template = templateOf(container);
      if (id === undefined || template === undefined) return;
      await core.put(id, (before) => {
        if (before === undefined || bareName(before.template.name) !== bareName(template.name)) return before;
        const { connected: _, ...others } = before.template;
        const next = template.connected === undefined ? others : { ...others, connected: template.connected };
        return { ...before, template: next, version: before.version + 1, updatedAtMs: deps.now() };
      });
    },
    async pruning(act) {
      const before = core.records().map((record) => ({ id: record, instances: core.instances(record) }));
      return pausing(
        before.map(({ id }) => id),
        async () => {
          const result = await act();
          const left = new Set(deps.scheduler.containers.list().map((container) => container.id));
          for (const { id, instances } of before) {
            const gone = instances.filter((container) => !left.has(container.id));
            if (gone.length > 0) await removals.settleRemoved(id, gone.map(numberOf));
          }
          return result;
        },
      );
    },
  };
}
