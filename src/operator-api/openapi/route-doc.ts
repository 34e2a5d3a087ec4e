/** What the reference says of one route of `/arpanet/v1`. Plain data. */
import type { AnswerName } from './answers.ts';

export interface QueryDoc {
  readonly name: string;
  readonly description: string;
  readonly example: string;
  readonly required?: true;
  /** It may be given several times. */
  readonly isRepeated?: true;
}

export interface RouteDoc {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Below `/arpanet/v1`, as express has it. */
  readonly path: string;
  readonly tag: 'cluster' | 'hosts' | 'services' | 'names' | 'repair' | 'settings' | 'users';
  readonly summary: string;
  readonly query?: readonly QueryDoc[];
  readonly body?: { readonly type: string; readonly required: readonly string[]; readonly example: unknown; readonly yaml?: string };
  readonly answer: AnswerName;
  /** Long work: lines of JSON, `{"progress": TEXT}` each, and last `{"result": …}` with the answer, or `{"error": TEXT}`. */
  readonly isWork?: true;
  /** What `dry-run` is answered with, in JSON. */
  readonly dryRun?: AnswerName;
  /** What the answer is, where it is no JSON. `lines`: of JSON, one answer each. */
  readonly as?: 'text' | 'html' | 'gzip' | 'lines' | 'events';
  /** With `follow=true` the lines of long work, as its first client got them. */
  readonly isFollowed?: true;
  /** Takes `filter`, `limit` and `continue`. */
  readonly isList?: true;
  /** Takes If-Match, with the ETag of a GET. */
  readonly isGuarded?: true;
}

/** A route that is read. */
export const get = (path: string, tag: RouteDoc['tag'], summary: string, answer: AnswerName, query?: readonly QueryDoc[]): RouteDoc => ({
  method: 'get',
  path,
  tag,
  summary,
  answer,
  ...(query && { query }),
});

/** One of rows. */
export const list = (...of: Parameters<typeof get>): RouteDoc => ({ ...get(...of), isList: true });
