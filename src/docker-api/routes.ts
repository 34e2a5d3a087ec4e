/**
 * The door's whole table, Engine API 1.24 to 1.51. One line a route: what is asked, which way it goes, and by whom or what it is answered.
 *
 *  read       from the cluster view (reads/)
 *  host       one request to the Engine of a place, byte for byte, over a kept-alive connection
 *  stream     the same for long answers: the client's socket and the Engine's are joined once the head has passed
 *  hijack     the socket itself changes hands, both ways
 *  mutate     the place's Engine does it, then the view shows it, then the client is answered
 *  cluster    the cluster does it
 *  broadcast  several Engines do it, their answers become one
 *  builder    the builder's Engine does it, progress streams through, then the view shows it
 *  refuse     answered here, as an Engine that is no swarm manager and has no plugins would
 */
import { NO_SWARM } from './swarm/facade.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';

export type Place = 'container' | 'exec' | 'image' | 'push' | 'images' | 'builder' | 'buildkit';

export type ReadName =
  | 'containerList'
  | 'containerInspect'
  | 'imageList'
  | 'networkList'
  | 'networkInspect'
  | 'volumeList'
  | 'volumeInspect'
  | 'info'
  | 'version'
  | 'diskUsage';

export type HandlerName =
  | 'containerCreate'
  | 'containerMutate'
  | 'containerRemove'
  | 'containerRename'
  | 'containerWait'
  | 'containersPrune'
  | 'commit'
  | 'execCreate'
  | 'networkCreate'
  | 'networkRemove'
  | 'networkConnect'
  | 'networkDisconnect'
  | 'networksPrune'
  | 'volumeCreate'
  | 'volumeRemove'
  | 'volumesPrune'
  | 'build'
  | 'imageInspect'
  | 'imagePull'
  | 'imageTag'
  | 'imageRemove'
  | 'imagesPrune'
  | 'buildPrune'
  | 'streamToBuilder'
  | 'events'
  | 'serviceList'
  | 'serviceInspect'
  | 'serviceCreate'
  | 'serviceUpdate'
  | 'serviceRemove'
  | 'serviceLogs'
  | 'taskList'
  | 'taskInspect'
  | 'taskLogs'
  | 'nodeList'
  | 'nodeInspect'
  | 'nodeUpdate'
  | 'swarmInspect'
  | 'swarmJoin'
  | 'swarmUnlockKey'
  | 'nodeRemove'
  | 'swarmInit'
  | 'swarmLeave'
  | 'swarmUpdate'
  | 'keptList'
  | 'keptInspect'
  | 'keptCreate'
  | 'keptUpdate'
  | 'keptRemove';

export type Route = {
  readonly method: Method;
  readonly path: string;
  /** Engines of older versions have no such page. */
  readonly since?: string;
  /** What it takes may be long, and is for an Engine alone to read. */
  readonly isUpload?: true;
} & (
  | { readonly do: 'read'; readonly by: ReadName }
  | { readonly do: 'host' | 'stream' | 'hijack'; readonly at: Place }
  | { readonly do: 'mutate' | 'cluster' | 'broadcast' | 'builder'; readonly by: HandlerName }
  | { readonly do: 'refuse'; readonly status: number; readonly message: string }
);

const noSwarm = (method: Method, path: string): Route => ({ method, path, do: 'refuse', status: 503, message: NO_SWARM });
const unsupported = (method: Method, path: string, message: string): Route => ({ method, path, do: 'refuse', status: 501, message });
const NO_CLUSTER_VOLUMES = 'volume update only valid for cluster volumes, but swarm is unavailable';
const NO_CHECKPOINTS =
  'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.';
const NO_PLUGINS = 'plugins are not managed through arpanet: install them on the hosts';

