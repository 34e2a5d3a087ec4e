/** Lists and changes of the operator's API, all alike: `filter`, `limit` and `continue` of a list; If-Match of a change. Effects: express. */
import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import { ArpanetError } from '../model/index.ts';
import type { Rows } from './live/rows.ts';

const MOST = 1_000;
export const CONTINUE = 'Arpanet-Continue';

/** How the API's application calls who watches lists; what it holds there is a WatchList. */
export const WATCH_LIST = 'watch list';
/** `rows`: JSON by key, as they are now. */
export type WatchList = (request: Request, response: Response, rows: () => Rows) => void;

/**
 * Answers with the rows that all of `?filter=FIELD=VALUE` have (a field of a field as `labels.disk`). With `?limit=N` the first N by their keys; more
 * of them have `Arpanet-Continue` in the answer, which is `?continue=` of the next request, and that request itself as `Link` (RFC 8288). Rows that come and go
 * between two requests change no others. With `?watch` server-sent events instead: all of them by their keys, then what changes, each with a version that a
 * client continues from (live/watch.ts). Throws `invalid`.
 */
export function sendList<T extends object>(
  request: Request,
  response: Response,
  rows: () => readonly T[],
  keyOf: (row: T) => string,
): void {
  if (request.query['watch'] !== undefined && request.query['watch'] !== 'false') {
    const { limit: _limit, continue: _continue, ...filters } = request.query;
    const now = (): Rows => new Map(pageOf(rows(), keyOf, filters).page.map((row) => [keyOf(row), JSON.stringify(row)]));
    // what is refused is refused before the stream begins; what is gone later has no rows
    now();
    (request.app.get(WATCH_LIST) as WatchList)(request, response, () => {
      try {
        return now();
      } catch (error) {
        if (error instanceof ArpanetError) return new Map();
        throw error;
      }
    });
    return;
  }
  const { page, next } = pageOf(rows(), keyOf, request.query);
  if (next !== undefined) {
    const [path = '', search = ''] = request.originalUrl.split('?');
    const query = new URLSearchParams(search);
    query.set('continue', next);
    response.setHeader(CONTINUE, next);
    response.setHeader('Link', `<${path}?${query.toString()}>; rel="next"`);
  }
  response.json(page);
}

/** Pure. */
export function pageOf<T extends object>(
  rows: readonly T[],
  keyOf: (row: T) => string,
  { filter, limit, continue: token }: Readonly<Record<string, unknown>>,
): { readonly page: readonly T[]; readonly next?: string } {
  const tests = (Array.isArray(filter) ? filter : filter === undefined ? [] : [filter]).map(filterOf);
  const wanted = rows.filter((row) => tests.every(([path, value]) => fieldOf(row, path) === value));
  if (limit === undefined && token === undefined) return { page: wanted };
  const most = limit === undefined ? MOST : limitOf(limit);
  const after = token === undefined ? undefined : keyIn(token);
  const keyed = wanted
    .map((row) => [keyOf(row), row] as const)
    .filter(([key]) => after === undefined || key > after)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const page = keyed.slice(0, most);
  const last = page.at(-1)?.[0];
  const next = keyed.length > most && last !== undefined ? { next: Buffer.from(last).toString('base64url') } : {};
  return { page: page.map(([, row]) => row), ...next };
}

function filterOf(given: unknown): readonly [path: string, value: string] {
  const at = typeof given === 'string' ? given.indexOf('=') : -1;
  if (typeof given !== 'string' || at < 1)
    throw new ArpanetError('invalid', `filter is ${JSON.stringify(given)}: it is FIELD=VALUE, as in ?filter=state=alive`);
  return [given.slice(0, at), given.slice(at + 1)];
}

/** Throws `invalid`. */
export function limitOf(given: unknown): number {
  const limit = typeof given === 'string' && /^\d{1,4}$/.test(given) ? Number(given) : 0;
  if (limit >= 1 && limit <= MOST) return limit;
  throw new ArpanetError('invalid', `limit is ${JSON.stringify(given)}: it is a whole number from 1 to ${MOST}`);
}

function keyIn(token: unknown): string {
  if (typeof token === 'string' && /^[\w-]+$/.test(token)) return Buffer.from(token, 'base64url').toString();
  throw new ArpanetError('invalid', `continue is none that an answer gave: take it from the header ${CONTINUE}`);
}

/** Labels have dots in their own names: the longest name that there is counts. */
function fieldOf(value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(fields, path)) return Array.isArray(fields[path]) ? fields[path].join(',') : String(fields[path]);
  const at = path.indexOf('.');
  return at < 0 || !Object.hasOwn(fields, path.slice(0, at)) ? undefined : fieldOf(fields[path.slice(0, at)], path.slice(at + 1));
}

/** A strong ETag (RFC 9110 §8.8.3) of what a GET of the same address shows. */
export const etagOf = (shown: unknown): string =>
  `"${createHash('sha256').update(JSON.stringify(shown)).digest('base64url').slice(0, 27)}"`;

/** The answer with its ETag. */
export function sendTagged(response: Response, shown: unknown): void {
  response.setHeader('ETag', etagOf(shown)).json(shown);
}

/** `shown` with the ETag of what of it a client can change: loads and the like change by themselves. */
export function sendDefined(response: Response, shown: unknown, definition: unknown): void {
  response.setHeader('ETag', etagOf(definition)).json(shown);
}

/** Throws `stale` where the client has seen something else than what is shown now, and says so by If-Match (RFC 9110 §13.1.1). */
export function refuseStale(request: Request, shown: unknown): void {
  const given = request.headers['if-match'];
  if (given === undefined || given.trim() === '*') return;
  const now = etagOf(shown);
  if (given.split(',').some((one) => one.trim() === now)) return;
  throw new ArpanetError('stale', `it has changed since you read it: read it again, and send its ETag (${now} now) as If-Match`);
}
