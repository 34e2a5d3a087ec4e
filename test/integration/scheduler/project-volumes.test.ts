/** Volumes of a project, and what needs one host together: real streams and store; hosts of plain data. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import type { CreateRequest } from '../../../src/model/index.ts';
import { type FakeCluster, startFakeCluster, until } from '../../support/fakes/fake-cluster.ts';
import { Refusal } from '../../support/fakes/fake-engine.ts';

const volumes: Readonly<Record<string, readonly string[]>> = {
  web: ['sv_static', 'sv_media'],
  worker: ['sv_media'],
  nginx: ['sv_static'],
};
const request = (service: string, more: CreateRequest = {}, project = 'sv'): CreateRequest => ({
  Image: 'busybox',
  ...more,
  Labels: { 'com.docker.compose.project': project, 'com.docker.compose.service': service },
  HostConfig: { Binds: (volumes[service] ?? []).map((volume) => `${volume}:/${volume}`), ...more.HostConfig },
});
const created = (cluster: FakeCluster, name: string, body: CreateRequest) =>
  cluster.scheduler.containers.create({
    name,
    platform: undefined,
    request: body,
    apiVersion: '1.41',
    requestId: randomUUID(),
    signal: new AbortController().signal,
  });
const hostOf = (cluster: FakeCluster, name: string) => cluster.scheduler.containers.one(name).host;
/** Each on another host, as far as load and numbers say. */
async function busy(cluster: FakeCluster, host: string): Promise<void> {
  const agent = cluster.agents.find(({ name }) => name === host);
  agent?.say({ type: 'beat', load: { cpu: 0.9, memoryUsedBytes: 1, memoryTotalBytes: 1 } });
  await until(() => cluster.scheduler.hosts.list().find(({ name }) => name === host)?.load?.cpu === 0.9, `${host} is busy`);
}

