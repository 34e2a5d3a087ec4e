/** Effects: follows the Engine's event feed (`GET /events`). Reconnects by itself, and says so: readers then read everything again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineEvent } from '../model/docker.ts';
import { accept, engineEvent, parseJson } from '../schemas/index.ts';
import { lines } from './lines.ts';
import { engineError, engineOpen, type EngineTarget } from './request.ts';

export type FeedItem =
  /** The feed is up: what happens from now on is yielded. What happened before must be read. */
  | { readonly kind: 'connected' }
  | { readonly kind: 'event'; readonly event: EngineEvent }
  /** A line that is no event; it is skipped. What it was about must be read. */
  | { readonly kind: 'malformed'; readonly reason: string }
  /** Once for each loss. */
  | { readonly kind: 'lost'; readonly reason: string };

export interface FeedOptions {
  readonly target: EngineTarget;
  readonly signal: AbortSignal;
  /** First and longest wait before dialling again; default 50 ms and 1 s. */
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
}

/** Ends, without throwing, when the signal fires. */
export async function* engineEvents(options: FeedOptions): AsyncGenerator<FeedItem, void> {
  const { target, signal, minDelayMs = 50, maxDelayMs = 1_000 } = options;
  let delayMs = minDelayMs;
  let isLossReported = false;
  while (!signal.aborted) {
    let reason = 'the Engine closed its event feed';
    try {
      // The Engine answers before it subscribes the client: `since` replays what happens in between.
      const since = (Date.now() / 1000).toFixed(3);
      const answer = await engineOpen(target, { method: 'GET', path: `/events?since=${since}`, signal, timeoutMs: 5_000 });
      if (answer.statusCode !== 200) throw engineError(answer.statusCode ?? 0, '');
      delayMs = minDelayMs;
      isLossReported = false;
      yield { kind: 'connected' };
      for await (const line of lines(answer)) yield itemOf(line);
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    if (signal.aborted) return;
    if (!isLossReported) yield { kind: 'lost', reason };
    isLossReported = true;
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
    delayMs = Math.min(delayMs * 2, maxDelayMs);
  }
}

function itemOf(line: string): FeedItem {
  try {
    return { kind: 'event', event: accept(engineEvent, parseJson(line), 'event') };
  } catch (error) {
    return { kind: 'malformed', reason: error instanceof Error ? error.message : String(error) };
  }
}
