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

export type AnswerInLines = (response: Response, work: (progress: Progress) => Promise<unknown>) => Promise<void>;

export interface Operations {
  /**
   * Answers long work with lines of JSON: `{"progress": TEXT}` each, and last `{"result": …}` or `{"error": TEXT}`, with `"isUnavailable": true` where
   * the leadership or a connection ended. What is refused before the first line keeps its status, and is no operation.
   */
  readonly answer: AnswerInLines;
  /** Newest first. */
  readonly list: () => readonly OperationReport[];
}

const idOf = (response: Response): string => String(response.getHeader('arpanet-request-id') ?? '');

/** `unexpected` is called with what is no refusal, where the answer has begun. Adds `GET /operations` and `GET /operations/:operation`. */
export function operationRoutes(router: Router, now: () => number, unexpected: (error: unknown) => void): Operations {
  const entries = new Map<string, Entry>();

  function begin({ req: request }: Response, id: string): Entry {
    const user = identityOf(request)?.name;
    const what = `${request.method} ${request.baseUrl}${request.path}`;
    const report: OperationReport = { id, what, ...(user !== undefined && { user }), startedAtMs: now(), state: 'running', progress: [] };
    const entry: Entry = { report, listeners: new Set() };
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

  const answer: AnswerInLines = async (response, work) => {
    const entry = begin(response, idOf(response));
    const write = (line: string): void => {
      if (!response.headersSent) response.setHeader('Content-Type', 'application/x-ndjson');
      response.write(line);
    };
    try {
      const result = await work((text) => {
        const { report } = entry;
        entry.report = { ...report, progress: [...report.progress, text.slice(0, MOST_OF_A_LINE)].slice(-MOST_LINES) };
        const line = { progress: text.slice(0, LINE_LIMIT) };
        tell(entry, line);
        if (response.writableLength < BEHIND_BYTES) write(`${JSON.stringify(line)}\n`);
      });
      const kept = JSON.stringify(result ?? null).length <= MOST_OF_A_RESULT ? { result: result ?? null } : {};
      end(entry, { state: 'done', ...kept });
      tell(entry, { result: result ?? null });
      write(`${JSON.stringify({ result: result ?? null })}\n`);
    } catch (error) {
      const said = { error: error instanceof ArpanetError ? error.message : 'internal error' };
      const line = { ...said, ...(isKind(error, 'unavailable') && { isUnavailable: true }) };
      end(entry, { state: 'failed', ...said });
      // also who follows what is refused before its first line
      tell(entry, line);
      if (!response.headersSent) {
        if (entries.get(entry.report.id) === entry) entries.delete(entry.report.id);
        throw error;
      }
      if (!(error instanceof ArpanetError)) unexpected(error);
      noteTarget(response.req, { hasFailed: true });
      write(`${JSON.stringify(line)}\n`);
    }
    response.end();
  };

  /** Operators see all of it; everybody else what they have asked for: a result may tell how a host joins. */
  const isSeen = (request: Request, { user }: OperationReport): boolean => {
    const identity = identityOf(request);
    if (identity === undefined || identity.name === user) return true;
    return identity.deployments === undefined && (identity.role === 'operator' || identity.role === 'admin');
  };

  const list = (): readonly OperationReport[] => [...entries.values()].map(({ report }) => report).toReversed();

  router.get('/operations', (request, response) => {
    const seen = list().filter((report) => isSeen(request, report));
    sendList(request, response, seen, ({ startedAtMs, id }) => `${startedAtMs} ${id}`);
  });
  router.get('/operations/:operation', (request, response) => {
    const entry = entries.get(request.params.operation);
    if (entry === undefined || !isSeen(request, entry.report))
      throw new ArpanetError(
        'not-found',
        `no such operation: ${request.params.operation}; the leader keeps the last ${MOST} since it began to lead`,
      );
    const { follow } = request.query;
    if (typeof follow === 'string' && /^(?:1|true)$/i.test(follow)) followed(response, entry);
    else response.json(entry.report);
  });

  return { answer, list };
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
