/** Starts elsewhere, under the same name and address, what ran on a lost host. Effects: timers; those of instance-actions. */
import type { ContainerView } from '../../model/index.ts';
import { guarded, inBackground, reportFault } from '../../telemetry/faults.ts';
import type { InstanceActions } from '../replicas/instance-actions.ts';
import type { Core } from '../core.ts';
import { serviceOf } from '../counted-service.ts';
import { tryAll } from '../../async/limit.ts';
import { actionsTaken, reconcilerErrors } from '../replicas/reconciler-metrics.ts';
import type { ReplicaReconciler } from '../replicas/replica-reconciler.ts';
import { lostHosts } from './lost-hosts.ts';
import { type Attempt, backoffMs } from '../replicas/replica-plan.ts';
import { planReschedule } from './reschedule-plan.ts';

/** Changes come in bursts. */
const SETTLE_MS = 200;
const LOOK_AGAIN_MS = 1_000;
const AT_ONCE = 4;

export function startRescheduling(core: Core, actions: InstanceActions, reconciler: ReplicaReconciler): void {
  const { deps, lost } = core;
  const { containers, hosts } = deps.scheduler;
  const attempts = new Map<string, Attempt & { readonly why: string }>();
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let isReady = false;
  let isLooking = false;

  function soon(ms: number): void {
    const atMs = deps.now() + ms;
    if (lost.aborted || (timer !== undefined && atMs >= dueMs)) return;
    clearTimeout(timer);
    dueMs = atMs;
    timer = setTimeout(
      guarded(deps.log, 'rescheduling', () => {
        timer = undefined;
        return look();
      }),
      ms,
    );
  }

  async function look(): Promise<void> {
    if (isLooking) return soon(SETTLE_MS);
    isLooking = true;
    try {
      await once();
    } catch (error) {
      reportFault(deps.log, 'rescheduling', error);
      soon(LOOK_AGAIN_MS);
    } finally {
      isLooking = false;
    }
  }

  async function once(): Promise<void> {
    const down = lostHosts(hosts.list(), deps.now(), deps.lostAfterMs());
    if (down.againInMs !== undefined) soon(down.againInMs);
    if (!isReady || deps.scheduler.leader.frozen() !== undefined) return soon(LOOK_AGAIN_MS);
    const stopped = new Set(core.records().flatMap((record) => record.stopped));
    const plan = planReschedule({
      // while no host is lost, only what replaces one may have to be started yet
      containers: down.lost.size > 0 ? containers.list() : deps.scheduler.view.containersBy.replacements(),
      lostHosts: down.lost,
      isHeld: (id) => core.record(id) !== undefined,
      isRestartEnough: deps.isRestartEnough(),
      stopped,
    });
    core.stuck.clear();
    for (const { container, why } of plan.wait) core.stuck.set(container.id, { name: container.name, why });
    const known = new Set([...plan.replace, ...plan.start].map(({ id }) => id));
    for (const id of attempts.keys()) if (!known.has(id)) attempts.delete(id);
    await tryAll(plan.replace, AT_ONCE, (container) => tried(container, () => actions.replaceLost(container)));
    await tryAll(plan.start, AT_ONCE, (container) => tried(container, () => actions.start(container)));
    if (core.stuck.size > 0) soon(LOOK_AGAIN_MS);
  }

  async function tried(container: ContainerView, work: () => Promise<unknown>): Promise<void> {
    const { id, name } = container;
    const service = container.record && serviceOf(container.record.request);
    const runtime = service && core.runtime(service);
    if (runtime !== undefined && (runtime.busy > 0 || runtime.operation !== undefined)) return soon(LOOK_AGAIN_MS);
    const before = attempts.get(id);
    if (before !== undefined && before.atMs + backoffMs(before.count - 1) > deps.now()) {
      core.stuck.set(id, { name, why: before.why });
      return;
    }
    try {
      await work();
      actionsTaken.inc({ reconciler: 'lost containers', action: 'replace' });
      attempts.delete(id);
      if (service !== undefined && core.record(service) !== undefined) reconciler.soon(service);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      attempts.set(id, { count: (before?.count ?? 0) + 1, atMs: deps.now(), why });
      core.stuck.set(id, { name, why });
      reconcilerErrors.inc({ reconciler: 'lost containers' });
      deps.log.warn({ container: name, host: container.host, err: error }, 'could not replace a lost container; tried again');
    }
  }

  deps.scheduler.view.onChange(() => soon(SETTLE_MS), lost);
  lost.addEventListener('abort', () => clearTimeout(timer));
  inBackground(
    deps.log,
    'rescheduling',
    reconciler.ready.then(() => {
      isReady = true;
      soon(1);
    }),
  );
}
