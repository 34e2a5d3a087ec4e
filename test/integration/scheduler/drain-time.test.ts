/** The time between leaving DNS and the stop: real streams and store; hosts of plain data. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { startFakeCluster } from '../../support/fakes/fake-cluster.ts';

describe('a container that a client stops', () => {
  it('runs on for its drain time without any name, if it has one, and then stops', async () => {
    await using cluster = await startFakeCluster(1);
    const { containers, names } = cluster.scheduler;
    for (const [name, drain, leastMs] of [
      ['slow', '300ms', 300],
      ['fast', undefined, 0],
    ] as const) {
      const request = { Image: 'busybox', Labels: drain === undefined ? {} : { 'arpanet.drain-time': drain } };
      const signal = new AbortController().signal;
      await containers.create({ name, platform: undefined, request, apiVersion: '1.41', requestId: randomUUID(), signal });
      const made = containers.one(name);
      const state = { ...made.facts.inspect.State, Running: true, Status: 'running' };
      const running = { ...made, facts: { ...made.facts, inspect: { ...made.facts.inspect, State: state } } };
      const beganMs = performance.now();
      let wasWithdrawn = false;
      const tookMs = await containers.withdrawn(
        running,
        async () => {
          wasWithdrawn = names.sources().withdrawn.has(made.id);
          return Promise.resolve(performance.now() - beganMs);
        },
        { drains: true },
      );
      assert.ok(tookMs >= leastMs, `${name}: ${tookMs} ms`);
      assert.ok(wasWithdrawn);
    }
  });
});
