#!/usr/bin/env node
// npm test [-- PATTERN…]: sets up what the tests need and runs everything: types, lint, format, dead code, build, unit, integration, end-to-end.
// With patterns, only the test files whose path contains one of them, and no checks.
//   --tier unit|integration|e2e   that tier only (npm run test:unit, npm run test:e2e); the unit tests need neither root nor Docker nor a build
//   --name REGEXP                 only the tests of that name
//   --watch                       again whenever a file below src, test or scripts changes
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statSync, watch } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { beginSetup } from './setup.mjs';
import { removeCompiled } from './testing/compile.mjs';
import { jobsOf, seatsOf, testFiles, tierOf, TIERS } from './testing/plan.mjs';
import { idleShare, runAll } from './testing/pool.mjs';
import { runFiles } from './testing/process.mjs';
import { failuresOf, print, Totals } from './testing/report.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const options = { tier: { type: 'string' }, name: { type: 'string' }, watch: { type: 'boolean' } };
const { values: asked, positionals: patterns } = parseArgs({ options, allowPositionals: true });
if (asked.tier !== undefined && !TIERS.includes(asked.tier)) {
  console.error(`--tier is ${asked.tier}: it is one of ${TIERS.join(', ')}`);
  process.exit(2);
}
const isWhole = patterns.length === 0 && asked.tier === undefined && asked.name === undefined;
const chosen = testFiles().filter(
  (path) => (asked.tier ?? tierOf(path)) === tierOf(path) && (patterns.length === 0 || patterns.some((pattern) => path.includes(pattern))),
);
if (chosen.length === 0) {
  console.error(`no test file matches ${patterns.join(' ')}`);
  process.exit(2);
}
const isUnitOnly = chosen.every((path) => tierOf(path) === 'unit');
const installed = beginSetup(isUnitOnly ? 'unit' : 'test');
await installed.packages;

/** A file that hangs is ended then. Tests and suites have no bound of their own: what they wait for has. */
const FILE_TIMEOUT_MS = 1_200_000;
/** A process of unit tests that is not done by then hangs, or a test left something open. */
const UNIT_TIMEOUT_MS = 180_000;
/** What tests and their Engines leave in the temporary folder goes with the run. */
const scratch = join(tmpdir(), `arpanet-test-${process.pid}`);
/** The logs of clusters whose tests failed stay here. */
const logs = join(tmpdir(), 'arpanet-test-logs', `${new Date().toISOString().slice(0, 19).replaceAll(':', '')}-${process.pid}`);

/**
 * What programs that tests start need less of the processor with. Most that are written in Go (dockerd for each container, compose) end before
 * they have used much memory: they need not collect garbage at their start, half of what that costs. compose 1.29.2 asks setuptools
 * for nothing that its own Python has not: to read that in is half of its start.
 */
const FRUGAL = { GOGC: '400', SETUPTOOLS_USE_DISTUTILS: 'stdlib' };

/** Paths of sockets are short: labs do not lie below `scratch`. */
const labs = join(tmpdir(), 'arpanet-labs');

/** Seconds by step or tier, in order. */
let times = [];
async function timed(what, work) {
  const started = performance.now();
  await work();
  times.push([what, (performance.now() - started) / 1_000]);
}

/** @returns {Promise<boolean>} whether it found nothing */
async function check(name, command, ...args) {
  const started = performance.now();
  const program = command === 'node' ? process.execPath : join(root, 'node_modules', '.bin', command);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  console.log(`${code === 0 ? '✔' : '✖'} ${name} (${((performance.now() - started) / 1_000).toFixed(1)} s)`);
  if (code !== 0) console.log(said);
  return code === 0;
}

/** What labs start from, before many of them ask for it at once. */
async function prepare() {
  if (process.getuid?.() !== 0) return;
  const started = performance.now();
  const typescript = new URL('typescript.mjs', import.meta.url).href;
  const args = [`--import=${typescript}`, join('test', 'support', 'cluster', 'prepare-main.ts')];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) process.exit(1);
  console.log(`✔ images for the Engines (${((performance.now() - started) / 1_000).toFixed(1)} s)`);
}

