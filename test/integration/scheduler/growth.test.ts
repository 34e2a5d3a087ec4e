/** What the end or start of a container costs does not grow with the cluster: entries that are walked are counted, in clusters of two sizes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createInstanceTable, type InstanceSource } from '../../../src/registrar/index.ts';
import { type FakeCluster, startFakeCluster, until } from '../../support/fakes/fake-cluster.ts';
import { walkedIn } from '../../support/fakes/walked.ts';

interface World {
  readonly cluster: FakeCluster;
  readonly names: InstanceSource;
}

async function startWorld(hosts: number, seeded: number): Promise<World & AsyncDisposable> {
  const cluster = await startFakeCluster(hosts, { seeded, hostDownMs: 300_000 });
  const { sources } = cluster.scheduler.names;
  const nobody = { has: () => false };
  const reads = { ...sources, withdrawn: { has: sources.isWithdrawn }, joining: nobody, cutOff: nobody, networkOf: () => undefined };
  const world = { cluster, names: createInstanceTable(reads) };
  await push(world);
  return { ...world, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
}

/** As a registrar does after a change. */
async function push({ cluster, names }: World): Promise<void> {
  const at = { version: 1, epoch: 1, atMs: 1, isForAll: false, isWhole: false, outside: [], deploymentsCome: [], deploymentsGone: [] };
  await cluster.scheduler.names.push({ ...at, changes: names.changes(), deployments: names.deployments, instances: names.all });
}

/** The first container of the first host is `running` or `exited` by now, and its peers' agents know. */
async function becomes(world: World, status: 'running' | 'exited'): Promise<void> {
  const [agent] = world.cluster.agents;
  const [id = ''] = agent?.engine.containers.keys() ?? [];
  const held = agent?.engine.containers.get(id);
  assert.ok(agent !== undefined && held !== undefined);
  held.status = status;
  agent.say({ type: 'containers', upserts: [agent.engine.facts(id) ?? assert.fail()], removes: [] });
  await until(() => world.cluster.scheduler.containers.one(id).facts.inspect.State.Status === status, `it is ${status}`);
  await push(world);
}

/** The least of some tries: what else goes on at times costs, too. */
async function costOf(act: () => Promise<unknown>): Promise<number> {
  const costs: number[] = [];
  for (let i = 0; i < 3; i++)
    costs.push(
      await walkedIn(async () => {
        await act();
      }),
    );
  return Math.min(...costs);
}

const isSame = (few: number, many: number): boolean => many <= few * 1.1;

describe('the cost of a change', () => {
  it('of a container that dies or starts is the same with many hosts', async () => {
    const costs: number[] = [];
    for (const hosts of [10, 60]) {
      await using world = await startWorld(hosts, 3);
      costs.push(
        await costOf(async () => {
          await becomes(world, 'exited');
          await becomes(world, 'running');
        }),
      );
    }
    const [few = 0, many = 0] = costs;
    assert.ok(few > 0 && isSame(few, many), `${few} entries walked with 10 hosts, ${many} with 60`);
  });
});
