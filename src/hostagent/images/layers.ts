/** Which layers of an image another Engine has, and what need not be sent. Pure. Source: OCI image-spec, config.md, `rootfs.diff_ids`. */

/**
 * Layers of `wanted` that an Engine with these images has at the same places, on top of the same layers: it looks for no file of them when it loads an image
 * (moby image/tarexport/load.go). One that comes again further up is sent. All are digests, `sha256:…`, the lowest layer first.
 */
export function presentLayers(wanted: readonly string[], images: Iterable<readonly string[]>): readonly string[] {
  let most = 0;
  for (const layers of images) {
    let same = 0;
    while (same < wanted.length && layers[same] === wanted[same]) same++;
    most = Math.max(most, same);
  }
  const above = new Set(wanted.slice(most));
  return [...new Set(wanted.slice(0, most))].filter((layer) => !above.has(layer));
}

/** The digest that a file of an image's archive is called by: `blobs/sha256/<digest>`, as Engines since 25.0 write it. */
export function blobDigest(path: string): string | undefined {
  const [, hex] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path) ?? [];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

/** A layer in the archive of an older Engine, whose name says nothing of what is in it. */
export const isUnnamedLayer = (path: string): boolean => /^[0-9a-f]{64}\/layer\.tar$/.test(path);
