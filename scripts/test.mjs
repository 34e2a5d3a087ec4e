#!/usr/bin/env node
// npm test [-- PATTERN…]: sets up what the tests need and runs everything: lint, types, dead code, unit, conformance, integration, end-to-end.
// With patterns, only the test files whose path contains one of them, and no checks.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { setup } from './setup.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
setup('test');
const patterns = process.argv.slice(2);

const failed = [];
if (patterns.length === 0) {
  const bin = (name) => join(root, 'node_modules', '.bin', name);
  const checks = [
    ['types', bin('tsc'), ['--noEmit']],
    ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings']],
    ['format', bin('biome'), ['format', '.']],
    ['dead code', bin('knip'), []],
    ['build', bin('tsc'), ['-p', 'tsconfig.build.json']],
  ];
  for (const [name, command, args] of checks) {
    const started = Date.now();
    const { status } = spawnSync(command, args, { stdio: ['ignore', 1, 2] });
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    console.log(status === 0 ? '✔' : '✖', name, `(${seconds} s)`);
    if (status !== 0) failed.push(name);
  }
} else {
  const { status } = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], { stdio: ['ignore', 1, 2] });
  if (status !== 0) process.exit(1);
}

const all = readdirSync('test', { recursive: true })
  .map((leaf) => join('test', leaf))
  .filter((path) => path.endsWith('.test.ts'))
  .sort();
const chosen = all.filter((path) => patterns.length === 0 || patterns.some((pattern) => path.includes(pattern)));
if (chosen.length === 0) {
  console.error(`no test file matches ${patterns.join(' ')}`);
  process.exit(2);
}
// What starts Engines and promises something within seconds goes alone, for there are two cores; all others go two at a time.
const CLOCKED =
  /(bulk|conformance|consul-gone|crowd|examples|failover|fault-lab|full-disk|host-loss|hosts|leader-.*|repair|restarts|hostagent\/overlay)\.test\.ts$/;
const startsEngines = (path) => path.startsWith('test/e2e/') || /\bstart(Agent)?Lab\(/.test(readFileSync(path, 'utf8'));
const isClocked = (path) => startsEngines(path) && CLOCKED.test(path);
// The longest first: nothing then waits for it at the end.
const isLong = (path) => path.endsWith('replay.test.ts');
const stages = [
  [chosen.filter((path) => !startsEngines(path)), 2],
  [chosen.filter((path) => startsEngines(path) && !isClocked(path)).sort((a, b) => Number(isLong(b)) - Number(isLong(a))), 2],
  [chosen.filter(isClocked), 1],
];
const totals = { tests: 0, pass: 0, fail: 0, skipped: 0 };
const broken = [];
/** Seconds by file. */
const took = new Map();
async function stage(files, concurrency) {
  if (files.length === 0) return;
  await new Promise((resolve) => {
    const stream = run({ files: files.map((file) => join(root, file)), concurrency, timeout: 900_000 });
    stream.on('test:fail', (event) => {
      if (event.details?.type === 'suite') return;
      const { cause, message } = event.details?.error ?? {};
      const why = String(cause?.stack ?? cause?.message ?? message ?? '').slice(0, 2_000);
      broken.push(`${relative(root, event.file ?? '')}: ${event.name}\n${why.replaceAll(/^/gm, '  ')}`);
    });
    for (const outcome of ['test:pass', 'test:fail'])
      stream.on(outcome, ({ file, nesting, details }) => {
        if (nesting === 0) took.set(file, (took.get(file) ?? 0) + details.duration_ms / 1_000);
      });
    stream.on('test:diagnostic', ({ message, nesting }) => {
      const match = /^(tests|pass|fail|cancelled|skipped) (\d+)$/.exec(message);
      // one that took too long, or whose setup failed, is cancelled: it has not passed
      if (match && nesting === 0) totals[match[1] === 'cancelled' ? 'fail' : match[1]] += Number(match[2]);
    });
    stream
      .compose(new spec())
      .on('data', (text) => {
        // each stage closes with its own summary; ours at the end is the sum of them
        const lines = String(text)
          .split('\n')
          .filter((line) => !/^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(stripVTControlCharacters(line)));
        process.stdout.write(lines.join('\n'));
      })
      .on('end', resolve);
  });
}
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${new URL('typescript.mjs', import.meta.url).href}`.trim();
for (const [files, concurrency] of stages) await stage(files, concurrency);

const longest = [...took].sort(([, one], [, other]) => other - one).slice(0, 20);
console.log('\nthe longest files, in seconds:');
for (const [file, seconds] of longest) console.log(seconds.toFixed(0).padStart(5), relative(root, file ?? ''));
if (failed.length > 0) console.log(`\nchecks that failed: ${failed.join(', ')}`);
for (const line of broken) console.log(`failed: ${line}`);
console.log(`\nℹ tests ${totals.tests}\nℹ pass ${totals.pass}\nℹ fail ${totals.fail + failed.length}\nℹ skipped ${totals.skipped}`);
console.log(`${totals.pass} passed, ${totals.fail + failed.length} failed, ${totals.skipped} skipped`);
process.exit(failed.length > 0 || totals.fail > 0 || totals.pass === 0 ? 1 : 0);
