/**
 * Effects: `GET /arpanet/v1/watch`: all rows, then what changes of them and what happens, as server-sent events (WHATWG HTML, section 9.2). What has
 * changed is found once for all that see the same, at most once a second, and less often where that takes long: all open pages together cost the leader
 * a hundredth of its time at most. A stream ends with the leadership; a browser then opens it again by itself.
 */
import { randomUUID } from 'node:crypto';
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
  /** For rows that change without notice: so often they are looked at. */
  readonly pollMs?: number;
}

const EVERY_MS = 1_000;
/** So many times as long as it took to find what has changed. */
const REST_FACTOR = 100;
const HEARTBEAT_MS = 15_000;
/** A reader that is further behind is cut off; it may open the stream again. */
const BEHIND_BYTES = 8 << 20;
/** A reader that comes back within this time gets what it has missed, if that is no more than so many messages. */
const LINGER_MS = 30_000;
const KEPT_CHANGES = 200;
/** Where there are more watches, one that nobody reads ends at once. */
const MOST_LINGERING = 100;

/** nginx and Caddy pass it on at once; nobody keeps it. */
const HEAD = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-store', 'X-Accel-Buffering': 'no' };

/** Watches of people: those that see the same share one. `who` is different for those that do not. */
export function createWatches(log: Logger): (who: string, live: Live, request: Request, response: Response) => void {
  const watches = new Map<string, ReturnType<typeof createWatch>>();
  const turns = createTurns(log);
  return (who, live, request, response) => {
    const lingerMs = () => (watches.size > MOST_LINGERING ? 0 : LINGER_MS);
    const watch = watches.get(who) ?? createWatch(log, turns, lingerMs, () => watches.delete(who));
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
function createWatch(
  log: Logger,
  turns: Turns,
  lingerMs: () => number,
  idle: () => void,
): (live: Live, request: Request, response: Response) => void {
  const readers = new Set<Response>();
  let current: Watched | undefined;
  let lingering: NodeJS.Timeout | undefined;

  function begin(now: Live): Watched {
    const stop = new AbortController();
    const begun: Watched = { live: now, rows: now.rows(now.observe()), stop, name: randomUUID().slice(0, 8), version: 0, changes: [] };
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
    const poll = now.pollMs === undefined ? undefined : setInterval(guarded(log, 'a watch', soon), now.pollMs);
    stop.signal.addEventListener('abort', () => [beat, poll].forEach((one) => clearInterval(one)), { once: true });
    return begun;
  }

  function end(which: typeof current): void {
    if (which === undefined || which !== current) return;
    current = undefined;
    clearTimeout(lingering);
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
    if (changes === undefined) return;
    current.version += 1;
    current.changes.push({ version: current.version, data: changes });
    if (current.changes.length > KEPT_CHANGES) current.changes.shift();
    for (const reader of readers) write(reader, rowsMessage(current, current.version, changes));
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
    clearTimeout(lingering);
    response.writeHead(200, HEAD);
    response.write('retry: 1000\n');
    const missed = missedBy(watched, request);
    if (missed === undefined) response.write(rowsMessage(watched, watched.version, allRows(watched.rows)));
    else for (const { version, data } of missed) response.write(rowsMessage(watched, version, data));
    // a client that has missed nothing still learns that the stream is open
    if (missed?.length === 0) response.write(': up to date\n\n');
    readers.add(response);
    response.once('close', () => {
      readers.delete(response);
      if (readers.size === 0) lingering = setTimeout(() => end(current), lingerMs()).unref();
    });
    request.resume();
  };
}

interface Watched {
  readonly live: Live;
  rows: Rows;
  readonly stop: AbortController;
  /** Versions are of this watch alone: another leader's have other names. */
  readonly name: string;
  version: number;
  readonly changes: { readonly version: number; readonly data: string }[];
}

const rowsMessage = ({ name }: Watched, version: number, data: string): string => `id: ${name}-${version}\nevent: rows\ndata: ${data}\n\n`;

/** What has changed since the version that a reader has, by `Last-Event-ID` or `?version=`; undefined: nobody knows, and it gets all rows. */
function missedBy(
  { name, version, changes }: Watched,
  { headers, query }: Pick<Request, 'headers' | 'query'>,
): Watched['changes'] | undefined {
  const given = headers['last-event-id'] ?? query['version'];
  const [, of, number] = typeof given === 'string' ? (/^(\w{8})-(\d{1,15})$/.exec(given) ?? []) : [];
  const had = Number(number);
  if (of !== name || had > version) return undefined;
  const oldest = changes[0]?.version ?? version + 1;
  return had + 1 < oldest ? undefined : changes.filter((one) => one.version > had);
}
