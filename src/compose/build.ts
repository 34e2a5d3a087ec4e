/** A service's `build:` -> what the cluster's endpoint is asked to build (Docker API v1.39 and later, `POST /build` by BuildKit; docker/compose, pkg/compose/build.go). Pure. */
import { ArpanetError, composeLabels, type Json } from '../model/index.ts';
import { type ExtraContext, extraContextsOf } from './build-contexts.ts';
import { type Definition, isMap } from './normalize.ts';
import type { ContentSource, StoredObject } from './stored-files.ts';
import { absolutePath, bytesOf, textOf } from './values.ts';

/** An image that is made of files. */
export interface Build {
  readonly service: string;
  readonly image: string;
  /** A folder, whole; or what an Engine fetches itself: a git repository, an archive. */
  readonly context: { readonly folder: string } | { readonly remote: string };
  /** Its path in the context or a whole one, or its text. */
  readonly dockerfile: { readonly path: string } | { readonly text: string };
  /** Of `POST /build`, without the context, the Dockerfile and the session. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** What `RUN --mount=type=secret,id=ID` shows, by id. */
  readonly secrets: ReadonlyMap<string, { readonly key: string; readonly source: ContentSource }>;
  /** Contexts beside the first; a service's is the image that it has. */
  readonly contexts: ReadonlyMap<string, Exclude<ExtraContext, { readonly service: string }>>;
  /** Images of other services that it is made of: each exists before, or is built. */
  readonly after: readonly string[];
  /** Built again although a host has it (`pull_policy: build`). */
  readonly isForced: boolean;
  /** The file has a name for the image, which a registry may have too: it is pulled, and built where that fails. */
  readonly mayPull: boolean;
}

/** What a build needs to know of the rest of the file. */
export interface BuildSurroundings {
  readonly project: string;
  readonly folder: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Secrets and configs that the files define, by `secret KEY`. */
  readonly stored: ReadonlyMap<string, StoredObject>;
  /** The image of another service; throws `invalid` where there is none of that name. */
  readonly imageOf: (service: string) => string;
}

