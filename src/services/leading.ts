/** Waiting under a leadership that may end meanwhile: who waits reads that, and not that something was aborted. Effects: timers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArpanetError } from '../model/index.ts';

/** Throws `unavailable` once this scheduler no longer leads. */
export function refuseLost(lost: AbortSignal): void {
  if (lost.aborted) throw new ArpanetError('unavailable', 'this scheduler no longer leads: the next leader continues');
}

/** Resolves after so many milliseconds. Throws `unavailable` at once when the leadership ends. */
export async function pauseWhileLeading(ms: number, lost: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: lost }).catch(() => undefined);
  refuseLost(lost);
}
