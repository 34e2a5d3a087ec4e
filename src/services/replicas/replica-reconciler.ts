/**
 * The reconciler of replicas: after each change, and when a back-off is over, it brings services to their desired counts. Effects: timers; those of
 * instance-actions.
 */
import { ArpanetError, type ContainerView, type ServiceId, type ServiceRecord, serviceKey } from '../../model/index.ts';
import type { InstanceActions } from './instance-actions.ts';
import { tryAll } from '../../async/limit.ts';
import type { Core } from '../core.ts';
import { globalCount } from './global.ts';
import { createCountRemovals } from './count-removals.ts';
import { guarded } from '../../telemetry/faults.ts';
import { actionsTaken, reconcilerErrors } from './reconciler-metrics.ts';
import { type Attempt, isTaskLost, progressOf, reconcile, type Step } from './replica-plan.ts';

/** Changes come in bursts. */
const SETTLE_MS = 200;
const AT_ONCE = 4;
const REMOVE_DRAIN_MS = 1_000;
/** No restart policy counts more attempts. */
const MOST_TIMES = 1_000;

export interface ReplicaReconciler {
  /** Reconciles a service now. Resolves when all steps are done; rejects with the first failure. */
  readonly look: (id: ServiceId) => Promise<void>;
  /** Reconciles it in `ms` (200 unless given), once no operation or client's call runs on it. */
  readonly soon: (id: ServiceId, ms?: number) => void;
  /**
   * For an operation that holds the service: brings it to `desired` instances. Resolves with how many run, as soon as they do; with fewer when the
   * desired count was changed meanwhile, or after `timeoutMs`. Rejects with the first failure of a step, `unavailable` when this scheduler no longer
   * leads.
   */
  readonly reach: (id: ServiceId, desired: number, timeoutMs: number) => Promise<number>;
  /** Resolves when the view is complete, or leadership has ended. */
  readonly ready: Promise<void>;
}

