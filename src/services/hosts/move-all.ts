/** Several migrations, two services at once. Effects: those of migrations. */
import type { MovedInstance, Progress, UnmovedContainer } from '../../contracts/index.ts';
import { type ContainerView, type ServiceView, serviceKey } from '../../model/index.ts';
import { tryAll } from '../../async/limit.ts';
import type { DrainEnd } from './drain-end.ts';
import type { Migrations } from './migration.ts';
import { refuseLost } from '../leading.ts';

/** Services at once; of one service always one instance after the other, and each start-first: none ever has fewer than before. */
export const SERVICES_AT_ONCE = 2;

/** Resolves with what was moved, and what was not and why; without waiting for the rest once `end` aborts. Throws `unavailable` when this scheduler no longer leads. */
export async function moveAll(
  moves: readonly { readonly service: ServiceView; readonly container: ContainerView; readonly to?: string }[],
  parts: { readonly migrations: Migrations; readonly lost: AbortSignal; readonly progress: Progress; readonly end?: DrainEnd },
): Promise<{ readonly moved: readonly MovedInstance[]; readonly stays: readonly UnmovedContainer[] }> {
  const moved: MovedInstance[] = [];
  const stays: UnmovedContainer[] = [];
  const { end } = parts;
  await tryAll([...grouped(moves).values()], SERVICES_AT_ONCE, async (own) => {
    for (const { service, container, to } of own) {
      if (end?.signal.aborted === true) {
        stays.push({ container: container.name, why: end.why() });
        continue;
      }
      try {
        parts.progress(`${serviceKey(service)}: moving ${container.name} off ${container.host}${to === undefined ? '' : ` to ${to}`}`);
        const made = await untilEnd(parts.migrations.move(service, container, to), end);
        if (made === undefined) {
          stays.push({ container: container.name, why: `${end?.why() ?? ''}; its move has begun and goes on` });
          continue;
        }
        moved.push({ from: container.name, to: made.name, host: made.host });
        parts.progress(`${serviceKey(service)}: ${container.name} -> ${made.name} on ${made.host} (${moved.length} of ${moves.length})`);
      } catch (error) {
        if (parts.lost.aborted) throw error;
        stays.push(unmoved(container, error));
      }
    }
  });
  refuseLost(parts.lost);
  return { moved, stays };
}

/** Undefined: `end` aborted first. The move goes on by its own record. */
function untilEnd<T>(move: Promise<T>, end: DrainEnd | undefined): Promise<T | undefined> {
  if (end === undefined) return move;
  return new Promise((resolve, reject) => {
    end.signal.addEventListener('abort', () => resolve(undefined), { once: true });
    move.then(resolve, reject);
  });
}

export const unmoved = (container: ContainerView, error: unknown): UnmovedContainer => ({
  container: container.name,
  why: error instanceof Error ? error.message : String(error),
});

function grouped<T extends { readonly service: ServiceView }>(moves: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const move of moves) groups.set(serviceKey(move.service), [...(groups.get(serviceKey(move.service)) ?? []), move]);
  return groups;
}
