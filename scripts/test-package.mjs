#!/usr/bin/env node
// npm run test:package: makes the packages, installs them into bare Debian machines, and makes clusters from them. Needs root.
// ARPANET_PACKAGES=DIR takes those of an earlier `npm run package -- --out DIR`; a word as argument chooses among the tests.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './build.mjs';
import { makePackages } from './package.mjs';
import { nodeProgram } from './packaging/node-program.mjs';
import { setup } from './setup.mjs';

if (process.getuid() !== 0) {
  console.error('test:package needs root: its machines are folders with files of root');
  process.exit(1);
}
await setup('package');
const word = process.argv[2] ?? '';
const files = [
  'lintian.ts',
  'npm-start.ts',
  'bare-machines.ts',
  'join-by-line.ts',
  'quickstart.ts',
  'image.ts',
  'upgrade.ts',
  'schedulers.ts',
  'boot.ts',
].filter((leaf) => leaf.includes(word));
const made = mkdtempSync(join(tmpdir(), 'arpanet-package-test-'));
try {
  const packages = process.env.ARPANET_PACKAGES ?? made;
  if (packages === made) await makePackages({ out: made, kinds: ['tgz', 'tar', 'deb', 'image'] });
  // the packages carry another Node than this one
  const other = nodeProgram().node;
  if (word === '' && spawnSync(other, ['scripts/test.mjs', '--tier', 'unit'], { cwd: root, stdio: 'inherit' }).status !== 0)
    throw new Error(`the unit tests do not pass by ${other}`);
  const args = ['--import', './scripts/typescript.mjs', '--test', '--test-concurrency=1', ...files.map((leaf) => `test/package/${leaf}`)];
  const env = { ...process.env, ARPANET_PACKAGES: packages };
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env }).status ?? 1;
} finally {
  rmSync(made, { recursive: true, force: true });
}