/** Patterns: `{id}` and `{name*}` are one segment or more, as an Engine has it (`host/name` is a container's too), others one. Earlier lines win. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/containers/json', do: 'read', by: 'containerList' },
  { method: 'POST', path: '/containers/create', do: 'cluster', by: 'containerCreate' },
  { method: 'POST', path: '/containers/prune', do: 'broadcast', by: 'containersPrune' },
  { method: 'GET', path: '/containers/{id}/json', do: 'read', by: 'containerInspect' },
  { method: 'GET', path: '/containers/{id}/top', do: 'host', at: 'container' },
  { method: 'GET', path: '/containers/{id}/changes', do: 'host', at: 'container' },
  { method: 'GET', path: '/containers/{id}/logs', do: 'stream', at: 'container' },
  { method: 'GET', path: '/containers/{id}/stats', do: 'stream', at: 'container' },
  { method: 'GET', path: '/containers/{id}/export', do: 'stream', at: 'container' },
  { method: 'GET', path: '/containers/{id}/archive', do: 'stream', at: 'container' },
  { method: 'HEAD', path: '/containers/{id}/archive', do: 'host', at: 'container' },
  { method: 'PUT', path: '/containers/{id}/archive', do: 'host', at: 'container', isUpload: true },
  { method: 'POST', path: '/containers/{id}/attach', do: 'hijack', at: 'container' },
  { method: 'GET', path: '/containers/{id}/attach/ws', do: 'hijack', at: 'container' },
  { method: 'POST', path: '/containers/{id}/wait', do: 'mutate', by: 'containerWait' },
  { method: 'POST', path: '/containers/{id}/start', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/stop', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/restart', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/kill', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/pause', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/unpause', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/update', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/resize', do: 'host', at: 'container' },
  { method: 'POST', path: '/containers/{id}/copy', do: 'host', at: 'container' },
  { method: 'POST', path: '/containers/{id}/rename', do: 'mutate', by: 'containerRename' },
  unsupported('GET', '/containers/{id}/checkpoints', NO_CHECKPOINTS),
  unsupported('POST', '/containers/{id}/checkpoints', NO_CHECKPOINTS),
  unsupported('DELETE', '/containers/{id}/checkpoints/{checkpoint}', NO_CHECKPOINTS),
  { method: 'DELETE', path: '/containers/{id}', do: 'mutate', by: 'containerRemove' },
  { method: 'POST', path: '/containers/{id}/exec', do: 'mutate', by: 'execCreate' },
  { method: 'POST', path: '/exec/{id}/start', do: 'hijack', at: 'exec' },
  { method: 'POST', path: '/exec/{id}/resize', do: 'host', at: 'exec' },
  { method: 'GET', path: '/exec/{id}/json', do: 'host', at: 'exec' },
  { method: 'POST', path: '/commit', do: 'mutate', by: 'commit' },

  { method: 'GET', path: '/images/json', do: 'read', by: 'imageList' },
  { method: 'GET', path: '/images/search', do: 'host', at: 'builder' },
  { method: 'GET', path: '/images/get', do: 'stream', at: 'images' },
  { method: 'POST', path: '/images/create', do: 'builder', by: 'imagePull', isUpload: true },
  { method: 'POST', path: '/images/load', do: 'builder', by: 'streamToBuilder', isUpload: true },
  { method: 'POST', path: '/images/prune', do: 'broadcast', by: 'imagesPrune' },
  { method: 'GET', path: '/images/{name*}/json', do: 'cluster', by: 'imageInspect' },
  { method: 'GET', path: '/images/{name*}/history', do: 'host', at: 'image' },
  { method: 'GET', path: '/images/{name*}/get', do: 'stream', at: 'images' },
  { method: 'POST', path: '/images/{name*}/push', do: 'host', at: 'push' },
  { method: 'POST', path: '/images/{name*}/tag', do: 'broadcast', by: 'imageTag' },
  { method: 'DELETE', path: '/images/{name*}', do: 'broadcast', by: 'imageRemove' },
  { method: 'GET', path: '/distribution/{name*}/json', do: 'host', at: 'builder' },
  { method: 'POST', path: '/build', do: 'builder', by: 'build', isUpload: true },
  { method: 'POST', path: '/build/cancel', do: 'host', at: 'builder' },
  { method: 'POST', path: '/build/prune', do: 'broadcast', by: 'buildPrune' },
  { method: 'POST', path: '/session', do: 'hijack', at: 'builder' },
  { method: 'POST', path: '/grpc', do: 'hijack', at: 'buildkit' },

  { method: 'GET', path: '/networks', do: 'read', by: 'networkList' },
  { method: 'GET', path: '/networks/', do: 'read', by: 'networkList' },
  { method: 'POST', path: '/networks/create', do: 'cluster', by: 'networkCreate' },
  { method: 'POST', path: '/networks/prune', do: 'cluster', by: 'networksPrune' },
  { method: 'GET', path: '/networks/{id}', do: 'read', by: 'networkInspect' },
  { method: 'DELETE', path: '/networks/{id}', do: 'cluster', by: 'networkRemove' },
  { method: 'POST', path: '/networks/{id}/connect', do: 'cluster', by: 'networkConnect' },
  { method: 'POST', path: '/networks/{id}/disconnect', do: 'cluster', by: 'networkDisconnect' },

  { method: 'GET', path: '/volumes', do: 'read', by: 'volumeList' },
  { method: 'POST', path: '/volumes/create', do: 'cluster', by: 'volumeCreate' },
  { method: 'POST', path: '/volumes/prune', do: 'broadcast', by: 'volumesPrune' },
  { method: 'GET', path: '/volumes/{name}', do: 'read', by: 'volumeInspect' },
  { method: 'DELETE', path: '/volumes/{name}', do: 'cluster', by: 'volumeRemove' },
  { method: 'PUT', path: '/volumes/{name}', since: '1.42', do: 'refuse', status: 503, message: NO_CLUSTER_VOLUMES },

  { method: 'GET', path: '/info', do: 'read', by: 'info' },
  { method: 'GET', path: '/version', do: 'read', by: 'version' },
  { method: 'GET', path: '/system/df', do: 'read', by: 'diskUsage' },
  { method: 'GET', path: '/events', do: 'broadcast', by: 'events' },
  { method: 'POST', path: '/auth', do: 'host', at: 'builder' },

  { method: 'GET', path: '/plugins', do: 'refuse', status: 200, message: '[]' },
  unsupported('GET', '/plugins/privileges', NO_PLUGINS),
  unsupported('POST', '/plugins/pull', NO_PLUGINS),
  unsupported('POST', '/plugins/create', NO_PLUGINS),
  { method: 'GET', path: '/plugins/{name*}/json', do: 'refuse', status: 404, message: 'plugin "{name}" not found' },
  { method: 'DELETE', path: '/plugins/{name*}', do: 'refuse', status: 404, message: 'plugin "{name}" not found' },
  ...['enable', 'disable', 'push', 'upgrade', 'set'].map(
    (action): Route => ({
      method: 'POST',
      path: `/plugins/{name*}/${action}`,
      do: 'refuse',
      status: 404,
      message: 'plugin "{name}" not found',
    }),
  ),
  { method: 'GET', path: '/swarm', do: 'cluster', by: 'swarmInspect' },
  { method: 'GET', path: '/swarm/unlockkey', do: 'cluster', by: 'swarmUnlockKey' },
  { method: 'POST', path: '/swarm/leave', do: 'cluster', by: 'swarmLeave' },
  { method: 'POST', path: '/swarm/update', do: 'cluster', by: 'swarmUpdate' },
  noSwarm('POST', '/swarm/unlock'),
  { method: 'POST', path: '/swarm/init', do: 'cluster', by: 'swarmInit' },
  { method: 'POST', path: '/swarm/join', do: 'cluster', by: 'swarmJoin' },
  { method: 'GET', path: '/services', do: 'cluster', by: 'serviceList' },
  { method: 'POST', path: '/services/create', do: 'cluster', by: 'serviceCreate' },
  { method: 'GET', path: '/services/{id}/logs', do: 'broadcast', by: 'serviceLogs' },
  { method: 'GET', path: '/services/{id}', do: 'cluster', by: 'serviceInspect' },
  { method: 'POST', path: '/services/{id}/update', do: 'cluster', by: 'serviceUpdate' },
  { method: 'DELETE', path: '/services/{id}', do: 'cluster', by: 'serviceRemove' },
  { method: 'GET', path: '/tasks', do: 'cluster', by: 'taskList' },
  { method: 'GET', path: '/tasks/{id}/logs', do: 'broadcast', by: 'taskLogs' },
  { method: 'GET', path: '/tasks/{id}', do: 'cluster', by: 'taskInspect' },
  { method: 'GET', path: '/nodes', do: 'cluster', by: 'nodeList' },
  { method: 'GET', path: '/nodes/{id}', do: 'cluster', by: 'nodeInspect' },
  { method: 'POST', path: '/nodes/{id}/update', do: 'cluster', by: 'nodeUpdate' },
  { method: 'DELETE', path: '/nodes/{id}', do: 'cluster', by: 'nodeRemove' },
  ...['secrets', 'configs'].flatMap((kind): readonly Route[] => [
    { method: 'GET', path: `/${kind}`, do: 'cluster', by: 'keptList' },
    { method: 'POST', path: `/${kind}/create`, do: 'cluster', by: 'keptCreate' },
    { method: 'GET', path: `/${kind}/{id}`, do: 'cluster', by: 'keptInspect' },
    { method: 'POST', path: `/${kind}/{id}/update`, do: 'cluster', by: 'keptUpdate' },
    { method: 'DELETE', path: `/${kind}/{id}`, do: 'cluster', by: 'keptRemove' },
  ]),
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

/** Bytes that are no UTF-8 name nothing that is there, but they are no malformed request either. Throws URIError for `%zz`. */
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
