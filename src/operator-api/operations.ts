/**
 * Long work of the operator’s API that can be looked at again: its client may have lost the connection, or pressed Ctrl-C, and the work goes on.
 * The leader keeps the last hundred in memory; another leader knows nothing of them. Effects: express.
 */
import type { Request, Response, Router } from 'express';
import type { Progress } from '../contracts/index.ts';
import { ArpanetError, isKind } from '../model/index.ts';
import { identityOf, noteTarget } from '../security/index.ts';
import { sendList } from './lists.ts';

/** Long work, and what became of it. */
export interface OperationReport {
  /** Of the request, as its answer has it in Arpanet-Request-Id. */
  readonly id: string;
  /** `POST /arpanet/v1/services/scale` */
  readonly what: string;
  /** The client's name, where clients have names. */
  readonly user?: string;
  /** Times since 1970. */
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  readonly state: 'running' | 'done' | 'failed';
  /** The last lines of its progress. */
  readonly progress: readonly string[];
  readonly result?: unknown;
  readonly error?: string;
}

interface Entry {
  report: OperationReport;
  /** Of work that can be stopped. */
  readonly stop?: AbortController;
  /** A line of its progress, while it runs. */
  say: (line: string) => void;
  readonly listeners: Set<(line: string) => void>;
}

const MOST = 100;
const MOST_LINES = 50;
const MOST_OF_A_LINE = 1_000;
/** A larger result is not kept. */
const MOST_OF_A_RESULT = 64 * 1024;
/** Of lines that a reader does not take, so much waits; what comes then is left out. */
const BEHIND_BYTES = 256 * 1024;
const LINE_LIMIT = 16 * 1024;

export type AnswerInLines = (response: Response, work: Work, can?: { readonly stop: boolean }) => Promise<void>;

/** `id`: of the operation; the signal aborts where somebody stops it. */
type Work = (progress: Progress, operation: { readonly id: string; readonly signal: AbortSignal }) => Promise<unknown>;

/** Long work while it runs, and the last of it. */
export interface Operations {
  /**
   * Answers long work with lines of JSON: `{"progress": TEXT}` each, and last `{"result": …}` or `{"error": TEXT}`, with `"isUnavailable": true` where
   * the leadership or a connection ended. What is refused before the first line keeps its status, and is no operation.
   */
  readonly answer: AnswerInLines;
  /** Work that nobody waits for: what another leader has begun, under the id that it had there. It can be stopped. */
  readonly goOn: (report: Pick<OperationReport, 'id' | 'what' | 'user' | 'startedAtMs'>, work: Work) => Promise<void>;
  /** Newest first. */
  readonly list: () => readonly OperationReport[];
}

/** `GET /operations`, `GET /operations/:operation`, `POST /operations/:operation/stop`. */
export interface OperationRoutes {
  readonly routes: (router: Router) => void;
}

const idOf = (response: Response): string => String(response.getHeader('arpanet-request-id') ?? '');

