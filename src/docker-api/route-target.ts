/** Where a route's request goes: the host, and the parameters as that host's Engine knows them. */
import { engineRequest } from '../engine/index.ts';
import { ArpanetError, type ContainerView, isKind } from '../model/index.ts';
import type { Call } from './request-context.ts';
import type { Execs } from './containers/execs.ts';
import { builderWithImages, imageAt, pushAt, saveAt } from './images/image-target.ts';
import type { Place } from './route.ts';
import { fillPath } from './routes.ts';
import { noteTarget } from '../security/index.ts';
import { deploymentOf } from './access/visible.ts';
import { isReferenceTo } from '../text/references.ts';

export interface Located {
  readonly host: string;
  /** Path and query for that host's Engine. */
  readonly path: string;
  /** The container that the request concerns, if it does. */
  readonly container?: ContainerView | undefined;
}

/** Throws `not-found` in the Engine's words. */
export async function locate(call: Call, place: Place, execs: Execs): Promise<Located> {
  const located = await LOCATE[place](call, execs);
  const { container, host } = located;
  noteTarget(call.req, { host, ...(container && { object: container.name, deployment: deploymentOf(container) }) });
  return located;
}

const LOCATE: Readonly<Record<Place, (call: Call, execs: Execs) => Located | Promise<Located>>> = {
  container(call) {
    // an unknown one is refused by an Engine: on a hijacked connection, or only after the body, as the route has it
    if (/\/(?:attach|copy)$/.test(call.route.path) && known(call) === undefined)
      return { host: call.cluster.images.builder(), path: enginePath(call) };
    const container = call.cluster.containers.one(call.params['id'] ?? '');
    return {
      host: container.host,
      path: enginePath(call, { ...call.params, id: asItsEngineKnows(call.params['id'] ?? '', container) }),
      container,
    };
  },
  async exec(call, execs) {
    const id = call.params['id'] ?? '';
    const exec = execs.get(id) ?? (await findExec(call, id));
    if (exec === undefined) return { host: call.cluster.images.builder(), path: enginePath(call) };
    execs.set(id, exec);
    const container = call.cluster.view.containersBy.id(exec.container);
    return { host: exec.host, path: enginePath(call), container };
  },
  image(call) {
    const { host, name } = imageAt(call, call.params['name'] ?? '');
    return { host, path: enginePath(call, { ...call.params, name }) };
  },
  async push(call) {
    const { host, name } = await pushAt(call);
    return { host, path: enginePath(call, { ...call.params, name }) };
  },
  images: async (call) => ({ host: await saveAt(call), path: enginePath(call) }),
  buildkit: async (call) => ({ host: await builderWithImages(call), path: enginePath(call) }),
  builder: (call) => ({ host: call.cluster.images.builder(), path: enginePath(call) }),
};

/** The container that a change is about. Throws `not-found`, and `unavailable` for one that was begun and may yet be. */
export async function sought(call: Call, reference: string): Promise<ContainerView> {
  const { cluster } = call;
  try {
    const container = cluster.containers.one(reference);
    if (container.record !== undefined || cluster.containers.verdict(container).kind !== 'proven') return container;
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
  }
  if (!(await cluster.containers.awaitCreate(reference))) throw new ArpanetError('not-found', `No such container: ${reference}`);
  return cluster.containers.one(reference);
}

/** The container that the request means; undefined: there is none. Throws for a prefix that several share. */
export function known({ params, cluster }: Call, reference = params['id'] ?? ''): ContainerView | undefined {
  try {
    return cluster.containers.one(reference);
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

/** The user's own reference where the container's Engine understands it too, so that its messages speak as the user did; else the id. */
export function asItsEngineKnows(reference: string, container: ContainerView): string {
  return reference === `/${container.name}` || isReferenceTo(reference, container) ? reference : container.id;
}

export function enginePath(call: Call, params = call.params, search = call.search): string {
  return `/v${call.apiVersion}${fillPath(call.route, params)}${search}`;
}

/** After a change of leader nobody remembers who runs an exec: all alive Engines are asked. */
async function findExec(call: Call, id: string): Promise<{ host: string; container: string } | undefined> {
  const alive = call.cluster.hosts.list().filter((host) => host.state === 'alive');
  const asked = alive.map(async ({ name }) => {
    const target = { agent: call.cluster.engines.endpoint(name).agent };
    const path = `/v${call.apiVersion}/exec/${encodeURIComponent(id)}/json`;
    const answer = await engineRequest(target, { method: 'GET', path, timeoutMs: 5_000, signal: call.signal });
    if (answer.status !== 200) throw new ArpanetError('not-found', `No such exec instance: ${id}`);
    const found = JSON.parse(answer.body.toString()) as { readonly ContainerID: string };
    return { host: name, container: found.ContainerID };
  });
  return await Promise.any(asked).catch(() => undefined);
}
