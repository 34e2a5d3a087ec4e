/** Effects: a timer, the log. Names each request that has had no answer for half a minute, once: what hangs can then be looked for by its id. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../telemetry/log.ts';

const EVERY_MS = 10_000;
const LONG_MS = 30_000;

export interface Unanswered {
  /** Returns what to call when the request is done with. One whose head is sent has its answer, and so has one whose socket was taken over. */
  begin(req: IncomingMessage, res: ServerResponse, requestId: string): () => void;
  close(): void;
}

export function watchUnanswered(log: Pick<Logger, 'warn'>, everyMs = EVERY_MS, longMs = LONG_MS): Unanswered {
  const waiting = new Map<ServerResponse, { readonly req: IncomingMessage; readonly requestId: string; readonly sinceMs: number }>();
  const timer = setInterval(() => {
    for (const [res, { req, requestId, sinceMs }] of waiting) {
      const ms = Math.round(performance.now() - sinceMs);
      if (res.headersSent || res.socket === null) waiting.delete(res);
      else if (ms >= longMs) {
        waiting.delete(res);
        log.warn({ requestId, method: req.method, url: req.url, ms, hasLeft: req.socket.destroyed }, 'a request has no answer yet');
      }
    }
  }, everyMs);
  timer.unref();
  return {
    begin(req, res, requestId) {
      waiting.set(res, { req, requestId, sinceMs: performance.now() });
      return () => void waiting.delete(res);
    },
    close: () => clearInterval(timer),
  };
}
