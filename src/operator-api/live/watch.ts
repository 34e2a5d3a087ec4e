/**
 * Effects: `GET /arpanet/v1/watch`: all rows, then what changes of them and what happens, as server-sent events (WHATWG HTML, section 9.2). What has
 * changed is found once for all that see the same, at most once a second, and less often where that takes long: all open pages together cost the leader
 * a hundredth of its time at most. A stream ends with the leadership; a browser then opens it again by itself.
 */
import type { Request, Response } from 'express';
import type { ClusterEvent } from '../../model/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { guarded } from '../../telemetry/faults.ts';
import type { Observed } from '../reports/report.ts';
import { allRows, rowChanges, type Rows } from './rows.ts';

/** What one leadership says while it lasts. */
export interface Live {
  /** All that is known; asked once for all whose turn it is. */
  readonly observe: () => Observed;
  /** What of that the reader sees. */
  readonly rows: (observed: Observed) => Rows;
  /** Calls the listener after changes, until the signal aborts. */
  readonly onChange: (listener: () => void, signal: AbortSignal) => void;
  readonly onEvent: (listener: (event: ClusterEvent) => void, signal: AbortSignal) => void;
  /** The leadership is over. */
  readonly ended: AbortSignal;
}

const EVERY_MS = 1_000;
/** So many times as long as it took to find what has changed. */
const REST_FACTOR = 100;
const HEARTBEAT_MS = 15_000;
/** A reader that is further behind is cut off; it may open the stream again. */
const BEHIND_BYTES = 8 << 20;

/** nginx and Caddy pass it on at once; nobody keeps it. */
const HEAD = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-store', 'X-Accel-Buffering': 'no' };

/** Watches of people: those that see the same share one. `who` is different for those that do not. */
export function createWatches(log: Logger): (who: string, live: Live, request: Request, response: Response) => void {
  const watches = new Map<string, ReturnType<typeof createWatch>>();
  const turns = createTurns(log);
  return (who, live, request, response) => {
    const watch = watches.get(who) ?? createWatch(log, turns, () => watches.delete(who));
    watches.set(who, watch);
    watch(live, request, response);
  };
}

/** Looks at what has changed. `once` observes for the first whose turn it is; the others get the same. */
type Look = (once: (observe: Live['observe']) => Observed) => void;

/** One timer for all watches, and one rest: however many there are, they cost no more. */
interface Turns {
  readonly ask: (look: Look) => void;
  readonly drop: (look: Look) => void;
}

function createTurns(log: Logger): Turns {
  const asking = new Set<Look>();
  let timer: NodeJS.Timeout | undefined;
  let restMs = EVERY_MS;

  function take(): void {
    timer = undefined;
    const sinceMs = performance.now();
    let observed: Observed | undefined;
    const now = [...asking];
    asking.clear();
    for (const look of now) guarded(log, 'a watch', look)((observe) => (observed ??= observe()));
    restMs = Math.max(EVERY_MS, (performance.now() - sinceMs) * REST_FACTOR);
  }

  return {
    ask(look) {
      asking.add(look);
      timer ??= setTimeout(take, restMs);
    },
    drop(look) {
      asking.delete(look);
      if (asking.size > 0) return;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

/** `idle` is called when nobody listens any more. */
function createWatch(log: Logger, turns: Turns, idle: () => void): (live: Live, request: Request, response: Response) => void {
  const readers = new Set<Response>();
  let current: { readonly live: Live; rows: Rows; readonly stop: AbortController } | undefined;

  function begin(now: Live): NonNullable<typeof current> {
    const stop = new AbortController();
    const begun = { live: now, rows: now.rows(now.observe()), stop };
    current = begun;
    now.onChange(() => soon(), stop.signal);
    now.onEvent(({ host, event }) => send('event', JSON.stringify({ host, event })), stop.signal);
    now.ended.addEventListener('abort', () => end(begun), { once: true, signal: stop.signal });
    const beat = setInterval(
      guarded(log, 'a watch', () => {
        // loads and what grows older change without an event
        soon();
        for (const reader of readers) write(reader, ': alive\n\n');
      }),
      HEARTBEAT_MS,
    );
    stop.signal.addEventListener('abort', () => clearInterval(beat), { once: true });
    return begun;
  }

  function end(which: typeof current): void {
    if (which === undefined || which !== current) return;
    current = undefined;
    which.stop.abort();
    turns.drop(look);
    for (const reader of readers) reader.end();
    readers.clear();
    idle();
  }

  function soon(): void {
    turns.ask(look);
  }

  function look(once: Parameters<Look>[0]): void {
    if (current === undefined) return;
    const now = current.live.rows(once(current.live.observe));
    const changes = rowChanges(current.rows, now);
    current.rows = now;
    if (changes !== undefined) send('rows', changes);
  }

  const send = (event: string, data: string): void => {
    for (const reader of readers) write(reader, `event: ${event}\ndata: ${data}\n\n`);
  };
  function write(reader: Response, text: string): void {
    if (reader.writableLength > BEHIND_BYTES) reader.destroy();
    else reader.write(text);
  }

  return (now, request, response) => {
    if (current !== undefined && current.live.ended !== now.ended) end(current);
    const watched = current ?? begin(now);
    response.writeHead(200, HEAD);
    response.write(`retry: 1000\nevent: rows\ndata: ${allRows(watched.rows)}\n\n`);
    readers.add(response);
    response.once('close', () => {
      readers.delete(response);
      if (readers.size === 0) end(current);
    });
    request.resume();
  };
}
