/** Drains a host: each instance is replaced elsewhere before it is removed, a few at a time. Effects: those of migrations. */
import type { DrainResult, HostOperations, Progress, Services } from '../../contracts/index.ts';
import { ArpanetError, type DrainDeadline, type HostView, UPDATE_DEFAULTS } from '../../model/index.ts';
import type { InstanceActions } from '../replicas/instance-actions.ts';
import type { Core } from '../core.ts';
import { type DrainEnd, watchDrain } from './drain-end.ts';
import { planDrain } from './drain-plan.ts';
import { ACTIVATING, DRAINING, type HostLock } from './host-lock.ts';
import { tryAll } from '../../async/limit.ts';
import type { Migrations } from './migration.ts';
import { moveAll, SERVICES_AT_ONCE, unmoved } from './move-all.ts';
import { refuseLost } from '../leading.ts';
import { hostNamed } from '../../config/nearest.ts';

/** Of a host's record (`drainedFor`): it takes containers again once its upgrade has ended. */
export const FOR_UPGRADE = 'upgrade';

export interface Drain {
  /** `drainedFor`: of one that is no operator's own, as the host's record keeps it. */
  readonly drain: (
    host: string,
    progress: Progress,
    options?: { readonly deadlineMs?: number; readonly drainedFor?: string },
  ) => ReturnType<Services['drain']>;
  readonly activate: HostOperations['activate'];
  /** Continues what an earlier leader began; not where that was for an upgrade, which has its own end (upgrade-host.ts). */
  readonly resume: () => void;
}

export function createDrain(core: Core, actions: InstanceActions, migrations: Migrations, lock: HostLock): Drain {
  const { deps, lost } = core;
  const closing = new Set<string>();

  const isDraining = (host: string): boolean =>
    deps.scheduler.hosts.list().some(({ name, record }) => name === host && record.availability === 'drain');

  async function empty(host: string, progress: Progress, deadline?: DrainDeadline): Promise<DrainResult> {
    using end = watchDrain(deadline, deps.now(), () => !isDraining(host));
    return await move(host, progress, end);
  }

  async function move(host: string, progress: Progress, end: DrainEnd): Promise<DrainResult> {
    const plan = planDrain(host, core.list(), deps.scheduler.containers.list());
    progress(`${host}: takes no new containers; ${plan.moves.length} to move, ${plan.ends.length} to end, ${plan.stays.length} stay`);
    const { moved, stays } = await moveAll(plan.moves, { migrations, lost, progress, end });
    const ended: string[] = [];
    const all = [...plan.stays, ...stays];
    await tryAll(plan.ends, SERVICES_AT_ONCE, async ({ service, container }) => {
      const { drainMs } = service.record?.update ?? UPDATE_DEFAULTS;
      if (end.signal.aborted) {
        all.push({ container: container.name, why: end.why() });
        return;
      }
      try {
        await core.operate(service, `being ended on ${host}`, () => actions.remove(container, drainMs, core.record(service)));
        ended.push(container.name);
        const why =
          service.record?.isGlobal === true ? 'it runs once on every host that takes containers' : 'its job runs it again elsewhere';
        progress(`${host}: ${container.name} has ended: ${why}`);
      } catch (error) {
        all.push(unmoved(container, error));
      }
    });
    refuseLost(lost);
    for (const { container, why } of all) progress(`${host}: ${container} stays: ${why}`);
    return { host, moved, ended, stays: all };
  }

  return {
    async drain(name, progress, { deadlineMs, drainedFor } = {}) {
      const hosts = deps.scheduler.hosts.list();
      const { name: host, state } = hostNamed(name, hosts);
      if (state !== 'alive')
        throw new ArpanetError(
          'conflict',
          `${host} is ${state}: nothing can be moved off it; maintained services are started elsewhere without help ("arpanet hosts rm ${host} --force" abandons the rest)`,
        );
      const isOpen = (one: HostView) => one.state === 'alive' && one.record.availability === 'active' && !closing.has(one.name);
      const others = hosts.filter((one) => one.name !== host && isOpen(one));
      if (others.length === 0)
        throw new ArpanetError(
          'conflict',
          `${host} is the last host that takes containers: its instances have nowhere to go; start another ("arpanet agent --join …") or activate one first`,
        );
      const deadline = deadlineMs === undefined ? undefined : { afterMs: deadlineMs, atMs: deps.now() + deadlineMs };
      return lock.hold(host, DRAINING, async () => {
        // Two at once must not leave none.
        closing.add(host);
        try {
          await deps.scheduler.hosts.update(host, {
            availability: 'drain',
            ...(deadline !== undefined && { drainDeadline: deadline }),
            ...(drainedFor !== undefined && { drainedFor }),
          });
        } finally {
          closing.delete(host);
        }
        return empty(host, progress, deadline);
      });
    },
    async activate(name) {
      const { name: host } = hostNamed(name, deps.scheduler.hosts.list());
      const activated = async () => {
        await deps.scheduler.hosts.update(host, { availability: 'active' });
        return { host };
      };
      // cancels the drain, which looks at the availability; two that activate it want the same
      const doing = lock.doing(host);
      return doing === DRAINING || doing === ACTIVATING ? activated() : lock.hold(host, ACTIVATING, activated);
    },
    resume() {
      const progress = (line: string) => deps.log.info({ line }, 'drain resumed');
      for (const { name, state, record } of deps.scheduler.hosts.list()) {
        const { drainDeadline, drainedFor } = record;
        const isOver = drainDeadline !== undefined && drainDeadline.atMs <= deps.now();
        if (record.availability !== 'drain' || state !== 'alive' || isOver || drainedFor === FOR_UPGRADE) continue;
        lock
          .hold(name, DRAINING, () => empty(name, progress, drainDeadline))
          .catch((error: unknown) => lost.aborted || deps.log.warn({ host: name, err: error }, 'a drain stopped'));
      }
    },
  };
}
