/** What users do wrong and what breaks under them: each with its answer, and nothing left behind. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, endProcess, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft, operator } from '../../support/cluster/leftovers.ts';
import { promisedMs } from '../../support/promised.ts';

describe('bad input on three hosts', () => {
  let cluster: Cluster;
  before(async () => {
    // room for two /22 subnets: the pool is soon full
    cluster = await startCluster({ store: 'consul', schedulerArgs: ['--pool', '10.40.0.0/21'] });
  });
  after(() => cluster?.[Symbol.asyncDispose]());
  afterEach(() => assertNothingLeft(cluster, []));

  const call = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(cluster.url + path, {
      method,
      ...(body === undefined ? {} : { body, headers: { 'Content-Type': 'application/json', ...headers } }),
      signal: AbortSignal.timeout(promisedMs(60_000)),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      retryAfter: answer.headers.get('retry-after'),
      message: (safeJson(text) as { message?: string }).message ?? text,
      json: safeJson(text),
    };
  };
  const create = (body: object, name = '') =>
    call('POST', `/v1.41/containers/create${name === '' ? '' : `?name=${name}`}`, JSON.stringify(body));
  const engineContainers = async () =>
    (await Promise.all(cluster.lab.hosts.map((h) => must(cluster.engine(h.name, 'ps', '-aq'))))).join('').trim();

  it('unknown image: 404 as the Engine says it, so that the client pulls', async () => {
    const { status, message } = await create({ Image: 'no-such-thing' });
    assert.deepEqual([status, message], [404, 'No such image: no-such-thing:latest']);
    assert.equal(await engineContainers(), '');
  });

  it('name taken: 409 in the Engine’s words, wherever the other one is', async () => {
    const first = await create({ Image: 'busybox', Cmd: ['sleep', '60'] }, 'mine');
    assert.equal(first.status, 201);
    const second = await create({ Image: 'busybox' }, 'mine');
    assert.equal(second.status, 409);
    assert.match(
      second.message,
      /^Conflict\. The container name "\/mine" is already in use by container "[0-9a-f]{64}"\. You have to remove \(or rename\)/,
    );
    await must(cluster.docker('rm', '-f', 'mine'));
  });

  it('no host fits: the message names each host and why', async () => {
    const { status, message } = await create({ Image: 'busybox', HostConfig: { MemoryReservation: 1e15 } });
    assert.ok(status >= 400 && status < 600 && status !== 500, String(status));
    for (const host of ['h1', 'h2', 'h3']) assert.match(message, new RegExp(`${host}: .*memory`, 'i'));
    const constrained = await create({ Image: 'busybox', Labels: { 'arpanet.constraints': '["node.labels.rack==nowhere"]' } });
    assert.match(constrained.message, /h1: .*rack/);
  });

  it('host port taken everywhere: refused with who holds it', async () => {
    const body = {
      Image: 'busybox',
      Cmd: ['sleep', '60'],
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8099' }] } },
    };
    for (const name of ['p1', 'p2', 'p3']) {
      assert.equal((await create(body, name)).status, 201);
      await must(cluster.docker('start', name));
    }
    const { status, message } = await create(body, 'p4');
    assert.ok(status >= 400 && status !== 500);
    assert.match(message, /8099.*p[123]/);
    await must(cluster.docker('rm', '-f', 'p1', 'p2', 'p3'));
  });

  it('subnet full of containers that run: says so with figures', async () => {
    await must(cluster.docker('network', 'create', '--subnet', '10.40.7.0/29', 'tiny'));
    const made: string[] = [];
    let refusal = { status: 0, message: '' };
    for (let i = 0; i < 8; i++) {
      const answer = await create({ Image: 'busybox', Cmd: ['sleep', '600'], HostConfig: { NetworkMode: 'tiny' } }, `t${i}`);
      if (answer.status !== 201) {
        refusal = answer;
        break;
      }
      made.push(`t${i}`);
      assert.equal((await call('POST', `/v1.41/containers/t${i}/start`)).status, 204);
    }
    assert.equal(made.length, 5, 'all of a /29 but the gateway, as on an Engine: hosts take none of it');
    assert.match(refusal.message, /tiny.*(full|no available|exhausted)|(full|no available|exhausted).*tiny/i);
    assert.ok(refusal.status >= 400 && refusal.status !== 500);
    await must(cluster.docker('rm', '-f', ...made));
    await must(cluster.docker('network', 'rm', 'tiny'));
  });

  it('pool full: names the pool and what to do', async () => {
    await must(cluster.docker('network', 'create', 'one'));
    await must(cluster.docker('network', 'create', 'two'));
    const { status, message } = await call('POST', '/v1.41/networks/create', JSON.stringify({ Name: 'three' }));
    assert.ok(status >= 400 && status !== 500);
    assert.match(message, /10\.40\.0\.0\/21/);
    await must(cluster.docker('network', 'rm', 'one', 'two'));
  });

  it('address taken, address outside the subnet, overlapping subnet: each refused as what it is', async () => {
    await must(cluster.docker('network', 'create', '--subnet', '10.40.6.0/24', 'n1'));
    const at = (ip: string) => ({
      Image: 'busybox',
      Cmd: ['sleep', '1000'],
      HostConfig: { NetworkMode: 'n1' },
      NetworkingConfig: { EndpointsConfig: { n1: { IPAMConfig: { IPv4Address: ip } } } },
    });
    for (const name of ['a1', 'a2']) assert.equal((await create(at('10.40.6.77'), name)).status, 201);
    const start = (name: string) => call('POST', `/v1.41/containers/${name}/start`);
    assert.equal((await start('a1')).status, 204);
    const taken = await start('a2');
    assert.match(taken.message, /Address already in use/);
    const outside = await create(at('10.99.0.1'), 'a3');
    assert.match(outside.message, /10\.99\.0\.1/);
    for (const answer of [taken, outside]) assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.message}`);
    const overlap = await call(
      'POST',
      '/v1.41/networks/create',
      JSON.stringify({ Name: 'n2', IPAM: { Config: [{ Subnet: '10.40.6.128/25' }] } }),
    );
    assert.match(overlap.message, /[Oo]verlap/);
    assert.ok(overlap.status >= 400 && overlap.status !== 500);
    await must(cluster.docker('rm', '-f', 'a1', 'a2'));
    await must(cluster.docker('network', 'rm', 'n1'));
  });

  it('malformed JSON, a body over the limit, an unknown route, versions too new and too old', async () => {
    const malformed = await call('POST', '/v1.41/containers/create', '{"Image": ');
    assert.equal(malformed.status, 400);
    assert.ok(malformed.message.length > 10);
    const large = await call(
      'POST',
      '/v1.41/containers/create',
      JSON.stringify({ Image: 'busybox', Labels: { big: 'x'.repeat(5 << 20) } }),
    );
    assert.ok([400, 413].includes(large.status), String(large.status));
    assert.match(large.message, /limit|large/i);
    assert.deepEqual(await call('GET', '/v1.41/nonsense').then((a) => [a.status, a.message]), [404, 'page not found']);
    const tooNew = await call('GET', '/v9.99/containers/json');
    assert.equal(tooNew.status, 400);
    assert.match(tooNew.message, /client version 9\.99 is too new\. Maximum supported API version is 1\.\d+/);
    const tooOld = await call('GET', '/v1.1/containers/json');
    assert.equal(tooOld.status, 400);
    assert.match(tooOld.message, /client version 1\.1 is too old\. Minimum supported API version is 1\.24/);
  });

  it('a service or project name that is no DNS label is a name: as on an Engine, labels may say anything', async () => {
    for (const labels of [
      { 'com.docker.compose.project': 'a b/c' },
      { 'com.docker.compose.project': 'abc', 'com.docker.compose.service': 'x'.repeat(1000) },
    ]) {
      const { status, message } = await create({ Image: 'busybox', Labels: labels }, 'any');
      assert.equal(status, 201, message);
      await must(cluster.docker('rm', '-f', 'any'));
    }
  });

  it('client gone mid-create: undone', async () => {
    for (const afterMs of [1, 5, 15, 40]) {
      const sent = request(`${cluster.url}/v1.41/containers/create?name=gone${afterMs}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
      });
      sent.on('error', () => undefined);
      sent.end(JSON.stringify({ Image: 'busybox' }));
      await sleep(afterMs);
      sent.destroy();
    }
    await sleep(1500);
    // one that had been answered by the engine before the client left may stay, as with one Engine; it is whole then
    await until('no engine container', async () => {
      for (const name of (await must(cluster.docker('ps', '-a', '--format', '{{.Names}}'))).trim().split('\n').filter(Boolean))
        await must(cluster.docker('rm', '-f', name));
      return (await engineContainers()) === '';
    });
  });

  it('engine dies mid-create, agent gone mid-create: an error, and afterwards nothing is left', async () => {
    const bodies = Array.from({ length: 12 }, (_, i) => create({ Image: 'busybox' }, `e${i}`));
    await sleep(20);
    const [h1, h2] = cluster.lab.hosts;
    assert.ok(h1 && h2);
    const agent = cluster.agents.get('h2');
    assert.ok(agent);
    agent.kill('SIGKILL');
    await cluster.lab.stopEngine(h1, 'SIGKILL');
    const answers = await Promise.all(bodies);
    for (const answer of answers) assert.ok(answer.status === 201 || answer.status >= 400, String(answer.status));
    await cluster.lab.startEngine(h1);
    await cluster.startAgent('h2');
    await until(
      'all hosts are alive again',
      async () => (await operator<{ state: string }[]>(cluster, 'hosts')).every((h) => h.state === 'alive'),
      30_000,
    );
    const created = answers.filter((a) => a.status === 201).length;
    // what was begun and got no other answer is undone by itself
    const listed = await until(`those are listed that were answered with 201: ${created}`, async () => {
      const names = (await must(cluster.docker('ps', '-a', '--format', '{{.Names}}'))).trim().split('\n').filter(Boolean);
      return names.length === created ? names : Promise.reject(new Error(names.join(' ')));
    });
    if (listed.length > 0) await must(cluster.docker('rm', '-f', ...listed));
    await until('no engine container', async () => (await engineContainers()) === '');
  });

  it('no host alive: 503 that says so; and when one is back, it works again', async () => {
    await Promise.all([...cluster.agents.values()].map(endProcess));
    await until(
      'nothing is heard of any',
      async () => (await operator<{ state: string }[]>(cluster, 'hosts')).every((h) => h.state === 'suspect' || h.state === 'down'),
      30_000,
    );
    const { status, message } = await create({ Image: 'busybox' });
    assert.equal(status, 503);
    assert.match(message, /no host is alive/);
    await Promise.all(cluster.lab.hosts.map((h) => cluster.startAgent(h.name)));
    await until(
      'all are alive',
      async () => (await operator<{ state: string }[]>(cluster, 'hosts')).every((h) => h.state === 'alive'),
      30_000,
    );
    assert.equal((await must(cluster.docker('run', '--rm', 'busybox', 'echo', 'back'))).trim(), 'back');
  });
});

describe('the store is gone', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ store: 'consul', hosts: 2 });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  it('mutations get 503 with Retry-After and a reason; reads, exec, logs and names go on', async () => {
    await must(cluster.docker('run', '-d', '--name', 'web', 'busybox', 'sh', '-c', 'echo up; sleep 600'));
    await must(cluster.docker('run', '-d', '--name', 'db', 'busybox', 'sleep', '600'));
    await until('it was named', async () => (await cluster.docker('exec', 'web', 'ping', '-c', '1', '-W', '5', 'db')).code === 0);
    await until('it said so', async () => (await must(cluster.docker('logs', 'web'))).trim() === 'up');
    await cluster.consul?.stop();
    const answer = await fetch(`${cluster.url}/v1.41/containers/create?name=late`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ Image: 'busybox' }),
      signal: AbortSignal.timeout(promisedMs(30_000)),
    });
    assert.equal(answer.status, 503);
    assert.ok(answer.headers.get('retry-after'));
    assert.match(((await answer.json()) as { message: string }).message, /store|leader/i);
    const names = await must(cluster.docker('ps', '--format', '{{.Names}}'));
    assert.deepEqual(names.trim().split('\n').sort(), ['db', 'web']);
    assert.equal((await must(cluster.docker('logs', 'web'))).trim(), 'up');
    assert.equal((await must(cluster.docker('exec', 'web', 'echo', 'alive'))).trim(), 'alive');
    const ping = await cluster.docker('exec', 'web', 'ping', '-c', '1', '-W', '5', 'db');
    assert.equal(ping.code, 0, ping.stdout + ping.stderr);
    await sleep(25_000); // longer than the session: leadership is lost by now
    assert.equal((await must(cluster.docker('exec', 'web', 'echo', 'still'))).trim(), 'still');
    assert.deepEqual((await must(cluster.docker('ps', '--format', '{{.Names}}'))).trim().split('\n').sort(), ['db', 'web']);
  });
});

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
