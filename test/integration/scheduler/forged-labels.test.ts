/** Labels of arpanet on what arpanet did not make: forged, copied, in an image or in a request. They count for nothing. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { type ContainerRecord, type CreateRequest, keys, type LeaseRecord } from '../../../src/model/index.ts';
import type { Creation } from '../../../src/scheduler/create/claim.ts';
import type { FakeAgent } from '../../support/fakes/fake-agent.ts';
import { BUSYBOX, type FakeCluster, LABEL_KEY, startFakeCluster, until } from '../../support/fakes/fake-cluster.ts';
import { hex } from '../../support/fakes/fake-engine.ts';

const WEB = { 'com.docker.compose.project': 'abc', 'com.docker.compose.service': 'web' };

function wish(name: string, Labels: Readonly<Record<string, string>> = WEB, more: Partial<Creation> = {}): Creation {
  const request = { Image: 'busybox', Labels };
  return { name, platform: undefined, request, apiVersion: '1.41', requestId: randomUUID(), signal: new AbortController().signal, ...more };
}

const records = (cluster: FakeCluster): readonly ContainerRecord[] =>
  cluster.ledger.list<ContainerRecord>(keys.containers).map(([, record]) => record);

function onlyAgent(cluster: FakeCluster): FakeAgent {
  const [agent] = cluster.agents;
  assert.ok(agent);
  return agent;
}

interface Handmade {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly networks?: ReadonlyMap<string, string>;
  readonly status?: 'created' | 'running';
}

/** As somebody with access to the Engine makes it; the leader hears of it. */
async function handmade(cluster: FakeCluster, agent: FakeAgent, made: Handmade): Promise<string> {
  const id = hex();
  const request: CreateRequest = { Image: 'busybox', Labels: made.labels };
  const networks = new Map(made.networks);
  agent.engine.containers.set(id, {
    id,
    name: made.name,
    request,
    status: made.status ?? 'running',
    networks,
    driverOptions: new Map(),
  });
  const facts = agent.engine.facts(id);
  assert.ok(facts);
  agent.say({ type: 'containers', upserts: [facts], removes: [] });
  await until(() => cluster.scheduler.containers.list().some((one) => one.id === id), `${made.name} is listed`);
  return id;
}

/** The labels that arpanet wrote on a container, as its Engine has them. */
const labelsOf = (agent: FakeAgent, id: string): Readonly<Record<string, string>> =>
  agent.engine.containers.get(id)?.request.Labels ?? assert.fail();

/** All is as before, after a comparison of records and containers, and after a change of leader: it is listed, and that is all. */
async function isForeign(cluster: FakeCluster, agent: FakeAgent, id: string, before: readonly ContainerRecord[]): Promise<void> {
  const look = (): void => {
    assert.deepEqual(records(cluster), before);
    const { record } = cluster.scheduler.containers.one(id);
    assert.equal(record, undefined);
    assert.ok(agent.engine.containers.has(id), 'it is nobody’s to remove');
    const { touched, record: recordOf } = cluster.scheduler.names.sources;
    assert.ok([...touched()].every((name) => recordOf(name)?.id !== id));
  };
  await cluster.scheduler.leader.reconcile();
  look();
  await cluster.nextLeader();
  for (const one of cluster.agents) await one.dial(cluster.url);
  await cluster.scheduler.leader.ready(new AbortController().signal);
  await cluster.scheduler.leader.reconcile();
  look();
}

