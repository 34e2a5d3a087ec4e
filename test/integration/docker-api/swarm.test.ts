/** The services API of a whole leader, and through a follower: the real endpoint, scheduler and services over hosts that are fakes. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FakeEndpoint, startFakeEndpoint } from '../../support/fakes/fake-endpoint.ts';
import { until } from '../../support/fakes/fake-cluster.ts';
import { startSmall } from '../../support/fakes/small-engine.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A client that keeps its one connection. */
function client(url: string) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (method: string, path: string, value?: unknown): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = value === undefined ? {} : { 'Content-Type': 'application/json' };
      const request = http.request(`${url}${path}`, { agent, method, headers }, (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (text: string) => (body += text));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      });
      request.on('error', reject).end(value === undefined ? undefined : JSON.stringify(value));
    });
  return { ask, [Symbol.dispose]: () => agent.destroy() };
}

describe('the services API', () => {
  let fake: FakeEndpoint;
  before(async () => {
    fake = await startFakeEndpoint(2);
  });
  after(async () => {
    await fake?.[Symbol.asyncDispose]();
  });

  it('is hidden from the one connection that left the swarm, at the leader and through a follower, and from nobody else', async () => {
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(fake.url);
    for (const url of [fake.url, small.url]) {
      using one = client(url);
      using direct = client(fake.url);
      using forwarded = client(small.url);
      const stateOf = async ({ ask }: typeof one) =>
        (JSON.parse((await ask('GET', '/info')).body) as { Swarm: { LocalNodeState: string } }).Swarm.LocalNodeState;
      assert.equal(await stateOf(direct), 'active');
      assert.equal((await one.ask('POST', '/swarm/leave?force=1')).status, 200);
      for (const path of ['/services', '/nodes', '/secrets', '/swarm']) {
        assert.equal((await one.ask('GET', path)).status, 503, path);
        for (const { ask } of [direct, forwarded]) assert.equal((await ask('GET', path)).status, 200, path);
      }
      assert.deepEqual([await stateOf(one), await stateOf(direct), await stateOf(forwarded)], ['inactive', 'active', 'active']);
      assert.equal((await one.ask('POST', '/swarm/init', {})).status, 200);
      assert.equal((await one.ask('GET', '/nodes')).status, 200);
      assert.equal(await stateOf(one), 'active');
    }
  });

  it('refuses a service in a network that nobody knows, and goes back to all of what a service was', async () => {
    using one = client(fake.url);
    const json = async <T>(method: string, path: string, value?: unknown): Promise<T> => {
      const { status, body } = await one.ask(method, path, value);
      assert.ok(status < 300, `${method} ${path}: ${status} ${body}`);
      return JSON.parse(body) as T;
    };
    const specOf = (image: string, more: object = {}) => ({
      Name: 'shop',
      Labels: { tier: 'front' },
      TaskTemplate: { ContainerSpec: { Image: image, Dir: '/srv' }, RestartPolicy: { Condition: 'none' }, ...more },
      Mode: { Replicated: { Replicas: 1 } },
      UpdateConfig: { Parallelism: 1, Order: 'stop-first', FailureAction: 'pause', Monitor: 1_000_000 },
    });
    const lost = await one.ask('POST', '/services/create', specOf('busybox', { Networks: [{ Target: 'nowhere' }] }));
    assert.deepEqual([lost.status, JSON.parse(lost.body)], [404, { message: 'network nowhere not found' }]);
    const { ID } = await json<{ ID: string }>('POST', '/services/create', specOf('busybox'));
    const gone = await one.ask('POST', `/services/${ID}/update?version=1`, specOf('busybox', { Networks: [{ Target: 'nowhere' }] }));
    assert.deepEqual([gone.status, JSON.parse(gone.body)], [404, { message: 'network nowhere not found' }]);
    interface Shown {
      readonly Version: { readonly Index: number };
      readonly Spec: Record<string, unknown>;
      readonly PreviousSpec?: Record<string, unknown>;
      readonly UpdateStatus?: { readonly State: string };
    }
    const shown = () => json<Shown>('GET', `/services/${ID}`);
    const running = () =>
      fake.cluster.agents.flatMap(({ engine }) => [...engine.containers.values()]).filter(({ status }) => status === 'running');
    await until(() => running().length === 1, 'its instance runs');
    const first = await shown();
    const removals = () => fake.cluster.agents.flatMap(({ engine }) => engine.removals);
    const next = { ...specOf('busybox', { ContainerSpec: { Image: 'busybox', Dir: '/tmp' } }), Labels: { tier: 'back' } };
    await json('POST', `/services/${ID}/update?version=${first.Version.Index}`, next);
    let now = await shown();
    while (now.UpdateStatus?.State === 'updating') {
      await sleep(50);
      now = await shown();
    }
    assert.equal(now.UpdateStatus?.State, 'completed');
    assert.deepEqual(now.PreviousSpec, first.Spec);
    assert.deepEqual(removals(), ['force=1&v=1'], 'what the services API made goes with its volumes');
    await json('POST', `/services/${ID}/update?version=${now.Version.Index}&rollback=previous`, next);
    const back = await shown();
    assert.deepEqual([back.Spec, back.PreviousSpec], [first.Spec, now.Spec]);
  });
});
