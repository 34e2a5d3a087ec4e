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

/**
 * Files of the other tiers that share a process, because most of what they cost is to read in src: they start no Engine, and none counts
 * what its process got over.
 */
const TOGETHER = [
  [
    'scheduler/addresses',
    'scheduler/create',
    'scheduler/drain-time',
    'scheduler/forged-labels',
    'scheduler/hub',
    'scheduler/project-volumes',
  ],
  ['docker-api/framing', 'docker-api/swarm', 'docker-api/uploads', 'regression/cve-2026-29057'],
  ['compose/compose-hash', 'dhcp/two-schedulers', 'dns/server', 'dns/upstream', 'publish/published'],
  ['processes/metrics', 'processes/stop'],
  ['operator-api/ready', 'store/damaged', 'store/ledger', 'store/unreadable-records'],
];

/** Seconds that a file takes on an idle machine of two cores, of those that take long: of one weight the longest go first. */
const LONG = {
  'ops/services': 290,
  'failures/fault-lab': 140,
  'clients/images': 190,
  'clients/replay': 180,
  'ops/both-sides': 170,
  'clients/networks': 160,
  'ops/ops': 140,
  'ops/hosts': 140,
  'clients/examples': 120,
  'ops/traffic': 110,
  'hostagent/overlay': 100,
  'failures/consul-gone': 100,
  'clients/clients': 90,
  'clients/volumes': 90,
  'clients/names': 90,
  'clients/bad-input': 80,
  'failures/repair': 70,
  'failures/restarts': 70,
  'ops/readme': 70,
  'clients/conformance': 70,
  'scheduler/deaths': 60,
  'clients/bad-fields': 60,
  'clients/newest': 60,
  'failures/failover': 60,
  'failures/host-loss': 60,
  'clients/compose-up-consul': 50,
  'failures/failpoints': 50,
  'clients/docker-verbs': 50,
  'ops/dashboard': 40,
  'hostagent/gateway': 40,
  'boot/boot-server': 40,
  'clients/bulk': 30,
  'operator-api/dashboard-page': 30,
  'failures/recover-consul': 30,
  'failures/update-failover': 30,
  'failures/full-disk': 30,
  'clients/forged-labels': 30,
  'store/bad-records': 30,
  'store/leader': 30,
  'store/emptied': 30,
  'store/embedded': 30,
  'store/consul': 30,
  'processes/store-away': 30,
  'processes/schedulers-tls': 30,
  'scheduler/storm': 30,
  'operator-api/narrowed': 30,
  'docker-api/fields': 30,
  'docker-api/reads-engine': 30,
  'docker-api/cli': 30,
  'docker-api/follower': 20,
  'hostagent/vip': 20,
  'scripts/packages': 20,
  'hostagent/http': 20,
  'operator-api/canary': 20,
};

/** How many of the seats a file takes, where that is not one: it computes all the time, or promises something within seconds. */
const HEAVY = {
  'clients/bulk': 2,
  'failures/crowd': 3,
  'failures/failover': 1.5,
  'failures/host-loss': 1.5,
  'failures/leader-changes': 1.5,
  'failures/leader-killed': 1.5,
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
  const isOf = (file, leaves) => leaves.some((leaf) => file.endsWith(`/${leaf}.test.ts`));
  const together = TOGETHER.map((leaves) => files.filter((file) => isOf(file, leaves))).filter((group) => group.length > 0);
  const alone = files.filter((file) => !TOGETHER.some((leaves) => isOf(file, leaves)));
  return [...alone.map((file) => [file]), ...together].map((group) => {
    const [file = ''] = group;
    return { files: group, weight: named(HEAVY, file) ?? 1, seconds: group.length > 1 ? 40 : (named(LONG, file) ?? 0) };
  });
}

/** How much goes at a time: unit tests compute, all others wait half of the time. */
export const seatsOf = (tier, cores) => (tier === 'unit' ? cores : 2 * cores);
