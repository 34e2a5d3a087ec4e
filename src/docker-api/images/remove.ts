/** rmi: an image or a name of it goes from all hosts, by the rules of one Engine. Effects: requests to Engines. */
import { engineError, engineRequest } from '../../engine/index.ts';
import { ArpanetError, type HostView } from '../../model/index.ts';
import { aliveHosts, askAll, type HostAnswer, succeeded } from '../proxy/broadcast.ts';
import { type Exchange, sendJson } from '../request-context.ts';
import { noSuchImage } from './image-target.ts';
import { askHost, sendEngineAnswer } from '../containers/mutate.ts';
import { enginePath } from '../route-target.ts';
import { boolValue } from '../json/go-values.ts';
import { tagsOf } from './handlers.ts';
import { parseImageReference, imageName, familiarReference, isImageIdPrefix } from '../../text/image-reference.ts';

const TAG_TIMEOUT_MS = 10_000;

/**
 * Removed on every host that has it. A host that refuses (a container uses it) refuses for all, so those whose containers use it are asked
 * first, one after the other; only then the rest.
 */
export async function imageRemove(call: Exchange): Promise<void> {
  const reference = call.params['name'] ?? '';
  const alive = new Set(aliveHosts(call));
  const id = call.cluster.images.find(reference)?.id;
  const holders = call.cluster.hosts.list().filter((host) => alive.has(host.name) && holds(host, reference, id));
  if (holders.length === 0 && parseImageReference(reference) === undefined) {
    return sendEngineAnswer(call, await askHost(call, call.cluster.images.builder(), enginePath(call)));
  }
  if (holders.length === 0) throw noSuchImage(reference);
  if (id !== undefined) refuseSharedId(call, reference, id);
  const users = new Set(
    call.cluster.containers.list().flatMap((container) => (container.facts.inspect.Image === id ? [container.host] : [])),
  );
  const inUse = call.cluster.hosts.list().filter(({ name }) => alive.has(name) && users.has(name));
  if (id !== undefined) await Promise.all(inUse.map((host) => giveNames(call, host, id)));
  const remove = (hosts: readonly HostView[], path: string) =>
    hosts.length === 0
      ? []
      : askAll(
          call,
          hosts.map(({ name }) => name),
          path,
        );
  const path = enginePath(call);
  const answers: HostAnswer[] = [];
  const idle = holders.filter(({ name }) => !users.has(name));
  for (const hosts of [...inUse.map((host) => [host]), idle]) {
    if (!answers.some(isRefusal)) answers.push(...(await remove(hosts, path)));
  }
  await Promise.all(answers.map(({ host }) => call.cluster.view.refresh(host, { images: true })));
  // a copy that was in progress brings the name to its host after all
  const late = call.cluster.hosts
    .list()
    .filter((host) => alive.has(host.name) && host.images.some((image) => image.RepoTags?.includes(familiarReference(reference))));
  if (!answers.some(isRefusal) && late.length > 0) {
    await remove(late, path);
    await Promise.all(late.map(({ name }) => call.cluster.view.refresh(name, { images: true })));
  }
  const refusal = answers.find(isRefusal);
  if (refusal !== undefined) throw engineError(refusal.answer.status, refusal.answer.body.toString());
  if (id !== undefined && tagsOf(call, id).length === 0) {
    // A copy that a host has under no name goes with the last name.
    const nameless = idle.filter(({ name }) => call.cluster.images.find(id)?.hosts.includes(name));
    answers.push(...(await remove(nameless, enginePath(call, { name: id }, ''))));
    await Promise.all(nameless.map(({ name }) => call.cluster.view.refresh(name, { images: true })));
  }
  // where a container uses the image something of it stays, and so it does in the cluster
  const ofUsers = answers.filter(({ host, answer }) => users.has(host) && answer.status < 400);
  const removed = succeeded(ofUsers.length > 0 ? ofUsers : answers).flatMap(({ value }) => value as readonly Removed[]);
  const rows = [...new Map(removed.map((one) => [JSON.stringify(one), one])).values()];
  for (const { Deleted } of rows) if (Deleted !== undefined && Deleted !== id) await removeParent(call, Deleted);
  sendJson(call, 200, rowsThatHold(call, id, rows));
}

/** A line of an Engine's answer. */
interface Removed {
  readonly Untagged?: string;
  readonly Deleted?: string;
}

/** What an image was built on goes with it on its host, if it has no name. It goes on the others too, where nothing else is built on it or uses it: they say. */
async function removeParent(call: Exchange, id: string): Promise<void> {
  const alive = new Set(aliveHosts(call));
  const holders = call.cluster.hosts.list().filter(({ name, images }) => alive.has(name) && images.some(({ Id }) => Id === id));
  if (holders.length === 0 || tagsOf(call, id).length > 0) return;
  const names = holders.map(({ name }) => name);
  await askAll(call, names, enginePath(call, { name: id }, '')).catch((error: unknown) =>
    call.log.warn({ err: error, image: id }, 'could not remove the parent of an image on the other hosts'),
  );
  await Promise.all(names.map((name) => call.cluster.view.refresh(name, { images: true })));
}

/** What is still on a host, under another name or because that is unreachable, is not deleted: as on an Engine where it has other names. */
function rowsThatHold(call: Exchange, id: string | undefined, rows: readonly Removed[]): readonly Removed[] {
  const left = new Set(call.cluster.hosts.list().flatMap(({ images }) => images.map(({ Id }) => Id)));
  const isLeft = id !== undefined && left.has(id);
  return rows.filter(({ Deleted }) => Deleted === undefined || (!isLeft && !left.has(Deleted)));
}

/** An Engine judges by the names that it knows: a host whose container uses the image gets all that the image has in the cluster. */
async function giveNames(call: Exchange, host: HostView, id: string): Promise<void> {
  const here = new Set(host.images.find((image) => image.Id === id)?.RepoTags ?? []);
  for (const tag of tagsOf(call, id)) {
    if (here.has(tag)) continue;
    const repo = imageName(tag);
    const query = new URLSearchParams({ repo, tag: tag.slice(repo.length + 1) });
    const target = { agent: call.cluster.engines.endpoint(host.name).agent };
    const path = `/v${call.apiVersion}/images/${id}/tag?${query.toString()}`;
    await engineRequest(target, { method: 'POST', path, timeoutMs: TAG_TIMEOUT_MS, signal: call.signal });
  }
}

/** An id that has names in several repositories is removed by force only, even if no host alone has two of them. */
function refuseSharedId(call: Exchange, reference: string, id: string): void {
  if (boolValue(call.query.get('force')) || !isImageIdPrefix(reference, id)) return;
  if (new Set(tagsOf(call, id).map(imageName)).size < 2) return;
  const short = id.slice('sha256:'.length, 'sha256:'.length + 12);
  throw new ArpanetError('conflict', `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`);
}

/** 404 is none: a host without the image has nothing to refuse. */
const isRefusal = ({ answer }: HostAnswer): boolean => answer.status >= 400 && answer.status !== 404;

/** By id or by a name that the host itself knows; an old tag that another host has moved on from counts too. */
function holds(host: HostView, reference: string, id: string | undefined): boolean {
  const tag = familiarReference(reference);
  return host.images.some((image) => image.Id === id || image.RepoTags?.includes(tag) || image.RepoDigests?.includes(tag));
}
