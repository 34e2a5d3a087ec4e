import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ArpanetError, type CreateRequest } from '../../../src/model/index.ts';
import { checkedName, identify, refersTo } from '../../../src/scheduler/create/identify.ts';
import { eachOnce, linksIn } from '../../../src/scheduler/create/identify-networks.ts';
import { hostPortsOf } from '../../../src/scheduler/create/identify-needs.ts';
import { madeUpName } from '../../../src/scheduler/create/random-names.ts';

const of = (request: CreateRequest, name = 'abc_web_1', taken: readonly number[] = []) => identify({ name, request, taken: () => taken });
const compose = (more: Record<string, string> = {}) => ({
  'com.docker.compose.project': 'abc',
  'com.docker.compose.service': 'web',
  'com.docker.compose.container-number': '2',
  'com.docker.compose.oneoff': 'False',
  ...more,
});
const invalid = (pattern: RegExp) => (error: unknown) =>
  error instanceof ArpanetError && error.kind === 'invalid' && pattern.test(error.message);

describe('identity', () => {
  it('is what compose says', () => {
    const { deployment, service, number, oneoff } = of({ Labels: compose() });
    assert.deepEqual({ deployment, service, number, oneoff }, { deployment: 'abc', service: 'web', number: 2, oneoff: false });
  });

  it('is what the arpanet labels say for docker run, with the lowest free number', () => {
    const identity = of({ Labels: { 'arpanet.deployment': 'shop', 'arpanet.service': 'api' } }, 'some', [1, 2, 4]);
    assert.deepEqual([identity.deployment, identity.service, identity.number], ['shop', 'api', 3]);
  });

  it('falls back to `default` and the name, made fit for DNS', () => {
    const identity = of({}, 'my.app_v1.2');
    assert.deepEqual([identity.deployment, identity.service, identity.number], ['default', 'my-app_v1-2', 1]);
    assert.equal(of({}, 'a'.repeat(80)).service.length, 63);
    assert.notEqual(of({}, 'a'.repeat(80)).service, of({}, 'a'.repeat(81)).service);
  });

  it('refuses a label that has none of its values, and names them', () => {
    const withLabel = (label: string, value: string) => () => of({ Labels: compose({ [label]: value }) });
    assert.throws(withLabel('arpanet.dns', 'Healthy'), invalid(/^label arpanet\.dns is "Healthy": it must be healthy or running$/));
    assert.throws(withLabel('arpanet.reschedule', 'on-node-failure'), invalid(/it must be off or on-host-failure$/));
    for (const value of ['', 'healthy', 'running']) assert.doesNotThrow(withLabel('arpanet.dns', value));
  });

  it('refuses to keep others out of a network namespace that is another’s', () => {
    const inMode = (NetworkMode: string) => () => of({ Labels: compose({ 'arpanet.allow-from': 'none' }), HostConfig: { NetworkMode } });
    for (const mode of ['container:abc', 'host'])
      assert.throws(inMode(mode), invalid(/^label arpanet\.allow-from says nothing of a container/));
    for (const mode of ['default', 'bridge', 'abc_net']) assert.doesNotThrow(inMode(mode));
  });

  it('of `compose run` is never its service', () => {
    const identity = of({ Labels: compose({ 'com.docker.compose.oneoff': 'True' }) }, 'abc_web_run_1f2e');
    assert.deepEqual([identity.oneoff, identity.service, identity.number, identity.deployment], [true, 'abc_web_run_1f2e', 1, 'abc']);
  });

  it('keeps whom it replaces', () => {
    assert.equal(of({ Labels: compose({ 'com.docker.compose.replace': 'old' }) }).replaces, 'old');
    assert.equal('replaces' in of({ Labels: compose() }), false);
  });

  it('takes any name, as an Engine does', () => {
    for (const name of ['web.api', '-web', 'w'.repeat(64), 'ä', '_x', 'Web API', 'a/b']) {
      const { deployment, service } = of({
        Labels: { 'com.docker.compose.project': name, 'com.docker.compose.service': name },
      });
      assert.deepEqual([deployment, service], [name, name]);
    }
  });

  it('of a project called `default` is apart from what has no project', () => {
    const { deployment, networks } = of({ Labels: compose({ 'com.docker.compose.project': 'default' }) });
    assert.equal(deployment, 'default.project');
    assert.deepEqual([networks[0]?.reference, networks[0]?.implicit], ['default_default', true]);
    assert.equal(of({ Labels: { 'arpanet.deployment': 'default' } }).deployment, 'default');
  });

  it('refuses a malformed number', () => {
    for (const number of ['0', '-1', 'x', '1.5']) {
      assert.throws(() => of({ Labels: compose({ 'com.docker.compose.container-number': number }) }), invalid(/whole number from 1/));
    }
  });
});