/** Those of several tiers share the seats; each tier's time is from its first file's start to its last one's end. */
async function runTiers(tiers, totals) {
  const jobs = tiers.flatMap((tier) =>
    jobsOf(
      chosen.filter((path) => tierOf(path) === tier),
      tier,
    ).map((job) => ({ ...job, tier })),
  );
  if (jobs.length === 0) return;
  const spans = new Map();
  const inOrder = jobs.toSorted((one, other) => other.weight - one.weight || other.seconds - one.seconds);
  const run = async ({ files, tier }) => {
    const span = spans.get(tier) ?? { began: performance.now(), seconds: 0 };
    spans.set(tier, span);
    const kept = join(
      logs,
      files[0]
        .replace(/^test\//, '')
        .replaceAll('/', '-')
        .replace('.test.ts', ''),
    );
    const env = { ...FRUGAL, ...process.env, ARPANET_TEST_LOGS: kept, ARPANET_TEST_LABS: labs, TMPDIR: scratch };
    const outcome = await runFiles(files, { timeoutMs: tier === 'unit' ? UNIT_TIMEOUT_MS : FILE_TIMEOUT_MS, env, name: asked.name });
    span.seconds = (performance.now() - span.began) / 1_000;
    if (asked.name !== undefined && outcome.ended.every(({ isSuite }) => isSuite) && outcome.broke === undefined) return;
    print(outcome, { isLong: tier !== 'unit' || chosen.length <= 10 });
    if (failuresOf(outcome).length === 0) rmSync(kept, { recursive: true, force: true });
    else if (isThere(kept)) console.log(`  logs: ${kept}`);
    totals.add(outcome);
  };
  await runAll(inOrder, seatsOf(tiers[0], availableParallelism()), run, tiers.includes('unit') ? undefined : idleShare());
  for (const [tier, { seconds }] of spans) times.push([tier, seconds]);
}

const isThere = (dir) => {
  try {
    return readdirSync(dir).length > 0;
  } catch {
    return false;
  }
};

const LOGS_KEPT_MS = 7 * 24 * 3_600_000;

/** This run's, and those of runs that were killed; and logs of long ago. */
function removeScratch() {
  removeCompiled((pid) => pid !== process.pid && existsSync(`/proc/${pid}`));
  for (const leaf of readdirSync(tmpdir())) {
    const pid = Number(/^arpanet-test-(\d+)$/.exec(leaf)?.[1]);
    if (pid !== process.pid && !(pid > 0 && !existsSync(`/proc/${pid}`))) continue;
    try {
      rmSync(join(tmpdir(), leaf), { recursive: true, force: true });
    } catch (error) {
      // what a killed run began may still be taken down; the next run removes it
      console.log(`${join(tmpdir(), leaf)} stays for now: ${error.message}`);
    }
  }
  if (!isThere(dirname(logs))) return;
  for (const leaf of readdirSync(dirname(logs))) {
    const dir = join(dirname(logs), leaf);
    if (Date.now() - statSync(dir).mtimeMs > LOGS_KEPT_MS) rmSync(dir, { recursive: true, force: true });
  }
}

/** Of what nobody wrote into, nothing stays. */
function removeEmpty(...dirs) {
  for (const dir of dirs) {
    try {
      rmdirSync(dir);
    } catch {
      // there is something in it, or it is gone
    }
  }
}

/** @returns {Promise<boolean>} whether all passed */
async function runOnce() {
  times = [];
  const failedChecks = [];
  const totals = new Totals();
  // Neither checks nor unit tests need what Debian's packages bring.
  const prepared = isUnitOnly ? undefined : installed.all.then(prepare);
  if (isWhole) {
    const steps = [
      ['types', 'tsc', '--noEmit'],
      ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
      ['format', 'biome', 'format', '.'],
      ['dead code', 'knip'],
    ];
    await timed('checks', () =>
      runAll(
        steps.map((step) => ({ step, weight: 1 })),
        2,
        async ({ step }) => void ((await check(...step)) || failedChecks.push(step[0])),
      ),
    );
  }
  if (!isUnitOnly) {
    if (!(await check('build', 'node', join('scripts', 'build.mjs')))) {
      failedChecks.push('build');
      if (!isWhole) return false;
    }
  }
  removeScratch();
  mkdirSync(scratch);
  await runTiers(['unit'], totals);
  await prepared;
  await runTiers(['integration', 'e2e'], totals);
  removeScratch();
  removeEmpty(labs, logs, dirname(logs));

  const longest = [...totals.took].sort(([, one], [, other]) => other - one).slice(0, 20);
  if (!isUnitOnly) {
    console.log('\nthe longest files, in seconds:');
    for (const [file, seconds] of longest) console.log(seconds.toFixed(0).padStart(5), file ?? '');
  }
  console.log(`\ntime: ${times.map(([what, seconds]) => `${what} ${seconds.toFixed(0)} s`).join(', ')}`);
  if (failedChecks.length > 0) console.log(`checks that failed: ${failedChecks.join(', ')}`);
  for (const { where, name, text } of totals.failures)
    console.log(`failed: ${where}: ${name}\n${text.slice(0, 2_000).replaceAll(/^/gm, '  ')}`);
  const failed = totals.fail + failedChecks.length;
  console.log(`${totals.pass} passed, ${failed} failed, ${totals.skipped} skipped`);
  return failed === 0 && totals.pass > 0;
}

/** After a change, and after those that follow it at once. */
function nextChange() {
  return new Promise((resolve) => {
    let timer;
    const watchers = ['src', 'test', 'scripts'].map((dir) =>
      watch(dir, { recursive: true }, () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          for (const watcher of watchers) watcher.close();
          resolve();
        }, 100);
      }),
    );
  });
}

let isWell = await runOnce();
while (asked.watch) {
  console.log('\nwaiting for a change…');
  await nextChange();
  isWell = await runOnce();
}
process.exit(isWell ? 0 : 1);
