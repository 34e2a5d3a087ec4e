/** The client itself. Effects: the requests that it hands to who sends them; a timer before a watch is opened again. */
import { OPERATIONS, type Operations } from './operations.ts';

/** As the OpenAPI document calls a route: `operationId`. */
export type OperationName = keyof Operations;
type NamesOf<Form extends Operations[OperationName]['form']> = {
  [Name in OperationName]: Operations[Name]['form'] extends Form ? Name : never;
}[OperationName];
type PlannedName = { [Name in OperationName]: Operations[Name] extends { readonly planned: unknown } ? Name : never }[OperationName];

/** Parameters of the path and of the query by their names; the body as `body`. */
export type Given<Name extends OperationName> = Operations[Name]['given'];
/** What a route answers: of long work its result, of lines one of them. */
export type Answer<Name extends OperationName> = Operations[Name]['answer'];
/** One of a list. */
export type Row<Name extends OperationName> = Answer<Name> extends readonly (infer One)[] ? One : Answer<Name>;
/** What is given may be left out where nothing of it is needed. */
type Arguments<Name extends OperationName, More> =
  Partial<Given<Name>> extends Given<Name> ? [given?: Given<Name>, how?: More] : [given: Given<Name>, how?: More];

/** How a request is sent. */
export interface How {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole answer, or for the head of a stream. */
  readonly timeoutMs?: number | undefined;
  /** A change is made only if what is changed has this ETag still. */
  readonly ifMatch?: string | undefined;
}

/** How long work is asked for. */
export interface WorkHow extends How {
  /** Of the request, 8 to 64 of a-z, 0-9 and `-`: the operation has it, and can be looked at by it. */
  readonly id?: string;
  readonly progress?: (line: string) => void;
}

/** A part of a list. */
export interface Page<T> {
  readonly rows: T;
  /** `continue` of the next page; absent: there is none. */
  readonly next?: string;
}

/** What has changed: of a list its rows by key, of `getWatch` all kinds of rows, and what has happened as `event`. */
export interface Change<T> {
  /** A watch that is begun with it gets what came after. */
  readonly version: string;
  /** All that there is, in place of what was known. */
  readonly whole: boolean;
  readonly set: { readonly [key: string]: T };
  readonly gone: readonly string[];
  readonly event?: unknown;
}

/** Methods for all forms of routes; which routes a method takes is known by their names. Errors: RequestError, and those of who sends. */
export interface Client {
  /** What is read, or changed at once. Undefined for an empty answer. */
  readonly call: <Name extends NamesOf<'json' | 'list' | 'text'>>(name: Name, ...more: Arguments<Name, How>) => Promise<Answer<Name>>;
  /** The answer with its ETag, which a change takes as `ifMatch`. */
  readonly tagged: <Name extends NamesOf<'json' | 'list'>>(
    name: Name,
    ...more: Arguments<Name, How>
  ) => Promise<{ readonly answer: Answer<Name>; readonly etag?: string }>;
  readonly page: <Name extends NamesOf<'list'>>(name: Name, ...more: Arguments<Name, How>) => Promise<Page<Answer<Name>>>;
  /** All rows of a list, page by page. */
  readonly rows: <Name extends NamesOf<'list'>>(name: Name, ...more: Arguments<Name, How>) => AsyncGenerator<Row<Name>, void>;
  /** All rows, then what changes of them, until the signal aborts. A stream that ends is opened again, from where it was. */
  readonly watch: <Name extends NamesOf<'list' | 'events'>>(
    name: Name,
    ...more: Arguments<Name, How & { readonly version?: string }>
  ) => AsyncGenerator<Change<Row<Name>>, void>;
  /** What work would do. Nothing is changed. */
  readonly plan: <Name extends PlannedName>(
    name: Name,
    ...more: Arguments<Name, How>
  ) => Promise<Operations[Name] extends { readonly planned: infer Planned } ? Planned : never>;
  /** Long work, to its end. The work itself goes on where its client leaves. */
  readonly work: <Name extends NamesOf<'work'>>(name: Name, ...more: Arguments<Name, WorkHow>) => Promise<Answer<Name>>;
  /** Work that was asked for before, by its id: what has been said so far, and what comes, to its end. */
  readonly follow: (id: string, how?: Pick<WorkHow, 'progress' | 'signal'>) => Promise<unknown>;
  /** An answer of many lines, as they come. */
  readonly lines: <Name extends NamesOf<'lines'>>(name: Name, ...more: Arguments<Name, How>) => AsyncGenerator<Answer<Name>, void>;
}