describe('networks wanted', () => {
  const implicit = { reference: 'abc_default', implicit: true };
  const wanted = (request: CreateRequest) => {
    const { mode, networks } = of({ Labels: compose(), ...request });
    return { mode, networks: networks.map(({ reference, implicit }) => ({ reference, implicit })) };
  };

  it('are the implicit one for compose v1 and fig (NetworkMode default) and for docker 28 (an endpoint called default)', () => {
    for (const request of [
      {},
      { HostConfig: { NetworkMode: '' } },
      { HostConfig: { NetworkMode: 'default' } },
      { HostConfig: { NetworkMode: 'default' }, NetworkingConfig: { EndpointsConfig: { default: { Aliases: null } } } },
    ]) {
      assert.deepEqual(wanted(request), { mode: { kind: 'cluster' }, networks: [implicit] });
    }
  });

  it('begin with the mode, also where the endpoints stand in another order (compose v2)', () => {
    const request = { HostConfig: { NetworkMode: 'abc_front' }, NetworkingConfig: { EndpointsConfig: { abc_back: {}, abc_front: {} } } };
    assert.deepEqual(wanted(request).networks, [
      { reference: 'abc_front', implicit: false },
      { reference: 'abc_back', implicit: false },
    ]);
  });

  it('are the endpoints where the mode says nothing', () => {
    assert.deepEqual(wanted({ NetworkingConfig: { EndpointsConfig: { x: null } } }).networks, [{ reference: 'x', implicit: false }]);
    assert.deepEqual(wanted({ NetworkingConfig: { EndpointsConfig: { bridge: {} } } }), {
      mode: { kind: 'native', name: 'bridge' },
      networks: [],
    });
  });

  it('are none in the native modes and in another container’s network', () => {
    for (const name of ['bridge', 'host', 'none'] as const) {
      assert.deepEqual(wanted({ HostConfig: { NetworkMode: name } }), { mode: { kind: 'native', name }, networks: [] });
    }
    assert.deepEqual(wanted({ HostConfig: { NetworkMode: 'container:db' } }), { mode: { kind: 'container', of: 'db' }, networks: [] });
  });

  it('carry address, MAC, aliases and links as asked for', () => {
    const endpoint = { IPAMConfig: { IPv4Address: '10.1.2.3' }, Aliases: ['a', 'a', 'b'], Links: ['abc_db_1:db'] };
    const request = {
      MacAddress: '02:00:00:00:00:01',
      HostConfig: { NetworkMode: 'x' },
      NetworkingConfig: { EndpointsConfig: { x: endpoint } },
    };
    const [network] = of(request).networks;
    assert.deepEqual(network, {
      reference: 'x',
      implicit: false,
      ip: '10.1.2.3',
      mac: '02:00:00:00:00:01',
      aliases: ['a', 'b'],
      links: [{ target: 'abc_db_1', alias: 'db' }],
      endpoint,
    });
  });

  it('have their links: those of an endpoint are its network’s, the container’s own the first one’s, and of the default network none', () => {
    const request = {
      HostConfig: { NetworkMode: 'x', Links: ['abc_db_1:db'] },
      NetworkingConfig: { EndpointsConfig: { x: { Links: ['abc_db_1:db'] }, y: { Links: ['abc_db_1:db', 'other'] } } },
    };
    const joined = (sent: CreateRequest) =>
      of(sent).networks.map((network) => ({ record: { id: `id-${network.reference}` }, wanted: network }));
    assert.deepEqual(linksIn(request, joined(request)), [
      { target: 'abc_db_1', alias: 'db', network: 'id-x' },
      { target: 'abc_db_1', alias: 'db', network: 'id-y' },
      { target: 'other', alias: 'other', network: 'id-y' },
    ]);
    const plain = { HostConfig: { Links: ['abc_db_1:db'] } };
    assert.deepEqual(linksIn(plain, joined(plain)), [{ target: 'abc_db_1', alias: 'db' }]);
  });

  it('are one where a name and an id turn out to mean the same network', () => {
    const endpoints = { x: { Aliases: ['a'] }, '0123456789ab': { Aliases: ['b'], IPAMConfig: { IPv4Address: '10.0.0.9' } } };
    const { networks } = of({ HostConfig: { NetworkMode: 'x' }, NetworkingConfig: { EndpointsConfig: endpoints } });
    const once = eachOnce(networks, () => 'same');
    assert.equal(once.length, 1);
    assert.deepEqual([once[0]?.wanted.reference, once[0]?.wanted.ip, once[0]?.wanted.aliases], ['x', '10.0.0.9', ['a', 'b']]);
  });
});

