/** Effects: `GET /arpanet/v1/audit-log`: the last lines of the audit log of the leader, and with `follow` those that come. For administrators. */
import type { Request, Response, Router } from 'express';
import { ArpanetError } from '../model/index.ts';
import type { AuditLine } from '../security/index.ts';
import { ROUTE_DOCS } from './openapi/routes.ts';

/** The audit log of the leader. */
export interface AuditLines {
  /** Oldest first. */
  readonly recent: () => readonly AuditLine[];
  /** Calls the listener with each line that comes, until the signal aborts. */
  readonly onLine: (listener: (line: AuditLine) => void, signal: AbortSignal) => void;
  /** The leadership is over: another scheduler writes the lines. */
  readonly ended: AbortSignal;
}

/** A reader that is further behind is cut off. */
const BEHIND_BYTES = 8 << 20;

/** `lines` throws `not-leader`. */
export function auditLogRoute(router: Router, lines: () => AuditLines): void {
  router.get('/audit-log', (request: Request, response: Response) => {
    const { recent, onLine, ended } = lines();
    const { user, follow } = request.query;
    const isShown = (line: AuditLine): boolean => user === undefined || user === '' || line.user === user;
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Cache-Control': 'no-cache, no-store' });
    response.flushHeaders();
    for (const line of recent()) if (isShown(line)) response.write(textOf(line));
    if (typeof follow !== 'string' || !/^(?:1|true)$/i.test(follow)) {
      response.end();
      return;
    }
    const left = new AbortController();
    const leave = (): void => left.abort();
    response.once('close', leave);
    ended.addEventListener('abort', () => response.end(), { once: true, signal: left.signal });
    onLine((line) => {
      if (response.writableLength > BEHIND_BYTES) response.destroy();
      else if (isShown(line)) response.write(textOf(line));
    }, left.signal);
    request.resume();
  });
}

const textOf = (line: AuditLine): string => `${JSON.stringify(line)}\n`;

const PREFIX = '/arpanet/v1';
const PATTERNS = ROUTE_DOCS.map(({ method, path, isGuarded = false }) => ({
  isGuarded,
  method: method.toUpperCase(),
  path: `${PREFIX}${path}`,
  pattern: new RegExp(`^${PREFIX}${path.replaceAll('.', '\\.').replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}/?$`, 'i'),
}));

/** The pattern of a path of the operator's API, and its parameters, decoded; undefined: there is no such route. Pure. */
export function operatorRoute(
  method: string,
  path: string,
): { readonly path: string; readonly params: Readonly<Record<string, string>> } | undefined {
  for (const one of PATTERNS) {
    const found = one.method === method ? one.pattern.exec(path) : null;
    if (found !== null)
      return {
        path: one.path,
        params: Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, value]) => [name, decoded(value)])),
      };
  }
  return undefined;
}

/** Throws `invalid` for a change with an If-Match that nobody would look at. */
export function refuseUselessMatch({ method, headers, originalUrl }: Request): void {
  if (headers['if-match'] === undefined || method === 'GET' || method === 'HEAD') return;
  const [path = ''] = originalUrl.split('?', 1);
  const found = PATTERNS.find((one) => one.method === method && one.pattern.test(path));
  if (found?.isGuarded === false)
    throw new ArpanetError('invalid', `${method} ${path} takes no If-Match: the reference says which changes do (/arpanet/v1/reference)`);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