describe('a container with forged labels', () => {
  const record = { deployment: 'abc', service: 'web', number: 7, addresses: {}, aliases: {}, links: [], name: 'forged', nonce: 'x' };
  const forged = (more: object = {}) => ({ 'arpanet.record': JSON.stringify({ ...record, ...more }), 'arpanet.instance': '7.web.abc' });

  it('counts as a foreign one, running or not, whatever it says; its name stays its own', async () => {
    await using cluster = await startFakeCluster(1);
    const agent = onlyAgent(cluster);
    await cluster.scheduler.containers.create(wish('abc_web_1'));
    const before = records(cluster);
    const [network = ''] = Object.keys(before[0]?.addresses ?? {});
    const labels = [
      forged(),
      forged({ addresses: { [network]: '8.8.8.8' } }),
      forged({ addresses: before[0]?.addresses }),
      forged({ number: 'x' }),
      { ...forged(), 'arpanet.mac': 'x', 'arpanet.request': 'x' },
    ];
    for (const [at, one] of labels.entries()) {
      const ids = [
        await handmade(cluster, agent, { name: `forged${at}`, labels: one }),
        await handmade(cluster, agent, { name: `waiting${at}`, labels: one, status: 'created' }),
      ];
      for (const id of ids) {
        assert.equal(cluster.scheduler.containers.verdict(cluster.scheduler.containers.one(id)).kind, 'unproven');
        assert.equal(await cluster.scheduler.containers.awaitCreate(id), true, 'it may be started, as any other');
      }
    }
    await isForeign(cluster, agent, cluster.scheduler.containers.one('forged1').id, before);
    assert.equal(agent.engine.containers.size, 1 + 2 * labels.length);
    const leases = cluster.ledger.list<LeaseRecord>(keys.leases).filter(([, { kind }]) => kind === 'instance');
    assert.equal(leases.length, 1);
  });
});

describe('a container with the labels of another', () => {
  it('counts as a foreign one: on the same host, with the same address on another, running or not', async () => {
    await using cluster = await startFakeCluster(2);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    await cluster.scheduler.containers.create(wish('abc_web_2'));
    const home = cluster.agents.find((agent) => agent.engine.containers.has(id));
    const other = cluster.agents.find((agent) => agent !== home);
    assert.ok(home && other);
    const labels = labelsOf(home, id);
    const networks = home.engine.containers.get(id)?.networks ?? assert.fail();
    assert.equal(other.engine.networks.size, 1, 'the other host has the network, too');
    const before = records(cluster);
    for (const [agent, made] of [
      [home, { name: 'alone', labels }],
      [home, { name: 'twin', labels, networks }],
      [home, { name: 'waiting', labels, networks, status: 'created' }],
      [home, { name: 'neighbour', labels, networks: new Map([...networks.keys()].map((name) => [name, '10.32.3.99'])) }],
      [other, { name: 'far', labels, networks }],
    ] as const)
      await isForeign(cluster, agent, await handmade(cluster, agent, made), before);
  });

  it('does not take its place either when that one is gone, unless it has its host, network and address', async () => {
    await using cluster = await startFakeCluster(1);
    const agent = onlyAgent(cluster);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    await cluster.scheduler.containers.create(wish('abc_web_2'));
    const labels = labelsOf(agent, id);
    const [network = ''] = agent.engine.containers.get(id)?.networks.keys() ?? [];
    agent.engine.containers.delete(id);
    await cluster.scheduler.containers.release(cluster.scheduler.containers.one(id));
    const before = records(cluster);
    assert.equal(before.length, 1);
    for (const networks of [new Map<string, string>(), new Map([[network, '10.32.3.99']]), new Map([['bridge', '172.17.0.2']])])
      await isForeign(
        cluster,
        agent,
        await handmade(cluster, agent, { name: `copy${networks.size}${[...networks.values()].join()}`, labels, networks }),
        before,
      );
  });
});