const map = (value: unknown): Json => (isMap(value) ? value : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isTrue = (value: unknown): boolean => value === true || value === 'true';
/** Whether an Engine fetches it itself. Source: moby, pkg/urlutil/urlutil.go (IsURL, IsGitURL). */
export const isRemoteContext = (context: string): boolean => /^(?:https?|git|ssh):\/\/|^git@|^github\.com\/|\.git(?:#.*)?$/.test(context);

/** Undefined: nothing of it is built. Throws `invalid` with the key. */
export function buildOf(service: string, definition: Definition, image: string, around: BuildSurroundings): Build | undefined {
  const { build, image: named, pull_policy: policy } = definition;
  if (!isMap(build)) return undefined;
  const context = textOf(build['context'] ?? '.');
  const isRemote = isRemoteContext(context);
  const { dockerfile = 'Dockerfile', dockerfile_inline: inline } = build;
  if (inline !== undefined && isRemote)
    throw new ArpanetError('invalid', 'build.dockerfile_inline goes with a folder as context, and not with a remote one');
  const extra = [...extraContextsOf(build, around)].map(
    ([name, one]) => [name, 'service' in one ? { of: one.service, image: around.imageOf(one.service) } : one] as const,
  );
  if (extra.length > 0 && isRemote)
    throw new ArpanetError('invalid', 'build.additional_contexts goes with a folder as context, and not with a remote one');
  if (extra.length > 0 && isTrue(build['pull']))
    throw new ArpanetError('invalid', 'build.pull does not go with additional_contexts: an Engine would look for these at a registry, too');
  return {
    service,
    image,
    contexts: new Map(extra.map(([name, one]) => [name, 'folder' in one ? { folder: one.folder } : { image: one.image }])),
    after: extra.flatMap(([, one]) => ('of' in one ? [one.image] : [])),
    context: isRemote ? { remote: context } : { folder: absolutePath(around.folder, context, around.variables['HOME']) },
    dockerfile: inline === undefined ? { path: textOf(dockerfile) } : { text: textOf(inline) },
    query: queryOf(service, build, definition, image, around),
    secrets: secretsOf(build, around),
    isForced: policy === 'build',
    mayPull: typeof named === 'string' && named !== '' && policy !== 'never',
  };
}

function queryOf(
  service: string,
  build: Json,
  definition: Definition,
  image: string,
  { project, variables }: BuildSurroundings,
): Build['query'] {
  const args = Object.fromEntries(
    Object.entries(map(build['args'])).flatMap(([name, value]): [string, string][] => {
      const given = value === null ? variables[name] : textOf(value);
      return given === undefined ? [] : [[name, given]];
    }),
  );
  const labels = {
    ...Object.fromEntries(Object.entries(map(build['labels'])).map(([name, value]) => [name, value === null ? '' : textOf(value)])),
    [composeLabels.project]: project,
    [composeLabels.service]: service,
  };
  const platforms = list(build['platforms']).map(textOf);
  // Of several it is built for the one that the service runs on, else for the builder's own.
  const platform = definition['platform'] ?? (platforms.length === 1 ? platforms[0] : undefined);
  const json = (name: string, value: unknown, isThere: boolean): [string, string][] => (isThere ? [[name, JSON.stringify(value)]] : []);
  const given = (name: string, value: unknown, read: (value: unknown) => string = textOf): [string, string][] =>
    value === undefined ? [] : [[name, read(value)]];
  const caches = list(build['cache_from']).map((one) => imageIn(textOf(one)));
  const inlineCache = cacheTo(build['cache_to']);
  const ulimits = Object.entries(map(build['ulimits'])).map(([Name, one]) => ({
    Name,
    Soft: Number(map(one)['soft'] ?? one),
    Hard: Number(map(one)['hard'] ?? one),
  }));
  return [
    ...[image, ...list(build['tags']).map(textOf)].map((tag) => ['t', tag] as const),
    ...json('buildargs', { ...args, ...inlineCache }, Object.keys({ ...args, ...inlineCache }).length > 0),
    ...json('labels', labels, true),
    ...json('cachefrom', caches, caches.length > 0),
    ...given('target', build['target']),
    ...given('networkmode', build['network']),
    ...given('shmsize', build['shm_size'], (value) => String(bytesOf(value))),
    ...given('platform', platform),
    ...json('ulimits', ulimits, ulimits.length > 0),
    ...hostsOf(build['extra_hosts']).map((host) => ['extrahosts', host] as const),
    ...(isTrue(build['no_cache']) ? [['nocache', '1'] as const] : []),
    ...(isTrue(build['pull']) ? [['pull', '1'] as const] : []),
  ];
}

const hostsOf = (hosts: unknown): readonly string[] =>
  Object.entries(map(hosts)).flatMap(([name, ips]) => (Array.isArray(ips) ? ips : [ips]).map((ip: unknown) => `${name}:${textOf(ip)}`));

/** `NAME`, or `type=registry,ref=NAME`. Throws `invalid` for other types, which an Engine's `POST /build` does not have. */
function imageIn(cache: string): string {
  if (!cache.includes('=')) return cache;
  const { type, ref } = Object.fromEntries(cache.split(',').map((one) => one.split('=')));
  if (type === 'registry' && ref !== undefined) return ref;
  throw new ArpanetError('invalid', `build.cache_from: "${cache}": write an image, or type=registry,ref=IMAGE`);
}

/** The argument by which BuildKit puts its cache into the image. Throws `invalid` for what only other builders have. */
function cacheTo(caches: unknown): Readonly<Record<string, string>> {
  const other = list(caches).find((one) => textOf(one) !== 'type=inline');
  if (other !== undefined)
    throw new ArpanetError('invalid', `build.cache_to: "${textOf(other)}": an Engine's builder exports type=inline only`);
  return list(caches).length === 0 ? {} : { BUILDKIT_INLINE_CACHE: '1' };
}

/** Throws `invalid` for one that the file does not have, or whose content nobody but the store knows. */
function secretsOf(build: Json, { stored }: BuildSurroundings): Build['secrets'] {
  return new Map(
    Object.values(map(build['secrets'])).map((entry) => {
      const { source, target } = map(entry);
      const key = textOf(source);
      const found = stored.get(`secret ${key}`)?.source;
      if (found === undefined)
        throw new ArpanetError('invalid', `build.secrets: "${key}" is not defined under secrets: at the top of the file`);
      if (found.from === 'external')
        throw new ArpanetError('invalid', `build.secrets: "${key}" is external: a build needs its file or variable`);
      return [textOf(target ?? key), { key, source: found }];
    }),
  );
}
