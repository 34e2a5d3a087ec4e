/** Effects: counts requests and measures how long their answers take, by route. Routes are those of the tables: nothing that a client writes becomes a label. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { counter, gauge, histogram } from '../telemetry/metrics.ts';
import { splitVersion } from '../text/api-version.ts';
import { routeOf } from './routes.ts';
import { isLong } from './route.ts';

const requests = counter({
  name: 'arpanet_http_requests_total',
  help: 'Requests that were answered, or whose client left (code "gone"), by route.',
  labels: ['method', 'route', 'code'],
});
const durations = histogram({
  name: 'arpanet_http_request_duration_seconds',
  help: 'From a request to the end of its answer, by route; without streams.',
  labels: ['method', 'route'],
});

/** Attach, exec, logs, events and waits that this scheduler carries now. */
export const openStreams = gauge({ name: 'arpanet_streams', help: 'Streams open at this scheduler: attach, exec, logs, events, waits.' });

/** Those in a handshake included. */
export const openConnections = gauge({ name: 'arpanet_connections', help: 'Connections open at this scheduler.' });

/** What the limits by client have refused or ended. */
export const refusals = counter({
  name: 'arpanet_client_refusals_total',
  help: 'What the limits by client refused or ended: connections, total (of all clients), streams, pipelined, bodies, headers, slow-head, slow-body, slow-reader.',
  labels: ['why'],
});

/** Called when a request has come; its answer is measured by itself. */
export function measureRequest(req: IncomingMessage, res: ServerResponse): void {
  const { method, url } = req;
  const sinceMs = performance.now();
  res.once('close', () => {
    const where = placeOf(method, url);
    requests.inc({ ...where.labels, code: res.headersSent ? String(res.statusCode) : 'gone' });
    if (!where.isLong && res.writableFinished) durations.observe((performance.now() - sinceMs) / 1000, where.labels);
  });
}

/** Called when the socket of a request was given away: `status` as it was answered. */
export function countUpgrade({ method, url }: IncomingMessage, status: number): void {
  requests.inc({ ...placeOf(method, url).labels, code: String(status) });
}

interface Where {
  readonly labels: { readonly method: string; readonly route: string };
  readonly isLong: boolean;
}

/** How a request is counted: a route's pattern, a page of arpanet's own by its first word, or `other`. */
export function placeOf(method = '', url = ''): Where {
  const [whole = ''] = url.split('?', 1);
  const known = METHODS.has(method) ? method : 'other';
  const [, own] = /^\/(?:arpanet\/v1\/)?([\w-]+)/.exec(whole) ?? [];
  if (whole.startsWith('/arpanet/')) {
    const route = own !== undefined && OWN.has(own) ? `/arpanet/v1/${own}` : '/arpanet';
    return { labels: { method: known, route }, isLong: STREAMS.has(own ?? '') || /[?&](?:watch|follow)(?:[=&]|$)/.test(url) };
  }
  if (own !== undefined && PAGES.has(own)) return { labels: { method: known, route: `/${own}` }, isLong: false };
  const route = routeOf(method, splitVersion(whole).path);
  return { labels: { method: known, route: route?.path ?? 'other' }, isLong: route !== undefined && isLong(route) };
}

const OWN: ReadonlySet<string> = new Set(
  'agent audit audit-log backup boot ca cas config deployments dial doctor explain health held hosts installer join keys logs me names networks openapi operations package policy rebalance records reference rehearse schedulers schema services session sign-ins status terminal terminals token top users watch'.split(
    ' ',
  ),
);
/** Beside lists that are watched, and operations that are followed. */
const STREAMS: ReadonlySet<string> = new Set(['agent', 'audit-log', 'terminal', 'watch']);
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
const PAGES: ReadonlySet<string> = new Set(['metrics', 'ui']);
