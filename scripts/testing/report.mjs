// What is printed of test processes that have ended, and the sum of it all.
import { relative } from 'node:path';

/** @typedef {import('./process.mjs').Outcome} Outcome */

/** A suite fails with its tests; it is a failure of its own when a hook of it fails. */
const isOwnFailure = ({ isSuite, failure }) => failure !== undefined && !(isSuite && failure === 'subtestsFailed');

/** @param {Outcome} outcome */
export function failuresOf({ ended, files, broke, output }) {
  const failures = ended.filter(isOwnFailure).map(({ name, file, text = '' }) => ({ where: pathOf(file) ?? files.join(' '), name, text }));
  if (broke !== undefined) failures.push({ where: files.join(' '), name: broke, text: output.slice(-4_000) });
  return failures;
}

const pathOf = (file) => (file === undefined ? undefined : relative(process.cwd(), file));
const indent = (text, by) => text.replaceAll(/^/gm, ' '.repeat(by));

/**
 * The tests of a process; of one that passed only its files and counts, unless all are wanted.
 * @param {Outcome} outcome
 */
export function print(outcome, { isLong }) {
  const { files, ended, lines, output, seconds, cpuSeconds } = outcome;
  const failures = failuresOf(outcome);
  const tests = ended.filter(({ isSuite }) => !isSuite).length;
  const what = files.length > 3 ? `${files.length} files, ${files[0]} …` : files.join(' ');
  console.log(`${failures.length === 0 ? '✔' : '✖'} ${what} (${tests} tests, ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU)`);
  if (isLong || failures.length > 0) {
    // a suite ends after its tests: it is printed above them
    for (const line of inOrder(lines)) {
      if ('said' in line) console.log(indent(`ℹ ${line.said}`, 2 + 2 * line.nesting));
      else if (line.isSuite && line.failure === undefined) console.log(indent(`▶ ${line.name}`, 2 + 2 * line.nesting));
      else {
        const sign = line.failure !== undefined ? '✖' : line.isSkipped ? '﹣' : '✔';
        console.log(indent(`${sign} ${line.name} (${(line.ms / 1_000).toFixed(1)} s)`, 2 + 2 * line.nesting));
      }
    }
  }
  for (const { name, text } of failures) console.log(`  failed: ${name}\n${indent(text, 4)}`);
  if (failures.length > 0 && output !== '') console.log(`  it said:\n${indent(output.slice(-8_000), 4)}`);
}

/** Each suite before what is in it: it is told of after that. */
function inOrder(lines) {
  /** What has its suite counts as that suite's own line. */
  const ordered = [];
  for (const line of lines) {
    let at = ordered.length;
    if (line.isSuite) while (at > 0 && ordered[at - 1].level > line.nesting) at -= 1;
    for (const inside of ordered.slice(at)) inside.level = line.nesting;
    ordered.splice(at, 0, { line, level: line.nesting });
  }
  return ordered.map(({ line }) => line);
}

/** Sums over processes. */
export class Totals {
  pass = 0;
  fail = 0;
  skipped = 0;
  /** Seconds by file. */
  took = new Map();
  /** @type {{ where: string, name: string, text: string }[]} */
  failures = [];

  /** @param {Outcome} outcome */
  add(outcome) {
    const failures = failuresOf(outcome);
    this.failures.push(...failures);
    this.fail += failures.length;
    for (const { isSuite, isSkipped, failure } of outcome.ended) {
      if (isSuite || failure !== undefined) continue;
      if (isSkipped) this.skipped += 1;
      else this.pass += 1;
    }
    if (outcome.files.length === 1) this.took.set(outcome.files[0], outcome.seconds);
    else
      for (const { nesting, file, ms } of outcome.ended)
        if (nesting === 0) this.took.set(pathOf(file), (this.took.get(pathOf(file)) ?? 0) + ms / 1_000);
  }
}
