/** Effects: looks at this host's files, for bind mounts. */
import { stat } from 'node:fs/promises';

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
