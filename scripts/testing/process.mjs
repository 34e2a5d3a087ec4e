// One process that runs some test files, and what became of them.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileTests } from './compile.mjs';

/** Node takes this long at the most to end a process that is done. */
const DOWN_MS = 15_000;

const here = (leaf) => fileURLToPath(new URL(leaf, import.meta.url));

/** @typedef {{ name: string, nesting: number, file?: string, ms: number, isSuite: boolean, isSkipped: boolean, failure?: string, text?: string }} Ended */
/** @typedef {{ files: readonly string[], ended: readonly Ended[], lines: readonly (Ended | { said: string, nesting: number })[], output: string, seconds: number, cpuSeconds: number, broke?: string }} Outcome */

/**
 * Runs the files in a process of their own, one after the other. Never throws for what the tests do.
 * @param {readonly string[]} files
 * @param {{ timeoutMs: number, env?: NodeJS.ProcessEnv, name?: string | undefined }} options `name` chooses tests by a regular expression.
 * @returns {Promise<Outcome>}
 */
export async function runFiles(files, { timeoutMs, env = process.env, name }) {
  const started = performance.now();
  let compiled;
  try {
    compiled = await compileTests(files);
  } catch (error) {
    return { files, ended: [], lines: [], output: error.message, seconds: 0, cpuSeconds: 0, broke: 'does not compile' };
  }
  const dir = mkdtempSync(join(env.TMPDIR ?? tmpdir(), 'events-'));
  const events = join(dir, 'events');
  const args = [
    '--enable-source-maps',
    `--test-reporter=${here('reporter.mjs')}`,
    `--test-reporter-destination=${events}`,
    ...(name === undefined ? [] : [`--test-name-pattern=${name}`]),
    here('run-files.mjs'),
    ...compiled.paths,
  ];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-100_000)));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  let cpuSeconds = 0;
  child.once('exit', () => (cpuSeconds = newCpuSeconds()));
  /** With this code it ended, though it may hang on its way out. */
  let said;
  let downTimer;
  child.once('message', ({ ended }) => {
    said = ended;
    downTimer = setTimeout(() => child.kill('SIGKILL'), DOWN_MS);
  });
  const how = await new Promise((resolve) => child.once('close', (...both) => resolve(both)));
  const [code, signal] = said === undefined || isLate ? how : [said, null];
  clearTimeout(timer);
  clearTimeout(downTimer);
  const lines = linesOf(events).map((line) => ({ ...line, file: compiled.sourceOf(line.file) ?? line.file }));
  compiled.remove();
  rmSync(dir, { recursive: true, force: true });
  const ended = lines.filter((line) => 'ms' in line);
  const hasFailed = ended.some(({ failure }) => failure !== undefined);
  const seconds = (performance.now() - started) / 1_000;
  const outcome = { files, ended, lines, output, seconds, cpuSeconds };
  if (isLate) return { ...outcome, broke: `not done after ${timeoutMs / 1_000} s: killed` };
  if (code !== 0 && !hasFailed) return { ...outcome, broke: `ended with ${signal ?? code}` };
  return outcome;
}

let countedCpuSeconds = 0;

/** Of the children that ended since the last call, and of all that they waited for (proc(5): cutime and cstime, in hundredths of a second). */
function newCpuSeconds() {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  const before = countedCpuSeconds;
  countedCpuSeconds = (Number(fields[13]) + Number(fields[14])) / 100;
  return countedCpuSeconds - before;
}

/** Those that were written whole. */
function linesOf(path) {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // it ended before its first test did
  }
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}
