/** Effects: looks at the host's own files, for bind mounts. */
import { stat } from 'node:fs/promises';

/** Those that do not exist. What cannot be looked at is taken to be there: its Engine will see. */
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
