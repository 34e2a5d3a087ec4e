/** The package that this program runs from, for machines that join: the folder with its own Node, packed once. Effects: runs tar, an open file without a name. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface ProgramPackage {
  /** Of its bytes, in hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** From its beginning. */
  readonly read: () => NodeJS.ReadableStream;
}

const HERE = fileURLToPath(new URL('../../', import.meta.url));
const PARTS = ['bin', 'dist', 'lib', 'package.json'];
/** The same bytes on all schedulers of a release. */
const SAME = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=ustar'];

let packed: { readonly ofMs: number; readonly made: Promise<ProgramPackage> } | undefined;

/** Undefined: it runs from a clone, or an npm package, and has no Node of its own. Rejects when tar fails. */
export async function programPackage(root = HERE): Promise<ProgramPackage | undefined> {
  if (!['bin/node', 'bin/arpanet', 'lib/systemd/arpanet-agent.service'].every((part) => existsSync(join(root, part)))) return undefined;
  // an upgrade may have replaced the files under this process
  const ofMs = statSync(join(root, 'package.json')).mtimeMs;
  if (packed?.ofMs !== ofMs) packed = { ofMs, made: pack(root) };
  try {
    return await packed.made;
  } catch (error) {
    packed = undefined;
    throw error;
  }
}

async function pack(root: string): Promise<ProgramPackage> {
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-join-'));
  const file = join(dir, 'package.tar.gz');
  try {
    await promisify(execFile)('tar', [...SAME, '--use-compress-program=gzip -n -1', '-C', root, '-cf', file, ...PARTS]);
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    const fd = openSync(file, 'r');
    const bytes = statSync(file).size;
    // the end of a stream closes its descriptor: another one each time
    return { sha256: hash.digest('hex'), bytes, read: () => createReadStream(`/proc/self/fd/${fd}`) };
  } finally {
    // it stays readable, and nothing of it is left when this process ends
    rmSync(dir, { recursive: true, force: true });
  }
}
