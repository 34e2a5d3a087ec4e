/** Test programs as one JavaScript file each: such a process starts in a quarter of the time of one that compiles. Effects: files. */
import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { repository } from './paths.ts';

const made = new Map<string, string>();

/** The path of what the program at `entry` (from the repository's root) was compiled to; made anew once in each test process. */
export function compiled(entry: string): string {
  const already = made.get(entry);
  if (already !== undefined) return already;
  // As far below the repository's root as dist/cli: the program looks for package.json from there.
  const path = join(repository, 'dist', 'test', basename(entry).replace(/\.ts$/, '.mjs'));
  // Other test processes make and start the same one at the same time.
  const own = `${path}.${process.pid}`;
  execFileSync(process.execPath, [join(repository, 'scripts', 'build.mjs'), entry, own], { cwd: repository });
  renameSync(own, path);
  made.set(entry, path);
  return path;
}
