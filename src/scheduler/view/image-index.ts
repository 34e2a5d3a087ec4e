/** Which host holds which image, and what a tag means when hosts disagree: the tag that was set last. Pure. */
import type { FoundImage } from '../../contracts/index.ts';
import type { ImageSummary } from '../../model/index.ts';
import { familiarReference, isImageIdPrefix } from '../../text/image-reference.ts';

/** A tag on one host: the image it names and when it came to name it. */
export interface Tagged {
  readonly id: string;
  readonly sinceMs: number;
  /** When its image was made. */
  readonly createdMs: number;
}

/** One host's images as an index; made again with every message, so that it can be compared with the one before. */
export interface HostImages {
  readonly images: readonly ImageSummary[];
  readonly ids: ReadonlySet<string>;
  /** `busybox:latest` -> image. */
  readonly tags: ReadonlyMap<string, Tagged>;
  /** `busybox@sha256:…` -> image id. */
  readonly digests: ReadonlyMap<string, string>;
}

export const noImages: HostImages = { images: [], ids: new Set(), tags: new Map(), digests: new Map() };

/**
 * Indexes a host's images. A tag that names the same image as before keeps its time. A tag that moved has moved now, unless `known` says since
 * when another host has had it so (a copy is no move), or an earlier leader knew it so. Else, at a host's first snapshot, an image's own age must do.
 */
export function indexImages(
  images: readonly ImageSummary[],
  before: HostImages | undefined,
  nowMs: number,
  known: (tag: string, id: string) => number | undefined,
): HostImages {
  const tags = new Map<string, Tagged>();
  const digests = new Map<string, string>();
  for (const image of images) {
    for (const tag of image.RepoTags ?? []) {
      if (tag === '<none>:<none>') continue;
      const same = before?.tags.get(tag);
      const createdMs = image.Created * 1000;
      const movedMs = before === undefined ? createdMs : nowMs;
      tags.set(tag, same?.id === image.Id ? same : { id: image.Id, sinceMs: known(tag, image.Id) ?? movedMs, createdMs });
    }
    for (const digest of image.RepoDigests ?? []) if (!digest.startsWith('<none>')) digests.set(digest, image.Id);
  }
  return { images, ids: new Set(images.map((image) => image.Id)), tags, digests };
}

/** In bytes, as a host that has it says; undefined: no host says. */
export function sizeOfImage(
  images: { readonly on: (host: string) => HostImages },
  image: { readonly id: string; readonly holders: ReadonlySet<string> } | undefined,
): number | undefined {
  const [host] = image?.holders ?? [];
  return host === undefined ? undefined : images.on(host).images.find(({ Id }) => Id === image?.id)?.Size;
}

/** What the hosts that are alive have, kept up to date host by host. A tag means what was set last; of two set at once, what was known first. */
export interface ImageIndex {
  /** Undefined: the host is gone, or not alive. */
  readonly put: (host: string, images: HostImages | undefined) => void;
  readonly holders: (id: string) => ReadonlySet<string>;
  /** The image id that a reference means. Tags first, then digests, then ids and unique id prefixes, as the Engine does. */
  readonly find: (reference: string) => string | undefined;
  readonly tagged: () => ReadonlyMap<string, Tagged>;
}

const NOBODY: ReadonlySet<string> = new Set();

export function createImageIndex(): ImageIndex {
  const known = new Map<string, HostImages>();
  const holders = new Map<string, Set<string>>();
  /** What each means, by host. */
  const tags = new Map<string, Map<string, Tagged>>();
  const digests = new Map<string, Map<string, string>>();
  const newest = new Map<string, Tagged>();
  let tagged: ReadonlyMap<string, Tagged> | undefined;

  function said(tag: string, host: string, now: Tagged | undefined): void {
    const before = tags.get(tag)?.get(host);
    if (before === now) return;
    tagged = undefined;
    enter(tags, tag, host, now);
    const leading = newest.get(tag);
    if (now !== undefined && (leading === undefined || now.sinceMs > leading.sinceMs)) newest.set(tag, now);
    else if (before !== undefined && before === leading) again(tag);
  }

  function again(tag: string): void {
    newest.delete(tag);
    for (const one of tags.get(tag)?.values() ?? [])
      if (one.sinceMs > (newest.get(tag)?.sinceMs ?? Number.NEGATIVE_INFINITY)) newest.set(tag, one);
  }

  return {
    put(host, images) {
      const before = known.get(host) ?? noImages;
      const now = images ?? noImages;
      if (images === undefined) known.delete(host);
      else known.set(host, images);
      for (const id of before.ids) if (!now.ids.has(id)) leave(holders, id, host);
      for (const id of now.ids) if (!before.ids.has(id)) holders.set(id, (holders.get(id) ?? new Set()).add(host));
      for (const tag of before.tags.keys()) if (!now.tags.has(tag)) said(tag, host, undefined);
      for (const [tag, one] of now.tags) said(tag, host, one);
      for (const digest of before.digests.keys()) if (!now.digests.has(digest)) enter(digests, digest, host, undefined);
      for (const [digest, id] of now.digests) enter(digests, digest, host, id);
    },
    holders: (id) => holders.get(id) ?? NOBODY,
    find(reference) {
      if (/^sha256:[0-9a-f]{64}$/.test(reference)) return holders.has(reference) ? reference : undefined;
      const familiar = familiarReference(reference);
      const id = newest.get(familiar)?.id ?? digests.get(familiar)?.values().next().value;
      if (id !== undefined) return id;
      if (reference.replace(/^sha256:/, '').length < 4) return undefined;
      const matches = [...holders.keys()].filter((one) => isImageIdPrefix(reference, one));
      return matches.length === 1 ? matches[0] : undefined;
    },
    tagged: () => (tagged ??= new Map(newest)),
  };
}

/** `loadOf`: how busy a host is, from 0. */
export function foundImage(index: ImageIndex, reference: string, loadOf: (host: string) => number): FoundImage | undefined {
  const id = index.find(reference);
  if (id === undefined) return undefined;
  const holders = index.holders(id);
  return {
    id,
    holders,
    get hosts() {
      return [...holders].sort((a, b) => loadOf(a) - loadOf(b));
    },
  };
}

function enter<T>(among: Map<string, Map<string, T>>, key: string, host: string, value: T | undefined): void {
  const hosts = among.get(key) ?? new Map<string, T>();
  if (value === undefined) hosts.delete(host);
  else hosts.set(host, value);
  if (hosts.size === 0) among.delete(key);
  else among.set(key, hosts);
}

function leave(among: Map<string, Set<string>>, key: string, host: string): void {
  const hosts = among.get(key);
  hosts?.delete(host);
  if (hosts?.size === 0) among.delete(key);
}
