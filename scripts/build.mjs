// The build of src into dist, for every script that starts the product.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const filesOf = (dir) =>
  existsSync(dir)
    ? readdirSync(dir, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    : [];

/** When the newest file of a folder was changed, in ms since 1970, and how many files there are: it changes when any file does. */
export function stateOf(dir) {
  const files = filesOf(dir);
  return { newestMs: Math.max(0, ...files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0)), count: files.length };
}

/** Compiles src into dist and deletes output whose source is gone. Compiler messages go to stderr. True if it compiled. */
export function build() {
  const [src, dist] = [join(root, 'src'), join(root, 'dist')];
  for (const file of filesOf(dist)) {
    const source = join(src, file.slice(dist.length).replace(/\.js(\.map)?$/, '.ts'));
    if (!existsSync(source)) rmSync(file);
  }
  const { status } = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  return status === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(build() ? 0 : 1);
