/**
 * Effects: pings an Engine that owes an answer. One that works (df may take a minute) answers pings meanwhile; one that hangs costs its own answer
 * only, and nobody waits for it for more than two seconds.
 */
import type { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineRequest } from '../../engine/index.ts';
import { ArpanetError, type HostView, isUnreachable } from '../../model/index.ts';

/** Most answers come sooner, and then nothing is pinged. */
const FIRST_AFTER_MS = 300;
const PATIENCE_MS = 1_400;
const EVERY_MS = 2_000;

/** What `ask` gives. Rejects with `timeout` as soon as the Engine answers no ping; `ask` is then aborted. */
export async function whileAlive<T>(agent: Agent, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const { signal } = over;
  const watch = async (): Promise<never> => {
    await sleep(FIRST_AFTER_MS, undefined, { signal });
    for (;;) {
      await engineRequest({ agent }, { method: 'GET', path: '/_ping', timeoutMs: PATIENCE_MS, signal }).catch((cause: unknown) => {
        throw new ArpanetError('timeout', 'its Engine does not answer', { cause });
      });
      await sleep(EVERY_MS, undefined, { signal });
    }
  };
  try {
    return await Promise.race([ask(signal), watch()]);
  } finally {
    over.abort();
  }
}

/** What of the cluster is known to be silent, for a `Warning` header: what a list says of these hosts may be old, or missing. */
export function hostWarnings(hosts: readonly HostView[]): readonly string[] {
  return hosts.flatMap(({ name, state, why }) => {
    if (isUnreachable(state)) return [`host ${name}: ${state}`];
    return state === 'alive' && why !== undefined ? [`host ${name}: ${why}`] : [];
  });
}
