/** All routes of Docker's API, 1.24 to 1.51: the tables of the resources, joined and matched. What a line means is in route.ts. */
import { CONTAINER_ROUTES } from './containers/routes.ts';
import { IMAGE_ROUTES } from './images/routes.ts';
import { NETWORK_ROUTES } from './networks/routes.ts';
import type { Route } from './route.ts';
import { SWARM_ROUTES } from './swarm/routes.ts';
import { SYSTEM_ROUTES } from './system/routes.ts';
import { VOLUME_ROUTES } from './volumes/routes.ts';

/** Patterns: `{id}` and `{name*}` are one segment or more, as an Engine has it (`host/name` is a container's too), others one. Earlier lines win. */
export const ROUTES: readonly Route[] = [
  ...CONTAINER_ROUTES,
  ...IMAGE_ROUTES,
  ...NETWORK_ROUTES,
  ...VOLUME_ROUTES,
  ...SYSTEM_ROUTES,
  ...SWARM_ROUTES,
];

export interface Matched {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Compiled {
  readonly route: Route;
  readonly pattern: RegExp;
}

const compiled: ReadonlyMap<string, readonly Compiled[]> = compile(ROUTES);

function compile(routes: readonly Route[]): ReadonlyMap<string, readonly Compiled[]> {
  const byFirst = new Map<string, Compiled[]>();
  for (const route of routes) {
    const source = route.path.replace(/\{(id|\w+(?=\*))\*?\}/g, '(?<$1>.+)').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
    const key = firstOf(route.method, route.path);
    byFirst.set(key, [...(byFirst.get(key) ?? []), { route, pattern: new RegExp(`^${source}$`) }]);
  }
  return byFirst;
}

/** Routes are looked up by method and first segment, then by pattern. */
function firstOf(method: string, path: string): string {
  return `${method} ${path.split('/', 2)[1] ?? ''}`;
}

/** The route of a path without version and query; undefined: there is none. Parameters come decoded. Throws URIError for broken escapes. */
export function matchRoute(method: string, path: string): Matched | undefined {
  for (const { route, pattern } of compiled.get(firstOf(method, path)) ?? []) {
    const found = pattern.exec(path);
    if (found !== null) {
      const params = Object.entries(found.groups ?? {}).map(([name, value]) => [name, decoded(value)] as const);
      return { route, params: Object.fromEntries(params) };
    }
  }
  return undefined;
}

/** The same without its parameters. Never throws. */
export function routeOf(method: string, path: string): Route | undefined {
  return compiled.get(firstOf(method, path))?.find(({ pattern }) => pattern.test(path))?.route;
}

/** Bytes that are not UTF-8 name nothing that exists, but do not make a malformed request either. Throws URIError for `%zz`. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    if (/%(?![0-9a-f]{2})/i.test(value)) throw error;
    const bytes = value.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return Buffer.from(bytes, 'latin1').toString();
  }
}

/** The route's path with these parameters in place, as an Engine is asked. */
export function fillPath(route: Route, params: Readonly<Record<string, string>>): string {
  return route.path.replace(/\{(\w+)(\*?)\}/g, (_all, name: string, many: string) => {
    const value = params[name] ?? '';
    return many === '' ? encodeURIComponent(value) : value.split('/').map(encodeSegment).join('/');
  });
}

/** As Go's clients write them: `:` and `@` stay readable in image names. */
const encodeSegment = (segment: string): string => encodeURIComponent(segment).replace(/%3A/g, ':').replace(/%40/g, '@');
