/**
 * Effects: asks a leader that owes answers whether it still lives. A stopped process, or one that is cut off, refuses nothing and says nothing: after
 * two silent checks in a row (8 s at most) nobody waits for its answers any longer.
 */
import type { ConnectionOptions } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { shortRequest } from '../engine/index.ts';

export interface LeaderHealth {
  /** Calls back, once, when the scheduler at this url does not answer. Returns how to stop watching. */
  watch(url: string, onSilent: () => void): () => void;
  close(): void;
}

const EVERY_MS = 1_500;
const PATIENCE_MS = 2_500;
const STRIKES = 2;

export function createLeaderHealth(tls: () => ConnectionOptions | undefined, everyMs = EVERY_MS, patienceMs = PATIENCE_MS): LeaderHealth {
  const watched = new Map<string, Set<() => void>>();
  const closed = new AbortController();

  async function lives(url: string): Promise<boolean> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), patienceMs);
    try {
      await shortRequest({ url: `${url}/arpanet/v1/health`, signal: late.signal, tls: tls() });
      return true;
    } catch {
      // A refused connection is the sender's own to see.
      return !late.signal.aborted;
    } finally {
      clearTimeout(timer);
    }
  }

  async function check(url: string, waiting: Set<() => void>): Promise<void> {
    for (let strikes = 0; ; ) {
      await sleep(everyMs, undefined, { signal: closed.signal, ref: false });
      if (waiting.size === 0) break;
      strikes = (await lives(url)) ? 0 : strikes + 1;
      if (strikes < STRIKES) continue;
      for (const callback of waiting) callback();
      break;
    }
  }

  return {
    watch(url, onSilent) {
      let waiting = watched.get(url);
      if (waiting === undefined) {
        const fresh = new Set<() => void>();
        waiting = fresh;
        watched.set(url, fresh);
        check(url, fresh).then(
          () => watched.delete(url),
          () => watched.delete(url),
        );
      }
      const mine = waiting;
      mine.add(onSilent);
      return () => {
        mine.delete(onSilent);
      };
    },
    close: () => closed.abort(),
  };
}
