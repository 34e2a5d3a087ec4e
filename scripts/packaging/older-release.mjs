// A release of before, for tests of upgrades: the commit by which hosts could join by a line first, built by its own scripts, and called 0.0.9.
//   node scripts/packaging/older-release.mjs [DIR]    makes its packages in DIR (default: kept beside the tools), and prints DIR
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../build.mjs';
import { must } from './archive.mjs';

const COMMIT = '170636b11c3b56326a878a9f01641f244613ddb9';
const VERSION = '0.0.9';

/** Made once and kept. Throws where the history of the repository does not go back so far. */
export function olderRelease(
  out = join(process.env.ARPANET_TOOLS ?? join(root, '.arpanet', 'tools'), `release-${VERSION}-${COMMIT.slice(0, 8)}`),
) {
  if (existsSync(out)) return out;
  if (spawnSync('git', ['cat-file', '-e', `${COMMIT}^{commit}`], { cwd: root }).status !== 0)
    throw new Error(`the history of this repository has no ${COMMIT}, of which the older release is made: git fetch --unshallow`);
  const tree = mkdtempSync(join(tmpdir(), 'arpanet-older-'));
  const partial = `${out}.partial`;
  rmSync(partial, { recursive: true, force: true });
  try {
    must('sh', ['-c', `git archive ${COMMIT} | tar -x -C "$0"`, tree], { cwd: root });
    const file = join(tree, 'package.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"version": "[^"]*"/, `"version": "${VERSION}"`));
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    mkdirSync(partial, { recursive: true });
    const epoch = must('git', ['log', '-1', '--format=%ct', COMMIT], { cwd: root }).trim();
    const script = `const { makePackages } = await import(${JSON.stringify(join(tree, 'scripts/package.mjs'))}); await makePackages({ out: ${JSON.stringify(partial)}, kinds: ['deb'], epoch: ${epoch} });`;
    must(process.execPath, ['--input-type=module', '-e', script], { cwd: tree });
    renameSync(partial, out);
    return out;
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(olderRelease(process.argv[2] && resolve(process.argv[2])));
