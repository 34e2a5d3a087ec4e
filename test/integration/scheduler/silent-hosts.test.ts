/**
 * A host that falls silent: no connection ends, nothing is answered. Who waits for it is told, or served by another host. Real streams and tunnels; hosts of plain data.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { ArpanetError } from '../../../src/model/index.ts';
import type { Creation } from '../../../src/scheduler/create/claim.ts';
import { BUSYBOX, type FakeCluster, startFakeCluster, until } from '../../support/fakes/fake-cluster.ts';

const BEAT_MS = 50;

function wish(name: string, on?: string): Creation {
  const request = { Image: 'busybox', Labels: { 'com.docker.compose.project': 'abc' } };
  const signal = new AbortController().signal;
  return { name, platform: undefined, request, apiVersion: '1.41', requestId: randomUUID(), signal, ...(on !== undefined && { on }) };
}

const agentOf = (cluster: FakeCluster, name: string) => cluster.agents.find((agent) => agent.name === name) ?? assert.fail(name);
const withoutImages = (cluster: FakeCluster, ...names: readonly string[]) =>
  Promise.all(
    names.map((name) => {
      agentOf(cluster, name).engine.images.length = 0;
      return cluster.scheduler.view.refresh(name, { images: true });
    }),
  );

describe('a host that falls silent', () => {
  it('fails no create where others fit: those that were placed on it go to the next best', async () => {
    // long enough that it is not called down meanwhile
    await using cluster = await startFakeCluster(3, { hostDownMs: 600_000, beatEveryMs: BEAT_MS });
    const create = (at: number) => cluster.scheduler.containers.create(wish(`web${at}`));
    const before = Array.from({ length: 10 }, (_, at) => create(at));
    await before[0];
    const silent = agentOf(cluster, 'h2');
    silent.freeze();
    const after = Array.from({ length: 30 }, (_, at) => create(10 + at));
    const ids = (await Promise.all([...before, ...after])).map(({ id }) => id);
    assert.equal(new Set(ids).size, 40);
    assert.equal(cluster.scheduler.hosts.list().find(({ name }) => name === 'h2')?.state, 'alive', 'it was not called down yet');
    const late = ids.slice(10).filter((id) => silent.engine.containers.has(id));
    assert.deepEqual(late, []);
    // what was begun there may still be taken back
    const asked = () => silent.engine.asked.filter((route) => route === 'POST /containers/create').length;
    const askedBefore = asked();
    const last = await create(40);
    assert.equal(asked(), askedBefore, 'it is known by now, and not asked');
    const { record } = cluster.scheduler.containers.one(last.id);
    assert.match(JSON.stringify(record?.decision.refused), /h2.*does not answer now/);
  });

  it('fails no create where others fit, though nobody was in time to ask it for an echo: its connections break', async () => {
    await using cluster = await startFakeCluster(3, { hostDownMs: 600_000, beatEveryMs: BEAT_MS });
    const [broken, unprepared] = [agentOf(cluster, 'h2'), agentOf(cluster, 'h3')];
    // both go on answering every echo
    broken.killEngine(false);
    unprepared.beforeCall = async ({ method }) => {
      if (method === 'materialise') throw new ArpanetError('unavailable', 'its network cannot be set up now');
    };
    const made = await Promise.all(Array.from({ length: 12 }, (_, at) => cluster.scheduler.containers.create(wish(`web${at}`))));
    const hosts = new Set(made.map(({ id }) => cluster.scheduler.containers.one(id).host));
    assert.deepEqual([...hosts], ['h1']);
    await assert.rejects(cluster.scheduler.containers.create(wish('db', 'h2')), { kind: 'unavailable' });
  });

  it('is waited for by a create that fits nowhere else, until it is called down: then that is the answer', async () => {
    await using cluster = await startFakeCluster(3, { hostDownMs: 2_000, beatEveryMs: BEAT_MS });
    agentOf(cluster, 'h2').freeze();
    await assert.rejects(cluster.scheduler.containers.create(wish('web', 'h2')), {
      kind: 'unavailable',
      message: /^host h2 is down: no heartbeat for 2 s/,
    });
    assert.deepEqual(
      cluster.scheduler.containers.list().map(({ name }) => name),
      [],
    );
  });

  it('while an image is copied to it: the create goes on elsewhere as soon as that is seen', async () => {
    await using cluster = await startFakeCluster(3, { hostDownMs: 600_000, beatEveryMs: BEAT_MS });
    await withoutImages(cluster, 'h2', 'h3');
    for (const name of ['h2', 'h3'])
      agentOf(cluster, name).beforeCall = async ({ method }) => {
        if (method !== 'copy-image') return;
        if (name === 'h2') agentOf(cluster, name).freeze();
        agentOf(cluster, name).engine.images.push(BUSYBOX);
      };
    agentOf(cluster, 'h1').say({ type: 'beat', load: { cpu: 1, memoryUsedBytes: 8e9, memoryTotalBytes: 8e9 } });
    const made = await Promise.all(['web1', 'web2', 'web3', 'web4'].map((name) => cluster.scheduler.containers.create(wish(name))));
    const hosts = made.map(({ id }) => cluster.scheduler.containers.one(id).host);
    assert.ok(!hosts.includes('h2'), hosts.join());
  });

  it('that is called down ends every call and every tunnel to it at once, with the reason', async () => {
    await using cluster = await startFakeCluster(2, { hostDownMs: 1_500, beatEveryMs: BEAT_MS });
    const agent = agentOf(cluster, 'h2');
    await withoutImages(cluster, 'h2');
    const dial = cluster.scheduler.engines.endpoint('h2').dial;
    const tunnel = await dial(new AbortController().signal);
    const isCut = once(tunnel, 'error');
    agent.beforeCall = () => new Promise(() => undefined);
    const copy = cluster.scheduler.images.ensure('h2', 'busybox', new AbortController().signal);
    await until(() => agent.calls.some(({ method }) => method === 'copy-image'), 'it is being copied');
    agent.freeze();
    const late = dial(new AbortController().signal);
    const reason = { kind: 'unavailable', message: /^host h2 is down: no heartbeat for/ };
    await Promise.all([assert.rejects(copy, reason), assert.rejects(late, reason)]);
    const [error] = (await isCut) as [Error];
    assert.match(error.message, reason.message);
    assert.equal(tunnel.destroyed, true);
  });

  it('while it gives an image: the next host that has it gives it', async () => {
    await using cluster = await startFakeCluster(3, { hostDownMs: 600_000, beatEveryMs: BEAT_MS });
    await withoutImages(cluster, 'h3');
    const taker = agentOf(cluster, 'h3');
    const from: string[] = [];
    taker.beforeCall = async (request) => {
      if (request.method !== 'copy-image') return;
      from.push(request.gateway);
      if (from.length === 1) throw new ArpanetError('timeout', 'nothing of image busybox:latest has come for 10 s');
      taker.engine.images.push(BUSYBOX);
    };
    await cluster.scheduler.images.ensure('h3', 'busybox', new AbortController().signal);
    assert.equal(new Set(from).size, 2);
    taker.engine.images.length = 0;
    await cluster.scheduler.view.refresh('h3', { images: true });
    taker.beforeCall = async ({ method }) => {
      if (method === 'copy-image') throw Object.assign(new Error('no space left on device'), { kind: 'engine', engineStatus: 500 });
    };
    await assert.rejects(cluster.scheduler.images.ensure('h3', 'busybox', new AbortController().signal), { kind: 'engine' });
  });
});
