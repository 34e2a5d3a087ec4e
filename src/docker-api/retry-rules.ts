/** Which requests may be sent again when their leader disconnected without an answer. Pure. */
import { isLong } from './route.ts';
import { matchRoute } from './routes.ts';
import { splitVersion } from '../text/api-version.ts';

/** safely: twice is as good as once. never: it might be done twice. stream: the connection itself is handed over. */
export type Repeat = 'safely' | 'never' | 'stream';

const SAFE = new Set([
  'POST /containers/create',
  'POST /containers/{id}/start',
  'POST /containers/{id}/stop',
  'DELETE /containers/{id}',
  'POST /networks/create',
  'DELETE /networks/{id}',
  'POST /volumes/create',
  'DELETE /volumes/{name}',
]);

export function howToRepeat(method: string, url: string): Repeat {
  const { path } = splitVersion(url.split('?', 1)[0] ?? '/');
  // what it holds for the creates that follow is the same twice
  if (method === 'POST' && path === '/arpanet/v1/rehearse') return 'safely';
  const route = routeOf(method, path);
  if (route === 'unreadable') return 'never';
  if (route?.route.do === 'hijack') return 'stream';
  if (method === 'GET' || method === 'HEAD') return 'safely';
  return route !== undefined && SAFE.has(`${method} ${route.route.path}`) ? 'safely' : 'never';
}

/** Its answer, or what it sends, may take hours: a stream, or a build. */
export function mayLast(method: string, url: string): boolean {
  const route = routeOf(method, splitVersion(url.split('?', 1)[0] ?? '/').path);
  return route !== undefined && route !== 'unreadable' && (isLong(route.route) || route.route.do === 'builder');
}

function routeOf(method: string, path: string): ReturnType<typeof matchRoute> | 'unreadable' {
  try {
    return matchRoute(method, path);
  } catch {
    return 'unreadable';
  }
}
