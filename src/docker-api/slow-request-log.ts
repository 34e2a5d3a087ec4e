/** Effects: a timer, the log. Names each request that has had no answer for half a minute, once: what hangs can then be looked for by its id. */
import type { IncomingMessage } from 'node:http';
import type { Logger } from '../telemetry/log.ts';

const EVERY_MS = 10_000;
const LONG_MS = 30_000;

export interface Unanswered {
  /** Returns what to call when the request is done with. One of whose answer anything was said, upgrades included, has it. */
  begin(req: IncomingMessage, requestId: string): () => void;
  close(): void;
}

interface Waiting {
  readonly requestId: string;
  readonly sinceMs: number;
  /** What the connection had carried before. */
  readonly saidBytes: number;
}

export function watchUnanswered(log: Pick<Logger, 'warn'>, everyMs = EVERY_MS, longMs = LONG_MS): Unanswered {
  const waiting = new Map<IncomingMessage, Waiting>();
  const timer = setInterval(() => {
    for (const [req, { requestId, sinceMs, saidBytes }] of waiting) {
      const ms = Math.round(performance.now() - sinceMs);
      if (req.socket.bytesWritten > saidBytes) waiting.delete(req);
      else if (ms >= longMs) {
        waiting.delete(req);
        log.warn({ requestId, method: req.method, url: req.url, ms, hasLeft: req.socket.destroyed }, 'a request has no answer yet');
      }
    }
  }, everyMs);
  timer.unref();
  return {
    begin(req, requestId) {
      waiting.set(req, { requestId, sinceMs: performance.now(), saidBytes: req.socket.bytesWritten });
      return () => {
        waiting.delete(req);
      };
    },
    close: () => clearInterval(timer),
  };
}
