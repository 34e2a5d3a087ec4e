/**
 * Effects: `GET /events`. Headers at once; what happened since, as the alive Engines remember it; then what happens, one JSON line each. What is
 * past waits for its reader. What happens now cannot wait: a reader that is too far behind is cut off, so that it knows, and can come back with
 * `since`. (An Engine leaves out events for such a reader, and says nothing: moby daemon/events, pkg/pubsub.)
 */
import { LONGEST_TIMER_MS } from '../../async/longest-timer.ts';
import { ArpanetError, type ClusterEvent, type EngineEvent } from '../../model/index.ts';
import { createEventDedup, engineOpen, eventIdentity, lines } from '../../engine/index.ts';
import { accept, engineEvent, parseJson } from '../../schemas/index.ts';
import { pacedQueue } from '../../async/paced-queue.ts';
import { pacedWriter } from '../../async/paced-writer.ts';
import { type Exchange, ownHeaders } from '../request-context.ts';
import { engineError, strconvError, unixTimeMs } from '../json/go-values.ts';
import { eventFilter, parseFilters, renderEvent } from '../reads/index.ts';

export async function events(call: Exchange): Promise<void> {
  const { cluster, res, query, nowMs } = call;
  const accepts = eventFilter(parseFilters(query.get('filters')));
  const since = query.get('since');
  const until = query.get('until');
  const untilMs = timeOf(until);
  // an Engine that is given an end only tells everything that it remembers
  const sinceMs = timeOf(since) ?? (untilMs === undefined ? undefined : 0);
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs > untilMs) {
    throw new ArpanetError('invalid', `\`since\` time (${since}) cannot be after \`until\` time (${until})`);
  }

  res.writeHead(200, { ...ownHeaders(call.newestVersion, call.requestId), 'Content-Type': 'application/json' });
  res.flushHeaders();
  const ended = new AbortController();
  const signal = AbortSignal.any([call.signal, ended.signal]);
  const timer =
    untilMs === undefined ? undefined : setTimeout(() => ended.abort(), Math.min(Math.max(untilMs - nowMs, 0), LONGEST_TIMER_MS));
  const cutOff = (): void => {
    call.log.warn(
      { requestId: call.requestId, limitBytes: call.eventsBehindBytes },
      'a reader of events is too far behind, and is cut off',
    );
    res.destroy();
  };
  const write = pacedWriter(res);
  const queue = pacedQueue(res, { limitBytes: call.eventsBehindBytes, overflow: cutOff, write });
  const rendered = ({ event }: ClusterEvent): Buffer => renderEvent(event, call.apiVersion);

  // Live events wait while past ones are replayed, and an event that is both is sent once: an Engine may remember what its agent has yet to send.
  let waiting: { readonly identity: string; readonly line: Buffer }[] | undefined = sinceMs === undefined ? undefined : [];
  let waitingBytes = 0;
  const replayed = new Set<string>();
  const isNew = (identity: string): boolean => replayed.size === 0 || !replayed.delete(identity);
  cluster.events.listen((event) => {
    if (signal.aborted || !accepts(event)) return;
    const identity = eventIdentity(event.host, event.event);
    if (waiting === undefined) {
      if (isNew(identity)) queue.push(rendered(event));
      return;
    }
    const line = rendered(event);
    waiting.push({ identity, line });
    waitingBytes += line.length;
    if (waitingBytes > call.eventsBehindBytes) cutOff();
  }, signal);
  if (sinceMs !== undefined) {
    const sinceNano = nanoseconds(since, sinceMs);
    const heard = await remembered(call, sinceMs, Math.min(untilMs ?? Date.now(), Date.now()));
    const past = heard.filter(({ event }) => event.timeNano >= sinceNano);
    // past events are sent whole, even when `until` is past too
    for (const event of past) {
      replayed.add(eventIdentity(event.host, event.event));
      if (accepts(event) && !(await write(rendered(event)))) break;
    }
    for (const { identity, line } of waiting ?? []) if (isNew(identity)) queue.push(line);
    waiting = undefined;
  }
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  clearTimeout(timer);
  await queue.drained();
  res.end();
}

/** Clients send seconds: what else they take for a time they have converted (moby api/server/router/system, eventTime). */
function timeOf(text: string | null): number | undefined {
  // -1 is what Go's code has for none
  if (!text || text === '-1') return undefined;
  const ms = unixTimeMs(text);
  if (ms === undefined) throw engineError(strconvError('ParseInt', text));
  return ms;
}

/** `1700000000.123456789` is finer than a millisecond: a client that returns with the time of its last event gets none before it again. */
function nanoseconds(since: string | null, sinceMs: number): number {
  const [, seconds, fraction = ''] = /^(\d+)(?:\.(\d{1,9}))?$/.exec(since ?? '') ?? [];
  return seconds === undefined ? sinceMs * 1e6 : Number(`${seconds}${fraction.padEnd(9, '0')}`);
}

const REMEMBERED_TIMEOUT_MS = 2_000;
/** Of one Engine, which keeps 256 (moby daemon/events, eventsLimit). */
const MOST_REMEMBERED = 10_000;
const LINE_LIMIT_BYTES = 1024 * 1024;

/** Throws `timeout` when the Engine does not end its answer in time. */
async function* eventLines(call: Exchange, host: string, path: string): AsyncGenerator<string> {
  const { agent } = call.cluster.engines.endpoint(host);
  const answer = await engineOpen({ agent }, { method: 'GET', path, timeoutMs: REMEMBERED_TIMEOUT_MS, signal: call.signal });
  const late = new ArpanetError('timeout', `host ${host} did not end the list of past events`);
  const timer = setTimeout(() => answer.destroy(late), REMEMBERED_TIMEOUT_MS);
  try {
    if (answer.statusCode === 200) yield* lines(answer, LINE_LIMIT_BYTES);
  } finally {
    clearTimeout(timer);
    answer.destroy();
  }
}

/** Undefined where clients do not see it, or where it is malformed, which costs it alone. */
function shownLine(call: Exchange, host: string, line: string): EngineEvent | undefined {
  try {
    return call.cluster.events.shown(host, accept(engineEvent, parseJson(line), 'event'));
  } catch (error) {
    call.log.warn({ host, err: error }, 'a past event of a Docker Engine is malformed and is left out');
    return undefined;
  }
}

/** Oldest first. A host that does not answer within 2 s is left out. */
async function remembered(call: Exchange, sinceMs: number, untilMs: number): Promise<readonly ClusterEvent[]> {
  const alive = call.cluster.hosts.list().filter((host) => host.state === 'alive');
  const path = `/v${call.apiVersion}/events?since=${sinceMs / 1000}&until=${untilMs / 1000}`;
  const asked = alive.map(async ({ name }) => {
    const past: ClusterEvent[] = [];
    for await (const line of eventLines(call, name, path)) {
      const event = shownLine(call, name, line);
      if (event !== undefined) past.push({ host: name, event });
      if (past.length === MOST_REMEMBERED) break;
    }
    return past;
  });
  const answered = (await Promise.allSettled(asked)).flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const own = call.cluster.events.recent().filter(({ host, event }) => {
    return host === '' && event.timeNano >= sinceMs * 1e6 && event.timeNano <= untilMs * 1e6;
  });
  const isEcho = createEventDedup();
  const all = [...own, ...answered];
  return all.sort((a, b) => a.event.timeNano - b.event.timeNano).filter(({ host, event }) => !isEcho(host, event));
}
