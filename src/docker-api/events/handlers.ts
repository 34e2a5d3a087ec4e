/** Effects: `GET /events`. Headers at once; what happened since, as the alive Engines remember it; then what happens, one JSON line each. */
import { engineRequest } from '../../engine/index.ts';
import { ArpanetError, type ClusterEvent, type EngineEvent } from '../../model/index.ts';
import { createEventDedup, eventIdentity } from '../../engine/index.ts';
import { type Exchange, ownHeaders } from '../request-context.ts';
import { engineError, parseTimestampMs } from '../json/go-values.ts';
import { eventFilter, parseFilters, renderEvent } from '../reads/index.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export async function events(call: Exchange): Promise<void> {
  const { cluster, res, query, nowMs } = call;
  const accepts = eventFilter(parseFilters(query.get('filters')));
  const since = query.get('since');
  const until = query.get('until');
  const untilMs = until ? timeOf(until, nowMs) : undefined;
  // an Engine that is given an end only tells everything that it remembers
  const sinceMs = since ? timeOf(since, nowMs) : untilMs === undefined ? undefined : 0;
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs > untilMs) {
    throw new ArpanetError('invalid', `\`since\` time (${since}) cannot be after \`until\` time (${until})`);
  }

  res.writeHead(200, { ...ownHeaders(call.newestVersion, call.requestId), 'Content-Type': 'application/json' });
  res.flushHeaders();
  const ended = new AbortController();
  const signal = AbortSignal.any([call.signal, ended.signal]);
  const timer =
    untilMs === undefined ? undefined : setTimeout(() => ended.abort(), Math.min(Math.max(untilMs - nowMs, 0), LONGEST_TIMER_MS));
  const write = (event: ClusterEvent, until: AbortSignal = signal): void => {
    if (until.aborted || !accepts(event)) return;
    res.write(renderEvent(event.event, call.apiVersion));
    if (res.writableLength > call.eventsBehindBytes) res.destroy();
  };

  // Live events wait while past ones are replayed, and an event that is both is sent once: an Engine may remember what its agent has yet to send.
  let waiting: ClusterEvent[] | undefined = sinceMs === undefined ? undefined : [];
  const replayed = new Set<string>();
  const live = (event: ClusterEvent): void => {
    if (replayed.size === 0 || !replayed.delete(eventIdentity(event.host, event.event))) write(event);
  };
  cluster.events.listen((event) => {
    if (waiting === undefined) live(event);
    else waiting.push(event);
  }, signal);
  if (sinceMs !== undefined) {
    const sinceNano = nanoseconds(since, sinceMs);
    const heard = await remembered(call, sinceMs, Math.min(untilMs ?? Date.now(), Date.now()));
    const past = heard.filter(({ event }) => event.timeNano >= sinceNano);
    // past events are sent whole, even when `until` is past too
    for (const event of past) {
      replayed.add(eventIdentity(event.host, event.event));
      write(event, call.signal);
    }
    for (const event of waiting ?? []) live(event);
    waiting = undefined;
  }
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  clearTimeout(timer);
  res.end();
}

/** What is no time this route takes for a number of seconds (moby api/server/router/system, eventTime). */
function timeOf(text: string, nowMs: number): number {
  try {
    return parseTimestampMs(text, nowMs);
  } catch {
    throw engineError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
}

/** `1700000000.123456789` is finer than a millisecond: a client that returns with the time of its last event gets none before it again. */
function nanoseconds(since: string | null, sinceMs: number): number {
  const [, seconds, fraction = ''] = /^(\d+)(?:\.(\d{1,9}))?$/.exec(since ?? '') ?? [];
  return seconds === undefined ? sinceMs * 1e6 : Number(`${seconds}${fraction.padEnd(9, '0')}`);
}

/** Oldest first. A host that does not answer within 2 s is left out. */
async function remembered(call: Exchange, sinceMs: number, untilMs: number): Promise<readonly ClusterEvent[]> {
  const alive = call.cluster.hosts.list().filter((host) => host.state === 'alive');
  const path = `/v${call.apiVersion}/events?since=${sinceMs / 1000}&until=${untilMs / 1000}`;
  const asked = alive.map(async ({ name }) => {
    const target = { agent: call.cluster.engines.endpoint(name).agent };
    const { status, body } = await engineRequest(target, { method: 'GET', path, timeoutMs: 2_000, signal: call.signal });
    const lines = status === 200 ? body.toString().split('\n') : [];
    const past = lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as EngineEvent);
    return past.flatMap((one) => {
      const event = call.cluster.events.shown(name, one);
      return event === undefined ? [] : [{ host: name, event }];
    });
  });
  const answered = (await Promise.allSettled(asked)).flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const own = call.cluster.events.recent().filter(({ host, event }) => {
    return host === '' && event.timeNano >= sinceMs * 1e6 && event.timeNano <= untilMs * 1e6;
  });
  const isEcho = createEventDedup();
  const all = [...own, ...answered];
  return all.sort((a, b) => a.event.timeNano - b.event.timeNano).filter(({ host, event }) => !isEcho(host, event));
}