/** A request as it goes to a scheduler. */
export interface Sent extends How {
  readonly method: string;
  /** From the root: `/arpanet/v1/hosts?limit=2`. */
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly body?: string;
  /** The answer is read as it comes. */
  readonly isStream: boolean;
}

/** Its answer once the head has arrived. */
export interface Received {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly text: () => Promise<string>;
  readonly chunks: () => AsyncIterable<Uint8Array>;
}

/** Rejects with what it likes where there is no answer: that is what callers get. */
export type Send = (request: Sent) => Promise<Received>;

/**
 * `refused`: the answer's status is 400 or more; nothing was changed. `failed`: work failed after it began; `unavailable`: the leadership ended before
 * the work did, and `cut` the connection; the cluster continues it, and `follow` waits for its end.
 */
export class RequestError extends Error {
  readonly kind: 'refused' | 'failed' | 'unavailable' | 'cut';
  readonly status: number | undefined;

  constructor(message: string, kind: RequestError['kind'], { status, cause }: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'RequestError';
    this.kind = kind;
    this.status = status;
  }
}

const PREFIX = '/arpanet/v1';
/** Before a watch is opened again. */
const [AGAIN_MS, LONGEST_MS] = [300, 10_000];
/** Nobody leads now, or there is too much: the same request may be sent again. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

type Parameters = { readonly [name: string]: unknown };

/** All routes of `/arpanet/v1`, by the names that the OpenAPI document has for them. Errors: RequestError, and what `send` rejects with. */
export function createClient(send: Send): Client {
  const ask = async (name: OperationName, given: Parameters, how: WorkHow & Pick<Sent, 'isStream'>): Promise<Received> => {
    const received = await send(requestOf(name, given, how));
    if (received.status < 400) return received;
    throw new RequestError(messageOf(await received.text(), received.status), 'refused', { status: received.status });
  };
  const whole = (name: OperationName, given: Parameters = {}, how: How = {}) => ask(name, given, { ...how, isStream: false });
  const stream = (name: OperationName, given: Parameters = {}, how: WorkHow = {}) => ask(name, given, { ...how, isStream: true });
  const pageOf = async (name: OperationName, given?: Parameters, how?: How): Promise<Page<unknown>> => {
    const received = await whole(name, given, how);
    const next = received.header('arpanet-continue');
    return { rows: await answerIn(received), ...(next !== undefined && { next }) };
  };

  async function* rows(name: OperationName, given: Parameters = {}, how?: How): AsyncGenerator<unknown, void> {
    let next: string | undefined;
    do {
      const page = await pageOf(name, next === undefined ? given : { ...given, continue: next }, how);
      yield* page.rows as readonly unknown[];
      ({ next } = page);
    } while (next !== undefined);
  }

  async function* watch(
    name: OperationName,
    given: Parameters = {},
    { version: from, ...how }: How & { readonly version?: string } = {},
  ): AsyncGenerator<Change<unknown>, void> {
    let version = from;
    for (let waitMs = AGAIN_MS; how.signal?.aborted !== true; waitMs = Math.min(LONGEST_MS, waitMs * 2)) {
      const isList = name !== 'getWatch';
      const asked = { ...given, ...(isList && { watch: true }), ...(version !== undefined && { version }) };
      try {
        for await (const { id, event, data } of eventsOf((await stream(name, asked, how)).chunks())) {
          waitMs = AGAIN_MS;
          version = id ?? version;
          const said = { version: version ?? '', whole: false, set: {}, gone: [] };
          yield event === 'rows' ? { ...said, ...(JSON.parse(data) as object) } : { ...said, event: JSON.parse(data) as unknown };
        }
      } catch (error) {
        if (error instanceof RequestError && !PASSING.has(error.status ?? 0)) throw error;
      }
      await pause(waitMs, how.signal);
    }
  }

  async function* lines(name: OperationName, given?: Parameters, how?: How): AsyncGenerator<unknown, void> {
    for await (const line of linesOf((await stream(name, given, how)).chunks())) if (line !== '') yield JSON.parse(line) as unknown;
  }

  const client: { readonly [Method in keyof Client]: (...given: never[]) => unknown } = {
    call: async (name: OperationName, given?: Parameters, how?: How) => answerIn(await whole(name, given, how)),
    async tagged(name: OperationName, given?: Parameters, how?: How) {
      const received = await whole(name, given, how);
      const etag = received.header('etag');
      return { answer: await answerIn(received), ...(etag !== undefined && { etag }) };
    },
    page: pageOf,
    rows,
    watch,
    plan: async (name: OperationName, given?: Parameters, how?: How) => answerIn(await whole(name, { ...given, 'dry-run': true }, how)),
    work: async (name: OperationName, given?: Parameters, how: WorkHow = {}) => resultIn(await stream(name, given, how), how.progress),
    follow: async (id: string, how: WorkHow = {}) =>
      resultIn(await stream('getOperationsOne', { operation: id, follow: true }, how), how.progress),
    lines,
  };
  return client as unknown as Client;
}

