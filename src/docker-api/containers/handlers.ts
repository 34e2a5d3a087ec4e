/** Containers: create, remove, rename, wait, exec, commit. */
import { buffer } from 'node:stream/consumers';
import { type EngineAnswer, engineError, engineOpen } from '../../engine/index.ts';
import { ArpanetError, type ContainerView, isKind, isUnreachable, containerLabels } from '../../model/index.ts';
import { readBody } from '../json/body.ts';
import { discardUnreadable } from '../reads/unreadable.ts';
import { type Exchange, ownHeaders, send } from '../request-context.ts';
import type { Execs } from './execs.ts';
import { unreachable } from '../proxy/forward.ts';
import { askHost, sendEngineAnswer } from './mutate.ts';
import { asItsEngineKnows, enginePath, known, sought } from '../route-target.ts';
import { boolValue } from '../json/go-values.ts';
import { isContainerName, withoutSlash } from '../../text/names.ts';

export async function containerRemove(call: Exchange): Promise<void> {
  const reference = call.params['id'] ?? '';
  let container: ContainerView;
  try {
    const found = known(call);
    if (found === undefined && (await call.cluster.containers.abandonCreate(reference))) return send(call, { status: 204 });
    container = found ?? (await sought(call, reference));
  } catch (error) {
    // The first try did it, and only its answer was lost with the leader.
    if (call.isRetry && isKind(error, 'not-found')) return send(call, { status: 204 });
    const isDiscarded = isKind(error, 'not-found') && (await discardUnreadable(call, 'container', withoutSlash(reference)));
    if (isDiscarded) return send(call, { status: 204 });
    throw error;
  }
  if (boolValue(call.query.get('link'))) return linkRemove(call);
  if (isUnreachable(container.hostState) && boolValue(call.query.get('force'))) {
    await call.cluster.replicas.touching(container, 'remove', () => call.cluster.containers.abandonLost(container));
    return send(call, { status: 204 });
  }
  // by its id, whatever has its name meanwhile; a newer Engine's refusal quotes what it was asked with
  const act = async (): Promise<EngineAnswer> => {
    const answered = await askHost(call, container.host, enginePath(call, { id: container.id }));
    if (answered.status !== 409) return answered;
    const asked = JSON.stringify(JSON.stringify(reference)).slice(1, -1);
    return { ...answered, body: Buffer.from(answered.body.toString().replaceAll(`\\"${container.id}\\"`, () => asked)) };
  };
  const remove = async (): Promise<EngineAnswer> => {
    const answered = boolValue(call.query.get('force')) ? await call.cluster.containers.withdrawn(container, act) : await act();
    const isGone = answered.status === 204 || answered.status === 404;
    await Promise.all([
      isGone ? call.cluster.containers.release(container) : undefined,
      call.cluster.view.refresh(container.host, { containers: [container.id], volumes: boolValue(call.query.get('v')) }),
    ]);
    return answered;
  };
  const answer = await call.cluster.replicas.touching(container, 'remove', remove);
  if (answer.status === 404 && call.isRetry) send(call, { status: 204 });
  else sendEngineAnswer(call, answer);
}

/** `rm --link web/db`: the link goes, what it led to stays. In the words of moby's daemon/delete.go. */
async function linkRemove(call: Exchange): Promise<void> {
  const reference = call.params['id'] ?? '';
  const [alias = '', parent] = withoutSlash(reference).split('/').reverse();
  if (parent === undefined) {
    throw new ArpanetError('engine', 'Conflict, cannot remove the default link name of the container', { engineStatus: 500 });
  }
  const container = call.cluster.containers.list().find(({ name }) => name === parent);
  if (container?.record?.links.some((link) => link.alias === alias) !== true) {
    throw new ArpanetError('engine', `Cannot get parent /${parent} for link name /${parent}/${alias}`, { engineStatus: 500 });
  }
  // on its host's own bridge the link is the Engine's
  if (container.record.request.HostConfig?.NetworkMode === 'bridge') {
    const answer = await askHost(call, container.host, enginePath(call, { id: reference }));
    if (answer.status >= 400) return sendEngineAnswer(call, answer);
  }
  await call.cluster.containers.unlink(container, alias);
  await call.cluster.view.refresh(container.host, { containers: [container.id] });
  send(call, { status: 204 });
}

