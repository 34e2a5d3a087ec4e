#!/usr/bin/env node
// npm run package [-- --out DIR] [--only tgz,tar,deb,image] [--check]: the packages of this tree, in DIR (default .arpanet/packages).
//   arpanet-X.Y.Z.tgz               for npm install -g; needs no registry
//   arpanet-X.Y.Z-linux-x64.tar.gz  the same with Node
//   arpanet_X.Y.Z_amd64.deb         the same with Node, units, settings and a user
//   arpanet-X.Y.Z-image.tar         an image for `docker load`; on Debian 12, by its apt
// Every file in them is as old as SOURCE_DATE_EPOCH (seconds since 1970; default: the last commit), so the same tree gives the same bytes.
// --check makes them twice and compares.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './build.mjs';
import { archive } from './packaging/archive.mjs';
import { makeDeb } from './packaging/deb.mjs';
import { canMakeImage, makeImage } from './packaging/image.mjs';
import { nodeProgram } from './packaging/node-program.mjs';
import { compile, stageProgram, stageRuntime } from './packaging/program.mjs';
import { refuseMachinePaths } from './packaging/machine-paths.mjs';
import { setup } from './setup.mjs';

const KINDS = ['tgz', 'tar', 'deb'];
/** Made on Debian 12: its files come from Debian's packages. */
const IMAGE = 'image';

const epochOfTree = () => {
  const { stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' });
  return Number(stdout?.trim() || 0);
};

const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Makes the packages of these kinds in the folder `out`. `epoch`: seconds since 1970. Returns their paths. Throws when a tool fails, but for kinds in `mayFail`, which are left out. */
export async function makePackages({ out, kinds = KINDS, mayFail = [], epoch = Number(process.env.SOURCE_DATE_EPOCH ?? epochOfTree()) }) {
  mkdirSync(out, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'arpanet-package-'));
  try {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const compiled = compile(join(scratch, 'compiled'));
    const stage = (name) => {
      const dir = join(scratch, name);
      mkdirSync(dir, { recursive: true });
      return dir;
    };
    const makers = {
      image() {
        const stageAll = (top) => {
          mkdirSync(top, { recursive: true });
          stageProgram(top, compiled, { everyNode: false });
          stageRuntime(top, nodeProgram());
          refuseMachinePaths(top);
        };
        return makeImage(stage('image'), { file: join(out, `arpanet-${version}-image.tar`), version, epoch, stage: stageAll });
      },
      tgz() {
        const dir = stage('tgz');
        stageProgram(join(dir, 'package'), compiled, { everyNode: true });
        refuseMachinePaths(dir);
        return archive(dir, join(out, `arpanet-${version}.tgz`), epoch);
      },
      tar() {
        const dir = stage('tar');
        const top = join(dir, `arpanet-${version}-linux-x64`);
        stageProgram(top, compiled, { everyNode: false });
        stageRuntime(top, nodeProgram());
        refuseMachinePaths(dir);
        return archive(dir, join(out, `${basename(top)}.tar.gz`), epoch);
      },
      deb() {
        const dir = stage('deb');
        stageProgram(join(dir, 'usr/lib/arpanet'), compiled, { everyNode: false });
        stageRuntime(join(dir, 'usr/lib/arpanet'), nodeProgram());
        return makeDeb(dir, {
          file: join(out, `arpanet_${version}_amd64.deb`),
          version,
          epoch,
          sample: compiled.sample,
          before: () => refuseMachinePaths(dir),
        });
      },
    };
    return kinds.flatMap((kind) => {
      try {
        return [makers[kind]()];
      } catch (error) {
        if (!mayFail.includes(kind)) throw error;
        console.error(`package: no ${kind}: ${error.message}`);
        return [];
      }
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Makes them and writes SHA256SUMS beside them. With `twice`, throws if a second build has other bytes. */
async function run({ out, kinds, mayFail, twice }) {
  const made = await makePackages({ out, kinds, mayFail });
  const sums = made.map((file) => `${sha256(file)}  ${basename(file)}`);
  if (twice) {
    const again = mkdtempSync(join(tmpdir(), 'arpanet-package-again-'));
    try {
      const second = (await makePackages({ out: again, kinds, mayFail })).map((file) => `${sha256(file)}  ${basename(file)}`);
      const differ = sums.filter((line, i) => line !== second[i]);
      if (differ.length > 0) throw new Error(`a second build has other bytes: ${differ.join(', ')}`);
    } finally {
      rmSync(again, { recursive: true, force: true });
    }
  }
  writeFileSync(join(out, 'SHA256SUMS'), `${sums.join('\n')}\n`);
  for (const line of sums) console.log(line);
  console.log(`in ${out}${twice ? '; two builds are equal' : ''}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const valueOf = (flag) => (args.includes(flag) ? (args[args.indexOf(flag) + 1] ?? '') : undefined);
  const chosen = valueOf('--only')?.split(',');
  const kinds = chosen ?? [...KINDS, ...(canMakeImage() ? [IMAGE] : [])];
  const known = args.filter((arg, i) => ['--out', '--only', '--check'].includes(arg) || ['--out', '--only'].includes(args[i - 1]));
  if (known.length !== args.length || kinds.some((kind) => kind !== IMAGE && !KINDS.includes(kind)) || valueOf('--out') === '') {
    console.error('usage: npm run package [-- --out DIR] [--only tgz,tar,deb,image] [--check]');
    process.exit(2);
  }
  if (!existsSync(join(root, 'node_modules', 'esbuild'))) await setup('unit');
  try {
    await run({
      out: resolve(valueOf('--out') ?? join(root, '.arpanet', 'packages')),
      kinds,
      mayFail: chosen === undefined ? [IMAGE] : [],
      twice: args.includes('--check'),
    });
  } catch (error) {
    console.error(`package: ${error.message}`);
    process.exit(1);
  }
}
