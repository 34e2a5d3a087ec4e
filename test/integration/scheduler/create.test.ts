/** `POST /containers/create` from the leader's side: real streams, tunnels and store; hosts of plain data. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { ArpanetError, type ContainerRecord, ENCRYPTED_SCHEMA, keys, type LeaseRecord } from '../../../src/model/index.ts';
import type { Creation } from '../../../src/scheduler/create/claim.ts';
import { BAD_MOUNTS } from '../../support/bad-mounts.ts';
import { BUSYBOX, type FakeCluster, startFakeCluster, until } from '../../support/fakes/fake-cluster.ts';
import { ids } from '../../../src/text/swarm-ids.ts';
import { Refusal } from '../../support/fakes/fake-engine.ts';

function wish(name: string | undefined, more: Partial<Creation> = {}): Creation {
  const request = { Image: 'busybox', Labels: { 'com.docker.compose.project': 'abc', 'com.docker.compose.service': 'web' } };
  return { name, platform: undefined, request, apiVersion: '1.41', requestId: randomUUID(), signal: new AbortController().signal, ...more };
}

const leases = (cluster: FakeCluster, kind: LeaseRecord['kind']): readonly LeaseRecord[] =>
  cluster.ledger.list<LeaseRecord>(keys.leases).flatMap(([, lease]) => (lease.kind === kind && lease.state !== 'resting' ? [lease] : []));

/** Nothing but addresses that rest. */
const nothingLeft = (cluster: FakeCluster): void => {
  assert.deepEqual(cluster.state(), []);
  for (const agent of cluster.agents) {
    assert.deepEqual([...agent.engine.containers.values()], []);
    assert.deepEqual([...agent.engine.networks.values()], []);
  }
};

