/** Waiting for what a deploy has begun. Effects: timers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArpanetError } from '../model/errors.ts';
import { stillWanted } from './unfinished.ts';

/** The cluster makes instances one after the other, an image may have to be copied to each host, and a health check takes its time. */
const WITHIN_MINUTES = 5;
const LOOK_EVERY_MS = 300;

/** What `look` finds in the end. Throws `timeout` when that is nothing for five minutes, and Stopped; `not yet` and `hint` are its words. */
export async function until<T>(notYet: string, hint: string, look: () => Promise<T | undefined>, signal?: AbortSignal): Promise<T> {
  const endMs = Date.now() + WITHIN_MINUTES * 60_000;
  for (;;) {
    stillWanted(signal);
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > endMs) throw new ArpanetError('timeout', `${notYet} after ${WITHIN_MINUTES} minutes${hint}`);
    await sleep(LOOK_EVERY_MS, undefined, signal && { signal }).catch(() => undefined);
  }
}
