/** Draining a host: each instance's successor is good elsewhere before it leaves; a few at a time. Effects: those of moves. */
import { ArpanetError, type ContainerView, type HostView, type ServiceView, UPDATE_DEFAULTS } from '../../model/index.ts';
import type { Act } from '../replicas/instance-actions.ts';
import type { Core } from '../core.ts';
import { planDrain, type Stay } from './drain-plan.ts';
import type { HostLock } from './host-lock.ts';
import { inTurns } from '../replicas/replica-reconciler.ts';
import type { Moves } from './migration.ts';
import { hostNamed, keyOf } from '../service-reference.ts';
import type { Progress } from '../rollout/rollout.ts';

/** Services at once; of one service always one instance after the other, and each start-first: none ever has fewer than before. */
const BUDGET = 2;

export interface Moved {
  readonly from: string;
  readonly to: string;
  readonly host: string;
}

export interface Drained {
  readonly host: string;
  readonly moved: readonly Moved[];
  /** Names of instances of services that run once on every host. */
  readonly ended: readonly string[];
  readonly stays: readonly Stay[];
}

export interface Drain {
  /** Takes no new containers from now on; moves what can move. Throws `not-found`, and `conflict` for the last host. */
  readonly drain: (host: string, progress: Progress) => Promise<Drained>;
  /** Takes new containers again. */
  readonly activate: (host: string) => Promise<{ readonly host: string }>;
}

/** Moves them, two services at once; what failed, and why. */
export async function moveAll(
  moves: readonly { readonly service: ServiceView; readonly container: ContainerView; readonly to?: string }[],
  parts: { readonly moves: Moves; readonly lost: AbortSignal; readonly progress: Progress },
): Promise<{ readonly moved: readonly Moved[]; readonly stays: readonly Stay[] }> {
  const moved: Moved[] = [];
  const stays: Stay[] = [];
  await inTurns([...grouped(moves).values()], BUDGET, async (own) => {
    for (const { service, container, to } of own) {
      try {
        parts.progress(`${keyOf(service)}: moving ${container.name} off ${container.host}${to === undefined ? '' : ` to ${to}`}`);
        const made = await parts.moves.move(service, container, to);
        moved.push({ from: container.name, to: made.name, host: made.host });
        parts.progress(`${keyOf(service)}: ${container.name} -> ${made.name} on ${made.host} (${moved.length} of ${moves.length})`);
      } catch (error) {
        if (parts.lost.aborted) throw error;
        stays.push(staying(container, error));
      }
    }
  });
  refuseLost(parts.lost);
  return { moved, stays };
}

const staying = (container: ContainerView, error: unknown): Stay => ({
  container: container.name,
  why: error instanceof Error ? error.message : String(error),
});

function refuseLost(lost: AbortSignal): void {
  if (lost.aborted) throw new ArpanetError('unavailable', 'this scheduler leads no more: the next leader goes on');
}

export function createDrain(core: Core, act: Act, moves: Moves, lock: HostLock): Drain & { readonly resume: () => void } {
  const { deps, lost } = core;
  const closing = new Set<string>();

  async function empty(host: string, progress: Progress): Promise<Drained> {
    const plan = planDrain(host, core.list(), deps.containers());
    progress(`${host}: takes no new containers; ${plan.moves.length} to move, ${plan.ends.length} to end, ${plan.stays.length} stay`);
    const { moved, stays } = await moveAll(plan.moves, { moves, lost, progress });
    const ended: string[] = [];
    const all = [...plan.stays, ...stays];
    await inTurns(plan.ends, BUDGET, async ({ service, container }) => {
      const { drainMs } = service.record?.update ?? UPDATE_DEFAULTS;
      try {
        await core.operate(service, `being ended on ${host}`, () => act.remove(container, drainMs));
        ended.push(container.name);
        progress(`${host}: ${container.name} has ended: it runs once on every host that takes containers`);
      } catch (error) {
        all.push(staying(container, error));
      }
    });
    refuseLost(lost);
    for (const { container, why } of all) progress(`${host}: ${container} stays: ${why}`);
    return { host, moved, ended, stays: all };
  }

  return {
    async drain(name, progress) {
      const hosts = deps.hosts();
      const { name: host, state } = hostNamed(name, hosts);
      if (state !== 'alive')
        throw new ArpanetError(
          'conflict',
          `${host} is ${state}: nothing can be moved off it; held services come up elsewhere by themselves ("arpanet hosts rm ${host} --force" gives up the rest)`,
        );
      const isOpen = (one: HostView) => one.state === 'alive' && one.record.availability === 'active' && !closing.has(one.name);
      const others = hosts.filter((one) => one.name !== host && isOpen(one));
      if (others.length === 0)
        throw new ArpanetError(
          'conflict',
          `${host} is the last host that takes containers: nothing could go anywhere; start another ("arpanet agent --join …") or activate one first`,
        );
      return lock.hold(host, 'being drained', async () => {
        // Two at once must not leave none.
        closing.add(host);
        try {
          await deps.updateHost(host, { availability: 'drain' });
        } finally {
          closing.delete(host);
        }
        return empty(host, progress);
      });
    },
    async activate(name) {
      const { name: host } = hostNamed(name, deps.hosts());
      return lock.hold(host, 'being activated', async () => {
        await deps.updateHost(host, { availability: 'active' });
        return { host };
      });
    },
    resume() {
      const said = (line: string) => deps.log.info({ line }, 'drain, going on');
      for (const { name, state, record } of deps.hosts()) {
        if (record.availability !== 'drain' || state !== 'alive') continue;
        lock
          .hold(name, 'being drained', () => empty(name, said))
          .catch((error: unknown) => lost.aborted || deps.log.warn({ host: name, err: error }, 'a drain stopped'));
      }
    },
  };
}

function grouped<T extends { readonly service: ServiceView }>(moves: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const move of moves) groups.set(keyOf(move.service), [...(groups.get(keyOf(move.service)) ?? []), move]);
  return groups;
}
