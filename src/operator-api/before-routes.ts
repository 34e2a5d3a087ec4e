/** What is asked of each request before its route has it. Effects: waits for the hosts. */
import type { Request, Response } from 'express';
import { ArpanetError, isKind } from '../model/index.ts';
import { queryProblem } from '../text/query.ts';

/** Routes that need the store or the schedulers only: they do not wait for hosts. */
export const OF_THE_STORE: ReadonlySet<string> = new Set([
  'schedulers',
  'token',
  'backup',
  'boot',
  'config',
  'openapi.json',
  'reference',
  'users',
  'policy',
  'ca',
  'join',
  'join.sh',
  'installer',
  'package',
  'audit-log',
  'operations',
  'schema',
  'me',
  'sign-ins',
  'session',
]);
const READ_WAIT_MS = 2_000;

/**
 * A new leader has not heard from its hosts yet. A report that nothing runs would be wrong, and a change based on it worse. A request that only reads
 * waits at most 2 s, and is then answered with what is known.
 */
export async function whenReady(
  deps: { readonly ready: (signal: AbortSignal) => Promise<void> },
  { method }: Request,
  response: Response,
): Promise<void> {
  const isRead = method === 'GET';
  const over = new AbortController();
  const end = (): void => over.abort();
  response.once('close', end);
  const timer = isRead ? setTimeout(end, READ_WAIT_MS) : undefined;
  try {
    await deps.ready(over.signal);
  } catch (error) {
    if (!isRead || !isKind(error, 'unavailable')) throw error;
  } finally {
    clearTimeout(timer);
    response.off('close', end);
  }
}

/** A broken escape anywhere in the address (RFC 3986 §2.1), whether or not a route reads that part. */
export function refuseMalformed({ path, originalUrl }: Request): void {
  const cut = originalUrl.indexOf('?');
  const problem = cut < 0 ? undefined : queryProblem(originalUrl.slice(cut));
  if (problem !== undefined) throw new ArpanetError('invalid', problem);
  try {
    decodeURIComponent(path);
  } catch (cause) {
    throw new ArpanetError('invalid', `malformed escape in ${path}`, { cause });
  }
}
