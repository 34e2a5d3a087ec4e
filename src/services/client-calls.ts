/** What clients do to instances through the Docker API, counted: so that compose, `docker rm` and ops never fight. Effects: writes to the ledger. */
import { type ContainerView, type CreateRequest, type ServiceId, type ServiceRecord, UPDATE_DEFAULTS } from '../model/index.ts';
import { alreadyBusy, type Core, serviceOf } from './core.ts';
import type { Keep } from './replicas/replica-reconciler.ts';
import { createLower } from './replicas/count-removals.ts';
import { newestFirst, numberOf } from './replicas/replica-plan.ts';
import { bareName, isSameTemplate, templateOf } from './replicas/template.ts';

export type Touch = 'stop' | 'start' | 'restart' | 'remove';

export interface Hooks {
  /** Around a client's create of one container. */
  readonly creating: <T>(request: CreateRequest, act: () => Promise<T>) => Promise<T>;
  /** Around a client's call that stops, starts or removes a container. */
  readonly touching: <T>(container: ContainerView, how: Touch, act: () => Promise<T>) => Promise<T>;
  /** After a client has joined a container to a network, or taken it off one. */
  readonly joined: (container: ContainerView) => Promise<void>;
  /** Around a prune, which may remove anything that is stopped. */
  readonly pruning: <T>(act: () => Promise<T>) => Promise<T>;
}

export function createHooks(core: Core, keep: Keep): Hooks {
  const { deps } = core;
  const lower = createLower(core);

  async function heldOff<T>(ids: readonly ServiceId[], act: () => Promise<T>): Promise<T> {
    for (const id of ids) core.runtime(id).busy++;
    try {
      return await act();
    } finally {
      for (const id of ids) {
        core.runtime(id).busy--;
        if (core.record(id) !== undefined) keep.soon(id);
      }
    }
  }

  /** A client has made an instance: the newest one is what the service is from now on, and as many as there are is how many it is to be. */
  async function counted(id: ServiceId): Promise<void> {
    const instances = core.instances(id);
    const [newest] = newestFirst(instances);
    const template = newest && templateOf(newest);
    if (template === undefined) return;
    const count = new Set(instances.map(numberOf)).size;
    const nowMs = deps.now();
    const kept = core.record(id);
    if (kept === undefined && count < 2) return;
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
      return heldOff([id], async () => {
        const made = await act();
        await deps.failpoint('count.created');
        await counted(id);
        return made;
      });
    },
    async touching(container, how, act) {
      const id = container.record && serviceOf(container.record.request);
      if (id === undefined || core.record(id) === undefined) return act();
      return heldOff([id], async () => {
        if (how === 'stop') await mark(id, container.id, true);
        if (how === 'remove') await lower.mark(id, container);
        if (how === 'remove') await deps.failpoint('count.marked');
        try {
          const result = await act();
          if (how === 'start' || how === 'restart') await mark(id, container.id, false);
          if (how !== 'remove') return result;
          await deps.failpoint('count.removed');
          if (deps.containers().some((one) => one.id === container.id)) await lower.unmark(id, container);
          else await lower.lowered(id, [numberOf(container)]);
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
      return heldOff(
        before.map(({ id }) => id),
        async () => {
          const result = await act();
          const left = new Set(deps.containers().map((container) => container.id));
          for (const { id, instances } of before) {
            const gone = instances.filter((container) => !left.has(container.id));
            if (gone.length > 0) await lower.lowered(id, gone.map(numberOf));
          }
          return result;
        },
      );
    },
  };
}

export function newRecord(
  id: ServiceId,
  { origin, desired, template, nowMs }: Pick<ServiceRecord, 'origin' | 'desired' | 'template'> & { readonly nowMs: number },
): ServiceRecord {
  return {
    deployment: id.deployment,
    service: id.service,
    origin,
    desired,
    countedAtMs: nowMs,
    template,
    update: UPDATE_DEFAULTS,
    labels: {},
    stopped: [],
    version: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}
