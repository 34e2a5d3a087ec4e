/** Effects: a clock, by which the parts of an agent compare what is with what should be. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Networks are compared with their plans this often, without cause: somebody may have changed the kernel's side. */
const RECONCILE_MS = 10_000;

/** Until the signal aborts. None of the passes throws. */
export async function reconcileRegularly(passes: readonly (() => Promise<void>)[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await Promise.all(passes.map((pass) => pass()));
    await sleep(RECONCILE_MS, undefined, { signal }).catch(() => undefined);
  }
}