/** `unexpected` is called with what is no refusal, where the answer has begun. */
export function createOperations(now: () => number, unexpected: (error: unknown) => void): Operations & OperationRoutes {
  const entries = new Map<string, Entry>();

  function begin(of: Pick<OperationReport, 'id' | 'what' | 'user' | 'startedAtMs'>, canStop: boolean): Entry {
    const { id } = of;
    const report: OperationReport = { ...of, state: 'running', progress: [] };
    const entry: Entry = { report, listeners: new Set(), say: () => undefined, ...(canStop && { stop: new AbortController() }) };
    // an id that a client chose hides nobody's work
    if (id === '' || entries.get(id)?.report.state === 'running') return entry;
    entries.delete(id);
    entries.set(id, entry);
    for (const [other, { report: old }] of entries) {
      if (entries.size <= MOST) break;
      if (old.state !== 'running') entries.delete(other);
    }
    return entry;
  }

  function end(entry: Entry, how: Pick<OperationReport, 'state' | 'result' | 'error'>): void {
    entry.report = { ...entry.report, ...how, endedAtMs: now() };
  }

  const tell = ({ listeners }: Entry, value: unknown): void => {
    const line = `${JSON.stringify(value)}\n`;
    for (const listener of listeners) listener(line);
  };

  /** Its result; null: it has none. Rejects as the work does, once all who follow it know. */
  async function done(entry: Entry, work: Work, write: (line: { readonly progress: string }) => void): Promise<unknown> {
    const signal = entry.stop?.signal ?? NEVER;
    try {
      entry.say = (text) => {
        const { report } = entry;
        entry.report = { ...report, progress: [...report.progress, text.slice(0, MOST_OF_A_LINE)].slice(-MOST_LINES) };
        const line = { progress: text.slice(0, LINE_LIMIT) };
        tell(entry, line);
        write(line);
      };
      const result = (await work(entry.say, { id: entry.report.id, signal })) ?? null;
      end(entry, { state: 'done', ...(JSON.stringify(result).length <= MOST_OF_A_RESULT && { result }) });
      tell(entry, { result });
      return result;
    } catch (error) {
      const line = failure(error);
      end(entry, { state: 'failed', error: line.error });
      // also who follows what is refused before its first line
      tell(entry, line);
      throw error;
    }
  }

  const answer: AnswerInLines = async (response, work, { stop = false } = { stop: false }) => {
    const { req: request } = response;
    const user = identityOf(request)?.name;
    const what = `${request.method} ${request.baseUrl}${request.path}`;
    const id = idOf(response);
    const entry = begin({ id, what, ...(user !== undefined && { user }), startedAtMs: now() }, stop);
    const write = (line: string): void => {
      if (!response.headersSent) response.setHeader('Content-Type', 'application/x-ndjson');
      response.write(line);
    };
    try {
      const result = await done(entry, work, (line) => {
        if (response.writableLength < BEHIND_BYTES) write(`${JSON.stringify(line)}\n`);
      });
      write(`${JSON.stringify({ result })}\n`);
    } catch (error) {
      if (!response.headersSent) {
        if (entries.get(entry.report.id) === entry) entries.delete(entry.report.id);
        throw error;
      }
      if (!(error instanceof ArpanetError)) unexpected(error);
      noteTarget(response.req, { hasFailed: true });
      write(`${JSON.stringify(failure(error))}\n`);
    }
    response.end();
  };

  const goOn: Operations['goOn'] = async (of, work) => {
    const entry = begin(of, true);
    try {
      await done(entry, work, () => undefined);
    } catch (error) {
      if (!(error instanceof ArpanetError)) unexpected(error);
    }
  };

  /** Operators see all of it; everybody else what they have asked for: a result may tell how a host joins. */
  const isSeen = (request: Request, { user }: OperationReport): boolean => {
    const identity = identityOf(request);
    if (identity === undefined || identity.name === user) return true;
    return identity.deployments === undefined && (identity.role === 'operator' || identity.role === 'admin');
  };

  const list = (): readonly OperationReport[] => [...entries.values()].map(({ report }) => report).toReversed();

  function one(request: Request): Entry {
    const id = String(request.params['operation']);
    const entry = entries.get(id);
    if (entry !== undefined && isSeen(request, entry.report)) return entry;
    throw new ArpanetError('not-found', `no such operation: ${id}; the leader keeps the last ${MOST} since it began to lead`);
  }

  function routes(router: Router): void {
    router.get('/operations', (request, response) => {
      const seen = () => list().filter((report) => isSeen(request, report));
      sendList(request, response, seen, ({ startedAtMs, id }) => `${startedAtMs} ${id}`);
    });
    router.get('/operations/:operation', (request, response) => {
      const entry = one(request);
      const { follow } = request.query;
      if (typeof follow === 'string' && /^(?:1|true)$/i.test(follow)) followed(response, entry);
      else response.json(entry.report);
    });
    router.post('/operations/:operation/stop', (request, response) => {
      const entry = one(request);
      const { stop, report } = entry;
      if (stop === undefined) throw new ArpanetError('conflict', `${report.what} cannot be stopped: it comes to its end`);
      if (report.state === 'running' && !stop.signal.aborted) entry.say('it was asked to stop: what has begun comes to its end');
      stop.abort();
      response.json(entry.report);
    });
  }

  return { answer, list, goOn, routes };
}

/** Of work that cannot be stopped. */
const NEVER = new AbortController().signal;

function failure(error: unknown): { readonly error: string; readonly isUnavailable?: true } {
  const said = { error: error instanceof ArpanetError ? error.message : 'internal error' };
  return isKind(error, 'unavailable') ? { ...said, isUnavailable: true } : said;
}

/** The lines of an operation from its begin (the last of them, where there were many) to its end, as its first client got them. */
function followed(response: Response, { report, listeners }: Entry): void {
  response.setHeader('Content-Type', 'application/x-ndjson');
  response.flushHeaders();
  for (const progress of report.progress) response.write(`${JSON.stringify({ progress })}\n`);
  if (report.state !== 'running') {
    const { state, result = null, error } = report;
    response.end(`${JSON.stringify(state === 'done' ? { result } : { error })}\n`);
    return;
  }
  const listener = (line: string): void => {
    const isLast = !line.startsWith('{"progress":');
    if (isLast || response.writableLength < BEHIND_BYTES) response.write(line);
    if (isLast) response.end();
  };
  listeners.add(listener);
  response.once('close', () => listeners.delete(listener));
}
