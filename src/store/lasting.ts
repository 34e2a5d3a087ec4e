/** Effects: timers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind } from '../model/index.ts';

const RETRY_MS = 500;

/** Asks the store again, through its outages, until it answers. Rejects with another error, or when the signal aborts. */
export async function lasting<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!isKind(error, 'unavailable')) throw error;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}
