#!/usr/bin/env node
// npm run conformance [-- PATTERN] [--engine 20.10|26.1|newest] [--page]: one script of client calls against a bare engine and against a cluster.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
setup('test');
const run = (command, args) => spawnSync(command, args, { stdio: 'inherit' }).status ?? 1;
const built = process.env.ARPANET_MAIN !== undefined || run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json']) === 0;
process.exit(built ? run(process.execPath, ['--import', 'tsx', 'test/conformance/replay/replay-main.ts', ...process.argv.slice(2)]) : 1);
