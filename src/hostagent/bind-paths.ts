/** Effects: looks at this host's files, for bind mounts. */
import { readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Those that do not exist. A path that cannot be examined counts as existing: the Engine will report it. Never throws. */
export async function missingPaths(paths: readonly string[]): Promise<readonly string[]> {
  const missing = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
      ),
    ),
  );
  return paths.filter((_path, position) => missing[position]);
}

/** As Linux does (path_resolution(7)). */
const MOST_LINKS = 40;

/** Where each leads. The end of a path that does not exist is below where its beginning leads. Never throws: what cannot be examined leads nowhere, `""`. */
export const realPaths = async (paths: readonly string[]): Promise<readonly string[]> =>
  await Promise.all(paths.map((path) => realPath(resolve('/', path), MOST_LINKS).catch(() => '')));

async function realPath(path: string, links: number): Promise<string> {
  const real = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (real !== undefined) return real;
  if (links === 0) return '';
  const folder = await realPath(dirname(path), links);
  // a link to what does not exist yet leads where that will be
  const target = await readlink(join(folder, basename(path))).catch(() => undefined);
  return target === undefined ? join(folder, basename(path)) : await realPath(resolve(folder, target), links - 1);
}
