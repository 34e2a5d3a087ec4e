/**
 * `node scheduler-main.mjs DIR --listen …` (compiled by test/support/cluster/compiled.ts): `arpanet scheduler` with the same flags, but what lies in the folder decides what happens at
 * its failpoints and which bugs its rooms have.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { loadConfig, optionsOf } from '../../src/config/index.ts';
import { openLog } from '../../src/processes/logger.ts';
import { runScheduler } from '../../src/processes/scheduler.ts';
import { schedulerSettings } from '../../src/processes/scheduler-settings.ts';
import { failpointsIn } from './failpoints.ts';
import { roomsWithBugs } from './injected-bugs.ts';

const [dir = '', ...args] = process.argv.slice(2);
const options = Object.fromEntries(optionsOf('scheduler').map(({ name }) => [name, { type: 'string' } as const]));
const { values: flags } = parseArgs({ args, options });
const config = loadConfig('scheduler', { flags, env: process.env, readFile: (path) => readFileSync(path, 'utf8') });
const ending = new AbortController();
process.on('SIGTERM', () => ending.abort());
await runScheduler(schedulerSettings(config, hostname()), openLog(config.logLevel), ending.signal, {
  rooms: { ...roomsWithBugs(dir), failpoint: failpointsIn(dir) },
});
process.exit();
