#!/usr/bin/env node
// npm run test:package: makes the packages, installs them into bare Debian machines, and makes a cluster of two hosts from them. Needs root and debootstrap.
import { spawnSync } from 'node:child_process';
import { root } from './build.mjs';
import { setup } from './setup.mjs';

if (process.getuid() !== 0 || spawnSync('debootstrap', ['--version']).status !== 0) {
  console.error('test:package needs root and debootstrap: sudo apt-get install debootstrap');
  process.exit(1);
}
await setup('test');
const args = ['--import', './scripts/typescript.mjs', '--test', 'test/package/bare-machines.ts'];
process.exit(spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1);
