#!/usr/bin/env node
// npm run faults -- --minutes M --seed S: random faults against a whole cluster; see docs/reliability.md.
import { spawnSync } from 'node:child_process';
import { build, root } from './build.mjs';
import { setup } from './setup.mjs';

process.chdir(root);
await setup('test');
if (!build()) process.exit(1);
const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'test/faults/main.ts', ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