describe('a container whose record is lost', () => {
  async function loseRecord(cluster: FakeCluster, name: string): Promise<ContainerRecord> {
    const record = records(cluster).find((one) => one.name === name);
    assert.ok(record);
    const leases = Object.entries(record.addresses).map(([network, ip]) => ({ kind: 'delete', key: keys.lease(network, ip) }) as const);
    await cluster.ledger.commit([{ kind: 'delete', key: keys.container(name) }, ...leases]);
    return record;
  }

  it('gets it back at the address of a later connect, which only its endpoint proves', async () => {
    await using cluster = await startFakeCluster(1);
    const { scheduler } = cluster;
    const { id } = await scheduler.containers.create(wish('abc_web_1'));
    await scheduler.containers.create(wish('abc_db_1'));
    const held = onlyAgent(cluster).engine.containers.get(id);
    assert.ok(held);
    held.status = 'running';
    const [network = ''] = held.networks.keys();
    const [first] = held.networks.values();
    // docker-compose 1.29 does so with every container
    await scheduler.networks.disconnect(network, id, false);
    await scheduler.networks.connect(network, id, {});
    assert.notEqual(held.networks.get(network), first);
    const before = await loseRecord(cluster, 'abc_web_1');
    await cluster.nextLeader();
    await onlyAgent(cluster).dial(cluster.url);
    await until(() => records(cluster).length === 2, 'the record is back');
    const after = records(cluster).find(({ name }) => name === 'abc_web_1');
    assert.deepEqual([after?.id, after?.addresses, after?.nonce], [id, before.addresses, before.nonce]);
  });

  it('stays a foreign one if the cluster has another key by now; those with a record do not need one', async () => {
    await using cluster = await startFakeCluster(1);
    const agent = onlyAgent(cluster);
    for (const name of ['abc_web_1', 'abc_web_2']) await cluster.scheduler.containers.create(wish(name));
    for (const held of agent.engine.containers.values()) held.status = 'running';
    const lost = await loseRecord(cluster, 'abc_web_1');
    const kept = records(cluster);
    await cluster.nextLeader('another key');
    await agent.dial(cluster.url);
    await cluster.scheduler.leader.ready(new AbortController().signal);
    await cluster.scheduler.leader.reconcile();
    assert.deepEqual(records(cluster), kept);
    assert.equal(cluster.scheduler.containers.one(lost.id ?? '').record, undefined);
    assert.equal(cluster.scheduler.containers.one('abc_web_2').record?.name, 'abc_web_2');
  });
});

describe('reserved labels of a create', () => {
  const inspected = {
    'arpanet.record': '{}',
    'arpanet.instance': '9.db.xyz',
    'arpanet.mac': 'x',
    'arpanet.request': 'x',
    'arpanet.host': 'h9',
  };

  it('are left out with a warning, and the right ones written: a tool recreates a container from what an inspect said of it', async () => {
    await using cluster = await startFakeCluster(1);
    const agent = onlyAgent(cluster);
    const { id: old } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const carried = { ...labelsOf(agent, old), ...inspected, 'arpanet.reschedule': 'off' };
    const create = wish('abc_web_2', carried);
    const { id, warnings } = await cluster.scheduler.containers.create(create);
    const warning = 'only arpanet writes the labels arpanet.host, arpanet.instance, arpanet.mac, arpanet.record, arpanet.request: left out';
    assert.deepEqual(warnings, [warning]);
    assert.deepEqual((await cluster.scheduler.containers.create(create)).warnings, [warning], 'sent again, it is answered the same');
    const written = labelsOf(agent, id);
    assert.equal(written['arpanet.instance'], '2.web.abc');
    assert.equal(written['arpanet.host'], undefined);
    assert.equal(written['arpanet.reschedule'], 'off');
    const { record } = cluster.scheduler.containers.one('abc_web_2');
    assert.deepEqual(record?.request.Labels, { ...WEB, 'arpanet.reschedule': 'off' });
  });

  it('of its image do not count, and are named in a warning', async () => {
    await using cluster = await startFakeCluster(1);
    const agent = onlyAgent(cluster);
    const Labels = { 'arpanet.record': '{}', 'arpanet.mac': '', maintainer: 'x', 'arpanet.reschedule': 'off' };
    agent.engine.images.push({ ...BUSYBOX, Id: `sha256:${hex()}`, RepoTags: ['forged:latest'], Labels });
    agent.say({ type: 'images', images: agent.engine.images });
    await until(() => cluster.scheduler.images.find('forged') !== undefined, 'the image is known');
    const { warnings } = await cluster.scheduler.containers.create(wish('abc_web_1', WEB, { request: { Image: 'forged', Labels: WEB } }));
    assert.deepEqual(warnings, ['image forged: only arpanet writes the label arpanet.record: left out']);
  });
});

describe('the key that labels are signed with', () => {
  it('is sent to no agent and no Engine', async () => {
    await using cluster = await startFakeCluster(2);
    await cluster.ledger.commit([{ kind: 'put', key: keys.labelKey, value: LABEL_KEY }]);
    await cluster.scheduler.containers.create(wish('abc_web_1'));
    const kept = () => cluster.agents.every((agent) => agent.told.some(({ type }) => type === 'keep'));
    await until(kept, 'hosts keep a copy of the store');
    for (const { told, calls, engine } of cluster.agents)
      assert.ok(!JSON.stringify([told, calls, [...engine.containers.values()]]).includes(LABEL_KEY));
  });
});
