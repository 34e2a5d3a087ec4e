#!/usr/bin/env node
// npm start [-- --hosts N …]: sets up what is missing, builds, and runs `arpanet up`.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
setup('start');

const newest = (dir) =>
  Math.max(
    ...readdirSync(dir, { withFileTypes: true, recursive: true })
      .filter((e) => e.isFile())
      .map((e) => statSync(join(e.parentPath ?? e.path, e.name)).mtimeMs),
  );
const main = join(root, 'dist', 'cli', 'main.js');
if (!existsSync(main) || newest(join(root, 'src')) > newest(join(root, 'dist'))) {
  process.stderr.write('arpanet: building\n');
  const { status } = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(1);
}
// The terminal may send Ctrl-C to both of us; the cluster takes itself down, we only pass the signal and then its exit code on.
const child = spawn(process.execPath, ['--max-semi-space-size=4', main, 'up', ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGTERM' ? 0 : 1)));
