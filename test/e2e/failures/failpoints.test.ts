/**
 * A real scheduler, agent or Engine dies at a named point between two effects: what was answered holds, and nothing is left over. At a few
 * points; test/integration/scheduler/deaths has all of them, for each of the three, with hosts of plain data.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Failpoint } from '../../../src/model/index.ts';
import { schedulerWithFaults } from '../../faults/lab.ts';
import { type Cluster, startCluster, until } from '../../support/cluster/cluster.ts';
import { leaderOf, request } from '../../support/cluster/leaders.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { type Ask, failpointWork, isOfCount } from '../../support/suites/failpoint-work.ts';

/** In the order in which the work comes by them. */
const POINTS: Readonly<Record<'scheduler' | 'agent' | 'Engine', readonly Failpoint[]>> = {
  scheduler: ['network-create.committed', 'create.made', 'remove.done', 'count.marked', 'scale.made'],
  agent: ['create.joining', 'remove.done', 'scale.made'],
  Engine: ['create.made', 'stop.withdrawn', 'scale.stopped'],
};

describe('a real death at a named point', () => {
  let cluster: Cluster;
  let dir: string;
  before(async () => {
    cluster = await startCluster({ store: 'consul', schedulers: 2, hosts: 1, mixed: false, schedulerArgs: ['--lease-rest', '1s'] });
    dir = join(cluster.lab.dir, 'failpoints');
    mkdirSync(dir);
    // The follower first, so that the lead moves once only.
    for (const index of [1, 0]) await restart(index);
    await until('the host is there', isHostAlive, 20_000);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const leads = () => until('one leads', () => leaderOf(cluster), 20_000);
  const isHostAlive = async () => (await operator<{ state: string }[]>(await leads(), 'hosts'))[0]?.state === 'alive';
  async function restart(index: number): Promise<void> {
    const { process } = cluster.schedulers[index] ?? assert.fail();
    if (process.exitCode === null && process.signalCode === null) {
      const gone = new Promise((resolve) => process.once('exit', resolve));
      process.kill('SIGTERM');
      await gone;
    }
    await cluster.startScheduler(index, schedulerWithFaults(dir));
  }
  const arm = (point: Failpoint, action: 'kill' | 'wait') => writeFileSync(join(dir, point), action);
  const isArmed = (point: Failpoint) => existsSync(join(dir, point));

  const work = failpointWork(leads, request);
  const through =
    (url: string): Ask =>
    (...asked) =>
      request(url, ...asked);

  for (const [index, point] of POINTS.scheduler.entries()) {
    it(`of the scheduler, at ${point}: the other one finishes or undoes it`, async () => {
      const leader = await leads();
      arm(point, 'kill');
      const ask = through(cluster.schedulers[1 - leader.index]?.url ?? '');
      await (isOfCount(point) ? work.scale(ask, `s${index}`) : work.exercise(ask, `s${index}`));
      assert.ok(!isArmed(point), 'it never came to this point');
      assert.equal(cluster.schedulers[leader.index]?.process.signalCode, 'SIGKILL');
      await restart(leader.index);
      await work.clean();
    });
  }

  for (const part of ['agent', 'Engine'] as const) {
    it(`of the ${part}, at each of these points in turn: what was begun is finished or undone`, async () => {
      const host = cluster.lab.hosts[0] ?? assert.fail();
      const ask = through((await leads()).url);
      let count = 0;
      /** The work is done again and again until the part has died at each of the points. */
      async function dying(points: readonly Failpoint[], what: 'exercise' | 'scale'): Promise<void> {
        const over = new AbortController();
        const strikes = (async () => {
          for (const point of points) {
            const reached = join(dir, `${point}.reached`);
            arm(point, 'wait');
            await until(`it comes to ${point}`, () => existsSync(reached), 60_000);
            if (part === 'agent') cluster.agents.get(host.name)?.kill('SIGKILL');
            else await cluster.lab.stopEngine(host, 'SIGKILL');
            rmSync(reached);
            await (part === 'agent' ? cluster.startAgent(host.name) : cluster.lab.startEngine(host));
          }
        })().finally(() => over.abort());
        const working = (async () => {
          while (!over.signal.aborted) await work[what](ask, `${part[0]}${count++}`.toLowerCase());
        })();
        await Promise.all([strikes, working]);
      }
      await dying(
        POINTS[part].filter((point) => !isOfCount(point)),
        'exercise',
      );
      await dying(POINTS[part].filter(isOfCount), 'scale');
      await work.clean();
    });
  }
});
