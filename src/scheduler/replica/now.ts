/** Whether the view shows all that clients were answered. No effects but what it waits for. */
import type { Logger } from '../../telemetry/log.ts';
import { inBackground } from '../../telemetry/faults.ts';

export interface NowParts {
  /** Why nothing may be changed now: another may lead, who has answered clients of what is not known here. */
  readonly frozen: () => string | undefined;
  /** Resolves when the view is complete; rejects where that takes too long. */
  readonly ready: (signal: AbortSignal) => Promise<void>;
  /** The refreshes under way are done; undefined: there are none. */
  readonly settled: () => Promise<void> | undefined;
  readonly log: Logger;
}

/** Resolves with true once it does; undefined: that cannot be said. Never rejects. */
export function createNow({ frozen, ready, settled, log }: NowParts, lost: AbortSignal): () => Promise<true | undefined> {
  let [isReady, isAwaited] = [false, false];
  const beReady = async (): Promise<void> => {
    if (isAwaited) return;
    isAwaited = true;
    await ready(lost).then(
      () => {
        isReady = true;
      },
      () => undefined,
    );
    isAwaited = false;
  };
  return async () => {
    // nobody waits for it: the follower asks the leader, as it would without a copy
    if (!isReady) inBackground(log, 'the readiness of the view', beReady());
    else await settled();
    return isReady && frozen() === undefined && !lost.aborted ? true : undefined;
  };
}
