/** The agents' streams as the leader takes them. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, it } from 'node:test';
import { keys, PROTOCOL } from '../../../src/model/index.ts';
import { startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { startFakeCluster, TOKEN, until } from '../../support/fakes/fake-cluster.ts';

const refused = (agent: { readonly told: readonly { readonly type: string }[] }): string | undefined => {
  const last = agent.told.at(-1);
  return last?.type === 'refused' && 'why' in last ? String(last.why) : undefined;
};

describe('a host', () => {
  it('is welcomed with epoch, plans and an answer to its beat', async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    const first = ['welcome', 'plans', 'settings', 'beat'];
    await until(() => first.every((type) => agent?.told.some((message) => message.type === type)), first.join(', '));
    assert.deepEqual(agent?.told[0], { type: 'welcome', epoch: 1, leader: 's1', clusterId: 'c1', compares: true, spreadMs: 1 });
  });

  it('is refused with a wrong token, or none', async () => {
    await using cluster = await startFakeCluster(0);
    for (const token of ['wrong', '']) {
      await using agent = await startFakeAgent({ name: 'h1', token });
      await assert.rejects(agent.dial(cluster.url), { kind: 'unauthorized', message: /join token is missing or wrong/ });
    }
    assert.deepEqual(cluster.scheduler.hosts.list(), []);
  });

  it('cannot take the name of another that is alive: the refusal names both', async () => {
    await using cluster = await startFakeCluster(1);
    await using other = await startFakeAgent({ name: 'h1', token: TOKEN, address: '10.0.0.99' });
    await other.dial(cluster.url);
    await until(() => refused(other) !== undefined, 'refused');
    assert.match(refused(other) ?? '', /10\.0\.0\.1 .*10\.0\.0\.99/);
    assert.equal(cluster.scheduler.hosts.list()[0]?.record.address, '10.0.0.1');
  });

  it('boots from the network no more once it is removed, in the same transaction; nor does one that has not joined yet', async () => {
    await using cluster = await startFakeCluster(1);
    const commits: string[][] = [];
    const approve = async (host: string) => {
      const value = { host, macs: ['52:54:00:12:34:56'], atMs: 1 };
      await cluster.ledger.commit([{ kind: 'put', key: keys.machine(host), value }]);
    };
    const { hosts } = cluster.scheduler;
    await approve('h1');
    await approve('h2');
    await hosts.admit('h2', {});
    const commit = cluster.ledger.commit.bind(cluster.ledger);
    cluster.ledger.commit = async (changes) => {
      commits.push(changes.map(({ key }) => key));
      await commit(changes);
    };
    await hosts.remove('h1');
    await hosts.admit('h2', undefined);
    assert.deepEqual(cluster.ledger.list(keys.machines), []);
    for (const [host, key] of [
      ['h1', keys.host('h1')],
      ['h2', keys.admission('h2')],
    ] as const)
      assert.ok(
        commits.some((changed) => changed.includes(key) && changed.includes(keys.machine(host))),
        host,
      );
  });

  it('replaces its own older stream', async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    await agent?.dial(cluster.url);
    await until(() => agent?.told.filter(({ type }) => type === 'welcome').length === 2, 'welcomed twice');
    await cluster.scheduler.view.refresh('h1', { images: true });
    assert.equal(cluster.scheduler.hosts.list()[0]?.state, 'alive');
  });

  it('that comes back with what the leader holds sends its digest alone; the next leader gets the rest', async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    const came = async (): Promise<readonly string[]> => {
      const { length } = agent?.said ?? [];
      await agent?.dial(cluster.url);
      await until(
        () => agent?.said.slice(length).includes('have') === true && cluster.scheduler.hosts.list()[0]?.state === 'alive',
        'it is back',
      );
      await cluster.scheduler.view.refresh('h1', {});
      return (agent?.said ?? []).slice(length).filter((type) => ['have', 'piece', 'rest', 'snapshot'].includes(type));
    };
    assert.deepEqual(await came(), ['have']);
    await cluster.nextLeader();
    assert.deepEqual(await came(), ['have', 'rest']);
    assert.equal([...(cluster.scheduler.images.find('busybox:latest')?.holders ?? [])].join(), 'h1');
  });

  it('keeps the deadline and the purpose of its drain over other changes, the next leader and a new stream, until its availability is set', async () => {
    await using cluster = await startFakeCluster(1);
    const drainDeadline = { afterMs: 60_000, atMs: Date.now() + 60_000 };
    const deadline = () => cluster.scheduler.hosts.list()[0]?.record.drainDeadline;
    const purpose = () => cluster.scheduler.hosts.list()[0]?.record.drainedFor;
    await cluster.scheduler.hosts.update('h1', { availability: 'drain', drainDeadline, drainedFor: 'upgrade' });
    await cluster.scheduler.hosts.update('h1', { labels: { disk: 'ssd' } });
    await cluster.nextLeader();
    await cluster.agents[0]?.dial(cluster.url);
    await until(() => cluster.scheduler.hosts.list()[0]?.state === 'alive', 'it is back');
    assert.deepEqual([deadline(), purpose()], [drainDeadline, 'upgrade']);
    await cluster.scheduler.hosts.update('h1', { availability: 'pause' });
    assert.deepEqual([deadline(), purpose()], [undefined, undefined]);
  });

  it('joins with a protocol that is one ahead, and is refused with one that is two ahead: the refusal says what to upgrade', async () => {
    await using cluster = await startFakeCluster(0);
    await using next = await startFakeAgent({ name: 'h1', token: TOKEN, protocol: PROTOCOL + 1 });
    await using far = await startFakeAgent({ name: 'h2', token: TOKEN, protocol: PROTOCOL + 2 });
    await next.dial(cluster.url);
    await far.dial(cluster.url);
    await until(() => refused(far) !== undefined, 'refused');
    assert.match(refused(far) ?? '', /host h2 speaks protocol \d+, and this leader \d+: .*upgrade the leader first/);
    await until(() => cluster.scheduler.hosts.list().some(({ record }) => record.name === 'h1'), 'joined');
  });

  it('is disconnected without an error when it has seen a newer leader; is refused when its name is invalid', async () => {
    await using cluster = await startFakeCluster(0);
    await using ahead = await startFakeAgent({ name: 'h1', token: TOKEN, epoch: 7 });
    await using odd = await startFakeAgent({ name: 'H_1', token: TOKEN });
    await ahead.dial(cluster.url);
    await odd.dial(cluster.url);
    await until(() => refused(odd) !== undefined, 'refused');
    // It looks for the new leader at once, and not after the pause that a refusal asks for.
    assert.equal(refused(ahead), undefined);
    assert.deepEqual(cluster.scheduler.hosts.list(), []);
    assert.match(refused(odd) ?? '', /facts\.name: not a host name/);
  });

  it('that sends a malformed message loses its stream, and is refused for a while; the others and the leader go on', async () => {
    await using cluster = await startFakeCluster(6);
    const [good, ...others] = cluster.agents;
    const id = 'c'.repeat(64);
    const nameless = { Id: id, Names: [], Image: '', ImageID: '', Created: 0, State: 'running', Status: '', Labels: {} };
    const messages = [
      { type: 'containers', upserts: [{ summary: nameless, inspect: null }], removes: [] },
      { type: 'volumes', volumes: [{ Name: '', Driver: 'local' }] },
      { type: 'beat', load: null },
      { type: 'event', event: null },
      null,
    ];
    for (const [at, bad] of others.entries()) {
      bad.say(messages[at] as never);
      await until(() => refused(bad) !== undefined, `refused: ${JSON.stringify(messages[at])}`);
      assert.match(refused(bad) ?? '', /^message/);
      await bad.dial(cluster.url);
      await until(() => /sent a malformed message .*try again later/.test(refused(bad) ?? ''), 'refused for a while');
    }
    await cluster.scheduler.view.refresh('h1', { images: true });
    assert.ok(!good?.told.some(({ type }) => type === 'refused'));
  });

  it('with an impossible status in an answer loses its stream, and nothing else', async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    if (agent === undefined) assert.fail();
    agent.beforeCall = async () => {
      for (let call = 1; call < 20; call++) agent.say({ type: 'done', call, error: { kind: 'engine', message: 'odd', engineStatus: 42 } });
    };
    await cluster.scheduler.view.refresh('h1', { images: true });
    await until(() => refused(agent) !== undefined, 'refused');
    assert.match(refused(agent) ?? '', /^message done: error\.engineStatus/);
  });

  it('with an epoch that no election can have reached is refused with what to do, and ends no leadership', async () => {
    await using cluster = await startFakeCluster(0);
    await using agent = await startFakeAgent({ name: 'h1', token: TOKEN, epoch: Number.MAX_SAFE_INTEGER });
    await agent.dial(cluster.url);
    await until(() => refused(agent) !== undefined, 'refused');
    assert.match(refused(agent) ?? '', /reports epoch 9007199254740991, which no election can have reached .* delete that file/);
  });

  it('whose API versions leave none for all hosts is refused, and not the clients of the others', async () => {
    await using cluster = await startFakeCluster(1);
    for (const apiVersion of ['1.12', '0.1', '1.23']) {
      await using odd = await startFakeAgent({ name: 'h9', token: TOKEN, address: '10.0.0.9', apiVersion });
      await odd.dial(cluster.url);
      await until(() => refused(odd) !== undefined, `refused: ${apiVersion}`);
      assert.match(refused(odd) ?? '', /API version/);
    }
  });

  it('whose Engine is Podman is refused with what to do', async () => {
    await using cluster = await startFakeCluster(0);
    const version = { Version: '4.3.1', Components: [{ Name: 'Podman Engine', Version: '4.3.1' }, { Name: 'Conmon' }] };
    await using odd = await startFakeAgent({ name: 'h9', token: TOKEN, version });
    await odd.dial(cluster.url);
    await until(() => refused(odd) !== undefined, 'refused');
    assert.match(refused(odd) ?? '', /^host h9 has Podman, .*: let it have a Docker Engine$/);
  });

  it('whose routes cover most of the address pool is refused with the reason, and networks are made all the same', async () => {
    await using cluster = await startFakeCluster(1);
    for (const routes of [['10.32.0.0/12'], ['0.0.0.0/1', '128.0.0.0/1'], ['10.32.0.0/13', '10.40.0.0/14']]) {
      await using odd = await startFakeAgent({ name: 'h9', token: TOKEN, address: '10.0.0.9', routes });
      await odd.dial(cluster.url);
      await until(() => refused(odd) !== undefined, `refused: ${routes.join(' ')}`);
      assert.match(refused(odd) ?? '', /^host h9 has routes \([\d./, ]+\) that cover more than half of the address pool 10\.32\.0\.0\/12/);
    }
    await using busy = await startFakeAgent({ name: 'h8', token: TOKEN, address: '10.0.0.8', routes: ['0.0.0.0/0', '10.32.0.0/13'] });
    await busy.dial(cluster.url);
    await until(() => cluster.scheduler.hosts.list().some(({ name, state }) => name === 'h8' && state === 'alive'), 'a busy host joins');
    const record = await cluster.scheduler.networks.create({ Name: 'n' }, 'r1');
    assert.match(record.cidr, /^10\.4\d\./, 'beside the routes of the host that is in');
    const [cut] = cluster.scheduler.agents.cut();
    assert.deepEqual([cut?.host, cut?.isMalformed], ['h9', false]);
  });

  it('that is cut off is listed with the reason, while it still counts as alive and when it is down', async () => {
    await using cluster = await startFakeCluster(1, { hostDownMs: 500 });
    const [bad] = cluster.agents;
    bad?.say({ type: 'beat', load: null } as never);
    const host = () => cluster.scheduler.hosts.list()[0];
    const why = /^its agent is refused: message beat: load: /;
    await until(() => why.test(host()?.why ?? ''), 'the reason is shown');
    await until(() => host()?.state === 'down' && why.test(host()?.why ?? ''), 'and when it is down');
    assert.equal(cluster.scheduler.agents.malformedMessages(), 1);
    assert.match(cluster.scheduler.agents.cut()[0]?.reason ?? '', /^message beat: load: /);
  });

  it('goes down without a heartbeat, and comes back with the next stream', async () => {
    await using cluster = await startFakeCluster(1, { hostDownMs: 300 });
    const [agent] = cluster.agents;
    agent?.hangUp();
    await until(() => cluster.scheduler.hosts.list()[0]?.state === 'down', 'down');
    assert.throws(() => cluster.scheduler.engines.endpoint('h1'), { kind: 'unavailable', message: /host h1 is down: no heartbeat/ });
    assert.throws(() => cluster.scheduler.images.builder(), { kind: 'unavailable' });
    await agent?.dial(cluster.url);
    await until(() => cluster.scheduler.hosts.list()[0]?.state === 'alive', 'alive');
  });

  it('goes down at once when its Engine does not answer', async () => {
    await using cluster = await startFakeCluster(1);
    cluster.agents[0]?.say({ type: 'engine', alive: false, why: 'connection refused' });
    await until(() => cluster.scheduler.hosts.list()[0]?.state === 'down', 'down');
  });

  it('ends with the leadership', async () => {
    await using cluster = await startFakeCluster(1);
    const before = cluster.scheduler;
    await cluster.nextLeader();
    await assert.rejects(before.leader.ready(new AbortController().signal), { kind: 'unavailable' });
    assert.equal(cluster.scheduler.hosts.list()[0]?.state, 'joining');
    await cluster.agents[0]?.dial(cluster.url);
    await cluster.scheduler.leader.ready(new AbortController().signal);
    assert.equal(cluster.scheduler.hosts.list()[0]?.state, 'alive');
  });

  it('that sends nonsense loses its stream, and nobody else theirs', async () => {
    await using cluster = await startFakeCluster(2);
    const socket = await new Promise<import('node:stream').Duplex>((resolve) => {
      const headers = { Connection: 'Upgrade', Upgrade: 'arpanet', Authorization: `Bearer ${TOKEN}` };
      http.get(`${cluster.url}/arpanet/v1/agent`, { headers }).on('upgrade', (_answer, upgraded) => resolve(upgraded));
    });
    let said = '';
    socket.on('data', (chunk) => (said += String(chunk)));
    socket.write('this is no JSON\n');
    await until(() => said.includes('"refused"'), 'refused');
    socket.destroy();
    assert.equal(
      cluster.scheduler.hosts.list().every((host) => host.state === 'alive'),
      true,
    );
  });

  it("gets a call's failure back in its own kind and words", async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    assert.ok(agent);
    agent.beforeCall = async (request) => {
      if (request.method === 'materialise') throw Object.assign(new Error('no such bridge'), { kind: 'conflict' });
    };
    const create = {
      name: 'web',
      platform: undefined,
      request: { Image: 'busybox' },
      apiVersion: '1.41',
      requestId: 'r',
      signal: new AbortController().signal,
    };
    await assert.rejects(cluster.scheduler.containers.create(create), { kind: 'conflict', message: 'no such bridge' });
    assert.deepEqual(cluster.state(), []);
  });
});
