/** Effects: asks this host's Engine every other second whether it answers. One that hangs (stopped, no memory, a stuck disk) closes no connection. */
import { setTimeout as sleep } from 'node:timers/promises';
import { engineRequest, type EngineTarget } from '../../engine/request.ts';

const EVERY_MS = 2_000;
const PATIENCE_MS = 2_000;

/** `tell(false)` for as long as no ping is answered, `tell(true)` once when one is again. An Engine that refuses connections is away, not hung. */
export async function watchEngine(engine: EngineTarget, tell: (answers: boolean) => void, signal: AbortSignal): Promise<void> {
  let isHung = false;
  while (!signal.aborted) {
    const began = performance.now();
    const answered = await engineRequest(engine, { method: 'GET', path: '/_ping', timeoutMs: PATIENCE_MS, signal }).then(
      () => true,
      () => performance.now() - began < PATIENCE_MS,
    );
    if (signal.aborted) return;
    if (isHung || !answered) tell(answered);
    isHung = !answered;
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
