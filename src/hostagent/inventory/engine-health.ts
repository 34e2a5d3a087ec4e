/** Effects: pings this host's Engine. One that hangs (SIGSTOP, no memory, a stuck disk) closes no connection, so the event feed stays silent. */
import { setTimeout as sleep } from 'node:timers/promises';
import { engineRequest, type EngineTarget } from '../../engine/request.ts';

const EVERY_MS = 2_000;
const TIMEOUT_MS = 2_000;

/**
 * Calls `report(false)` after each ping without an answer, and `report(true)` once when one is answered again. An Engine that refuses
 * connections is unreachable, not hung: the inventory reports it.
 */
export async function watchEngine(engine: EngineTarget, report: (answers: boolean) => void, signal: AbortSignal): Promise<void> {
  let isHung = false;
  while (!signal.aborted) {
    const began = performance.now();
    const answered = await engineRequest(engine, { method: 'GET', path: '/_ping', timeoutMs: TIMEOUT_MS, signal }).then(
      () => true,
      () => performance.now() - began < TIMEOUT_MS,
    );
    if (signal.aborted) return;
    if (isHung || !answered) report(answered);
    isHung = !answered;
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
