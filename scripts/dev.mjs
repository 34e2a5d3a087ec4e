#!/usr/bin/env node
// npm run dev [-- --hosts N …]: a cluster on this machine that is built and started again when a file in src changes. Takes the flags of `arpanet up`.
// Each start is a new cluster; with `-- --data DIR` on the Engine of this machine, containers and state stay.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, root, stateOf } from './build.mjs';
import { restartOnChange } from './restart-on-change.mjs';
import { setup } from './setup.mjs';

await setup('start');
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => ending.abort());
const args = ['--max-semi-space-size=4', join(root, 'dist', 'cli', 'main.js'), 'up', ...process.argv.slice(2)];
const code = await restartOnChange({
  state: () => stateOf(join(root, 'src')),
  build,
  start: () => spawn(process.execPath, args, { stdio: 'inherit' }),
  say: (line) => process.stderr.write(`dev: ${line}\n`),
  signal: ending.signal,
});
process.exit(code);
