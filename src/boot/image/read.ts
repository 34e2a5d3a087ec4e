/** The image that a boot server hands out: only as its list says that it is. Effects: reads files. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArpanetError } from '../../model/index.ts';
import { digestOf } from './build.ts';
import { IMAGE_FILES, type ImageFile, type ImageManifest, MANIFEST } from './plan.ts';

export interface ServedImage {
  /** Reads the list, and each file that changed since it was read. Throws `conflict` for an image that is altered or not whole, with what to do. */
  readonly check: () => Promise<ImageManifest>;
  /** The bytes of a file that `check` has passed. */
  readonly open: (name: ImageFile) => NodeJS.ReadableStream;
}

/** `dir`: where `arpanet boot build` has put it. */
export function servedImage(dir: string): ServedImage {
  /** By name: what stat said when the digest was taken. */
  const known = new Map<ImageFile, { readonly state: string; readonly sha256: string }>();

  async function digest(name: ImageFile): Promise<string> {
    const { mtimeMs, ctimeMs, size, ino } = await stat(join(dir, name));
    const state = `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
    const before = known.get(name);
    if (before?.state === state) return before.sha256;
    const { sha256 } = await digestOf(join(dir, name));
    known.set(name, { state, sha256 });
    return sha256;
  }

  return {
    async check() {
      const manifest = readManifest(await readFile(join(dir, MANIFEST), 'utf8').catch(() => undefined), dir);
      for (const name of IMAGE_FILES) {
        const found = await digest(name).catch(() => undefined);
        if (found !== manifest.files[name].sha256)
          throw new ArpanetError(
            'conflict',
            `the image in ${dir} is ${found === undefined ? `without ${name}` : `altered: ${name} is not what ${MANIFEST} says`}. "arpanet boot build" makes it again`,
          );
      }
      return manifest;
    },
    open: (name) => createReadStream(join(dir, name)),
  };
}

/** Throws `conflict` for what is no list of an image. */
export function readManifest(text: string | undefined, dir: string): ImageManifest {
  if (text === undefined) throw new ArpanetError('conflict', `there is no image in ${dir}: "arpanet boot build" makes one`);
  try {
    const { version, kernel, madeMs, words, files } = JSON.parse(text) as ImageManifest;
    const isWhole = IMAGE_FILES.every((name) => /^[0-9a-f]{64}$/.test(files[name].sha256) && files[name].bytes > 0);
    if (
      isWhole &&
      typeof version === 'string' &&
      typeof kernel === 'string' &&
      Array.isArray(words) &&
      words.every((word) => typeof word === 'string')
    )
      return { version, kernel, madeMs, words, files };
  } catch {
    // said below
  }
  throw new ArpanetError('conflict', `${join(dir, MANIFEST)} is no list of an image: "arpanet boot build" makes it again`);
}
