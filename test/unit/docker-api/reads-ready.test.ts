import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '../../../src/contracts/index.ts';
import { createReads } from '../../../src/docker-api/reads/index.ts';
import { type Ready, ReadyBytes } from '../../../src/docker-api/reads/ready-bytes.ts';
import type { ContainerView } from '../../../src/model/index.ts';
import { literalCluster, literalContainer, literalHost } from '../../support/fakes/literal-cluster.ts';
import type { GivenRoles } from '../../support/fakes/given-roles.ts';

const startMs = Date.parse('2026-01-01T00:00:00Z');

/** A cluster of one container whose view and clock the test moves. */
function scene() {
  const now = { ms: startMs + 10_000, version: 1, settling: undefined as Promise<void> | undefined };
  let containers: readonly ContainerView[] = [
    literalContainer({ id: 'c1', name: 'web', state: { StartedAt: '2026-01-01T00:00:00Z' } }),
    literalContainer({ id: 'c2', name: 'well', created: '2025-01-01T00:00:00Z', state: { Health: { Status: 'healthy' } } }),
  ];
  let lists = 0;
  const cluster: GivenRoles<Cluster> = {
    view: { version: () => now.version, settled: () => now.settling },
    hosts: { list: () => [literalHost('h1')] },
    containers: {
      list: () => {
        lists += 1;
        return containers;
      },
    },
  };
  const reads = createReads(literalCluster(cluster), { now: () => now.ms, version: '0.1.0' });
  const list = async (search = '') => (await reads.containerList(new URLSearchParams(search), {}, '1.41')).body;
  const first = async () => (JSON.parse((await list()).toString()) as { Status: string }[])[0]?.Status;
  return {
    now,
    reads,
    list,
    first,
    lists: () => lists,
    change: (next: readonly ContainerView[]) => {
      containers = next;
      now.version += 1;
    },
  };
}

describe('a list that was asked before', () => {
  it('is the same bytes until a Status text changes, which may wait a quarter of a second', async () => {
    const { now, list, first } = scene();
    const before = await list();
    now.ms += 999;
    assert.equal(await list(), before);
    now.ms += 1;
    assert.equal(await first(), 'Up 11 seconds');
    now.ms = startMs + 11_900;
    const late = await list('all=1');
    now.ms += 249;
    assert.equal(await list('all=1'), late);
    now.ms += 1;
    assert.notEqual(await list('all=1'), late);
  });

  it('contains the time of the answer, however old the rest is', async () => {
    const { now, reads } = scene();
    const info = async () => (await reads.info(new URLSearchParams(), {}, '1.41')).body;
    const before = await info();
    now.ms += 400;
    assert.equal(await info(), before);
    assert.equal((JSON.parse(before.toString()) as { SystemTime: string }).SystemTime, '2026-01-01T00:00:10.400Z');
  });

  it('is made again when the view changes', async () => {
    const { list, change } = scene();
    const before = await list();
    change([]);
    assert.equal((await list()).toString(), '[]\n');
    assert.notEqual(await list(), before);
  });

  it('waits for what is under way, so that clients see their own writes', async () => {
    const { now, list, change, reads } = scene();
    reads.remember('/containers/json', await list());
    now.settling = Promise.resolve().then(() => {
      now.settling = undefined;
      change([]);
    });
    assert.equal(reads.cached('/containers/json'), undefined);
    assert.equal((await list()).toString(), '[]\n');
  });
});

describe('ready bytes by url', () => {
  it('are found while they are true', async () => {
    const { now, reads, list } = scene();
    const body = await list();
    reads.remember('/v1.41/containers/json', body);
    assert.equal(reads.cached('/v1.41/containers/json'), body);
    assert.equal(reads.cached('/v1.41/containers/json?all=1'), undefined);
    now.ms += 1_000;
    assert.equal(reads.cached('/v1.41/containers/json'), undefined);
  });

  it('are not kept of answers that only hold for one moment', async () => {
    const { reads } = scene();
    const answer = await reads.imageList(new URLSearchParams('filters={"until":["1h"]}'), {}, '1.41');
    reads.remember('/images/json?until', answer.body);
    assert.equal(reads.cached('/images/json?until'), undefined);
  });

  it('of one container go when an exec is made in it', async () => {
    const { reads } = scene();
    const answer = await reads.containerInspect(new URLSearchParams(), { id: 'web' }, '1.41');
    assert.ok(answer !== undefined);
    reads.remember('/containers/web/json', answer.body);
    assert.equal(reads.cached('/containers/web/json'), answer.body);
    reads.execSeen('c1');
    assert.equal(reads.cached('/containers/web/json'), undefined);
  });

  it('of one container are made once for its facts, and again after they changed', async () => {
    const { now, reads, change } = scene();
    const ask = async () => (await reads.containerInspect(new URLSearchParams(), { id: 'web' }, '1.41'))?.body;
    const body = await ask();
    now.version += 1;
    assert.notEqual(body, undefined);
    assert.equal((await ask())?.toString(), body?.toString());
    change([literalContainer({ id: 'c1', name: 'web', inspect: { RestartCount: 7 } })]);
    assert.match((await ask())?.toString() ?? '', /"RestartCount":7/);
  });
});

describe('the store of ready bytes', () => {
  const entry = (size: number): Ready => ({ body: Buffer.alloc(size), version: 1, untilMs: 10, container: undefined });

  it('holds no more than its limit, the oldest go first', () => {
    const store = new ReadyBytes(100);
    for (const key of ['a', 'b', 'c']) store.put(key, entry(40));
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => store.get(key, 1, 0) !== undefined),
      [false, true, true],
    );
    store.put('b', entry(10));
    store.put('d', entry(40));
    assert.ok(store.get('c', 1, 0) !== undefined);
    store.put('huge', entry(1_000));
    assert.equal(store.get('huge', 1, 0), undefined);
  });

  it('gives nothing of another version, or after its time', () => {
    const store = new ReadyBytes(100);
    store.put('a', entry(1));
    assert.ok(store.get('a', 1, 9) !== undefined);
    assert.equal(store.get('a', 1, 10), undefined);
    assert.equal(store.get('a', 2, 9), undefined);
  });
});
