/** Which host holds which image, and what a tag means when hosts disagree: the tag that was set last. Pure. */
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
  image: { readonly id: string; readonly hosts: readonly string[] } | undefined,
): number | undefined {
  const [host] = image?.hosts ?? [];
  return host === undefined ? undefined : images.on(host).images.find(({ Id }) => Id === image?.id)?.Size;
}

/** Tags over all hosts: the newest wins. */
export function mergeTags(hosts: Iterable<HostImages>): ReadonlyMap<string, Tagged> {
  const newest = new Map<string, Tagged>();
  for (const host of hosts) {
    for (const [tag, tagged] of host.tags) {
      const other = newest.get(tag);
      if (other === undefined || tagged.sinceMs > other.sinceMs) newest.set(tag, tagged);
    }
  }
  return newest;
}

/** The image id that a reference means. Tags first, then digests, then ids and unique id prefixes, as the Engine does. */
export function findImage(reference: string, tags: ReadonlyMap<string, string>, hosts: readonly HostImages[]): string | undefined {
  if (/^sha256:[0-9a-f]{64}$/.test(reference)) return hosts.some((host) => host.ids.has(reference)) ? reference : undefined;
  const familiar = familiarReference(reference);
  const tagged = tags.get(familiar);
  if (tagged !== undefined) return tagged;
  for (const host of hosts) {
    const id = host.digests.get(familiar);
    if (id !== undefined) return id;
  }
  if (reference.replace(/^sha256:/, '').length < 4) return undefined;
  const matches = new Set(hosts.flatMap((host) => [...host.ids].filter((id) => isImageIdPrefix(reference, id))));
  return matches.size === 1 ? [...matches][0] : undefined;
}
