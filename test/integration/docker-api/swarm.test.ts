/** The services API of a whole leader, and through a follower: the real endpoint, scheduler and services over hosts that are fakes. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { type FakeEndpoint, startFakeEndpoint } from '../../support/fakes/fake-endpoint.ts';
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
});
