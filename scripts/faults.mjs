#!/usr/bin/env node
// npm run faults -- --minutes M --seed S: random faults against a whole cluster; see docs/reliability.md.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
setup('test');
const built = spawnSync(join('node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'test/faults/main.ts', ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
