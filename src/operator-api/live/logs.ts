/**
 * Effects: `GET /arpanet/v1/logs`: what one, many or all instances of services say, in one stream, an object in a line: a browser has six connections to a
 * scheduler, and a cluster more instances. Engines are read as fast as the reader reads. A followed stream has what starts later, too, and ends with
 * the leadership.
 */
import { setMaxListeners } from 'node:events';
import type { Request, Response, Router } from 'express';
import { mapBounded } from '../../async/limit.ts';
import { pacedWriter } from '../../async/paced-writer.ts';
import type { EngineEndpoint } from '../../contracts/index.ts';
import { engineOpen, LogLines } from '../../engine/index.ts';
import { ArpanetError, type ContainerView, type ServiceView } from '../../model/index.ts';
import { identityOf } from '../../security/index.ts';
import { guarded, inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Observed } from '../reports/report.ts';
import type { Live } from './watch.ts';

/** Each has a connection to its Engine as long as it lasts. */
const MOST_FOLLOWED = 200;
/** Of logs that end. */
const READ_AT_ONCE = 32;
/** Streams of one person at once: each has that many connections. All who come without a name are one. */
const MOST_STREAMS = 32;
/** What has started is looked up together after so long: a look walks all services. By then the log of before a restart has ended, too. */
const STARTED_MS = 1_000;
const TAIL = '100';

interface Source {
  readonly view: ServiceView;
  readonly container: ContainerView;
}

/** What who asks may see. */
interface Seen {
  readonly observe: () => Observed;
  readonly live: () => Pick<Live, 'onEvent' | 'ended'>;
}

/** `engine`: throws `unavailable`. */
export function logRoute(
  router: Router,
  { engine, log }: { readonly engine: (host: string) => EngineEndpoint; readonly log: Logger },
  seenBy: (request: Request) => Seen,
): void {
  const enter = createTurns();
  router.get('/logs', async (request, response) => {
    const { observe, live } = seenBy(request);
    const wanted = [request.query['of'] ?? []].flat().map(String);
    const tail = textIn(request, 'tail') ?? TAIL;
    if (!/^(?:all|\d{1,9})$/.test(tail))
      throw new ArpanetError('invalid', `tail is "all" or a number of lines, not ${JSON.stringify(tail)}`);
    const isFollowed = /^(?:1|true)$/i.test(textIn(request, 'follow') ?? '');
    const sources = sourcesOf(observe().services(), wanted);
    if (isFollowed && sources.length > MOST_FOLLOWED)
      throw new ArpanetError(
        'invalid',
        `these are ${sources.length} instances, and ${MOST_FOLLOWED} can be followed at once: name deployments, services or instances by ?of=, or leave out follow`,
      );
    const leave = enter(identityOf(request)?.name ?? '');
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    response.once('close', () => {
      leave();
      stop.abort();
    });
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-cache, no-store', 'X-Accel-Buffering': 'no' });
    response.flushHeaders();
    const read = createReader(response, engine, stop.signal);
    if (!isFollowed) {
      await mapBounded(sources, READ_AT_ONCE, (source) => read(source, { tail, follow: '0' }));
      response.end();
      return;
    }
    const { onEvent, ended } = live();
    ended.addEventListener('abort', () => response.end(), { once: true, signal: stop.signal });
    const reading = new Set<string>();
    const follow = (source: Source, from: string): void => {
      const { id } = source.container;
      if (reading.has(id) || reading.size === MOST_FOLLOWED) return;
      reading.add(id);
      inBackground(
        log,
        'a log that is followed',
        read(source, { tail: from, follow: '1' }).finally(() => reading.delete(id)),
      );
    };
    const started = new Set<string>();
    let timer: NodeJS.Timeout | undefined;
    const look = guarded(log, 'logs of what has started', () => {
      timer = undefined;
      const ids = new Set(started);
      started.clear();
      for (const source of sourcesOf(observe().services(), wanted, true)) if (ids.has(source.container.id)) follow(source, 'all');
    });
    onEvent(({ event: { Type, Action, Actor } }) => {
      if (Type !== 'container' || Action !== 'start' || Actor?.ID === undefined) return;
      started.add(Actor.ID);
      timer ??= setTimeout(look, STARTED_MS);
    }, stop.signal);
    stop.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
    for (const source of sources) follow(source, tail);
    request.resume();
  });
}

