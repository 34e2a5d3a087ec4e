/** The fault lab, in short: it finds each bug that is injected into the program, and nothing in the program as it is. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Observation, violations } from '../../faults/checker.ts';
import { DEPLOYMENT } from '../../faults/clients.ts';
import { type Bug, BUGS } from '../../faults/injected-bugs.ts';
import { schedulerWithFaults, startFaultLab } from '../../faults/lab.ts';
import { observeEnd, observeSettled } from '../../faults/observe.ts';
import { ALL_KINDS, type FaultKind } from '../../faults/schedule.ts';
import { comesRight, runOn } from '../../faults/run.ts';
import { type Cluster, endProcess, until } from '../../support/cluster/cluster.ts';
import { leaderOf, nextLeader, request } from '../../support/cluster/leaders.ts';

/** A sound program is right within this; one with a bug is observed for so long. */
const SOUND_MS = 40_000;
const WITH_BUG_MS = 5_000;
/** They take longer than this run: by hand alone (`npm run faults`). */
const LONG: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'host-power',
  'store-away-at-start',
  'device-delete',
  'engine-freeze',
  'store-slow',
  'firewall-flush',
]);
const KINDS = ALL_KINDS.filter((kind) => !LONG.has(kind));
const NAMES = ['p1', 'p2', 'p3'];

/** One of leaders, one of names, one of containers; `ARPANET_BUGS=all` injects all, which takes two minutes more. */
const INJECTED: readonly Bug[] = process.env['ARPANET_BUGS'] === 'all' ? BUGS : ['two-leaders', 'stale-dns', 'twin'];

const FOUND: Readonly<Record<Bug, RegExp>> = {
  'two-leaders': /two leaders: s\d and s\d both lead/,
  'lost-release': /lease [\d.]+ is held for p1, which does not have it/,
  'stale-dns': /stale name: the DNS of h\d answers with/,
  twin: /name twice: p\d \(h\d, h\d\)/,
  'leaked-network': /leaked: h\d: network lab_default/,
  'double-lease': /address held by two live containers: .*\(p\d, p\d/,
};

describe('the fault lab', () => {
  let cluster: Cluster;
  let dir: string;
  before(async () => {
    cluster = await startFaultLab();
    dir = join(cluster.lab.dir, 'faults');
    mkdirSync(dir);
    for (const index of cluster.schedulers.keys()) await restart(index);
    await right(SOUND_MS);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const leads = () => until('one leads', () => leaderOf(cluster), 30_000);
  async function restart(index: number): Promise<void> {
    await endProcess(cluster.schedulers[index]?.process ?? assert.fail());
    await cluster.startScheduler(index, schedulerWithFaults(dir));
  }
  const ask = async (method: string, path: string, body?: unknown) => request((await leads()).url, method, path, body);
  const right = (boundMs: number): Promise<Observation> => comesRight(() => observeEnd(cluster, Date.now()), { held: [] }, boundMs);

  /** The leader's session ends, and it alone does not notice. */
  async function endSession(): Promise<void> {
    const leader = await leads();
    const http = `http://${cluster.consuls[0]?.http}/v1`;
    const [{ Session }] = (await (await fetch(`${http}/kv/arpanet/leader`)).json()) as [{ Session: string }];
    await fetch(`${http}/session/destroy/${Session}`, { method: 'PUT' });
    await nextLeader(cluster, leader, 20_000);
  }

  /** A few containers come, one goes, then all go: what the checker says of it. */
  async function history(boundMs: number, bug?: Bug): Promise<readonly string[]> {
    const Labels = { 'arpanet.deployment': DEPLOYMENT };
    for (const name of NAMES) {
      await ask('POST', `/containers/create?name=${name}`, { Image: 'busybox', Cmd: ['sleep', '1000'], StopTimeout: 0, Labels });
      await ask('POST', `/containers/${name}/start`);
    }
    await ask('DELETE', '/containers/p1?force=1');
    if (bug === 'two-leaders') await endSession();
    const startMs = Date.now();
    const settled = await comesRight(() => observeSettled(cluster, startMs), { held: [] }, boundMs);
    const found = violations({ operations: [], observations: [settled] });
    for (const name of NAMES) await ask('DELETE', `/containers/${name}?force=1`);
    if (bug !== undefined && found.some((text) => FOUND[bug].test(text))) return found;
    return [...found, ...violations({ operations: [], observations: [await right(boundMs)] })];
  }

  it('finds nothing where no bug is injected', async () => {
    assert.deepEqual(await history(SOUND_MS), []);
  });

  for (const bug of INJECTED) {
    it(`finds the injected bug ${bug}`, async () => {
      const file = join(dir, `bug.${bug}`);
      writeFileSync(file, '');
      const found = await history(WITH_BUG_MS, bug);
      rmSync(file);
      assert.ok(
        found.some((text) => FOUND[bug].test(text)),
        found.join('\n') || 'nothing was found',
      );
      for (const { name } of cluster.lab.hosts) {
        const { stdout } = await cluster.engine(name, 'ps', '-aq');
        for (const id of stdout.split('\n')) if (id !== '') await cluster.engine(name, 'rm', '-f', id);
      }
      if (bug === 'two-leaders') for (const index of cluster.schedulers.keys()) await restart(index);
      await leads();
      await cluster.arpanet('audit', '--fix');
      const after = await right(SOUND_MS);
      assert.deepEqual(violations({ operations: [], observations: [after] }), [], 'the bug is gone, and so is what it did');
    });
  }

  const seed = Math.floor(Math.random() * 1_000_000);
  it(`survives half a minute of faults by a random seed (${seed})`, async () => {
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const struck = new Set<string>();
    // On a busy machine half a minute may be over before three kinds have struck.
    for (let round = 0; struck.size < 3; round++) {
      assert.ok(round < 5, 'it struck');
      const { violations: found, faults } = await runOn(cluster, {
        minutes: 0.5,
        seed: seed + round,
        say,
        longestMs: 12_000,
        clients: 1,
        kinds: KINDS,
      });
      assert.deepEqual(found, [], lines.join('\n'));
      for (const kind of Object.keys(faults)) struck.add(kind);
    }
  });
});
