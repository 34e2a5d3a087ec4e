/**
 * `GET /images/json` over all hosts: one entry an image id, and a tag only on the one image that it means in the cluster.
 * https://github.com/moby/moby/blob/v26.1.5/daemon/images/images.go
 */
import { type ImageSummary, reservedLabels, withoutReservedLabels } from '../../model/index.ts';
import { each } from '../../telemetry/left-out.ts';
import type { Filters } from '../reads/filters.ts';
import { listOf } from '../reads/listed.ts';
import { boolValue, parseTimestampMs, pathPattern } from '../json/go-values.ts';
import { apiMinor } from '../../text/api-version.ts';
import { byWholeName, imageName } from '../../text/image-reference.ts';

export interface ImageQuery {
  readonly all: boolean;
  readonly filters: Filters;
}

export function parseImageQuery(query: URLSearchParams, filters: Filters, apiVersion: string): ImageQuery {
  const legacy = query.get('filter') ?? '';
  const merged = legacy !== '' && apiMinor(apiVersion) < 41 ? filters.with('reference', legacy) : filters;
  merged.only('dangling', 'label', 'before', 'since', 'reference', 'until', 'node');
  return { all: boolValue(query.get('all')), filters: merged };
}

/** One entry an image; tags and digests without `<none>`. `tags` says which image each tag means. */
export function mergeImages(hosts: readonly (readonly ImageSummary[])[], tags: ReadonlyMap<string, string>): readonly ImageSummary[] {
  const merged = new Map<string, ImageSummary>();
  const merge = (image: ImageSummary): void => {
    const known = merged.get(image.Id);
    const repoTags = named(image.RepoTags).filter((tag) => (tags.get(tag) ?? image.Id) === image.Id);
    merged.set(image.Id, {
      ...(known ?? image),
      ParentId: known?.['ParentId'] || (image['ParentId'] ?? ''),
      RepoTags: union(known?.RepoTags, repoTags),
      RepoDigests: union(known?.RepoDigests, named(image.RepoDigests)),
      Containers: -1,
    });
  };
  each(listOf('image'), hosts.flat(), ({ Id }) => Id, merge);
  return [...merged.values()];
}

/** An image and all that are built on it. */
export function withDescendants(images: readonly ImageSummary[], id: string): ReadonlySet<string> {
  const found = new Set([id]);
  for (const ancestor of found) for (const image of images) if (image['ParentId'] === ancestor) found.add(image.Id);
  return found;
}

/** The images that `before` and `since` name. `find` throws `not-found` for an unknown one. */
export function borderImages({ filters }: ImageQuery, find: (reference: string) => ImageSummary): readonly ImageSummary[] {
  return [...filters.get('before'), ...filters.get('since')].map(find);
}

/** A list tells whole seconds, and Engines compare to the nanosecond: these images' own times are needed to tell which came first. */
export function sameSecond(images: readonly ImageSummary[], borders: readonly ImageSummary[]): readonly string[] {
  const seconds = new Set(borders.map((image) => image.Created));
  const ids = images.filter((image) => seconds.has(image.Created)).map(({ Id }) => Id);
  return ids.length > new Set(borders.map(({ Id }) => Id)).size ? ids : [];
}

/** `find` gives an image by reference; `exact` the creation times in seconds of those that `sameSecond` named. */
export function selectImages(
  images: readonly ImageSummary[],
  query: ImageQuery,
  find: (reference: string) => ImageSummary,
  exact: ReadonlyMap<string, number>,
  nowMs: number,
): readonly ImageSummary[] {
  const { filters } = query;
  const dangling = filters.bool('dangling');
  const created = (image: ImageSummary): number => exact.get(image.Id) ?? image.Created;
  const createdOf = (reference: string): number => created(find(reference));
  const until = filters.get('until').map((value) => parseTimestampMs(value, nowMs) / 1_000);
  const before = Math.min(...filters.get('before').map(createdOf), ...until);
  const since = Math.max(...filters.get('since').map(createdOf));
  const patterns = filters.get('reference').map(pathPattern);
  const parents = new Set(images.map((image) => image['ParentId']).filter((id) => id !== ''));
  const shown = images.flatMap((image): ImageSummary[] => {
    if (created(image) >= before || created(image) <= since || !filters.labels('label', image.Labels)) return [];
    if (dangling === true && parents.has(image.Id)) return [];
    const matches = (reference: string) => !filters.has('reference') || patterns.some((pattern) => isFamiliarMatch(pattern, reference));
    const RepoTags = (image.RepoTags ?? []).filter(matches);
    const RepoDigests = (image.RepoDigests ?? []).filter(matches);
    if (RepoTags.length + RepoDigests.length === 0) {
      const isIntermediate = !query.all && parents.has(image.Id);
      if (isIntermediate || dangling === false || filters.has('reference')) return [];
    } else if (dangling === true && RepoTags.length > 0) return [];
    return [{ ...image, RepoTags, RepoDigests }];
  });
  return shown.sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1));
}

/** The shape that an API version promises: `<none>:<none>`, and null for no names, before 1.43; VirtualSize before 1.44. */
export function showImage(image: ImageSummary, apiVersion: string): ImageSummary {
  const minor = apiMinor(apiVersion);
  const { VirtualSize: _, ...rest } = image;
  const isNameless = (image.RepoTags ?? []).length + (image.RepoDigests ?? []).length === 0;
  const orNull = (names: readonly string[] | null) => (minor < 43 && (names ?? []).length === 0 ? null : names);
  return {
    ...(rest as ImageSummary),
    RepoTags: orNull(image.RepoTags),
    RepoDigests: orNull(image.RepoDigests),
    ...(reservedLabels(image.Labels).length === 0 ? {} : { Labels: withoutReservedLabels(image.Labels ?? {}) }),
    ...(isNameless && minor < 43 ? { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] } : {}),
    ...(minor < 44 ? { VirtualSize: image.Size } : {}),
  };
}

function isFamiliarMatch(pattern: RegExp, reference: string): boolean {
  return pattern.test(reference) || pattern.test(imageName(reference));
}

function named(references: readonly string[] | null): readonly string[] {
  return (references ?? []).filter((reference) => !reference.startsWith('<none>'));
}

function union(a: readonly string[] | null | undefined, b: readonly string[]): readonly string[] {
  return [...new Set([...(a ?? []), ...b])].sort(byWholeName);
}
