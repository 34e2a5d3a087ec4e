/** Images: pulled, loaded and built on the builder's host (`POST /images/create`, `POST /images/load`, `POST /build`), tagged and removed wherever they are. */
import { engineError } from '../../engine/index.ts';
import { type ContainerView, type Json, withoutReservedLabels } from '../../model/index.ts';
import { askAll } from '../proxy/broadcast.ts';
import type { RefreshRequest } from '../../contracts/index.ts';
import { type Exchange, send, sendJson } from '../request-context.ts';
import type { Forward } from '../proxy/forward.ts';
import { builderWithImages, imageAt, noSuchImage } from './image-target.ts';
import { inNetwork, networkNamed } from './network-build.ts';
import { askHost, sendEngineAnswer } from '../containers/mutate.ts';
import { enginePath, known } from '../route-target.ts';
import { byWholeName } from '../../text/image-reference.ts';

/** Progress streams through; the end waits until the view has the new images. For pull, import, load and classic build. */
export async function streamToBuilder(call: Exchange, forward: Forward): Promise<void> {
  await streamTo(call, call.cluster.images.builder(), forward, { images: true });
}

/** The classic builder, and BuildKit where the Dockerfile comes by session: both find on the builder what other hosts have. */
export async function build(call: Exchange, forward: Forward): Promise<void> {
  const shared = networkShared(call);
  const host = await builderWithImages(call, shared?.host);
  const network = networkNamed(call);
  // the containers of its steps stay, unless rm is asked for
  const run = (container: string | undefined) =>
    streamTo(call, host, forward, { images: true, newcomers: true }, container === undefined ? undefined : pathWith(call, container));
  if (network === undefined) await run(shared?.id);
  else await inNetwork(call, host, network, run);
}

function pathWith(call: Exchange, container: string): string {
  const query = new URLSearchParams(call.query);
  query.set('networkmode', `container:${container}`);
  return enginePath(call, call.params, `?${query.toString()}`);
}

/** A build in a container's network is done where that one is. One that nobody knows is the Engine's to refuse, in the build's own words. */
function networkShared(call: Exchange): ContainerView | undefined {
  const [, reference] = /^container:(.+)$/.exec(call.query.get('networkmode') ?? '') ?? [];
  return reference === undefined ? undefined : known(call, reference);
}

async function streamTo(call: Exchange, host: string, forward: Forward, changes: RefreshRequest, path = enginePath(call)): Promise<void> {
  const { cluster } = call;
  await forward(call, { host, endpoint: cluster.engines.endpoint(host), path, beforeEnd: () => cluster.view.refresh(host, changes) });
}

/** As one host knows it, under all the names that it has in the cluster. */
export async function imageInspect(call: Exchange): Promise<void> {
  const { host, name } = imageAt(call, call.params['name'] ?? '');
  const answer = await askHost(call, host, enginePath(call, { name }));
  if (answer.status !== 200) return sendEngineAnswer(call, answer);
  const inspect = JSON.parse(answer.body.toString()) as Json & { readonly Id: string };
  const { cluster } = call;
  const digests = cluster.hosts
    .list()
    .flatMap((one) => one.images.flatMap((image) => (image.Id === inspect.Id ? (image.RepoDigests ?? []) : [])));
  const RepoDigests = [...new Set(digests.filter((digest) => !digest.startsWith('<none>')))].sort();
  const [Config, ContainerConfig] = [inspect['Config'], inspect['ContainerConfig']].map(withPublicLabels);
  const configs = { ...(Config === undefined ? {} : { Config }), ...(ContainerConfig === undefined ? {} : { ContainerConfig }) };
  sendJson(call, 200, { ...inspect, ...configs, RepoTags: tagsOf(call, inspect.Id), RepoDigests });
}

/** An image committed from a container carries what we had written on that. */
function withPublicLabels(config: unknown): unknown {
  const labels = (config as { readonly Labels?: Readonly<Record<string, string>> | null } | null | undefined)?.Labels;
  return labels === undefined || labels === null ? config : { ...(config as Json), Labels: withoutReservedLabels(labels) };
}

export const tagsOf = (call: Exchange, id: string): readonly string[] =>
  [...call.cluster.images.tags()].flatMap(([tag, of]) => (of === id ? [tag] : [])).sort(byWholeName);

export async function imageTag(call: Exchange): Promise<void> {
  const reference = call.params['name'] ?? '';
  const found = call.cluster.images.find(reference);
  if (found === undefined) throw noSuchImage(reference);
  const answers = await askAll(call, found.hosts, enginePath(call, { name: found.id }));
  await Promise.all(answers.map(({ host }) => call.cluster.view.refresh(host, { images: true })));
  const refused = answers.find(({ answer }) => answer.status >= 400);
  if (refused !== undefined) throw engineError(refused.answer.status, refused.answer.body.toString());
  // 26.1 answers 200 where no repository is named
  send(call, { status: answers[0]?.answer.status ?? 201 });
}