export function startReplicaReconciler(core: Core, actions: InstanceActions): ReplicaReconciler {
  const { deps, lost } = core;
  const { leader, view, containers } = deps.scheduler;
  const removals = createCountRemovals(core);
  /** Called when a service that an operation brings to its count should be looked at again. */
  const waiting = new Map<string, () => void>();
  let scan: NodeJS.Timeout | undefined;
  let isReady = false;

  function soon(id: ServiceId, ms = SETTLE_MS): void {
    const runtime = core.runtime(id);
    clearTimeout(runtime.timer);
    if (lost.aborted) return;
    runtime.timer = setTimeout(
      guarded(deps.log, 'a look at a service', () => {
        const wake = waiting.get(serviceKey(id));
        return wake === undefined ? lookQuietly(id) : wake();
      }),
      Math.max(ms, 1),
    );
  }

  function isPaused(id: ServiceId): boolean {
    const { busy, operation } = core.runtime(id);
    return busy > 0 || operation !== undefined || !isReady || leader.frozen() !== undefined;
  }

  async function lookQuietly(id: ServiceId): Promise<void> {
    if (isPaused(id)) return soon(id, 1_000);
    await look(id, () => isPaused(id)).catch((error: unknown) => {
      reconcilerErrors.inc({ reconciler: 'count' });
      deps.log.warn({ service: serviceKey(id), err: error }, 'could not bring a service to its count; tried again');
    });
  }

  /** One run after the other. */
  async function look(id: ServiceId, isCancelled: () => boolean = () => false): Promise<void> {
    return core.runs.serial(serviceKey(id), async () => (isCancelled() ? undefined : once(id)));
  }

  async function reach(id: ServiceId, desired: number, timeoutMs: number): Promise<number> {
    let isOver = false;
    let isDue = false;
    let resume = (): void => undefined;
    const wake = (): void => {
      isDue = true;
      resume();
    };
    const timer = setTimeout(() => {
      isOver = true;
      wake();
    }, timeoutMs);
    lost.addEventListener('abort', wake, { once: true });
    waiting.set(serviceKey(id), wake);
    try {
      for (;;) {
        isDue = false;
        await look(id);
        if (lost.aborted) throw new ArpanetError('unavailable', 'this scheduler no longer leads');
        const record = core.record(id);
        const { running, isReached } = progressOf(core.instances(id), record, desired);
        if (isReached || isOver || record?.desired !== desired) return running;
        if (!isDue) await new Promise<void>((resolve) => (resume = resolve));
      }
    } finally {
      waiting.delete(serviceKey(id));
      clearTimeout(timer);
      lost.removeEventListener('abort', wake);
    }
  }

  async function once(id: ServiceId): Promise<void> {
    const record = await counted(id);
    if (record === undefined || lost.aborted) return;
    const runtime = core.runtime(id);
    if ((record.removing ?? []).length > 0 && (await removals.settle(id, record))) return soon(id, 1);
    const instances = core.instances(id);
    const input = { record, instances, unseen: core.unseen(id), attempts: runtime.attempts, nowMs: deps.now() };
    const { steps, againAtMs, trouble } = reconcile(input);
    const known = new Set(instances.map((container) => container.id));
    for (const key of runtime.attempts.keys()) if (key !== 'create' && !known.has(key)) runtime.attempts.delete(key);
    if (trouble !== undefined || !runtime.attempts.has('create')) runtime.trouble = trouble;
    if (againAtMs !== undefined) soon(id, againAtMs - deps.now());
    if (steps.length === 0) return;
    deps.log.info({ service: serviceKey(id), desired: record.desired, steps: steps.map(describe) }, 'bringing a service to its count');
    const failures = await tryAll(steps, AT_ONCE, (step) => take(id, record, step));
    for (const { do: action } of steps) actionsTaken.inc({ reconciler: 'count', action });
    if (failures.length > 0) {
      soon(id, 1_000);
      throw failures[0];
    }
    soon(id);
  }

  /** The record; that of a global service with as many instances as its hosts are now. */
  async function counted(id: ServiceId): Promise<ServiceRecord | undefined> {
    const record = core.record(id);
    if (record?.isGlobal !== true || lost.aborted) return record;
    const desired = globalCount(core, record);
    return core.put(id, (before) => (before === undefined || before.desired === desired ? before : { ...before, desired }));
  }

  async function take(id: ServiceId, record: ServiceRecord, step: Step): Promise<void> {
    const { attempts } = core.runtime(id);
    const tried = (key: string, more: Pick<Attempt, 'startedAt' | 'isTaskLost'> = {}): void => {
      const { count = 0, times = [] } = attempts.get(key) ?? {};
      const atMs = deps.now();
      attempts.set(key, { count: count + 1, atMs, times: [...times, atMs].slice(-MOST_TIMES), ...more });
    };
    const begin = async (container: ContainerView): Promise<void> => {
      const { id: key, name, host } = container;
      const { StartedAt: startedAt } = container.facts.inspect.State;
      tried(key, { startedAt });
      try {
        await actions.start(container);
      } catch (error) {
        const attempt = attempts.get(key);
        if (attempt !== undefined && isTaskLost(error)) {
          attempts.set(key, { ...attempt, isTaskLost: true });
          deps.log.warn(
            { container: name, host, tries: attempt.count },
            'an Engine has lost track of a container, which is made again if that stays so',
          );
        }
        throw error;
      }
    };
    switch (step.do) {
      case 'add':
        try {
          const made = await actions.add(record.template, step.number);
          attempts.delete('create');
          await removeOrphan(id, made, record);
          core.runtime(id).trouble = undefined;
        } catch (error) {
          tried('create');
          core.runtime(id).trouble = error instanceof Error ? error.message : String(error);
          throw error;
        }
        return;
      case 'start':
        return begin(step.container);
      case 'remove':
        return actions.remove(step.container, REMOVE_DRAIN_MS, record);
      case 'count':
        await core.put(
          id,
          (before) => before && { ...before, desired: step.desired, countedAtMs: deps.now(), version: before.version + 1 },
        );
    }
  }

  /** Removes an instance whose service was removed while it was being created. */
  async function removeOrphan(id: ServiceId, made: string, record: ServiceRecord): Promise<void> {
    if (core.record(id) !== undefined || lost.aborted) return;
    const container = containers.list().find((one) => one.id === made);
    if (container !== undefined) await actions.remove(container, 0, record);
  }

  function scanAll(): void {
    scan = undefined;
    for (const { deployment, service } of core.records()) soon({ deployment, service }, 1);
  }

  view.onChange(() => {
    for (const wake of waiting.values()) wake();
    scan ??= setTimeout(guarded(deps.log, 'a look at all services', scanAll), SETTLE_MS);
  }, lost);
  lost.addEventListener('abort', () => clearTimeout(scan));
  const ready = untilReady();

  async function untilReady(): Promise<void> {
    while (!lost.aborted && !isReady) {
      try {
        await leader.ready(lost);
        isReady = true;
      } catch {
        // it rejects after a while; it is asked again for as long as this scheduler leads
      }
    }
    if (isReady) scanAll();
  }

  return { look, soon, reach, ready };
}

const describe = (step: Step): string =>
  step.do === 'add' ? `add ${step.number}` : step.do === 'count' ? `count ${step.desired}` : `${step.do} ${step.container.name}`;