/** Counts the streams of each person; what it gives ends one. Throws `too-many`. */
function createTurns(): (who: string) => () => void {
  const open = new Map<string, number>();
  return (who) => {
    const mine = open.get(who) ?? 0;
    if (mine === MOST_STREAMS)
      throw new ArpanetError('too-many', `${mine} streams of logs are open already: close a page or a program that reads one`);
    open.set(who, mine + 1);
    return () => {
      const left = (open.get(who) ?? 1) - 1;
      if (left === 0) open.delete(who);
      else open.set(who, left);
    };
  };
}

function textIn(request: Request, name: string): string | undefined {
  const given = request.query[name];
  return typeof given === 'string' ? given : undefined;
}

/** Of deployments, services (`abc/web`) and instances by name; of all where none is wanted. Throws `not-found`, unless `isLenient`. */
function sourcesOf(services: readonly ServiceView[], wanted: readonly string[], isLenient = false): readonly Source[] {
  const all = services.flatMap((view) => view.instances.map((container) => ({ view, container })));
  if (wanted.length === 0) return all;
  const names = new Set(wanted);
  const found = new Set<string>();
  const mine = all.filter(({ view: { deployment, service }, container: { name } }) => {
    const own = [deployment, `${deployment}/${service}`, name].filter((one) => names.has(one));
    for (const one of own) found.add(one);
    return own.length > 0;
  });
  const none = wanted.find((one) => !found.has(one));
  if (none !== undefined && !isLenient) throw new ArpanetError('not-found', `no deployment, service or instance ${none} runs here`);
  return mine;
}

/** Reads a log to its end, and never rejects: one that cannot be read is a line that says so. */
function createReader(
  response: Response,
  engine: (host: string) => EngineEndpoint,
  signal: AbortSignal,
): (source: Source, window: { readonly tail: string; readonly follow: string }) => Promise<void> {
  const write = pacedWriter(response);
  /** By container: when its last line was, as Engines write times, all of one length. */
  const last = new Map<string, string>();
  return async ({ view: { deployment, service }, container }, window) => {
    const { id, name, host, record, facts } = container;
    const who = { deployment, service, number: record?.number ?? 0, host, container: id, instance: name };
    try {
      const { agent } = engine(host);
      const after = last.get(id) ?? '';
      const since = after === '' ? '' : `&since=${Math.floor(Date.parse(after) / 1000)}`;
      const path = `/containers/${id}/logs?stdout=1&stderr=1&timestamps=1&tail=${window.tail}&follow=${window.follow}${since}`;
      const answer = await engineOpen({ agent }, { method: 'GET', path, signal });
      if (answer.statusCode !== 200) {
        answer.resume();
        throw new ArpanetError('engine', `its Engine answers ${answer.statusCode}`);
      }
      for await (const { stream, line } of new LogLines(facts.inspect.Config['Tty'] === true).of(answer)) {
        const [time, text] = cut(line.toString());
        if (time <= after) continue;
        last.set(id, time);
        if (!(await write(`${JSON.stringify({ time, ...who, stream: stream === 2 ? 'stderr' : 'stdout', text })}\n`))) return;
      }
    } catch (error) {
      if (!signal.aborted) await write(`${JSON.stringify({ ...who, error: error instanceof Error ? error.message : String(error) })}\n`);
    }
  };
}

function cut(line: string): readonly [time: string, text: string] {
  const at = line.indexOf(' ');
  return at === -1 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}
