/** Hosts that have been down for so long that what ran there is started elsewhere. Pure. */
import type { HostView } from '../../model/index.ts';

export interface LostHosts {
  readonly lost: ReadonlySet<string>;
  /** In how many ms the next one counts as lost, unless it comes back. */
  readonly againInMs: number | undefined;
}

/** `lostAfterMs`: how long a host must have been unreachable. Hosts that are suspect are not lost, however long it lasts. */
export function lostHosts(
  hosts: readonly Pick<HostView, 'name' | 'state' | 'unreachableSinceMs'>[],
  nowMs: number,
  lostAfterMs: number,
): LostHosts {
  const down = hosts
    .filter(({ state }) => state === 'down')
    .map(({ name, unreachableSinceMs = nowMs }) => ({ name, leftMs: unreachableSinceMs + lostAfterMs - nowMs }));
  const waiting = down.flatMap(({ leftMs }) => (leftMs > 0 ? [leftMs] : []));
  return {
    lost: new Set(down.flatMap(({ name, leftMs }) => (leftMs > 0 ? [] : [name]))),
    againInMs: waiting.length > 0 ? Math.min(...waiting) + 1 : undefined,
  };
}
