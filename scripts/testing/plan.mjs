// Which test files there are, and how they are spread over processes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {{ readonly files: readonly string[], readonly weight: number, readonly seconds: number }} Job */

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
const LONG = {
  'clients/replay': 240,
  'failures/failpoints': 180,
  'failures/failpoints-host': 120,
  'failures/fault-lab': 200,
  'ops/hosts': 160,
  'ops/services': 150,
  'clients/images': 140,
  'clients/clients': 130,
  'failures/failover': 130,
  'failures/restarts': 120,
  'failures/host-loss': 110,
  'ops/ops': 110,
  'clients/examples': 100,
  'clients/bad-input': 100,
  'clients/conformance': 100,
  'clients/docker-verbs': 90,
  'failures/consul-gone': 90,
  'failures/recover-consul': 80,
  'failures/recover-embedded': 80,
  'clients/names': 80,
  'clients/networks': 80,
  'failures/repair': 80,
  'ops/both-sides': 70,
  'failures/leader-alone': 70,
  'failures/leader-changes': 70,
  'clients/newest': 60,
  'clients/compose-up-consul': 60,
  'clients/compose-up-embedded': 60,
  'failures/update-failover': 60,
  'store/consul': 40,
};

/** How many of the seats a file takes, where that is not one: it computes all the time, or promises something within seconds. */
const HEAVY = {
  'clients/bulk': 2,
  'clients/conformance': 2,
  'failures/crowd': 3,
  'failures/failover': 2,
  'failures/full-disk': 2,
  'failures/host-loss': 2,
  'failures/leader-alone': 2,
  'failures/leader-changes': 2,
  'failures/leader-killed': 2,
  'hostagent/overlay': 2,
};

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
    return groups.map((group) => ({ files: group.toSorted(), weight: 1, seconds: 0 }));
  }
  return files.map((file) => ({ files: [file], weight: named(HEAVY, file) ?? 1, seconds: named(LONG, file) ?? 0 }));
}

/** How much goes at a time: unit tests compute, all others wait most of the time. */
export const seatsOf = (tier, cores) => (tier === 'unit' ? cores : 2 * cores);
