/** Whether a leader is of any use: one that no host has reached for long, by any scheduler, gives the lead to another. Effects: a timer. */

export interface Isolation {
  /** Fires when no known host has sent a message for `patienceMs`. */
  readonly watch: (leader: Watched, lost: AbortSignal) => AbortSignal;
}

export interface Watched {
  readonly hosts: () => readonly unknown[];
  /** When the last message of any host arrived in this term. */
  readonly lastHeardMs: () => number | undefined;
}

const LOOK_EVERY_MS = 500;
const MOST_DOUBLINGS = 5;

/** Where the hosts themselves are all gone nobody does better: patience doubles with each term in which none was heard. */
export function createIsolation(patienceMs: () => number, now: () => number): Isolation {
  let lonelyTerms = 0;
  return {
    watch({ hosts, lastHeardMs }, lost) {
      const isolated = new AbortController();
      const sinceMs = now();
      const timer = setInterval(() => {
        if (isolated.signal.aborted) return;
        const heardMs = lastHeardMs();
        if (heardMs !== undefined) lonelyTerms = 0;
        const boundMs = patienceMs() * 2 ** Math.min(lonelyTerms, MOST_DOUBLINGS);
        if (hosts().length === 0 || now() - (heardMs ?? sinceMs) < boundMs) return;
        clearInterval(timer);
        if (heardMs === undefined) lonelyTerms++;
        isolated.abort();
      }, LOOK_EVERY_MS);
      lost.addEventListener('abort', () => clearInterval(timer), { once: true });
      return isolated.signal;
    },
  };
}