export async function containerRename(call: Exchange): Promise<void> {
  const container = await sought(call, call.params['id'] ?? '');
  const name = call.query.get('name') ?? '';
  // what cannot be, its Engine refuses in its own words
  if (!isContainerName(name) || withoutSlash(name) === container.name) {
    return sendEngineAnswer(call, await askHost(call, container.host, enginePath(call, { id: container.id })));
  }
  const act = async (): Promise<void> => {
    const answer = await askHost(call, container.host, enginePath(call, { id: container.id }));
    if (answer.status >= 400) throw engineError(answer.status, answer.body.toString());
  };
  await call.cluster.containers.rename(container, withoutSlash(name), act).catch((error: unknown) => {
    if (!isKind(error, 'conflict')) throw error;
    throw new ArpanetError('conflict', `Error when allocating new name: ${error.message}`, { cause: error });
  });
  await call.cluster.view.refresh(container.host, { containers: [container.id] });
  send(call, { status: 204 });
}

/** Headers go out at once: the docker CLI waits for them before it starts the container. The end goes out once the view shows it. */
export async function containerWait(call: Exchange): Promise<void> {
  const container = await sought(call, call.params['id'] ?? '');
  const { agent } = call.cluster.engines.endpoint(container.host);
  const path = enginePath(call, { id: container.id });
  const lost = (error: unknown): never => {
    throw unreachable(container.host, error);
  };
  const upstream = await engineOpen({ agent }, { method: 'POST', path, signal: call.signal }).catch(lost);
  call.res.writeHead(upstream.statusCode ?? 502, { ...ownHeaders(call.newestVersion, call.requestId), 'Content-Type': 'application/json' });
  call.res.flushHeaders();
  const body = await buffer(upstream).catch(lost);
  await call.cluster.view.refresh(container.host, { containers: [container.id] });
  call.res.end(body);
}

export async function execCreate(call: Exchange, execs: Execs): Promise<void> {
  const body = await readBody(call.req, call.bodyLimitBytes);
  const container = known(call);
  if (container === undefined) return sendEngineAnswer(call, await askHost(call, call.cluster.images.builder(), enginePath(call), body));
  const id = asItsEngineKnows(call.params['id'] ?? '', container);
  const answer = await askHost(call, container.host, enginePath(call, { id }), body);
  if (answer.status === 201) {
    const { Id } = JSON.parse(answer.body.toString()) as { readonly Id: string };
    call.reads.execSeen(container.id);
    execs.set(Id, { host: container.host, container: container.id });
  }
  sendEngineAnswer(call, answer);
}

/** The answer is small and tells its length, so it is kept until the view knows the image: a client asks for that at once. */
export async function commit(call: Exchange): Promise<void> {
  const reference = call.query.get('container') ?? '';
  if (reference === '') throw new ArpanetError('invalid', 'invalid name or ID supplied: ""');
  const body = await readBody(call.req, call.bodyLimitBytes);
  // an Engine looks at the body first, and then says best that it knows no such container
  const container = known(call, reference);
  if (container === undefined) return sendEngineAnswer(call, await askHost(call, call.cluster.images.builder(), enginePath(call), body));
  const query = new URLSearchParams(call.query);
  query.set('container', container.id);
  // an image must not say that it is this container
  if (container.record !== undefined) query.append('changes', `LABEL ${containerLabels.map((label) => `"${label}"=""`).join(' ')}`);
  const answer = await askHost(call, container.host, enginePath(call, {}, `?${query.toString()}`), body);
  await call.cluster.view.refresh(container.host, { images: true });
  sendEngineAnswer(call, answer);
}
