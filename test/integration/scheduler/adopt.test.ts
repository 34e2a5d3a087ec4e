/** What the scheduler makes of a world that changed behind its back: containers gone, creates cut in the middle, a new leader. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { ArpanetError, type ContainerRecord, keys, type LeaseRecord } from '../../../src/model/index.ts';
import type { Creation } from '../../../src/scheduler/create/claim.ts';
import { type FakeCluster, startFakeCluster, until } from '../../support/fakes/fake-cluster.ts';

function wish(name: string, more: Partial<Creation> = {}): Creation {
  const request = { Image: 'busybox', Labels: { 'com.docker.compose.project': 'abc', 'com.docker.compose.service': 'web' } };
  return { name, platform: undefined, request, apiVersion: '1.41', requestId: randomUUID(), signal: new AbortController().signal, ...more };
}

const records = (cluster: FakeCluster): readonly ContainerRecord[] =>
  cluster.ledger.list<ContainerRecord>(keys.containers).map(([, record]) => record);

async function failOver(cluster: FakeCluster): Promise<void> {
  await cluster.nextLeader();
  for (const agent of cluster.agents) await agent.dial(cluster.url);
  await cluster.scheduler.leader.ready(new AbortController().signal);
}

describe('adoption', () => {
  it('gives everything back when a container goes by itself', async () => {
    await using cluster = await startFakeCluster(1);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const [agent] = cluster.agents;
    agent?.engine.containers.delete(id);
    agent?.say({ type: 'containers', upserts: [], removes: [id] });
    await until(() => cluster.state().length === 0 && agent?.engine.networks.size === 0, 'nothing left');
  });

  it('keeps all containers over a change of leader', async () => {
    await using cluster = await startFakeCluster(2);
    const made = await Promise.all([1, 2, 3].map((i) => cluster.scheduler.containers.create(wish(`abc_web_${i}`))));
    const before = records(cluster);
    await failOver(cluster);
    assert.deepEqual(records(cluster), before);
    assert.deepEqual(new Set(cluster.scheduler.containers.list().map((one) => one.record?.id)), new Set(made.map(({ id }) => id)));
    await until(() => cluster.agents.every((agent) => agent.plans.length === 1), 'plans told again');
  });

  it('forgets what was removed while nobody led', async () => {
    await using cluster = await startFakeCluster(1);
    await cluster.scheduler.containers.create(wish('abc_web_1'));
    cluster.agents[0]?.engine.containers.clear();
    await failOver(cluster);
    await until(() => cluster.state().length === 0, 'nothing left');
  });

  it('finishes a create whose leader was lost after the Engine had made the container: the same request gets the same container', async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    assert.ok(agent);
    const create = wish('abc_web_1');
    let failedOver: Promise<void> | undefined;
    agent.engine.afterCreate = async () => {
      failedOver = failOver(cluster);
      await failedOver;
    };
    await assert.rejects(cluster.scheduler.containers.create(create));
    await failedOver;
    const { id } = await cluster.scheduler.containers.create(create);
    assert.deepEqual([...agent.engine.containers.keys()], [id]);
    assert.equal(cluster.scheduler.containers.one('abc_web_1').record?.id, id);
    const instances = cluster.ledger.list<LeaseRecord>(keys.leases).filter(([, lease]) => lease.kind === 'instance');
    assert.deepEqual(
      instances.map(([, lease]) => lease.state),
      ['bound'],
    );
  });

  it('undoes a create whose leader was lost before the Engine had made the container', async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    assert.ok(agent);
    let failedOver: Promise<void> | undefined;
    agent.beforeCall = async (request) => {
      if (request.method !== 'materialise') return;
      agent.beforeCall = async () => undefined;
      failedOver = failOver(cluster);
      await failedOver;
    };
    await assert.rejects(cluster.scheduler.containers.create(wish('abc_web_1')));
    await failedOver;
    await until(() => cluster.state().length === 0, 'nothing left');
    assert.equal(agent.engine.containers.size, 0);
  });

  it('removes what an undone create left on a host that was away', async () => {
    await using cluster = await startFakeCluster(1, { hostDownMs: 800 });
    const [agent] = cluster.agents;
    assert.ok(agent);
    agent.engine.afterCreate = async (_name, request) => {
      agent.hangUp();
      await until(() => cluster.scheduler.hosts.list()[0]?.state === 'down', 'host down');
      request.socket.destroy();
    };
    await assert.rejects(cluster.scheduler.containers.create(wish('abc_web_1')));
    await until(() => cluster.state().length === 0, 'state undone');
    assert.equal(agent.engine.containers.size, 1);
    await agent.dial(cluster.url);
    await until(() => agent.engine.containers.size === 0, 'container removed');
  });

  it('recreates the lost record of a running container of the cluster', async () => {
    await using cluster = await startFakeCluster(1);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const held = cluster.agents[0]?.engine.containers.get(id);
    assert.ok(held);
    held.status = 'running';
    const [before] = records(cluster);
    const lease = keys.lease(Object.keys(before?.addresses ?? {})[0] ?? '', Object.values(before?.addresses ?? {})[0] ?? '');
    await cluster.ledger.commit([
      { kind: 'delete', key: keys.container('abc_web_1') },
      { kind: 'delete', key: lease },
    ]);
    await failOver(cluster);
    const [after] = records(cluster);
    assert.deepEqual([after?.id, after?.service, after?.addresses], [id, 'web', before?.addresses]);
    assert.notEqual(cluster.ledger.get(lease), undefined);
  });
});

describe('a host that is lost', () => {
  it('is fenced by all hosts that can be reached; those that cannot be reached are fenced too, until they have the fence', async () => {
    await using cluster = await startFakeCluster(7, { hostDownMs: 2_000 });
    const { scheduler, agents } = cluster;
    await scheduler.containers.create(wish('abc_web_1'));
    const lost = agents.find((agent) => agent.engine.containers.size === 1);
    const away = agents.find((agent) => agent !== lost);
    assert.ok(lost && away);
    const others = agents.filter((agent) => agent !== lost && agent !== away);
    const address = ({ name }: { readonly name: string }) => `10.0.0.${name.slice(1)}`;
    const told = (agent: (typeof agents)[number]) => {
      const last = agent.told.findLast((message) => message.type === 'plans');
      return last?.type === 'plans' ? (last.fenced ?? []).toSorted() : [];
    };
    for (const agent of [lost, away]) agent.hangUp();
    await until(() => scheduler.hosts.list().filter(({ state }) => state === 'down').length === 2, 'both are down');
    const { signal } = new AbortController();
    await scheduler.containers.replaceLost('abc_web_1', 'request-of-the-successor', signal);
    const both = [address(lost), address(away)].toSorted();
    for (const agent of others) {
      const asked = agent.calls.flatMap((call) => (call.method === 'fence' ? [call.addresses.toSorted()] : []));
      assert.deepEqual(asked, [both], agent.name);
    }
    await cluster.nextLeader();
    for (const agent of others) await agent.dial(cluster.url);
    await until(() => others.every((agent) => told(agent).join() === both.join()), 'the next leader knows it too');
    await away.dial(cluster.url);
    await until(() => away.calls.some((call) => call.method === 'fence' && call.addresses.join() === address(lost)), 'told');
    await until(() => others.every((agent) => told(agent).join() === address(lost)), 'only the lost one is fenced off');
    await lost.dial(cluster.url);
    await until(() => lost.engine.containers.size === 0, 'the twin is gone');
    await until(() => [...others, away].every((agent) => told(agent).length === 0), 'nobody is fenced off');
  });
});

describe('a create that nobody answered', () => {
  /** Its leader is lost in the middle, and its host does not come to the next one. */
  async function cutShort(cluster: FakeCluster, create: Creation): Promise<void> {
    const [agent] = cluster.agents;
    assert.ok(agent);
    let failedOver: Promise<void> | undefined;
    agent.engine.afterCreate = async () => {
      agent.hangUp();
      failedOver = cluster.nextLeader();
      await failedOver;
    };
    await assert.rejects(cluster.scheduler.containers.create(create));
    await failedOver;
    await cluster.scheduler.leader.ready(new AbortController().signal);
    assert.equal(agent.engine.containers.size, 1);
  }

  it('is not reported as unknown while its host is unreachable; removed by its client, it does not start when the host is back', async () => {
    await using cluster = await startFakeCluster(1, { graceMs: 300 });
    const [agent] = cluster.agents;
    assert.ok(agent);
    await cutShort(cluster, wish('abc_web_1'));
    const { scheduler } = cluster;
    await assert.rejects(scheduler.containers.awaitCreate('abc_web_1'), {
      kind: 'unavailable',
      message: /create of .* on h1 is incomplete and h1 is unreachable/,
    });
    assert.equal(await scheduler.containers.awaitCreate('other'), false);
    assert.equal(await scheduler.containers.abandonCreate('other'), false);
    assert.equal(await scheduler.containers.abandonCreate('/abc_web_1'), true);
    assert.equal(await scheduler.containers.awaitCreate('abc_web_1'), false);
    assert.deepEqual(records(cluster), []);
    await agent.dial(cluster.url);
    await until(() => agent.engine.containers.size === 0, 'container removed');
    assert.deepEqual(records(cluster), []);
  });

  it('is there, and adopted, when its host is back', async () => {
    await using cluster = await startFakeCluster(1, { graceMs: 300 });
    await cutShort(cluster, wish('abc_web_1'));
    await cluster.agents[0]?.dial(cluster.url);
    await until(() => records(cluster)[0]?.id !== undefined, 'adopted');
    assert.equal(await cluster.scheduler.containers.awaitCreate('abc_web_1'), true);
    assert.equal(await cluster.scheduler.containers.abandonCreate('abc_web_1'), false);
  });

  it('is waited for by requests that ask for it meanwhile', async () => {
    await using cluster = await startFakeCluster(1);
    const { scheduler } = cluster;
    let sought: Promise<readonly boolean[]> | undefined;
    const [agent] = cluster.agents;
    assert.ok(agent);
    agent.engine.afterCreate = async () => {
      // the view shows it; started now, it would outlive its create's being undone
      const [id = ''] = agent.engine.containers.keys();
      await scheduler.view.refresh('h1', { containers: [id] });
      assert.equal(scheduler.containers.one('abc_web_1').record, undefined);
      const whenOver = scheduler.containers.awaitCreate(id).then((isThere) => isThere && scheduler.containers.one(id).record?.id === id);
      sought = Promise.all([whenOver, scheduler.containers.awaitCreate('abc_web_1'), scheduler.containers.abandonCreate('abc_web_1')]);
    };
    await scheduler.containers.create(wish('abc_web_1'));
    assert.deepEqual(await sought, [true, true, false]);
  });

  it('is no container to start when it was undone and only its Engine has it still', async () => {
    await using cluster = await startFakeCluster(1);
    const { scheduler } = cluster;
    const { id } = await scheduler.containers.create(wish('abc_web_1'));
    const { addresses = {} } = records(cluster)[0] ?? {};
    const leases = Object.entries(addresses).map(([network, ip]) => ({ kind: 'delete', key: keys.lease(network, ip) }) as const);
    await cluster.ledger.commit([{ kind: 'delete', key: keys.container('abc_web_1') }, ...leases]);
    await failOver(cluster);
    assert.equal(await cluster.scheduler.containers.awaitCreate(id), false);
    assert.equal(await cluster.scheduler.containers.awaitCreate('abc_web_1'), false);
  });

  it('is no definite failure while it cannot be undone: it may be finished yet', async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    assert.ok(agent);
    const { ledger } = cluster;
    const whole = { ...ledger };
    agent.engine.afterCreate = async (_name, request) => {
      const away = async () => Promise.reject(new ArpanetError('unavailable', 'the store is away'));
      Object.assign(ledger, { commit: away });
      agent.engine.containers.clear();
      request.socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 22\r\n\r\n{"message":"No image"}');
    };
    await assert.rejects(cluster.scheduler.containers.create(wish('abc_web_1')), {
      kind: 'unavailable',
      message: /could not be undone yet/,
    });
    Object.assign(ledger, whole);
    await cluster.scheduler.leader.reconcile();
    assert.deepEqual(records(cluster), []);
  });
});