describe('services of a project that share volumes', () => {
  for (const order of [
    ['nginx', 'worker', 'web'],
    ['worker', 'web', 'nginx'],
    ['web', 'nginx', 'worker'],
  ])
    it(`are on one host, created as ${order.join(', ')}, before and after each of them makes it busy`, async () => {
      await using cluster = await startFakeCluster(3);
      for (const name of ['sv_static', 'sv_media'])
        await cluster.scheduler.volumes.create({
          Name: name,
          Labels: { 'com.docker.compose.project': 'sv', 'com.docker.compose.volume': name },
        });
      assert.deepEqual(
        cluster.scheduler.volumes.list().map(({ host }) => host),
        [undefined, undefined],
        'a volume has no place before its first container',
      );
      for (const service of order) {
        await created(cluster, `sv-${service}-1`, request(service));
        await busy(cluster, hostOf(cluster, `sv-${service}-1`));
      }
      assert.equal(new Set(order.map((service) => hostOf(cluster, `sv-${service}-1`))).size, 1);
    });

  it('are on one host when they are created at the same moment, with volumes that nobody made before', async () => {
    await using cluster = await startFakeCluster(3);
    const order = ['nginx', 'worker', 'web'];
    await Promise.all(order.map(async (service) => created(cluster, `sv-${service}-1`, request(service))));
    assert.equal(new Set(order.map((service) => hostOf(cluster, `sv-${service}-1`))).size, 1);
  });

  it('are where a volume is that an earlier up has left', async () => {
    await using cluster = await startFakeCluster(3);
    const label = { 'com.docker.compose.project': 'sv' };
    await cluster.scheduler.volumes.create({ Name: 'sv_media', Labels: label });
    await created(cluster, 'sv-worker-1', request('worker'));
    const worker = cluster.scheduler.containers.one('sv-worker-1');
    await busy(cluster, worker.host);
    await cluster.scheduler.containers.release(worker);
    await created(cluster, 'sv-nginx-1', request('nginx'));
    assert.equal(hostOf(cluster, 'sv-nginx-1'), worker.host);
  });

  it('are not put where the first of them would fit and the others not', async () => {
    await using cluster = await startFakeCluster(3);
    for (const host of ['h1', 'h3']) await cluster.scheduler.hosts.update(host, { limits: { maxContainers: 1 } });
    await busy(cluster, 'h2');
    for (const service of ['nginx', 'worker', 'web']) await created(cluster, `sv-${service}-1`, request(service));
    assert.deepEqual(
      ['nginx', 'worker', 'web'].map((service) => hostOf(cluster, `sv-${service}-1`)),
      ['h2', 'h2', 'h2'],
    );
  });

  const lent = async (cluster: FakeCluster) => {
    await created(cluster, 'sv-worker-1', request('worker'));
    await busy(cluster, hostOf(cluster, 'sv-worker-1'));
    const { id } = await created(cluster, 'sv-vpn-1', request('vpn'));
    assert.notEqual(hostOf(cluster, 'sv-vpn-1'), hostOf(cluster, 'sv-worker-1'));
    return id;
  };
  const borrower = (of: string, binds = ['sv_media:/d']) =>
    request('tail', { HostConfig: { NetworkMode: `container:${of}`, Binds: binds } });
  const addressesOf = (cluster: FakeCluster, name: string) => cluster.scheduler.containers.one(name).record?.addresses;

  for (const by of ['id', 'name'] as const)
    it(`and one that lends its network, created before, are on one host: it was never started, and is named by its ${by}`, async () => {
      await using cluster = await startFakeCluster(2);
      const id = await lent(cluster);
      const vpn = by === 'id' ? id : 'sv-vpn-1';
      await created(cluster, 'sv-side-1', borrower(vpn, []));
      const before = addressesOf(cluster, 'sv-vpn-1');
      assert.deepEqual(
        cluster.agents.map(({ engine }) => engine.containers.size).sort((a, b) => a - b),
        [1, 2],
      );
      await created(cluster, 'sv-tail-1', borrower(vpn));
      const host = hostOf(cluster, 'sv-worker-1');
      for (const name of ['sv-vpn-1', 'sv-side-1', 'sv-tail-1']) assert.equal(hostOf(cluster, name), host, name);
      assert.deepEqual(addressesOf(cluster, 'sv-vpn-1'), before);
      assert.deepEqual(
        cluster.agents.map(({ engine }) => engine.containers.size).sort((a, b) => a - b),
        [0, 4],
      );
      const now = cluster.scheduler.containers.one(id);
      assert.deepEqual([now.name, now.host, cluster.scheduler.containers.one(id.slice(0, 12)).id], ['sv-vpn-1', host, now.id]);
      assert.notEqual(now.id, id);
      const engine = cluster.agents.find(({ name }) => name === host)?.engine;
      for (const name of ['sv-side-1', 'sv-tail-1'])
        assert.equal(
          engine?.containers.get(cluster.scheduler.containers.one(name).id)?.request.HostConfig?.NetworkMode,
          `container:${now.id}`,
        );
      assert.deepEqual(
        cluster.state().filter((key) => key.startsWith('arpanet/lost')),
        [],
      );
      await cluster.nextLeader();
      for (const agent of cluster.agents) await agent.dial(cluster.url);
      await until(() => cluster.scheduler.containers.list().length === 4, 'the next leader knows all');
      assert.equal(cluster.scheduler.containers.one(id).name, 'sv-vpn-1', 'the id means it under the next leader, too');
    });

  it('and one that lends its network and runs meet once that is made again: it is not stopped for them', async () => {
    await using cluster = await startFakeCluster(2);
    const id = await lent(cluster);
    const agent = cluster.agents.find(({ name }) => name === hostOf(cluster, 'sv-vpn-1'));
    const held = agent?.engine.containers.get(id);
    assert.ok(agent && held);
    held.status = 'running';
    const facts = agent.engine.facts(id);
    assert.ok(facts);
    agent.say({ type: 'containers', upserts: [facts], removes: [] });
    await until(() => cluster.scheduler.containers.one(id).facts.inspect.State.Running, 'it runs');
    const tail = () => created(cluster, 'sv-tail-1', borrower('sv-vpn-1'));
    await assert.rejects(tail(), {
      kind: 'unplaceable',
      message: /remove sv-vpn-1 and create it again \(docker compose rm -sf, up\): for ten minutes it is placed on h\d/,
    });
    agent.engine.containers.delete(id);
    await cluster.scheduler.containers.release(cluster.scheduler.containers.one('sv-vpn-1'));
    agent.say({ type: 'containers', upserts: [], removes: [id] });
    await until(() => cluster.scheduler.containers.list().every((one) => one.id !== id), 'it is gone');
    await created(cluster, 'sv-vpn-1', request('vpn'));
    await tail();
    assert.equal(new Set(['worker', 'vpn', 'tail'].map((service) => hostOf(cluster, `sv-${service}-1`))).size, 1);
  });

  it('and one that lends its network stay apart, and as they were, where it cannot be made beside them', async () => {
    await using cluster = await startFakeCluster(2);
    const id = await lent(cluster);
    const there = cluster.agents.find(({ name }) => name === hostOf(cluster, 'sv-worker-1'));
    assert.ok(there);
    there.engine.beforeCreate = async (name) => {
      if (name === 'sv-vpn-1') throw new Refusal(500, 'no room');
    };
    await assert.rejects(created(cluster, 'sv-tail-1', borrower(id)), /remove sv-vpn-1 and create it again/);
    assert.deepEqual([cluster.scheduler.containers.one('sv-vpn-1').id, cluster.scheduler.containers.list().length], [id, 2]);
    assert.deepEqual(
      cluster.state().filter((key) => key.startsWith('arpanet/lost')),
      [],
    );
  });

  it('of single containers, and of other projects, go where there is most room', async () => {
    await using cluster = await startFakeCluster(3);
    await created(cluster, 'sv-worker-1', request('worker'));
    await busy(cluster, hostOf(cluster, 'sv-worker-1'));
    await created(cluster, 'other', request('other', { HostConfig: { Binds: ['theirs:/d'] } }, 'other'));
    await created(cluster, 'single', { Image: 'busybox', HostConfig: { Binds: ['mine:/d'] } });
    assert.notEqual(hostOf(cluster, 'other'), hostOf(cluster, 'sv-worker-1'));
    assert.notEqual(hostOf(cluster, 'single'), hostOf(cluster, 'sv-worker-1'));
  });

  it('whose volumes are on two hosts are refused, with what to do', async () => {
    await using cluster = await startFakeCluster(2);
    for (const [host, volume] of [
      ['h1', 'sv_static'],
      ['h2', 'sv_media'],
    ] as const)
      await created(cluster, host, { Image: 'busybox', Env: [`constraint:node==${host}`], HostConfig: { Binds: [`${volume}:/d`] } });
    await assert.rejects(created(cluster, 'sv-web-1', request('web')), {
      kind: 'unplaceable',
      message:
        /no host fits: it must share a host with volume sv_static on h1 and volume sv_media on h2: copy the data .* or remove one .*docker volume rm/,
    });
  });

  it('get in a rehearsal a host where all of them fit; what a create refuses, it refuses in the same words', async () => {
    await using cluster = await startFakeCluster(3);
    const rehearsed = (asked: CreateRequest, networks: readonly string[] = []) => {
      const [placement] = cluster.scheduler.placement.rehearse([{ name: 'sv-web-1', request: asked }], networks);
      return placement?.kind === 'refused' ? placement.message : placement?.kind;
    };
    const elsewhere = request('web', { HostConfig: { NetworkMode: 'nowhere' } });
    for (const asked of [elsewhere, { ...request('web'), Labels: { 'arpanet.ingress': '8080:80' } }])
      await assert.rejects(created(cluster, 'sv-web-1', asked), { message: rehearsed(asked) ?? 'none' });
    assert.equal(rehearsed(elsewhere, ['nowhere']), 'placed', 'a network that is made before');
    // the first would go to an idle host, where a later one may not go
    const order = ['nginx', 'worker', 'web'];
    const web = request('web', { Env: ['constraint:node==h3'] });
    await busy(cluster, 'h3');
    const vpn = { name: 'sv-vpn-1', request: request('vpn') };
    const tail = {
      name: 'sv-tail-1',
      request: request('tail', { HostConfig: { NetworkMode: 'container:sv-vpn-1', Binds: ['sv_media:/d'] } }),
    };
    const creates = [
      vpn,
      ...order.map((service) => ({ name: `sv-${service}-1`, request: service === 'web' ? web : request(service) })),
      tail,
    ];
    const placed = cluster.scheduler.placement.rehearse(creates);
    assert.deepEqual(
      placed.map((one) => (one.kind === 'placed' ? one.decision.host : one.message)),
      ['h3', 'h3', 'h3', 'h3', 'h3'],
    );
  });
});
