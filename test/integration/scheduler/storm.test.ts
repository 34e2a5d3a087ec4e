/** Creates and removals at random while Engines refuse, clients leave and agents hang up: whatever happens, nothing is left and nothing is given twice. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerRecord, isKind, keys, type LeaseRecord } from '../../../src/model/index.ts';
import type { FakeAgent } from '../../support/fakes/fake-agent.ts';
import { type FakeCluster, startFakeCluster, until } from '../../support/fakes/fake-cluster.ts';
import { Refusal } from '../../support/fakes/fake-engine.ts';

/** A small generator (mulberry32), so that a failing seed can be run again. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** As an agent does: until a leader takes it. */
async function dial(cluster: FakeCluster, agent: FakeAgent | undefined): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      await agent?.dial(cluster.url);
      return;
    } catch {
      await sleep(20);
    }
  }
}

async function client(cluster: FakeCluster, random: () => number, name: string): Promise<void> {
  const abort = new AbortController();
  if (random() < 0.2) setTimeout(() => abort.abort(), random() * 20);
  const deployment = random() < 0.5 ? 'abc' : 'xyz';
  const create = {
    name: random() < 0.1 ? 'popular' : name,
    platform: undefined,
    request: { Image: 'busybox', Labels: { 'com.docker.compose.project': deployment } },
    apiVersion: '1.41',
    requestId: randomUUID(),
    signal: abort.signal,
  };
  try {
    await cluster.scheduler.leader.ready(new AbortController().signal);
    const { id } = await cluster.scheduler.containers.create(create);
    await sleep(random() * 20);
    const container = cluster.scheduler.containers.list().find((one) => one.id === id);
    if (container === undefined) return; // its host went away just then: it stays, and is cleared away at the end
    const agent = cluster.agents.find((one) => one.name === container.host);
    agent?.engine.containers.delete(id);
    if (random() < 0.5) agent?.say({ type: 'containers', upserts: [], removes: [id] });
    else await cluster.scheduler.containers.release(container);
  } catch (error) {
    assert.ok(isKind(error, 'engine', 'unavailable', 'conflict', 'unplaceable', 'timeout', 'not-found', 'not-leader'), String(error));
  }
}

for (const { seed, failsOver } of [
  { seed: 1, failsOver: false },
  { seed: 2, failsOver: false },
  { seed: 3, failsOver: true },
  { seed: 4, failsOver: true },
]) {
  it(`leaves nothing behind, whatever fails${failsOver ? ', leaders included' : ''} (seed ${seed})`, async () => {
    const random = generator(seed);
    await using cluster = await startFakeCluster(3, { hostDownMs: 2_000, graceMs: 1_000 });
    for (const agent of cluster.agents) {
      agent.engine.beforeCreate = async () => {
        await sleep(random() * 10);
        if (random() < 0.15) throw new Refusal(500, 'the Engine has a bad day');
      };
      agent.engine.afterCreate = async (_name, request) => {
        if (random() < 0.1) request.socket.destroy();
      };
      agent.beforeCall = async (request) => {
        await sleep(random() * 5);
        if (request.method === 'materialise' && random() < 0.1) throw new Error('the agent has a bad day');
      };
    }
    const over = new AbortController();
    const unrest = (async () => {
      while (!over.signal.aborted) {
        await sleep(40 + random() * 60);
        const agent = cluster.agents[Math.floor(random() * 3)];
        agent?.hangUp();
        await sleep(random() * 20);
        await dial(cluster, agent);
        if (failsOver && random() < 0.2) {
          await cluster.nextLeader();
          for (const one of cluster.agents) await dial(cluster, one);
        }
      }
    })();
    const watch = (async () => {
      while (!over.signal.aborted) {
        const held = cluster.ledger.list<LeaseRecord>(keys.leases).filter(([, lease]) => lease.state !== 'resting');
        assert.equal(new Set(held.map(([, lease]) => `${lease.network}/${lease.ip}`)).size, held.length);
        for (const [, record] of cluster.ledger.list<ContainerRecord>(keys.containers)) {
          for (const [network, ip] of Object.entries(record.addresses)) {
            assert.equal(cluster.ledger.get<LeaseRecord>(keys.lease(network, ip))?.owner, record.name);
          }
        }
        await sleep(5);
      }
    })();
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 16 }, (_, i) => client(cluster, random, `c${round}-${i}`)));
    }
    over.abort();
    await Promise.all([unrest, watch]);
    // Hosts at rest again: each tells what it has.
    for (const agent of cluster.agents) {
      agent.beforeCall = async () => undefined;
      for (const [, { id }] of cluster.ledger.list<ContainerRecord>(keys.containers)) agent.engine.containers.delete(id ?? '');
      await dial(cluster, agent);
    }
    const left = (): string[] => [
      ...cluster.state(),
      ...cluster.agents.flatMap((agent) => [...agent.engine.containers.values()].map((held) => `${agent.name}: ${held.name}`)),
      ...cluster.agents.flatMap((agent) =>
        [...agent.engine.networks.values()].map((network) => `${agent.name}: ${network.name} ${agent.plans.length} plans`),
      ),
    ];
    await until(() => left().length === 0, 'nothing left', 60_000).catch(() => undefined);
    assert.deepEqual(left(), []);
  });
}
