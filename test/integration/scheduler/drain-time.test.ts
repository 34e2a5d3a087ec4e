/** The time between leaving DNS and the stop: real streams and store; hosts of plain data. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { createInstanceTable } from '../../../src/registrar/index.ts';
import { startFakeCluster, until } from '../../support/fakes/fake-cluster.ts';

type FakeCluster = Awaited<ReturnType<typeof startFakeCluster>>;

/** A container that runs, and what its Engine says of it from now on. */
async function run({ scheduler, agents }: FakeCluster, name: string, drainTime?: string, labels: Readonly<Record<string, string>> = {}) {
  const { containers, view } = scheduler;
  const request = { Image: 'busybox', Labels: { ...labels, ...(drainTime !== undefined && { 'arpanet.drain-time': drainTime }) } };
  const signal = new AbortController().signal;
  await containers.create({ name, platform: undefined, request, apiVersion: '1.41', requestId: randomUUID(), signal });
  const { id, host } = containers.one(name);
  const held = agents.find((agent) => agent.name === host)?.engine.containers.get(id) ?? assert.fail();
  const becomes = async (status: 'running' | 'exited') => {
    held.status = status;
    await view.refresh(host, { containers: [id] });
  };
  await becomes('running');
  return { container: containers.one(name), becomes };
}

const VIP = { 'arpanet.vip': 'true' };

describe('a container that a client stops', () => {
  it('runs on for its drain time without any name, if it has one, and then stops', async () => {
    await using cluster = await startFakeCluster(1);
    const { containers, names } = cluster.scheduler;
    for (const [name, drain, leastMs] of [
      ['slow', '300ms', 300],
      ['fast', undefined, 0],
    ] as const) {
      const { container } = await run(cluster, name, drain);
      const beganMs = performance.now();
      let wasWithdrawn = false;
      const tookMs = await containers.withdrawn(
        container,
        async () => {
          wasWithdrawn = names.sources.isWithdrawn(container.id);
          return Promise.resolve(performance.now() - beganMs);
        },
        { drains: true },
      );
      // two clocks, each rounded
      assert.ok(tookMs >= leastMs - 2, `${name}: ${tookMs} ms`);
      assert.ok(wasWithdrawn);
    }
  });

  it('is not waited for once it has ended by itself', async () => {
    await using cluster = await startFakeCluster(1);
    const { container, becomes } = await run(cluster, 'short-lived', '300s');
    const stopped = cluster.scheduler.containers.withdrawn(container, () => Promise.resolve('stopped'), { drains: true });
    await becomes('exited');
    assert.equal(await stopped, 'stopped');
  });

  it('gets its signal only after every host that leads calls to it has confirmed that it does not any more, and nothing brings it back meanwhile', async () => {
    await using cluster = await startFakeCluster(2);
    const { scheduler, agents } = cluster;
    const { container } = await run(cluster, 'web', undefined, VIP);
    await run(cluster, 'client');
    const { sources } = scheduler.names;
    const nobody = { has: () => false };
    const table = createInstanceTable({
      ...sources,
      withdrawn: { has: sources.isWithdrawn },
      joining: nobody,
      cutOff: nobody,
      networkOf: () => undefined,
    });
    const state = () =>
      table
        .all()
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .map((one) => one.state);
    assert.deepEqual(state(), ['running', 'running']);
    let confirm = (): void => undefined;
    const confirmed = new Promise<void>((resolve) => (confirm = resolve));
    const [, slow = assert.fail()] = agents;
    slow.beforeCall = ({ method }) => (method === 'settle' ? confirmed : Promise.resolve());
    const settles = () => agents.map(({ calls }) => calls.filter(({ method }) => method === 'settle').length);
    let isSignalled = false;
    const stopped = scheduler.containers.withdrawn(container, () => Promise.resolve((isSignalled = true)), { drainMs: 50 });
    await until(() => settles().join() === '1,1', 'both are asked');
    // a resync: every host is sent all of it again, and what ran runs still
    await scheduler.leader.reconcile();
    await scheduler.view.refresh(container.host, { containers: [container.id] });
    assert.deepEqual(state(), ['running', 'out']);
    assert.equal(isSignalled, false);
    confirm();
    await stopped;
    assert.equal(isSignalled, true);
  });

  it('is stopped all the same when a host cannot confirm it', async () => {
    await using cluster = await startFakeCluster(2);
    const { container } = await run(cluster, 'web', undefined, VIP);
    await run(cluster, 'client');
    const [first = assert.fail(), second = assert.fail()] = cluster.agents;
    first.beforeCall = ({ method }) => (method === 'settle' ? Promise.reject(new Error('nft cannot be run')) : Promise.resolve());
    second.beforeCall = ({ method }) =>
      method === 'settle' ? Promise.reject(Object.assign(new Error('unknown'), { kind: 'unsupported' })) : Promise.resolve();
    assert.equal(await cluster.scheduler.containers.withdrawn(container, () => Promise.resolve('stopped')), 'stopped');
  });
});
