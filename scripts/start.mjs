#!/usr/bin/env node
// npm start [-- --hosts N …]: sets up what is missing, builds, and runs `arpanet up`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, root, stateOf } from './build.mjs';
import { beginSetup } from './setup.mjs';

// the build needs npm's packages alone: Debian's come beside it
const { packages, all } = beginSetup('start');
await packages;
const main = join(root, 'dist', 'cli', 'main.js');
let isBuilt = existsSync(main) && stateOf(join(root, 'src')).newestMs <= stateOf(join(root, 'dist')).newestMs;
if (!isBuilt) {
  process.stderr.write('arpanet: building\n');
  isBuilt = build();
}
await all;
if (!isBuilt) process.exit(1);
// The terminal may send Ctrl-C to both processes. The cluster takes itself down; this one only passes on the signal, and then the exit code.
const child = spawn(process.execPath, ['--max-semi-space-size=4', main, 'up', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGTERM' ? 0 : 1)));
