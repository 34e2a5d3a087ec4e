/** The listeners for changes of the view. Effects: timers. */
import { guarded } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

export interface ChangeListeners {
  /** Something changed: the listeners are called once for all changes of one turn of the event loop. */
  readonly changed: () => void;
  readonly add: (listener: () => void, signal: AbortSignal) => void;
  /** Resolves at the next change, or after `ms`. */
  readonly next: (ms: number) => Promise<void>;
}

export function createChangeListeners(log: Logger, lost: AbortSignal): ChangeListeners {
  const listeners = new Set<() => void>();
  let isPending = false;
  lost.addEventListener('abort', () => listeners.clear());
  return {
    changed() {
      if (isPending) return;
      isPending = true;
      setImmediate(() => {
        isPending = false;
        for (const listener of listeners) listener();
      });
    },
    add(listener, signal) {
      if (signal.aborted) return;
      // One that throws must not keep the change from the others.
      const own = guarded(log, 'a listener for changes', listener);
      listeners.add(own);
      signal.addEventListener('abort', () => listeners.delete(own), { once: true });
    },
    next: (ms) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          listeners.delete(done);
          resolve();
        };
        const timer = setTimeout(done, Math.max(1, ms));
        listeners.add(done);
      }),
  };
}
