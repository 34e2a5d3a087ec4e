/** What each route of Docker's API is about, for who has a role (pure). A route that is not here is for operators, until somebody has decided. */
import { type Access, type Identity, refuseAccess } from '../../security/index.ts';
import type { Route } from '../route.ts';

const of = (access: Access, ...routes: readonly string[]): readonly (readonly [string, Access])[] =>
  routes.map((route) => [route, access] as const);

const ACCESS: ReadonlyMap<string, Access> = new Map([
  ...of(
    'read',
    'GET /info',
    'GET /version',
    'POST /auth',
    'GET /events',
    'GET /system/df',
    'GET /plugins',
    'GET /containers/json',
    'GET /containers/{id}/json',
    'GET /containers/{id}/top',
    'GET /containers/{id}/changes',
    'GET /containers/{id}/logs',
    'GET /containers/{id}/stats',
    'POST /containers/{id}/wait',
    'GET /images/json',
    'GET /images/search',
    'GET /images/{name*}/json',
    'GET /images/{name*}/history',
    'GET /distribution/{name*}/json',
    'GET /networks',
    'GET /networks/',
    'GET /networks/{id}',
    'GET /volumes',
    'GET /volumes/{name}',
    'GET /services',
    'GET /services/{id}',
    'GET /services/{id}/logs',
    'GET /tasks',
    'GET /tasks/{id}',
    'GET /tasks/{id}/logs',
    'GET /nodes',
    'GET /nodes/{id}',
    'GET /secrets',
    'GET /secrets/{id}',
    'GET /configs',
    'GET /configs/{id}',
  ),
  ...of(
    'inside',
    'GET /containers/{id}/export',
    'GET /containers/{id}/archive',
    'HEAD /containers/{id}/archive',
    'PUT /containers/{id}/archive',
    'POST /containers/{id}/copy',
    'POST /containers/{id}/attach',
    'GET /containers/{id}/attach/ws',
    'POST /containers/{id}/resize',
    'POST /containers/{id}/exec',
    'POST /exec/{id}/start',
    'POST /exec/{id}/resize',
    'GET /exec/{id}/json',
    'GET /images/get',
    'GET /images/{name*}/get',
  ),
  ...of(
    'change',
    'POST /containers/create',
    'POST /containers/{id}/start',
    'POST /containers/{id}/stop',
    'POST /containers/{id}/restart',
    'POST /containers/{id}/kill',
    'POST /containers/{id}/pause',
    'POST /containers/{id}/unpause',
    'POST /containers/{id}/update',
    'POST /containers/{id}/rename',
    'DELETE /containers/{id}',
    'POST /commit',
    'POST /images/create',
    'POST /images/load',
    'POST /images/{name*}/push',
    'POST /images/{name*}/tag',
    'POST /build',
    'POST /build/cancel',
    'POST /session',
    'POST /networks/create',
    'POST /networks/prune',
    'DELETE /networks/{id}',
    'POST /networks/{id}/connect',
    'POST /networks/{id}/disconnect',
    'POST /volumes/create',
    'DELETE /volumes/{name}',
    'POST /services/create',
    'POST /services/{id}/update',
    'DELETE /services/{id}',
    'POST /secrets/create',
    'POST /secrets/{id}/update',
    'DELETE /secrets/{id}',
    'POST /configs/create',
    'POST /configs/{id}/update',
    'DELETE /configs/{id}',
  ),
  ...of(
    'all',
    'POST /containers/prune',
    'POST /volumes/prune',
    // images have no deployment: what is removed may be another's
    'POST /images/prune',
    'DELETE /images/{name*}',
    'POST /build/prune',
    // BuildKit's own protocol, in which nobody here can read that a build asks for the host's network (moby/moby#38994)
    'POST /grpc',
    'POST /nodes/{id}/update',
    'DELETE /nodes/{id}',
    'GET /swarm',
    'GET /swarm/unlockkey',
    'POST /swarm/init',
    'POST /swarm/join',
    'POST /swarm/leave',
    'POST /swarm/unlock',
    'POST /swarm/update',
    'PUT /volumes/{name}',
    'GET /containers/{id}/checkpoints',
    'POST /containers/{id}/checkpoints',
    'DELETE /containers/{id}/checkpoints/{checkpoint}',
    'GET /plugins/privileges',
    'POST /plugins/pull',
    'POST /plugins/create',
    'GET /plugins/{name*}/json',
    'DELETE /plugins/{name*}',
    ...['enable', 'disable', 'push', 'upgrade', 'set'].map((action) => `POST /plugins/{name*}/${action}`),
  ),
]);

/** Undefined: nobody has decided. */
export const accessOf = ({ method, path }: Pick<Route, 'method' | 'path'>): Access | undefined => ACCESS.get(`${method} ${path}`);

/** Why it may not ask for this route, and what to do instead where there is something; undefined: it may. */
export function refuseRoute(identity: Identity, route: Pick<Route, 'method' | 'path'>): string | undefined {
  const line = `${route.method} ${route.path}`;
  const refusal = refuseAccess(identity, accessOf(route), line);
  const instead = refusal === undefined ? undefined : INSTEAD[line];
  return instead === undefined ? refusal : `${refusal}: ${instead}`;
}

/** By route. */
const INSTEAD: Readonly<Record<string, string>> = {
  'POST /grpc':
    'BuildKit\'s own protocol (docker buildx, docker build since 23) may ask for the host\'s network, and nobody here can read it: build with DOCKER_BUILDKIT=0, or by "arpanet deploy"',
};

/** For a test: every line of it names a route. */
export const decidedRoutes = (): readonly string[] => [...ACCESS.keys()];
