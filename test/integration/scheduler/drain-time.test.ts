/** The time between leaving DNS and the stop: real streams and store; hosts of plain data. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { startFakeCluster } from '../../support/fakes/fake-cluster.ts';

type FakeCluster = Awaited<ReturnType<typeof startFakeCluster>>;

/** A container that runs, and what its Engine says of it from now on. */
async function run({ scheduler, agents }: FakeCluster, name: string, drainTime?: string) {
  const { containers, view } = scheduler;
  const request = { Image: 'busybox', Labels: drainTime === undefined ? {} : { 'arpanet.drain-time': drainTime } };
  const signal = new AbortController().signal;
  await containers.create({ name, platform: undefined, request, apiVersion: '1.41', requestId: randomUUID(), signal });
  const { id, host } = containers.one(name);
  const held = agents[0]?.engine.containers.get(id) ?? assert.fail();
  const becomes = async (status: 'running' | 'exited') => {
    held.status = status;
    await view.refresh(host, { containers: [id] });
  };
  await becomes('running');
  return { container: containers.one(name), becomes };
}

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
});
