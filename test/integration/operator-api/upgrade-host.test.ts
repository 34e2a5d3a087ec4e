/** The step of an upgrade on one host, from the leader's side: real streams and services; hosts of plain data. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UpgradeOrder, UpgradeState } from '../../../src/model/index.ts';
import { until } from '../../support/fakes/fake-cluster.ts';
import { type FakeEndpoint, startFakeEndpoint } from '../../support/fakes/fake-endpoint.ts';

const FAILED: UpgradeState = {
  state: 'ended',
  code: 1,
  said: 'h1 fetches\nFAIL  h1 did not come in with 0.2.0 within a minute, and has 0.1.0 back\n      journalctl says why\n',
};

/** Two hosts of 0.1.0 that upgrade themselves; `ended`: how the first one's ends. */
async function twoHosts(ended: UpgradeState) {
  const leader = await startFakeEndpoint(2);
  const { cluster } = leader;
  const orders: UpgradeOrder[] = [];
  /** What the first host was open for when each order came. */
  const availability: (string | undefined)[] = [];
  let isAsked = false;
  for (const agent of cluster.agents) {
    agent.program = { agentVersion: '0.1.0', upgradesItself: true };
    agent.hangUp();
    await agent.dial(cluster.url);
  }
  const [first] = cluster.agents;
  assert.ok(first !== undefined);
  first.upgrade = (order) => {
    if (order === undefined) return isAsked ? ended : { state: 'none', said: '' };
    isAsked = true;
    orders.push(order);
    availability.push(cluster.scheduler.hosts.one('h1')?.record.availability);
    if (ended.code === 0) {
      first.program = { ...first.program, agentVersion: '0.2.0' };
      // after its answer has left
      setTimeout(() => {
        first.hangUp();
        void first.dial(cluster.url);
      }, 50);
    }
    return { state: 'running', said: '' };
  };
  await until(
    () => cluster.scheduler.hosts.list().every(({ state, facts }) => state === 'alive' && facts?.agentVersion === '0.1.0'),
    'both are back',
  );
  return { leader, orders, availability };
}

async function upgraded({ url }: FakeEndpoint, host: string, body: object = {}): Promise<Record<string, unknown>> {
  const answer = await fetch(`${url}/arpanet/v1/hosts/${host}/upgrade`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  return JSON.parse(text.trimEnd().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
}

describe('a host that takes the release of the leader', () => {
  it('gets the order with the address of the scheduler and a token of its own, and is waited for until it is back', async () => {
    const { leader, orders, availability } = await twoHosts({ state: 'ended', code: 0, said: 'h1 has 0.2.0 now' });
    await using _ = leader;
    assert.deepEqual(await upgraded(leader, 'h1', { drain: true }), { result: { host: 'h1', had: '0.1.0', has: '0.2.0' } });
    assert.deepEqual(orders, [{ url: 'https://10.0.0.1:2376', token: 'pass-for-h1' }]);
    assert.deepEqual(leader.withdrawn, ['pass-for-h1']);
    assert.deepEqual(availability, ['drain']);
    assert.equal(leader.cluster.scheduler.hosts.one('h1')?.record.availability, 'active');
    assert.deepEqual(await upgraded(leader, 'h1'), { result: { host: 'h1', had: '0.2.0', has: '0.2.0' } });
    assert.equal(orders.length, 1, 'one that has it is left alone');
  });

  it('has its failure told as it told it, and its drain undone', async () => {
    const { leader, orders } = await twoHosts(FAILED);
    await using _ = leader;
    const answer = await upgraded(leader, 'h1', { drain: true, force: true });
    assert.match(
      String(answer['error']),
      /^h1: h1 did not come in with 0\.2\.0 within a minute, and has 0\.1\.0 back: journalctl says why$/,
    );
    assert.equal(orders[0]?.isForced, true);
    assert.deepEqual(leader.withdrawn, ['pass-for-h1']);
    assert.equal(leader.cluster.scheduler.hosts.one('h1')?.record.availability, 'active');
  });

  it('is the only one meanwhile, and who waits for it reads that the leadership has ended, which is no fault', async () => {
    const { leader, orders } = await twoHosts({ state: 'running', said: '' });
    await using _ = leader;
    const first = upgraded(leader, 'h1');
    await until(() => orders.length === 1, 'it has the order');
    assert.match(String((await upgraded(leader, 'h2'))['message']), /^h1 is being upgraded: one host at a time/);
    leader.lose();
    assert.deepEqual(await first, { error: 'this scheduler no longer leads: the next leader continues', isUnavailable: true });
    assert.deepEqual(leader.unexpected, []);
  });

  it('stays drained where an operator had drained it, and one that cannot is left to a person', async () => {
    const { leader, availability } = await twoHosts(FAILED);
    await using _ = leader;
    await leader.cluster.scheduler.hosts.update('h1', { availability: 'pause' });
    await upgraded(leader, 'h1', { drain: true });
    assert.deepEqual(availability, ['pause']);
    assert.equal(leader.cluster.scheduler.hosts.one('h1')?.record.availability, 'pause');
    const second = leader.cluster.agents[1];
    assert.ok(second !== undefined);
    second.program = { agentVersion: '0.1.1' };
    second.hangUp();
    await second.dial(leader.cluster.url);
    await until(() => {
      const h2 = leader.cluster.scheduler.hosts.one('h2');
      return h2?.state === 'alive' && h2.facts?.agentVersion === '0.1.1';
    }, 'it is back');
    assert.match(
      String((await upgraded(leader, 'h2'))['message']),
      /h2 does not upgrade itself: "arpanet upgrade --plan" says what to run there/,
    );
  });
});