/** Pure. Parameters that are undefined are left out; a body that is a text is a compose file. */
export function requestOf(
  name: OperationName,
  { body, ...parameters }: Parameters,
  { id, ifMatch, signal, timeoutMs, isStream }: WorkHow & Pick<Sent, 'isStream'>,
): Sent {
  const [method, route] = OPERATIONS[name];
  const rest = new Map(Object.entries(parameters));
  const path = route.replaceAll(/\{(\w+)\}/g, (_all, word: string) => {
    const value = String(rest.get(word));
    rest.delete(word);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const [word, value] of rest)
    for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value])
      if (one !== undefined && one !== null) query.append(word, String(one));
  const search = query.toString();
  const headers = {
    ...(body !== undefined && { 'Content-Type': typeof body === 'string' ? 'application/yaml' : 'application/json' }),
    ...(id !== undefined && { 'Arpanet-Request-Id': id }),
    ...(ifMatch !== undefined && { 'If-Match': ifMatch }),
  };
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return {
    method: method.toUpperCase(),
    path: `${PREFIX}${path}${search === '' ? '' : `?${search}`}`,
    headers,
    signal,
    timeoutMs,
    isStream,
    ...(text !== undefined && { body: text }),
  };
}

/** What a refusal says. */
function messageOf(text: string, status: number): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    if (typeof message === 'string' && message !== '') return message;
  } catch {
    // no JSON: the text itself
  }
  return text.trim() || `status ${status}`;
}

async function answerIn(received: Received): Promise<unknown> {
  const text = await received.text();
  if (text === '') return undefined;
  return received.header('content-type')?.startsWith('text/') === true ? text : (JSON.parse(text) as unknown);
}

interface WorkLine {
  readonly progress?: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly isUnavailable?: true;
}

async function resultIn(received: Received, progress: (line: string) => void = () => undefined): Promise<unknown> {
  const cut = (cause?: unknown) =>
    new RequestError('the connection ended before the work was done; the cluster continues it', 'cut', { cause });
  try {
    for await (const text of linesOf(received.chunks())) {
      if (text === '') continue;
      const line = JSON.parse(text) as WorkLine;
      if (line.progress !== undefined) progress(line.progress);
      else if (line.error !== undefined) throw new RequestError(line.error, line.isUnavailable === true ? 'unavailable' : 'failed');
      else return line.result;
    }
  } catch (error) {
    throw error instanceof RequestError ? error : cut(error);
  }
  throw cut();
}

/** Without their ends; the last one also where it has none. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}

/** Server-sent events (WHATWG HTML, section 9.2), as schedulers write them: a line of data each. */
async function* eventsOf(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly id?: string; readonly event: string; readonly data: string }, void> {
  let fields: { id?: string; event?: string; data?: string } = {};
  for await (const line of linesOf(chunks)) {
    const [, field, value = ''] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (field !== undefined) fields = { ...fields, [field]: value };
    if (line !== '') continue;
    const { event = 'message', data, id } = fields;
    if (data !== undefined) yield { event, data, ...(id !== undefined && { id }) };
    fields = {};
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
  });
}