describe('create', () => {
  it('makes the container in its implicit network, with a leased address, and shows it at once', async () => {
    await using cluster = await startFakeCluster(2);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const container = cluster.scheduler.containers.one('abc_web_1');
    assert.equal(container.id, id);
    assert.equal(container.record?.id, id);
    assert.equal(container.record?.deployment, 'abc');
    const { stagesMs = {}, requestId } = container.record ?? {};
    assert.deepEqual([Object.keys(stagesMs), typeof requestId], [['before', 'claim', 'prepare', 'engine'], 'string']);
    const [network] = cluster.scheduler.networks.list();
    assert.equal(network?.record.name, 'abc_default');
    const [lease] = leases(cluster, 'instance');
    assert.equal(lease?.state, 'bound');
    assert.equal(lease?.owner, 'abc_web_1');
    const agent = cluster.agents.find((one) => one.name === container.host);
    const made = agent?.engine.containers.get(id);
    assert.equal(made?.networks.get('abc_default'), lease?.ip);
    assert.equal(made?.request.HostConfig?.Dns?.[0], leases(cluster, 'gateway')[0]?.ip);
  });

  it('counts a container whose host has not shown it yet: the next of its service goes to another host', async () => {
    await using cluster = await startFakeCluster(2);
    // Whatever is on the other one, it is better by its load.
    cluster.agents[1]?.say({ type: 'beat', load: { cpu: 1, memoryUsedBytes: 1, memoryTotalBytes: 1 } });
    await until(() => (cluster.scheduler.hosts.list().find(({ name }) => name === 'h2')?.load?.cpu ?? 0) === 1, 'h2 is busy');
    let show = (): void => undefined;
    const isShown = new Promise<void>((resolve) => (show = resolve));
    for (const agent of cluster.agents)
      agent.beforeCall = async ({ method }) => {
        if (method === 'sync') await isShown;
      };
    const first = cluster.scheduler.containers.create(wish('abc_web_1'));
    const hostOf = (name: string) => cluster.ledger.get<ContainerRecord>(keys.container(name));
    await until(() => hostOf('abc_web_1')?.id !== undefined, 'its id is in the store');
    const second = cluster.scheduler.containers.create(wish('abc_web_2'));
    await until(() => hostOf('abc_web_2')?.host !== undefined, 'the second has its host');
    assert.notEqual(hostOf('abc_web_1')?.host, hostOf('abc_web_2')?.host);
    show();
    await Promise.all([first, second]);
  });

  it('fills in a service’s templates for each instance, its host included; records keep them, and volumes are pinned by the name that they make', async () => {
    await using cluster = await startFakeCluster(2);
    const templated = (number: number): Creation => {
      const Labels = {
        'com.docker.compose.project': 'abc',
        'com.docker.compose.service': 'web',
        'com.docker.compose.container-number': String(number),
        'arpanet.templates': JSON.stringify({ name: 'abc_web', labels: { tier: 'front' } }),
      };
      const request = {
        Image: 'busybox',
        Labels,
        Hostname: '{{.Service.Name}}-{{.Task.Slot}}',
        Env: ['ON={{.Node.Hostname}}', 'ID={{.Task.ID}}', 'TIER={{index .Service.Labels "tier"}}', '{{.Left}}=alone'],
        HostConfig: {
          Mounts: [
            { Type: 'volume', Source: 'data-{{.Task.Slot}}', Target: '/data' },
            { Type: 'volume', Source: 'of-{{.Node.Hostname}}', Target: '/host' },
          ],
        },
      };
      return wish(`abc_web_${number}`, { request });
    };
    const bodyOf = (name: string) => {
      const { id, host, record } = cluster.scheduler.containers.one(name);
      const body = cluster.agents.find((agent) => agent.name === host)?.engine.containers.get(id)?.request;
      return { host, record, body };
    };
    for (const number of [1, 2]) await cluster.scheduler.containers.create(templated(number));
    for (const number of [1, 2]) {
      const { host, record, body } = bodyOf(`abc_web_${number}`);
      assert.equal(body?.Hostname, `abc_web-${number}`);
      assert.deepEqual(body?.Env, [`ON=${host}`, `ID=${ids.task(record?.nonce ?? '')}`, 'TIER=front', '{{.Left}}=alone']);
      assert.deepEqual(
        body?.HostConfig?.Mounts?.map(({ Source }) => Source),
        [`data-${number}`, `of-${host}`],
      );
      assert.equal(record?.request.Hostname, '{{.Service.Name}}-{{.Task.Slot}}', 'the same for all');
    }
    const { host } = bodyOf('abc_web_1');
    const release = cluster.scheduler.containers.one('abc_web_1');
    cluster.agents.find(({ name }) => name === host)?.engine.containers.delete(release.id);
    await cluster.scheduler.containers.release(release);
    await cluster.scheduler.containers.create(templated(1));
    assert.equal(bodyOf('abc_web_1').host, host, 'it is where its volume is');
    const bad = templated(3);
    await assert.rejects(cluster.scheduler.containers.create({ ...bad, request: { ...bad.request, Hostname: '{{.Nobody}}' } }), {
      kind: 'invalid',
      message: /^expanding hostname failed: template: .*can't evaluate field Nobody/,
    });
  });

  it('goes to a host that the image was built for, where hosts differ, and asks for it once; what no host is built for goes anywhere', async () => {
    await using cluster = await startFakeCluster(3, { archs: ['amd64', 'aarch64', 'arm64'] });
    const path = `GET /images/${BUSYBOX.Id}/json`;
    for (const { engine } of cluster.agents) engine.answers.set(path, { Os: 'linux', Architecture: 'arm64' });
    const hostOf = (name: string) => cluster.scheduler.containers.one(name).host;
    for (const number of [1, 2, 3]) await cluster.scheduler.containers.create(wish(`abc_web_${number}`));
    assert.deepEqual([...new Set([1, 2, 3].map((number) => hostOf(`abc_web_${number}`)))].toSorted(), ['h2', 'h3']);
    assert.equal(cluster.agents.flatMap(({ engine }) => engine.asked.filter((route) => route === path)).length, 1);
    const create = (name: string, more: Partial<Creation>) => cluster.scheduler.containers.create(wish(name, more));
    await create('asked', { platform: 'linux/amd64' });
    assert.equal(hostOf('asked'), 'h1', 'what is asked for goes before');
    for (const { engine } of cluster.agents) engine.answers.set(path, { Os: 'linux', Architecture: 's390x' });
    await using other = await startFakeCluster(2, { archs: ['amd64', 'arm64'] });
    for (const { engine } of other.agents) engine.answers.set(path, { Os: 'linux', Architecture: 's390x' });
    await other.scheduler.containers.create(wish('abc_web_1'));
    await using same = await startFakeCluster(2, { archs: ['x86_64', 'amd64'] });
    await same.scheduler.containers.create(wish('abc_web_1'));
    assert.ok(!same.agents.some(({ engine }) => engine.asked.includes(path)), 'nobody is asked where all are of one kind');
  });

  it('leaves nothing behind after the last container is removed', async () => {
    await using cluster = await startFakeCluster(1);
    await cluster.scheduler.containers.create(wish('abc_web_1'));
    const container = cluster.scheduler.containers.one('abc_web_1');
    cluster.agents[0]?.engine.containers.clear();
    await cluster.scheduler.containers.release(container);
    nothingLeft(cluster);
    assert.throws(() => cluster.scheduler.containers.one('abc_web_1'), /No such container: abc_web_1/);
  });

  it("refuses a taken name in Docker's words and changes nothing", async () => {
    await using cluster = await startFakeCluster(1);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const before = cluster.state();
    await assert.rejects(cluster.scheduler.containers.create(wish('abc_web_1')), {
      kind: 'conflict',
      message: `Conflict. The container name "/abc_web_1" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
    });
    assert.deepEqual(cluster.state(), before);
  });

  it('answers a request that is sent again with the container that the first try made', async () => {
    await using cluster = await startFakeCluster(1);
    const first = wish('abc_web_1');
    const [a, b] = await Promise.all([cluster.scheduler.containers.create(first), cluster.scheduler.containers.create(first)]);
    const c = await cluster.scheduler.containers.create(first);
    assert.deepEqual([b.id, c.id], [a.id, a.id]);
    assert.equal(cluster.agents[0]?.engine.containers.size, 1);
  });

  it("passes an Engine's refusal on and undoes everything", async () => {
    await using cluster = await startFakeCluster(2);
    for (const agent of cluster.agents) {
      agent.engine.beforeCreate = async () => {
        throw new Refusal(400, 'invalid mount config');
      };
    }
    await assert.rejects(cluster.scheduler.containers.create(wish('abc_web_1')), {
      kind: 'engine',
      engineStatus: 400,
      message: 'invalid mount config',
    });
    nothingLeft(cluster);
  });

  it('undoes everything when the client goes away in the middle', async () => {
    await using cluster = await startFakeCluster(1);
    const client = new AbortController();
    const [agent] = cluster.agents;
    assert.ok(agent);
    agent.engine.beforeCreate = async () => client.abort();
    await assert.rejects(cluster.scheduler.containers.create(wish('abc_web_1', { signal: client.signal })), { kind: 'unavailable' });
    nothingLeft(cluster);
  });

  it('goes on for the second sender of a request whose first sender left', async () => {
    await using cluster = await startFakeCluster(1);
    const client = new AbortController();
    const [agent] = cluster.agents;
    assert.ok(agent);
    const first = wish('abc_web_1', { signal: client.signal });
    let second: Promise<{ readonly id: string }> | undefined;
    agent.engine.beforeCreate = async () => {
      agent.engine.beforeCreate = async () => undefined;
      client.abort();
      second = cluster.scheduler.containers.create({ ...first, signal: new AbortController().signal });
    };
    await assert.rejects(cluster.scheduler.containers.create(first), { kind: 'unavailable' });
    const { id } = (await second) ?? { id: '' };
    assert.deepEqual([...agent.engine.containers.keys()], [id]);
  });

  it('undoes everything when the agent goes away in the middle, and clears up when it comes back', async () => {
    await using cluster = await startFakeCluster(1, { hostDownMs: 1_000 });
    const [agent] = cluster.agents;
    assert.ok(agent);
    agent.beforeCall = async (request) => {
      if (request.method === 'sync' && request.containers !== undefined) agent.hangUp();
    };
    agent.engine.beforeCreate = async () => {
      agent.engine.beforeCreate = async () => undefined;
      agent.hangUp();
      throw new Refusal(500, 'dying');
    };
    await assert.rejects(cluster.scheduler.containers.create(wish('abc_web_1')));
    assert.deepEqual(cluster.state(), []);
    agent.beforeCall = async () => undefined;
    await agent.dial(cluster.url);
    await until(() => agent.plans.length === 0 && agent.engine.containers.size === 0, 'host clean');
  });

  it('is there for everybody once it is answered, though its Engine is gone in that moment and nobody has seen it', async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    assert.ok(agent);
    agent.beforeCall = async (request) => {
      if (request.method === 'sync') throw new ArpanetError('unavailable', 'the Engine of this host is away');
    };
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    const seen = cluster.scheduler.containers.one('abc_web_1');
    assert.deepEqual([seen.id, seen.facts.inspect.State.Status], [id, 'created']);
    // removed before its host ever told of it
    await cluster.scheduler.containers.release(seen);
    assert.throws(() => cluster.scheduler.containers.one('abc_web_1'), /No such container: abc_web_1/);
    assert.deepEqual(cluster.scheduler.containers.list(), []);
  });

  it('removed on a host that is too busy to say so at once: its name is free when the removal is answered', async () => {
    await using cluster = await startFakeCluster(1);
    const [agent] = cluster.agents;
    assert.ok(agent);
    const { id } = await cluster.scheduler.containers.create(wish('abc_web_1'));
    let looks = 0;
    agent.beforeCall = async ({ method }) => {
      if (method === 'sync' && ++looks <= 2) throw new ArpanetError('timeout', 'the Engine of this host does not answer');
    };
    agent.engine.containers.delete(id);
    await cluster.scheduler.containers.release(cluster.scheduler.containers.one('abc_web_1'));
    const again = await cluster.scheduler.containers.create(wish('abc_web_1'));
    assert.notEqual(again.id, id);
    // as after everything else that an Engine was asked to do, or did by itself before it answered a wait
    looks = 0;
    agent.engine.containers.delete(again.id);
    await cluster.scheduler.view.refresh('h1', { containers: [again.id] });
    assert.deepEqual([looks, cluster.scheduler.containers.list()], [3, []]);
  });

  it('answers an unknown image with what makes `docker run` pull, before anything is begun', async () => {
    await using cluster = await startFakeCluster(1);
    const create = wish('abc_web_1', { request: { Image: 'nosuch' } });
    await assert.rejects(cluster.scheduler.containers.create(create), { kind: 'not-found', message: 'No such image: nosuch:latest' });
    nothingLeft(cluster);
  });

  it('refuses what no Engine mounts in Docker’s words, before anything is begun and without asking one', async () => {
    await using cluster = await startFakeCluster(1);
    const asked = () => cluster.agents[0]?.engine.asked.filter((line) => line.startsWith('POST')) ?? assert.fail();
    const refused = BAD_MOUNTS.filter(({ refusal, host }) => refusal !== undefined && host.VolumesFrom === undefined);
    for (const { host, refusal: message } of refused) {
      const create = wish('abc_web_1', { request: { Image: 'busybox', HostConfig: host } });
      await assert.rejects(cluster.scheduler.containers.create(create), { kind: 'invalid', message });
    }
    assert.deepEqual(asked(), []);
    assert.deepEqual(cluster.scheduler.volumes.list(), []);
    nothingLeft(cluster);
    // and what is taken is there under its name, and under no other
    const Binds = ['data:/x', '/y', '/tmp:/z:ro'];
    const Mounts = [{ Type: 'volume', Target: '/u' }];
    await cluster.scheduler.containers.create(wish('abc_web_1', { request: { Image: 'busybox', HostConfig: { Binds, Mounts } } }));
    assert.deepEqual(
      cluster.scheduler.volumes.list().map(({ name, host }) => [name, host]),
      [['data', 'h1']],
    );
  });

  it("refuses an unknown network in Docker's words", async () => {
    await using cluster = await startFakeCluster(1);
    const create = wish('abc_web_1', { request: { Image: 'busybox', HostConfig: { NetworkMode: 'nosuch' } } });
    await assert.rejects(cluster.scheduler.containers.create(create), { kind: 'invalid', message: 'network nosuch not found' });
    nothingLeft(cluster);
  });

  it('says why no host fits', async () => {
    await using cluster = await startFakeCluster(2);
    const create = wish('big', { request: { Image: 'busybox', HostConfig: { MemoryReservation: 1e12 } } });
    await assert.rejects(
      cluster.scheduler.containers.create(create),
      (error: ArpanetError) => error.kind === 'unplaceable' && /h1: .*h2: /s.test(error.message),
    );
    nothingLeft(cluster);
  });

  it('never gives one of two names or addresses away twice in a burst of 30, and spreads it', async () => {
    await using cluster = await startFakeCluster(3);
    const results = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) => cluster.scheduler.containers.create(wish(i % 10 === 9 ? 'same' : `abc_web_${i + 1}`))),
    );
    const made = results.filter((result) => result.status === 'fulfilled');
    assert.equal(made.length, 28);
    const ips = leases(cluster, 'instance').map((lease) => lease.ip);
    assert.equal(new Set([...ips, ...leases(cluster, 'gateway').map((lease) => lease.ip)]).size, 28 + 3);
    for (const agent of cluster.agents) {
      assert.ok(agent.engine.containers.size >= 8, `${agent.name} has ${agent.engine.containers.size}`);
      assert.equal(agent.calls.filter((call) => call.method === 'materialise').length <= 3, true);
    }
    const records = cluster.ledger.list<ContainerRecord>(keys.containers);
    assert.equal(
      records.every(([, record]) => record.id !== undefined),
      true,
    );
  });

  it('refuses an encrypted network that the next leader may not be able to read, or no host can encrypt, and makes nothing', async () => {
    await using cluster = await startFakeCluster(1);
    const create = (more: object) => cluster.scheduler.networks.create({ Name: 'sealed', ...more }, 'r1');
    await assert.rejects(create({ Driver: 'overlay', Options: { encrypted: '' } }), {
      kind: 'conflict',
      message: /^network sealed cannot be encrypted yet: .* "arpanet upgrade --confirm" lets it/,
    });
    await cluster.ledger.commit([{ kind: 'put', key: keys.schema, value: ENCRYPTED_SCHEMA }]);
    await assert.rejects(create({ Driver: 'overlay', Options: { encrypted: '' } }), {
      kind: 'unsupported',
      message: /^network sealed cannot be encrypted: no host has WireGuard in its kernel or wireguard-go/,
    });
    assert.deepEqual(
      cluster.scheduler.networks.list().map(({ record }) => record.name),
      [],
    );
    assert.equal((await create({})).isEncrypted, undefined, 'without the word it is a plain one');
    await using all = await startFakeCluster(1, { encryptsAll: true });
    const unsaid = all.scheduler.networks.create({ Name: 'sealed' }, 'r1');
    await assert.rejects(unsaid, /network sealed cannot be encrypted/, 'where the cluster encrypts all: refused, never plain');
    assert.deepEqual(all.scheduler.networks.list(), []);
  });

  it('connects further networks one by one on Engines before 1.44, and all at once after', async () => {
    for (const [apiVersion, connects] of [
      ['1.41', 1],
      ['1.45', 0],
    ] as const) {
      await using cluster = await startFakeCluster(1, { apiVersion });
      await cluster.scheduler.networks.create({ Name: 'abc_front' }, 'r1');
      await cluster.scheduler.networks.create({ Name: 'abc_back' }, 'r2');
      const request = {
        Image: 'busybox',
        HostConfig: { NetworkMode: 'abc_front' },
        NetworkingConfig: { EndpointsConfig: { abc_front: {}, abc_back: { Aliases: ['db'] } } },
      };
      const { id } = await cluster.scheduler.containers.create(wish('abc_web_1', { request, apiVersion: '1.45' }));
      const [agent] = cluster.agents;
      assert.deepEqual([...(agent?.engine.containers.get(id)?.networks.keys() ?? [])], ['abc_front', 'abc_back']);
      assert.equal(agent?.engine.asked.filter((route) => route.endsWith('/connect')).length, connects);
      assert.deepEqual(Object.values(cluster.scheduler.containers.one(id).record?.aliases ?? {}), [[], ['db']]);
    }
  });

  it('keeps a named volume on the host that has it', async () => {
    await using cluster = await startFakeCluster(3);
    await cluster.scheduler.volumes.create({ Name: 'data', Labels: { a: 'b' } });
    const request = { Image: 'busybox', HostConfig: { Binds: ['data:/data'] } };
    const made = await Promise.all([1, 2, 3, 4].map((i) => cluster.scheduler.containers.create(wish(`db${i}`, { request }))));
    const hosts = new Set(made.map(({ id }) => cluster.scheduler.containers.one(id).host));
    assert.equal(hosts.size, 1);
    const volume = cluster.scheduler.volumes.one('data');
    assert.equal(volume.host, [...hosts][0]);
    assert.deepEqual(volume.summary?.Labels, { a: 'b' });
  });
});