describe('needs', () => {
  it('find named volumes and host paths in binds and mounts', () => {
    const identity = of({
      HostConfig: {
        Binds: ['data:/data:rw', '/etc/x:/x:ro', '/anonymous'],
        Mounts: [
          { Type: 'volume', Source: 'logs', Target: '/l' },
          { Type: 'volume', Target: '/anonymous2' },
          { Type: 'bind', Source: '/srv', Target: '/s' },
          { Type: 'tmpfs', Target: '/t' },
          { Type: 'volume', Source: 'data', Target: '/again' },
        ],
      },
    });
    assert.deepEqual(
      [identity.volumes, identity.hostPaths],
      [
        ['data', 'logs'],
        ['/etc/x', '/srv'],
      ],
    );
  });

  it('find every container to share a host with', () => {
    const identity = of({
      HostConfig: { VolumesFrom: ['db:ro', 'cache'], NetworkMode: 'container:net', IpcMode: 'container:i', PidMode: 'container:p' },
    });
    assert.deepEqual(identity.volumesFrom, ['db', 'cache']);
    assert.deepEqual(identity.together, [
      { container: 'db', because: 'volumes_from' },
      { container: 'cache', because: 'volumes_from' },
      { container: 'net', because: 'network_mode' },
      { container: 'i', because: 'ipc' },
      { container: 'p', because: 'pid' },
    ]);
  });

  it('take links as names, which bind nothing, except on the Engine’s own bridge', () => {
    const fig = of({
      HostConfig: { NetworkMode: 'default', Links: ['abc_redis_1:redis', 'abc_redis_1', '/abc_redis_1:/abc_web_1/redis_1'] },
    });
    assert.deepEqual(fig.links, [
      { target: 'abc_redis_1', alias: 'redis' },
      { target: 'abc_redis_1', alias: 'abc_redis_1' },
      { target: 'abc_redis_1', alias: 'redis_1' },
    ]);
    assert.deepEqual(fig.together, []);
    assert.deepEqual(of({ HostConfig: { NetworkMode: 'bridge', Links: ['db:db'] } }).together, [{ container: 'db', because: 'link' }]);
  });

  it('find host ports that are asked for by number', () => {
    assert.deepEqual(
      hostPortsOf({
        '80/tcp': [{ HostPort: '8080' }, { HostIp: '127.0.0.1', HostPort: '81' }],
        '53/udp': [{ HostIp: '', HostPort: '5300-5310' }],
        '90/tcp': [{ HostPort: '' }, { HostPort: '0' }],
        '91/tcp': null,
      }),
      ['0.0.0.0:8080/tcp', '127.0.0.1:81/tcp', '0.0.0.0:5300-5310/udp'],
    );
  });
});

describe('names', () => {
  it('are checked in Docker’s words', () => {
    assert.equal(checkedName('/web_1'), 'web_1');
    for (const name of ['a/b', '-a', 'a', '', 'a b', '..', 'x'.repeat(256)])
      assert.throws(() => checkedName(name), invalid(/^Invalid container name/));
  });

  it('made up are valid, free, and do not run out', () => {
    const taken = new Set<string>();
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (let made = 0; made < 10_000; made++) {
      const name = madeUpName(random, (candidate) => taken.has(candidate));
      assert.equal(checkedName(name), name);
      assert(!taken.has(name));
      taken.add(name);
    }
  });

  it('and ids refer to a container, ids from twelve digits', () => {
    const container = { id: 'f'.repeat(64), name: 'web' };
    for (const reference of ['web', '/web', 'f'.repeat(64), 'f'.repeat(12)]) assert(refersTo(reference, container), reference);
    for (const reference of ['webb', 'we', 'f', '', undefined]) assert(!refersTo(reference, container), reference);
  });
});
