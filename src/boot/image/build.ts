/** Makes an image for machines without a disk. Effects: mmdebstrap, mksquashfs and depmod, in a folder of its own; the files of the image. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ArpanetError } from '../../model/index.ts';
import { cpio, type CpioEntry } from './cpio.ts';
import { ENABLED, GOT_ADDRESS, INIT, SYSTEM_FILES } from './files.ts';
import { IMAGE_FILES, type ImageFile, type ImageManifest, initrdModules, MANIFEST, mmdebstrapArgs, NO_DRIVERS, SUITE } from './plan.ts';

/** What is asked for. */
export interface BuildRequest {
  /** Where the image goes. */
  readonly out: string;
  /** The folder that this program runs from: with `bin/arpanet`, its Node, and its units. */
  readonly program: string;
  readonly version: string;
  readonly packages: readonly string[];
  readonly kernel: string;
  readonly words: readonly string[];
  /** A folder whose files go over those of the root. */
  readonly files?: string;
  /** Sources of apt: a mirror's address, or files of apt. */
  readonly sources: readonly string[];
  readonly nowMs: number;
  /** Of this process. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const TOOLS = [
  ['mmdebstrap', 'mmdebstrap'],
  ['mksquashfs', 'squashfs-tools'],
  ['depmod', 'kmod'],
] as const;
/** Of a program that fails: so many lines of what it said. */
const SAID = 8;

/** The image before stays until the new one is whole. Throws `unsupported` with what to install, `invalid` without a package, `unavailable` where a program fails. */
export async function buildImage(request: BuildRequest, progress: (line: string) => void): Promise<ImageManifest> {
  const env = { ...request.env, PATH: `${request.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const run = runner(env, request.signal);
  await refuseWithoutTools(request.program, env.PATH);
  const scratch = await mkdtemp(join(tmpdir(), 'arpanet-boot-'));
  const root = join(scratch, 'root');
  const made = join(scratch, 'image');
  try {
    await mkdir(made);
    progress(`a root of ${request.packages.length} packages of Debian ${SUITE} and what they need`);
    await run('mmdebstrap', mmdebstrapArgs(root, request.packages, request.kernel, request.sources));
    const parts = join(root, 'boot-parts');
    const kernel = await kernelOf(join(parts, 'lib/modules'));
    progress(`Linux ${kernel}, and an initrd with drivers of network cards`);
    await rename(join(parts, 'boot', `vmlinuz-${kernel}`), join(made, 'vmlinuz'));
    await run('depmod', ['-b', parts, kernel]);
    await writeFile(join(made, 'initrd.img'), await promisify(gzip)(await initrd(parts, kernel, run), { level: 9 }));
    await stageSystem(root, parts, kernel, request, run);
    // it may lack a library
    await run('chroot', [root, '/usr/bin/arpanet', '--version']);
    progress('the root file system, compressed');
    await run('mksquashfs', [
      root,
      join(made, 'root.squashfs'),
      '-comp',
      'zstd',
      '-Xcompression-level',
      '9',
      '-noappend',
      '-no-progress',
      '-quiet',
    ]);
    const files = Object.fromEntries(await Promise.all(IMAGE_FILES.map(async (name) => [name, await digestOf(join(made, name))] as const)));
    const manifest: ImageManifest = {
      version: request.version,
      kernel,
      madeMs: request.nowMs,
      words: request.words,
      files: files as Record<ImageFile, { sha256: string; bytes: number }>,
    };
    await writeFile(join(made, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
    refuseEnded(request.signal);
    await place(made, request.out);
    return manifest;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function refuseWithoutTools(program: string, path: string): Promise<void> {
  if (process.getuid?.() !== 0) throw new ArpanetError('unsupported', 'an image has files of root: run this with sudo');
  const missing = TOOLS.filter(([tool]) => !path.split(':').some((dir) => dir !== '' && existsSync(join(dir, tool))));
  if (missing.length > 0)
    throw new ArpanetError(
      'unsupported',
      `missing here: ${missing.map(([tool]) => tool).join(', ')}. Debian and Ubuntu: apt-get install ${missing.map(([, name]) => name).join(' ')}`,
    );
  if (!['bin/node', 'bin/arpanet', 'lib/systemd/arpanet-agent.service'].every((part) => existsSync(join(program, part))))
    throw new ArpanetError(
      'invalid',
      'this arpanet runs from a clone or an npm package, and has no Node of its own for the image: run that of the Debian package or the tar.gz (docs/install.md)',
    );
}

type Run = (tool: string, args: readonly string[]) => Promise<void>;

function refuseEnded(signal: AbortSignal): void {
  if (signal.aborted) throw new ArpanetError('unavailable', 'the build was ended: the image is as it was before');
}

/**
 * Each in a mount namespace of its own: mmdebstrap binds this machine's /sys and parts of its /dev into the root, and what is mounted when it ends in some way must not be removed with the root.
 * Each in a session of its own: mmdebstrap passes no signal on. It waits for the end of one that it sent a signal to.
 */
const runner =
  (env: NodeJS.ProcessEnv, signal: AbortSignal): Run =>
  async (tool, args) => {
    refuseEnded(signal);
    const running = promisify(execFile)('setsid', ['unshare', '--mount', tool, ...args], { env, maxBuffer: 64 << 20 });
    const end = (): void => {
      const { pid } = running.child;
      if (pid === undefined) return;
      try {
        process.kill(-pid);
      } catch {
        // its session has not begun, or is over
        running.child.kill();
      }
    };
    signal.addEventListener('abort', end, { once: true });
    try {
      await running;
    } catch (cause) {
      refuseEnded(signal);
      const said = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr) : String(cause);
      throw new ArpanetError('unavailable', `${tool} failed: ${said.trim().split('\n').slice(-SAID).join('\n')}`, { cause });
    } finally {
      signal.removeEventListener('abort', end);
    }
  };

async function kernelOf(modules: string): Promise<string> {
  const [kernel, ...more] = await readdir(modules);
  if (kernel === undefined || more.length > 0)
    throw new ArpanetError('invalid', 'the package of --kernel has no kernel, or several: it is one as linux-image-amd64');
  return kernel;
}

async function initrd(parts: string, kernel: string, run: Run): Promise<Buffer> {
  const modules = join('lib/modules', kernel);
  const chosen = initrdModules(await readFile(join(parts, modules, 'modules.dep'), 'utf8'));
  const files = [...chosen, 'modules.builtin', 'modules.builtin.modinfo', 'modules.order'].map((leaf) => join(modules, leaf));
  // of the chosen alone: by the whole kernel's, each card's modalias would be looked up in 20,000 lines
  const small = await mkdtemp(join(tmpdir(), 'arpanet-initrd-'));
  try {
    for (const file of files) {
      await mkdir(dirname(join(small, file)), { recursive: true });
      await cp(join(parts, file), join(small, file));
    }
    await run('depmod', ['-b', small, kernel]);
    const own: CpioEntry[] = [
      { path: 'bin/busybox', mode: 0o100755, content: await readFile(join(parts, 'bin/busybox')) },
      { path: 'bin/got-address', mode: 0o100755, content: Buffer.from(GOT_ADDRESS) },
      { path: 'init', mode: 0o100755, content: Buffer.from(INIT) },
    ];
    const listed = (await readdir(small, { recursive: true })).toSorted();
    const more: CpioEntry[] = [];
    for (const path of listed)
      more.push(
        (await stat(join(small, path))).isDirectory()
          ? { path, mode: 0o040755 }
          : { path, mode: 0o100644, content: await readFile(join(small, path)) },
      );
    const folders = ['bin', 'dev', 'proc', 'sys'].map((path) => ({ path, mode: 0o040755 }));
    return cpio([...folders, ...own, ...more]);
  } finally {
    await rm(small, { recursive: true, force: true });
  }
}

async function stageSystem(root: string, parts: string, kernel: string, { program, files }: BuildRequest, run: Run): Promise<void> {
  const modules = join('lib/modules', kernel);
  for (const dir of NO_DRIVERS) await rm(join(parts, modules, 'kernel', dir), { recursive: true, force: true });
  await run('depmod', ['-b', parts, kernel]);
  await mkdir(join(root, 'usr/lib/modules'), { recursive: true });
  await cp(join(parts, modules), join(root, 'usr/lib/modules', kernel), { recursive: true });
  await rm(parts, { recursive: true, force: true });

  for (const part of ['bin', 'dist', 'lib', 'package.json'])
    await cp(join(program, part), join(root, 'usr/lib/arpanet', part), { recursive: true });
  await symlink('../lib/arpanet/bin/arpanet', join(root, 'usr/bin/arpanet'));
  const units = join(root, 'etc/systemd/system');
  await mkdir(join(units, 'multi-user.target.wants'), { recursive: true });
  await cp(join(program, 'lib/systemd/arpanet-agent.service'), join(units, 'arpanet-agent.service'));
  for (const { path, text, mode = 0o644 } of SYSTEM_FILES) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    await chmod(join(root, path), mode);
  }
  for (const [unit, from] of ENABLED) {
    const link = join(units, 'multi-user.target.wants', unit);
    await rm(link, { force: true });
    await symlink(join(from, unit), link);
  }
  await rm(join(root, 'etc/resolv.conf'), { force: true });
  await symlink('/run/arpanet-boot/resolv.conf', join(root, 'etc/resolv.conf'));
  // before it goes on, the machine has its address: the initrd's
  for (const name of ['apt', 'cache', 'log'])
    await rm(join(root, name === 'apt' ? 'var/lib/apt/lists' : `var/${name}`), { recursive: true, force: true });
  for (const dir of ['var/lib/docker', 'var/cache', 'var/log', 'var/lib/arpanet/agent']) await mkdir(join(root, dir), { recursive: true });
  if (files !== undefined) await cp(files, root, { recursive: true, verbatimSymlinks: true });
}

/** SHA-256 in hex, and the size in bytes. */
export async function digestOf(file: string): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return { sha256: hash.digest('hex'), bytes: (await stat(file)).size };
}

/** By other names first, as the folder may be on another disk; then one after the other, the list last: between them the server refuses what does not fit together. */
async function place(made: string, out: string): Promise<void> {
  const all = [...IMAGE_FILES, MANIFEST];
  await mkdir(out, { recursive: true });
  for (const name of all) await cp(join(made, name), join(out, `${name}.partial`));
  for (const name of all) await rename(join(out, `${name}.partial`), join(out, name));
}
