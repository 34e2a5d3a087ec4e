/** Where requests about images (`/images/{name}/…`, Docker API v1.24 and later) go: to a host that knows the image as the cluster does. */
import { ArpanetError, type HostView } from '../../model/index.ts';
import type { Call } from '../request-context.ts';
import { imageName, familiarReference, isImageIdPrefix } from '../../text/image-reference.ts';

export interface ImagePlace {
  readonly host: string;
  /** What that host's Engine is to be asked for. */
  readonly name: string;
}

/** In the Engine's words: what may be an id of which nothing is known may also be a name. */
export function noSuchImage(reference: string): ArpanetError {
  return new ArpanetError(
    'not-found',
    `No such image: ${/^[0-9a-f]{1,63}$/.test(reference) ? `${reference}:latest` : familiarReference(reference)}`,
  );
}

/**
 * A host that holds the image, best one where the reference itself is a tag and where it was built (that host knows its parents);
 * where it is known under no such name its id stands for it.
 */
export function imageAt(call: Call, reference: string): ImagePlace {
  const found = call.cluster.images.find(reference);
  // An Engine that has nothing of that name says it best.
  if (found === undefined && call.route.method === 'GET') return { host: call.cluster.images.builder(), name: reference };
  const holders = found?.hosts.flatMap((name) => call.cluster.hosts.list().filter((host) => host.name === name)) ?? [];
  // a host that does not answer comes last
  const rank = (host: HostView): number =>
    (host.why === undefined ? 4 : 0) + (knows(host, reference, found?.id ?? '') ? 2 : 0) + (isBuiltOn(host, found?.id) ? 1 : 0);
  const [best] = holders.toSorted((a, b) => rank(b) - rank(a));
  if (found === undefined || best === undefined) throw noSuchImage(reference);
  return { host: best.name, name: knows(best, reference, found.id) ? reference : found.id };
}

const isBuiltOn = (host: HostView, id: string | undefined): boolean =>
  host.images.some((image) => image.Id === id && (image['ParentId'] ?? '') !== '');

/** Whether the host's Engine takes the reference for this image. */
function knows(host: HostView, reference: string, id: string): boolean {
  const wanted = familiarReference(reference);
  return host.images.some(
    (image) =>
      image.Id === id &&
      (image.RepoTags?.includes(wanted) || image.RepoDigests?.includes(wanted) || isImageIdPrefix(reference, image.Id) || false),
  );
}

/** The tag to push is in the query; without one all tags of the name are pushed, so they are brought together first. */
export async function pushAt(call: Call): Promise<ImagePlace> {
  const name = call.params['name'] ?? '';
  const tag = call.query.get('tag') ?? '';
  const familiar = imageName(name);
  const references = tag !== '' ? [`${familiar}:${tag}`] : tagsOf(call, familiar);
  const known = references.filter((reference) => call.cluster.images.find(reference) !== undefined);
  // An Engine that has nothing of that name says it best.
  if (known.length === 0) return { host: call.cluster.images.builder(), name };
  return { host: await together(call, known), name };
}

function tagsOf(call: Call, familiar: string): readonly string[] {
  return [...call.cluster.images.tags().keys()].filter((reference) => imageName(reference) === familiar);
}

/** For `save`, to which a repository's name alone means all its tags: a host that holds every image named, or the builder once it has fetched what it lacks. */
export async function saveAt(call: Call): Promise<string> {
  const name = call.params['name'];
  const names = name === undefined ? call.query.getAll('names').flatMap((list) => list.split(',')) : [name];
  const all = names.flatMap((one) => {
    const tags = tagsOf(call, one);
    return tags.length > 0 ? tags : [one];
  });
  const [only = '', ...others] = all;
  if (others.length === 0 && call.cluster.images.find(only) === undefined) return call.cluster.images.builder();
  return together(call, all);
}

async function together(call: Call, references: readonly string[]): Promise<string> {
  const images = references.map((reference) => {
    const found = call.cluster.images.find(reference);
    // save names an image as the user did
    if (found === undefined) throw new ArpanetError('not-found', `No such image: ${reference}`);
    return { reference, ...found };
  });
  const hosts = call.cluster.hosts.list().filter((host) => images[0]?.hosts.includes(host.name));
  const able = hosts.filter((host) => images.every(({ reference, id }) => knows(host, reference, id)));
  // where they were built it is known what they were built on, and is saved with them
  const builtOn = (host: HostView): number => images.filter(({ id }) => isBuiltOn(host, id)).length;
  const [all] = able.toSorted((a, b) => builtOn(b) - builtOn(a));
  if (all !== undefined) return all.name;
  const builder = call.cluster.images.builder();
  for (const { reference } of images) await call.cluster.images.ensure(builder, reference, call.signal);
  return builder;
}

/**
 * The host of a build, with all that a Dockerfile may be FROM: images that no registry gave (built, committed or loaded elsewhere), and tags that have
 * moved on elsewhere. Everything else it can pull by itself. What cannot be brought is left to the build to complain about.
 */
export async function builderWithImages(call: Call, name = call.cluster.images.builder()): Promise<string> {
  const builder = call.cluster.hosts.list().find((host) => host.name === name);
  const here = new Map(builder?.images.flatMap((image) => (image.RepoTags ?? []).map((tag) => [tag, image.Id] as const)));
  const pullable = new Set(
    call.cluster.hosts.list().flatMap((host) => host.images.flatMap((image) => ((image.RepoDigests ?? []).length > 0 ? [image.Id] : []))),
  );
  for (const [tag, id] of call.cluster.images.tags()) {
    const present = here.get(tag);
    if (present === id || (present === undefined && pullable.has(id))) continue;
    try {
      await call.cluster.images.ensure(name, tag, call.signal);
    } catch (error) {
      if (call.signal.aborted) throw error;
      call.log.warn({ err: error, image: tag, host: name }, 'could not copy an image to the builder; a build FROM it fails');
    }
  }
  return name;
}
