/** The files that a build is sent, as `docker build` sends them. Effects: reads files. */
import { createReadStream, existsSync, lstatSync, readFileSync, readlinkSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import dockerignore from '@balena/dockerignore';
import type { Pack } from 'tar-stream';
import type { Build } from '../../../compose/index.ts';
import { ArpanetError } from '../../../model/errors.ts';

/** Where a Dockerfile is put that the folder does not have: its text is in the compose file, or it lies elsewhere. */
const OUTER = '.dockerfile.arpanet';

export interface BuildContext {
  /** A tar archive, made while it is read. */
  readonly archive: Readable;
  /** The Dockerfile's path in it. */
  readonly dockerfile: string;
}

export interface ContextOptions {
  /** What becomes of the Dockerfile before it is sent. */
  readonly edit?: (dockerfile: string) => string;
  /** A folder of the archive for all of it but the Dockerfile. */
  readonly below?: string;
}

/** A folder without what its `.dockerignore` (or that of the Dockerfile) names. Throws `invalid` for a folder or Dockerfile that does not exist. */
export async function openContext(
  folder: string,
  dockerfile: Build['dockerfile'],
  { edit, below = '' }: ContextOptions = {},
): Promise<BuildContext> {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new ArpanetError('invalid', `build: there is no folder ${folder}`);
  const path = 'path' in dockerfile ? resolve(folder, dockerfile.path) : undefined;
  const inside = path === undefined ? '..' : relative(folder, path);
  const isInside = !inside.startsWith('..');
  const own =
    'text' in dockerfile ? dockerfile.text : isInside && edit === undefined && path !== undefined ? undefined : readOr(path ?? '');
  const text = own === undefined || edit === undefined ? own : edit(own);
  if (text === undefined && path !== undefined && !existsSync(path)) throw new ArpanetError('invalid', `build: there is no ${path}`);
  const name = text === undefined ? inside : OUTER;
  const { default: tar } = await import('tar-stream');
  const archive = tar.pack();
  const isLeftOut = leftOut(folder, path, name);
  const work = async () => {
    if (text !== undefined) archive.entry({ name: OUTER, mode: 0o644 }, text);
    if (below !== '') archive.entry({ name: below, type: 'directory', mode: 0o755 });
    await pack(archive, folder, '', isLeftOut, below === '' ? '' : `${below}/`);
    archive.finalize();
  };
  // The package's own streams are none of Node's.
  const sent = new PassThrough();
  archive.on('error', (error: Error) => sent.destroy(error)).pipe(sent);
  work().catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))));
  return { archive: sent, dockerfile: name };
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ArpanetError('invalid', `build: cannot read ${path}`, { cause });
  }
}

interface LeftOut {
  /** The path itself. */
  readonly is: (path: string) => boolean;
  /** The path and all below it. */
  readonly isWhole: (path: string) => boolean;
}

/** Source: docker/cli, cli/command/image/build/dockerignore.go: the Dockerfile and the file of the rules are sent whatever the rules say. */
function leftOut(folder: string, dockerfile: string | undefined, name: string): LeftOut {
  const own = dockerfile === undefined ? '' : `${dockerfile}.dockerignore`;
  const file = own !== '' && existsSync(own) ? own : join(folder, '.dockerignore');
  if (!existsSync(file)) return { is: () => false, isWhole: () => false };
  const rules = readFileSync(file, 'utf8');
  const ignore = dockerignore.default({ ignorecase: false }).add(rules);
  const isNeeded = (path: string) => path === name || path === '.dockerignore';
  const hasExceptions = rules.split('\n').some((line) => line.trim().startsWith('!'));
  const is = (path: string) => !isNeeded(path) && ignore.ignores(path);
  return { is, isWhole: (path) => !hasExceptions && !name.startsWith(`${path}/`) && is(path) };
}

async function pack(archive: Pack, folder: string, below: string, leftOut: LeftOut, prefix: string): Promise<void> {
  for (const name of readdirSync(join(folder, below)).sort()) {
    const path = below === '' ? name : `${below}/${name}`;
    const stats = lstatSync(join(folder, path));
    const isFolder = stats.isDirectory();
    if (isFolder ? leftOut.isWhole(path) : leftOut.is(path)) continue;
    if (!leftOut.is(path)) await packOne(archive, join(folder, path), `${prefix}${path}`, stats);
    if (isFolder) await pack(archive, folder, path, leftOut, prefix);
  }
}

/** All of it is root's, as `docker build` sends it; sockets and the like are left out. */
async function packOne(archive: Pack, file: string, name: string, stats: Stats): Promise<void> {
  const header = { name, mode: stats.mode & 0o7777, mtime: stats.mtime, uid: 0, gid: 0 };
  if (stats.isDirectory()) archive.entry({ ...header, type: 'directory' });
  else if (stats.isSymbolicLink()) archive.entry({ ...header, type: 'symlink', linkname: readlinkSync(file) });
  else if (stats.isFile() && stats.size === 0) archive.entry({ ...header, type: 'file' }, '');
  else if (stats.isFile()) {
    // A file that grows meanwhile is sent as long as it was.
    const content = createReadStream(file, { end: stats.size - 1 });
    await pipeline(content, archive.entry({ ...header, type: 'file', size: stats.size }));
  }
}
