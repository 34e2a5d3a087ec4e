// Which test files there are, and how they are spread over processes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {{ readonly files: readonly string[], readonly weight: number }} Job */

export const TIERS = ['unit', 'integration', 'e2e'];

/** Unit tests are `unit`; what starts Engines for a whole cluster is `e2e`; all else stands between. */
export function tierOf(path) {
  if (path.startsWith('test/unit/')) return 'unit';
  return path.startsWith('test/e2e/') ? 'e2e' : 'integration';
}

/** @returns {readonly string[]} paths from the repository's root */
export function testFiles() {
  return readdirSync('test', { recursive: true })
    .map((leaf) => join('test', leaf))
    .filter((path) => path.endsWith('.test.ts'))
    .sort();
}

/** So many unit test files share a process: to start one and to read what all of them import costs more than most of them do. */
const UNIT_FILES_AT_ONCE = 16;

/** Seconds that a file takes on an idle machine of two cores, of those that take long: the longest go first. */
const LONG = {};

/** How many of the seats a file takes, where that is not one: it computes more than it waits. */
const HEAVY = {};

const named = (table, path) => Object.entries(table).find(([leaf]) => path.endsWith(`${leaf}.test.ts`))?.[1];

/**
 * @param {readonly string[]} files of one tier
 * @param {string} tier
 * @returns {readonly Job[]}
 */
export function jobsOf(files, tier) {
  if (tier === 'unit') {
    // the largest are spread: neighbours in the list are in different processes
    const bySize = files.map((file) => ({ file, size: readFileSync(file).length })).toSorted((one, other) => other.size - one.size);
    const count = Math.ceil(files.length / UNIT_FILES_AT_ONCE);
    const groups = Array.from({ length: count }, (_, own) => bySize.filter((_one, index) => index % count === own).map(({ file }) => file));
    return groups.map((group) => ({ files: group.toSorted(), weight: 1 }));
  }
  return files
    .map((file) => ({ files: [file], weight: named(HEAVY, file) ?? 1, seconds: named(LONG, file) ?? 0 }))
    .toSorted((one, other) => other.seconds - one.seconds);
}

/** How much goes at a time: unit tests compute, all others wait most of the time. */
export const seatsOf = (tier, cores) => (tier === 'unit' ? cores : 2 * cores);
