/**
 * Data roots of Engines with busybox and redis in them. One is made for each version of the Engine and kept; an Engine that starts on a copy
 * has its images at once. Effects: an Engine for a few seconds, files below `imageCache`.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { provideImages, startLocalHosts } from '../../../src/local-hosts/index.ts';
import type { Logger } from '../../../src/telemetry/log.ts';
import { imageCache, labBase } from './paths.ts';

const run = promisify(execFile);

/** What holds images. Identities and what networks and volumes leave behind are each Engine's own. */
const KEPT = ['image', 'overlay2', 'containerd'];
/** Files below it are never written again once a layer is there: a hard link is a copy. */
const LINKED = 'overlay2';

/** The folder of the prepared root for the Engine that is found in these folders (none: the machine's own). Made if it is not there yet. */
export async function preparedRoot(enginePath: readonly string[], log: Logger): Promise<string> {
  const root = nameOf(enginePath);
  if (root !== undefined && existsSync(root)) return root;
  const dir = join(labBase, randomBytes(4).toString('hex'));
  const lab = await startLocalHosts({ dir, count: 1, enginePath: () => enginePath, nat: false, keep: false, log });
  try {
    const [host] = lab.hosts;
    if (host === undefined) throw new Error('no host');
    await provideImages([host.socket], imageCache);
    await lab.stopEngine(host);
    const made = nameOf(enginePath);
    if (made === undefined) throw new Error('the images were not made');
    const fresh = `${made}.${randomBytes(4).toString('hex')}`;
    await mkdir(fresh);
    for (const leaf of KEPT) {
      if (existsSync(join(host.dir, 'data', leaf))) await run('cp', ['-a', join(host.dir, 'data', leaf), fresh]);
    }
    // another process may have been faster: both results are equal
    await rename(fresh, made).catch(() => rm(fresh, { recursive: true, force: true }));
    return made;
  } finally {
    await lab[Symbol.asyncDispose]();
  }
}

/** Fills the data root of an Engine that has not been started yet. */
export async function copyRoot(prepared: string, dataRoot: string): Promise<void> {
  await mkdir(dataRoot, { recursive: true, mode: 0o711 });
  for (const leaf of KEPT) {
    const from = join(prepared, leaf);
    if (!existsSync(from)) continue;
    const copy = () => run('cp', ['-a', '--reflink=auto', from, dataRoot]);
    if (leaf !== LINKED) await copy();
    else await run('cp', ['-al', from, dataRoot]).catch(() => rm(join(dataRoot, leaf), { recursive: true, force: true }).then(copy));
  }
}

/** Named after the program and the images: a newer one of either has a root of its own. None without images. */
function nameOf(enginePath: readonly string[]): string | undefined {
  const images = join(imageCache, 'base.tar');
  const program = [...enginePath, '/usr/local/sbin', '/usr/sbin', '/usr/bin']
    .map((dir) => join(dir, 'dockerd'))
    .find((path) => existsSync(path));
  if (!existsSync(images) || program === undefined) return undefined;
  const facts = [program, images].map((path) => [path, statSync(path).size, statSync(path).mtimeMs].join());
  return join(imageCache, `root-${createHash('sha256').update(facts.join('\n')).digest('hex').slice(0, 12)}`);
}
