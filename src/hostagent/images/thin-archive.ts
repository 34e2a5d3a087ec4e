/**
 * An image's archive without layers that its reader has. Effects: older Engines' layers pass through a file each, as only their content says which they
 * are; the folder is emptied at the agent's start.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { callbackify } from 'node:util';
import type { Headers, Pack } from 'tar-stream';
import { blobDigest, isUnnamedLayer } from './layers.ts';

/** Where layers are for as long as it takes to know them. */
export interface ThinArchives {
  /** The archive without the files of these layers (`sha256:…`). It is destroyed with the error of whatever fails on the way. */
  readonly without: (archive: Readable, layers: ReadonlySet<string>) => Promise<Readable>;
}

export function createThinArchives(folder: string): ThinArchives {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return {
    async without(archive, layers) {
      // by its default, and late: it takes 7 MB of memory
      const { default: tar } = await import('tar-stream');
      const pack = tar.pack();
      const extract = tar.extract();
      extract.on('entry', (header, entry, next) => {
        callbackify(() => passOn(pack, { header, entry }, layers, folder))(next);
      });
      pipeline(archive, extract).then(
        () => pack.finalize(),
        (error: Error) => pack.destroy(error),
      );
      return new Readable().wrap(pack);
    },
  };
}

interface File {
  readonly header: Headers;
  readonly entry: Readable;
}

async function passOn(pack: Pack, { header, entry }: File, layers: ReadonlySet<string>, folder: string): Promise<void> {
  const digest = blobDigest(header.name);
  if (digest !== undefined && layers.has(digest)) {
    entry.resume();
    return;
  }
  const isFile = header.type === 'file' || header.type === 'contiguous-file';
  if (!isFile || !isUnnamedLayer(header.name)) return add(pack, header, entry);
  const path = join(folder, randomUUID());
  try {
    const hash = createHash('sha256');
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(entry, hashing, createWriteStream(path));
    if (!layers.has(`sha256:${hash.digest('hex')}`)) await add(pack, header, createReadStream(path));
  } finally {
    await rm(path, { force: true });
  }
}

async function add(pack: Pack, header: Headers, content: Readable): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const sink = pack.entry(header, (error) => (error ? reject(error) : resolve()));
    content.once('error', reject);
    if (sink === undefined) content.resume();
    else content.pipe(sink);
  });
}
