/** Work that is waited for only so long. Effects: timers. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves with what `work` gives, or rejects with what `otherwise` makes when `ms` have passed. `work` itself goes on. */
export async function within<T>(ms: number, work: Promise<T>, otherwise: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(otherwise()), ms);
  });
  try {
    return await Promise.race([work, bound]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when `work` has ended or `ms` have passed, whichever is first. Rejects with the signal's reason once that aborts. `work` itself goes on. */
export async function patientlyFor(ms: number, work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([
      work,
      sleep(ms, undefined, { signal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]) }),
    ]);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    over.abort();
  }
}
