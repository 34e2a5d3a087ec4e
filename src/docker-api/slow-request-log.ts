/** Effects: a timer, the log. Requests without an answer: each is named once after half a minute, so that what hangs can be looked for by its id; and a scheduler that stops waits for them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../telemetry/log.ts';

const EVERY_MS = 10_000;
const LONG_MS = 30_000;
const LOOK_MS = 10;

export interface Unanswered {
  /** Returns what to call when the request is done with; one whose answer is not at its end by then (`res`) is done at that. One of whose answer anything was said, upgrades included, has it. */
  begin(req: IncomingMessage, requestId: string, res?: ServerResponse): () => void;
  /** Settles when those that wait now have begun to be answered, and after that time (ms) at the latest. */
  settled(withinMs: number): Promise<void>;
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
  const isWaiting = (req: IncomingMessage): boolean => {
    const { saidBytes = 0 } = waiting.get(req) ?? {};
    return waiting.has(req) && !req.socket.destroyed && req.socket.bytesWritten <= saidBytes;
  };
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
    begin(req, requestId, res) {
      waiting.set(req, { requestId, sinceMs: performance.now(), saidBytes: req.socket.bytesWritten });
      const forget = (): void => {
        waiting.delete(req);
      };
      return () => {
        if (res === undefined || res.writableEnded || res.destroyed) forget();
        else res.once('close', forget);
      };
    },
    async settled(withinMs) {
      const end = performance.now() + withinMs;
      const begun = [...waiting.keys()];
      while (begun.some(isWaiting) && performance.now() < end) await sleep(LOOK_MS);
    },
    close: () => clearInterval(timer),
  };
}