describe('life of a container', () => {
  it('keeps its addresses over a rename, and frees the old name', async () => {
    await using cluster = await startFakeCluster(1);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const held = cluster.agents[0]?.engine.containers.get(id);
    assert.ok(held);
    await cluster.scheduler.containers.rename(cluster.scheduler.containers.one(id), 'old_web', async () => void (held.name = 'old_web'));
    assert.equal(cluster.scheduler.containers.one('old_web').id, id);
    assert.throws(() => cluster.scheduler.containers.one('abc_web_1'), { kind: 'not-found' });
    const lease = cluster.ledger.list<LeaseRecord>(keys.leases).find(([, one]) => one.kind === 'instance')?.[1];
    assert.deepEqual([lease?.owner, lease?.state], ['old_web', 'bound']);
    await cluster.scheduler.containers.create(wish('abc_web_1'));
  });

  it('takes a rename back that the Engine refuses', async () => {
    await using cluster = await startFakeCluster(1);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const refuse = async (): Promise<void> => {
      throw new Error('no');
    };
    await assert.rejects(cluster.scheduler.containers.rename(cluster.scheduler.containers.one(id), 'bb', refuse), /no/);
    assert.deepEqual(
      records(cluster).map((record) => [record.name, record.id]),
      [['abc_web_1', id]],
    );
  });

  it('finishes a rename that the Engine did and the old leader did not record', async () => {
    await using cluster = await startFakeCluster(1);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const held = cluster.agents[0]?.engine.containers.get(id);
    assert.ok(held);
    const act = async (): Promise<void> => {
      held.name = 'bb';
      await failOver(cluster);
    };
    await assert.rejects(cluster.scheduler.containers.rename(cluster.scheduler.containers.one(id), 'bb', act));
    await until(() => records(cluster).length === 1, 'one record');
    assert.deepEqual(
      records(cluster).map((record) => [record.name, record.id]),
      [['bb', id]],
    );
    const lease = cluster.ledger.list<LeaseRecord>(keys.leases).find(([, one]) => one.kind === 'instance')?.[1];
    assert.deepEqual([lease?.owner, lease?.state], ['bb', 'bound']);
  });

  it('is withdrawn while it is being stopped, and no longer', async () => {
    await using cluster = await startFakeCluster(1);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const during = await cluster.scheduler.containers.withdrawn(cluster.scheduler.containers.one(id), async () =>
      cluster.scheduler.names.sources.isWithdrawn(id),
    );
    assert.equal(during, true);
    await until(() => !cluster.scheduler.names.sources.isWithdrawn(id), 'names come back');
  });

  it('joins and leaves a network', async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const network = await cluster.scheduler.networks.create({ Name: 'abc_back', IPAM: { Config: [{ Subnet: '10.99.0.0/24' }] } }, 'r1');
    await cluster.scheduler.networks.connect('abc_back', id, { IPAMConfig: { IPv4Address: '10.99.0.77' }, Aliases: ['db'] });
    assert.equal(agent?.engine.containers.get(id)?.networks.get('abc_back'), '10.99.0.77');
    assert.equal(cluster.scheduler.containers.one(id).record?.addresses[network.id], '10.99.0.77');
    await assert.rejects(cluster.scheduler.networks.connect('abc_back', id, {}), {
      message: 'endpoint with name abc_web_1 already exists in network abc_back',
    });
    await assert.rejects(cluster.scheduler.networks.remove('abc_back'), { kind: 'forbidden', message: /has active endpoints/ });
    await cluster.scheduler.networks.disconnect('abc_back', id, false);
    assert.equal(cluster.scheduler.containers.one(id).record?.addresses[network.id], undefined);
    assert.equal(agent?.engine.networks.has(network.id), false);
    await cluster.scheduler.networks.remove('abc_back');
  });

  it('informs the other hosts of a network before a container can send packets there', async () => {
    await using cluster = await startFakeCluster(2);
    await cluster.scheduler.networks.create({ Name: 'abc_net' }, 'r1');
    const request = { Image: 'busybox', HostConfig: { NetworkMode: 'abc_net' } };
    await cluster.scheduler.containers.create(wish('web1', { request }));
    await cluster.scheduler.containers.create(wish('web2', { request }));
    const last = cluster.agents.map((agent) => agent.calls.findLast((call) => call.method === 'materialise'));
    assert.deepEqual(
      last.map((call) => call?.method === 'materialise' && call.plan.peers),
      [['10.0.0.2'], ['10.0.0.1']],
    );
  });
});
