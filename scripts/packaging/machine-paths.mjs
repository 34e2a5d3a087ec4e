// What a package must not have: where it was made, and which registry its parts came from.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../build.mjs';

/** Programs made by others: read only by their checksum. */
const isBinary = (path) => path.endsWith('.node') || path.endsWith('/bin/node');

/** Throws with the names of the files below `dir` that name this machine's folders or its registry. */
export function refuseMachinePaths(dir) {
  const registry = spawnSync('npm', ['config', 'get', 'registry'], { cwd: root, encoding: 'utf8' }).stdout?.trim() ?? '';
  const host = URL.canParse(registry) ? new URL(registry).host : '';
  const isPublic = host === '' || host === 'registry.npmjs.org';
  const words = [root, realpathSync(join(root, 'node_modules')), ...(isPublic ? [] : [host])];
  const found = readdirSync(dir, { recursive: true })
    .map((leaf) => join(dir, String(leaf)))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() && !isBinary(path))
    .filter((path) => {
      const text = readFileSync(path, 'utf8');
      return words.some((word) => text.includes(word));
    });
  if (found.length > 0) throw new Error(`these files name this machine or its registry: ${found.join(', ')}`);
}
