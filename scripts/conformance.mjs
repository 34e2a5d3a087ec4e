#!/usr/bin/env node
// npm run conformance [-- PATTERN] [--engine 20.10|26.1|newest] [--page]: one script of client calls against a bare engine and against a cluster.
import { spawnSync } from 'node:child_process';
import { build, root } from './build.mjs';
import { setup } from './setup.mjs';

process.chdir(root);
await setup('test');
const run = (command, args) => spawnSync(command, args, { stdio: 'inherit' }).status ?? 1;
const built = process.env.ARPANET_MAIN !== undefined || build();
process.exit(built ? run(process.execPath, ['--import', 'tsx', 'test/conformance/replay/replay-main.ts', ...process.argv.slice(2)]) : 1);
