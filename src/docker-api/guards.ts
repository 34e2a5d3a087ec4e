/** What is refused before anything else looks at it, and the headers that stop at a proxy. Pure. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { ArpanetError, type ErrorKind } from '../model/index.ts';
import { type AllowedHosts, refuseCrossSite, refuseHost } from '../security/index.ts';

export interface Refused {
  readonly status: number;
  readonly message: string;
}

/** Agents join by any name of a scheduler, and prove themselves by the join token, which no web page has. */
const JOINS = '/arpanet/v1/agent';

/** What a web page asks (security/web-requests). */
export function refuseForeign({ headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>, hosts: AllowedHosts): Refused | undefined {
  const message = refuseCrossSite(headers) ?? (url.split('?', 1)[0] === JOINS ? undefined : refuseHost(headers.host, hosts));
  return message === undefined ? undefined : { status: 403, message };
}

const BODILESS = new Set(['DELETE', 'OPTIONS']);

/**
 * A body on DELETE or OPTIONS under `Transfer-Encoding` leaves http-proxy as a second request (CVE-2026-29057, http-party/node-http-proxy#1721);
 * two ways of framing, or one that nobody here reads, is request smuggling (RFC 9112 §6.3). A dot segment never names an object.
 */
export function refuseRequest(method: string, path: string, headers: IncomingHttpHeaders): Refused | undefined {
  const encoding = headers['transfer-encoding'];
  if (encoding !== undefined) {
    if (BODILESS.has(method)) return { status: 400, message: `${method} with Transfer-Encoding is refused` };
    if (headers['content-length'] !== undefined)
      return { status: 400, message: 'Content-Length together with Transfer-Encoding is refused' };
    if (encoding.toLowerCase() !== 'chunked')
      return { status: 501, message: `Transfer-Encoding ${encoding} is not supported: use chunked` };
  }
  if (!path.startsWith('/') || /\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path)) return { status: 404, message: 'page not found' };
  return undefined;
}

/** docker-compose 1.x: shown a swarm, it warns that it uses one machine only, which is not so here. */
export const isComposeV1 = (headers: IncomingHttpHeaders): boolean => headers['user-agent']?.startsWith('docker-compose/') === true;

/** Go counts bytes alone; node:http silently leaves out what is beyond 2,000, a second Transfer-Encoding included. */
const MOST_HEADERS = 1_000;

/** What Node lets through and an Engine does not: a second Host, another HTTP, and chunks where there are none yet (RFC 9112 §3.2, §6.1). */
export function refuseFraming({ rawHeaders, httpVersionMajor, httpVersionMinor, headers }: IncomingMessage): Refused | undefined {
  if (rawHeaders.length > 2 * MOST_HEADERS) return { status: 431, message: `a request may have ${MOST_HEADERS} headers` };
  if (httpVersionMajor !== 1) return { status: 505, message: 'unsupported protocol version: use HTTP/1.1' };
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts > 1) return { status: 400, message: 'more than one Host header' };
  if (hosts < 1 && httpVersionMinor > 0) return { status: 400, message: 'missing required Host header' };
  if (httpVersionMinor === 0 && headers['transfer-encoding'] !== undefined) {
    return { status: 400, message: 'Transfer-Encoding in an HTTP/1.0 request is refused' };
  }
  return undefined;
}

/** Where an Engine redirects to a path without empty and dot segments; undefined: it is clean (gorilla/mux `cleanPath`). */
export function cleanerPath(path: string): string | undefined {
  if (!/\/\/|\/\.{1,2}(?:\/|$)/.test(path)) return undefined;
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '.' && segment !== '') kept.push(segment);
  }
  return `/${kept.join('/')}${path.endsWith('/') && kept.length > 0 ? '/' : ''}`;
}

const HOP_BY_HOP = new Set([
  'connection',
  // a browser's session is for schedulers: no Engine gets it
  'cookie',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
]);

/** Names of the headers that concern one connection only (RFC 9110 §7.6.1), those that `Connection` lists included. Lower case. */
export function hopByHop(headers: IncomingHttpHeaders): readonly string[] {
  const listed = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return Object.keys(headers).filter((name) => HOP_BY_HOP.has(name) || listed.includes(name));
}

const KIND_OF: Readonly<Record<number, ErrorKind>> = { 400: 'invalid', 403: 'forbidden', 404: 'not-found' };

export const asError = ({ status, message }: Refused): ArpanetError =>
  new ArpanetError(KIND_OF[status] ?? 'engine', message, { engineStatus: status });
