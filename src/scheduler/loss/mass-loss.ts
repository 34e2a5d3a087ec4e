/** The one rule for mass loss: hosts that are lost at the same time, over a third of all, are suspect and not down. Pure. */

import { withinOf } from './same-time.ts';

/** Hosts whose last messages came within this time of each other are lost at the same time. */
const SAME_TIME_MS = 30_000;
/** A host that has been silent for this share of the time after which it is down counts too, so that none is down a moment before the next one. */
export const NEARLY_DOWN = 0.6;

/** For logs, events and `arpanet status`. */
export const MASS_LOSS =
  'over a third of the hosts were lost at the same time, which suggests a network fault: rescheduling is paused and their names stay until some are back';

/**
 * The hosts that are lost together with over a third of all, at least two: more likely the leader's fault, or the network's, than theirs. They come
 * back one after the other, so the rest stays suspect for `hostDownMs` after the last moment in which they were too many. Takes and returns that
 * moment by host. `hosts`: each with the time of its last message, or of the election; `count`: of all hosts, where those that were heard just now are left out.
 */
export function massLoss(
  hosts: readonly { readonly name: string; readonly heardMs: number }[],
  nowMs: number,
  hostDownMs: number,
  before: ReadonlyMap<string, number>,
  count = hosts.length,
): ReadonlyMap<string, number> {
  const silent = hosts.filter(({ heardMs }) => nowMs - heardMs >= hostDownMs * NEARLY_DOWN);
  const most = Math.max(1, Math.floor(count / 3));
  const near = withinOf(
    silent.map(({ heardMs }) => heardMs),
    SAME_TIME_MS,
  );
  const isOneOfMany = ({ heardMs }: { readonly heardMs: number }) => near(heardMs) > most;
  return new Map(
    silent.flatMap((host) => {
      const lastMs = isOneOfMany(host) ? nowMs : before.get(host.name);
      return lastMs === undefined || nowMs - lastMs >= hostDownMs ? [] : [[host.name, lastMs] as const];
    }),
  );
}
