import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ArpanetError } from '../../../src/model/index.ts';
import {
  place,
  placementRequest,
  type HostSnapshot,
  type PlacedContainer,
  type PlacementRequest,
} from '../../../src/scheduler/placement/index.ts';
import { identify } from '../../../src/scheduler/create/identify.ts';
import { matches } from '../../../src/scheduler/placement/constraints.ts';
import { spreadKeys } from '../../../src/scheduler/placement/spread.ts';
import { ids } from '../../../src/text/swarm-ids.ts';
import { hostSnapshot, placedContainer, placementWish } from '../../support/fakes/literal-placement.ts';
import { promisedMs } from '../../support/promised.ts';

const GiB = 2 ** 30;
const host = (name: string, more: Partial<HostSnapshot> = {}) => hostSnapshot(name, { arch: 'x86_64', memoryBytes: 2 * GiB, ...more });
const container = (name: string, more: Partial<PlacedContainer> = {}) => placedContainer(name, { deployment: 'abc', ...more });
const request = (more: Partial<PlacementRequest> = {}) => placementWish({ name: 'abc_web_1', ...more });
const labelled = (most: string) => ({
  Image: 'x',
  Labels: { 'com.docker.compose.project': 'abc', 'com.docker.compose.service': 'web', 'arpanet.max-per-host': most },
});
const options = { strategy: 'spread', nowMs: 1_000_000, random: () => 0.5 } as const;
const fitting = (wanted: PlacementRequest, hosts: readonly HostSnapshot[]) => {
  const placement = place(wanted, hosts, options);
  return placement.kind === 'placed' ? placement.decision.scored.map((one) => one.host).toSorted() : [];
};
const message = (wanted: PlacementRequest, hosts: readonly HostSnapshot[]) => {
  const placement = place(wanted, hosts, options);
  return placement.kind === 'refused' ? placement.message : `placed on ${placement.decision.host}`;
};

it('a label arpanet.spread names labels of hosts, in either form of a list; anything else is refused', () => {
  const of = (value: string) => spreadKeys({ Labels: { 'arpanet.spread': value } });
  assert.deepEqual(of('node.labels.zone, engine.labels.rack'), ['node.labels.zone', 'engine.labels.rack']);
  assert.deepEqual([of('["node.labels.zone"]'), of('')], [['node.labels.zone'], []]);
  for (const bad of ['zone', '[1]', 'node.labels.']) assert.throws(() => of(bad), { kind: 'invalid', message: /like node\.labels\.zone/ });
});

describe('availability', () => {
  it('an Engine that leaves a part of a volume out in silence gets none that asks for one', () => {
    const part = (Subpath: string) => {
      const HostConfig = { Mounts: [{ Type: 'volume', Source: 'data', Target: '/part', VolumeOptions: { Subpath } }] };
      const create = { Image: 'x', HostConfig };
      const facts = { name: 'a', volumesAt: [], mustBeWith: [], imageHosts: new Set<string>() };
      return placementRequest(identify({ name: 'a', request: create, taken: () => [] }), create, facts);
    };
    const hosts = [
      host('old', { apiVersion: '1.41' }),
      host('new', { apiVersion: '1.45' }),
      host('newer', { apiVersion: '1.51' }),
      host('mute'),
    ];
    assert.deepEqual(fitting(part('inner'), hosts), ['new', 'newer']);
    assert.equal(fitting(part(''), hosts).length, 4);
    assert.match(message(part('inner'), hosts.slice(0, 1)), /old: its Engine has API version 1\.41, and a subpath of a volume needs 1\.45/);
  });

  it('says of each host why it is not alive when none is', () => {
    const hosts = [host('h2', { state: 'joining' }), host('h1', { state: 'down', why: 'no heartbeat for 12 s' })];
    assert.equal(message(request(), hosts), 'no host is alive (h1: no heartbeat for 12 s; h2: not connected to the new leader yet)');
    assert.match(message(request(), []), /^no host fits: no host has joined the cluster yet/);
  });

  it('passes over paused and drained hosts', () => {
    const hosts = [host('h1', { availability: 'pause' }), host('h2', { availability: 'drain' }), host('h3')];
    assert.deepEqual(fitting(request(), hosts), ['h3']);
    assert.equal(message(request(), hosts.slice(0, 2)), 'no host fits: h1: takes no new containers (paused); h2: is being drained');
  });
});

describe('host ports', () => {
  const wanted = request({ hostPorts: ['0.0.0.0:80/tcp'] });
  const holding = (port: string, more: Partial<PlacedContainer> = {}) =>
    host('h1', { containers: [container('web_1', { hostPorts: [port], ...more })] });

  it('names the port and its holder on each host', () => {
    const hosts = [holding('0.0.0.0:80/tcp'), host('h2', { containers: [container('web_2', { hostPorts: ['10.0.0.2:80/tcp'] })] })];
    assert.equal(
      message(wanted, hosts),
      'no host fits: h1: host port 0.0.0.0:80/tcp is taken by web_1; h2: host port 0.0.0.0:80/tcp is taken by web_2',
    );
  });

  it('does not name a holder of another deployment, as its deployers may read it', () => {
    assert.equal(
      message(wanted, [holding('0.0.0.0:80/tcp', { name: 'xyz_secret_1', deployment: 'xyz' })]),
      'no host fits: h1: host port 0.0.0.0:80/tcp is taken by a container outside of its deployment',
    );
  });

  it('are not those of the host’s proxy for HTTP by name', () => {
    const proxied = host('h1', { httpPorts: [7378, 80] });
    assert.equal(message(wanted, [proxied]), "no host fits: h1: host port 0.0.0.0:80/tcp is taken by the host's proxy for HTTP by name");
    assert.deepEqual(fitting(wanted, [proxied, host('h2', { httpPorts: [7378] })]), ['h2']);
    for (const port of ['0.0.0.0:80/udp', '0.0.0.0:79-81/tcp', '0.0.0.0:443/tcp'])
      assert.deepEqual(fitting(request({ hostPorts: [port] }), [proxied]), ['h1'], port);
  });

  it('are apart by protocol, number and address', () => {
    for (const port of ['0.0.0.0:80/udp', '0.0.0.0:8/tcp', '0.0.0.0:8080/tcp', ':::80/tcp'])
      assert.deepEqual(fitting(wanted, [holding(port)]), ['h1'], port);
    assert.deepEqual(fitting(request({ hostPorts: ['127.0.0.1:80/tcp'] }), [holding('10.0.0.1:80/tcp')]), ['h1']);
    assert.deepEqual(fitting(request({ hostPorts: ['127.0.0.1:80/tcp'] }), [holding('0.0.0.0:80/tcp')]), []);
  });

  it('are held by a container that was never started, and not by a stopped one', () => {
    assert.deepEqual(fitting(wanted, [holding('0.0.0.0:80/tcp', { state: 'created' })]), []);
    assert.deepEqual(fitting(wanted, [holding('0.0.0.0:80/tcp', { state: 'stopped' })]), ['h1']);
  });

  it('of the container being replaced are free for its successor, by id or name', () => {
    const hosts = [holding('0.0.0.0:80/tcp')];
    for (const replaces of ['web_1', 'web_1'.padEnd(64, '0'), 'web_1'.padEnd(12, '0')])
      assert.deepEqual(fitting({ ...wanted, replaces }, hosts), ['h1']);
    assert.deepEqual(fitting({ ...wanted, replaces: 'web_10' }, hosts), []);
  });

  it('of a range that another asked for are one each', () => {
    const range = '0.0.0.0:80-82/tcp';
    const held = (...hostPorts: string[]) =>
      host('h1', { containers: hostPorts.map((port, i) => container(`a${i}`, { hostPorts: [port] })) });
    assert.deepEqual(fitting(request({ hostPorts: [range] }), [held(range, range)]), ['h1']);
    assert.deepEqual(fitting(request({ hostPorts: [range] }), [held(range, range, range)]), []);
    assert.deepEqual(fitting(request({ hostPorts: [range] }), [held(range, '0.0.0.0:80/tcp', '0.0.0.0:82/tcp')]), []);
    assert.deepEqual(fitting(request({ hostPorts: ['0.0.0.0:82/tcp'] }), [held(range, range)]), ['h1']);
  });

  it('of a range are taken only when all of them are', () => {
    const range = request({ hostPorts: ['0.0.0.0:80-81/tcp'] });
    assert.deepEqual(fitting(range, [holding('0.0.0.0:80/tcp')]), ['h1']);
    assert.deepEqual(
      fitting(range, [host('h1', { containers: [container('a', { hostPorts: ['0.0.0.0:80/tcp', '0.0.0.0:81/tcp'] })] })]),
      [],
    );
  });
});

describe('reservations', () => {
  it('stay within what the host has, and the refusal gives the figures', () => {
    const full = host('h1', { containers: [container('db', { reservedMemoryBytes: 1.9 * GiB, reservedNanoCpus: 3.5e9 })] });
    assert.equal(
      message(request({ reservedMemoryBytes: 512 * 2 ** 20 }), [full]),
      'no host fits: h1: needs 512 MiB memory, 102 MiB of 2 GiB unreserved',
    );
    assert.equal(message(request({ reservedNanoCpus: 1e9 }), [full]), 'no host fits: h1: needs 1 CPU, 0.5 of 4 unreserved');
    assert.deepEqual(fitting(request({ reservedNanoCpus: 0.5e9 }), [full]), ['h1']);
    assert.deepEqual(fitting(request(), [full]), ['h1']);
  });

  it('may be more than the host has, or less, as the overcommit settings say', () => {
    const used = [container('db', { reservedMemoryBytes: 2 * GiB, reservedNanoCpus: 4e9 })];
    const wanted = request({ reservedMemoryBytes: GiB, reservedNanoCpus: 2e9 });
    assert.deepEqual(fitting(wanted, [host('h1', { containers: used })]), []);
    assert.deepEqual(fitting(wanted, [host('h1', { containers: used, overcommit: { cpus: 1.5, memory: 1.5 } })]), ['h1']);
    assert.equal(
      message(wanted, [host('h1', { containers: used, overcommit: { cpus: 1.5, memory: 1.25 } })]),
      'no host fits: h1: needs 1 GiB memory, 512 MiB of 2.5 GiB unreserved',
    );
    assert.deepEqual(fitting(wanted, [host('h1', { overcommit: { cpus: 0.25, memory: 1 } })]), []);
  });

  it('of stopped and of replaced containers are free', () => {
    const big = { reservedMemoryBytes: 2 * GiB };
    assert.deepEqual(
      fitting(request({ reservedMemoryBytes: GiB }), [host('h1', { containers: [container('db', { ...big, state: 'stopped' })] })]),
      ['h1'],
    );
    assert.deepEqual(fitting(request({ reservedMemoryBytes: GiB, replaces: 'db' }), [host('h1', { containers: [container('db', big)] })]), [
      'h1',
    ]);
  });
});

describe('constraints and affinities', () => {
  const wishes = (given: { Labels?: Record<string, string>; Env?: string[] }) => {
    const body = { ...given };
    const identity = identify({ name: 'abc_web_1', request: body, taken: () => [] });
    return placementRequest(identity, body, { name: 'abc_web_1', volumesAt: [], mustBeWith: [], imageHosts: new Set<string>() });
  };
  const hosts = [
    host('h1', {
      labels: { rack: 'r1', ssd: 'true' },
      containers: [container('db', { deployment: 'default', service: 'auth' })],
      images: ['redis:latest'],
    }),
    host('h2', {
      labels: { rack: 'r2' },
      containers: [container('dbz', { deployment: 'default', service: 'authz' })],
      images: ['redis:7'],
    }),
  ];
  const cases: readonly (readonly [string, { Labels?: Record<string, string>; Env?: string[] }, readonly string[]])[] = [
    ['a label', { Labels: { 'arpanet.constraints': 'node.labels.rack==r2' } }, ['h2']],
    ['several, by commas', { Labels: { 'arpanet.constraints': 'node.labels.rack!=r2, node.labels.ssd == true' } }, ['h1']],
    ['a JSON list, as classic Swarm wrote it', { Labels: { 'com.docker.swarm.constraints': '["node==h2"]' } }, ['h2']],
    ['env, as classic Swarm read it', { Env: ['PATH=/bin', 'constraint:rack==r*', 'constraint:node.hostname!=h1'] }, ['h2']],
    ['!= holds where the label is not set', { Env: ['constraint:ssd!=true'] }, ['h2']],
    ['the id that docker node ls shows', { Labels: { 'arpanet.constraints': `node.id == ${ids.node('h2')}` } }, ['h2']],
    ['not that id', { Labels: { 'arpanet.constraints': `node.id!=${ids.node('h2')}` } }, ['h1']],
    ['uname’s architecture', { Labels: { 'arpanet.constraints': 'node.platform.arch==x86_64' } }, ['h1', 'h2']],
    ['Go’s architecture', { Labels: { 'arpanet.constraints': 'node.platform.arch==amd64' } }, ['h1', 'h2']],
    ['another architecture', { Labels: { 'arpanet.constraints': 'node.platform.arch!=x86_64' } }, []],
    ['every host is a worker', { Labels: { 'arpanet.constraints': 'node.role == worker, node.role != manager' } }, ['h1', 'h2']],
    ['== does not', { Env: ['constraint:ssd==*'] }, ['h1']],
    ['a soft one refuses nobody', { Env: ['constraint:rack==~r9'] }, ['h1', 'h2']],
    ['a container', { Env: ['affinity:container==db'] }, ['h1']],
    ['a service, whole (auth is not authz)', { Env: ['affinity:service==auth'] }, ['h1']],
    ['a service of another deployment', { Env: ['affinity:service==authz.default'] }, ['h2']],
    ['away from a service', { Env: ['affinity:service!=auth'] }, ['h2']],
    ['an image, of tag latest', { Env: ['affinity:image==redis'] }, ['h1']],
    ['a key that JavaScript knows and no host has', { Env: ['constraint:constructor!=x'] }, ['h1', 'h2']],
    ['any tag of an image', { Env: ['affinity:image==redis:*'] }, ['h1', 'h2']],
  ];
  for (const [what, given, expected] of cases)
    it(`are read from ${JSON.stringify(given)}: ${what}`, () => assert.deepEqual(fitting(wishes(given), hosts), expected));

  it('that are soft put the host that satisfies them first', () => {
    const busy = host('h2', { labels: { rack: 'r2' }, load: { cpu: 0.9, memoryUsedBytes: GiB, atMs: options.nowMs } });
    const placement = place(wishes({ Env: ['constraint:rack==~r2'] }), [host('h1'), busy], options);
    assert.equal(placement.kind === 'placed' && placement.decision.host, 'h2');
  });

  it('that fail everywhere say so host by host', () => {
    assert.equal(
      message(wishes({ Labels: { 'arpanet.constraints': 'node.labels.ssd==no' } }), hosts),
      'no host fits: h1: node.labels.ssd==no does not hold (node.labels.ssd is true); h2: node.labels.ssd==no does not hold (node.labels.ssd is not set)',
    );
    assert.equal(
      message(wishes({ Env: ['affinity:container==x'] }), hosts),
      'no host fits: h1: has no container x; h2: has no container x',
    );
  });

  it('that cannot be read are refused with the place they stand in', () => {
    const invalid = (error: unknown) => error instanceof ArpanetError && error.kind === 'invalid' && /^(env|label) /.test(error.message);
    for (const given of [
      { Env: ['constraint:rack'] },
      { Env: ['constraint:rack=r1'] },
      { Env: ['constraint:rack==/r[12/'] },
      { Labels: { 'arpanet.constraints': '[1]' } },
      { Labels: { 'com.docker.swarm.constraints': '["a==b"' } },
    ]) {
      assert.throws(() => wishes(given), invalid, JSON.stringify(given));
    }
  });

  it('match stars in time that does not run away', () => {
    assert(matches('a*b*c', 'axxbyyc') && matches('*', '') && matches('r*', 'r1') && !matches('a*a', 'a') && !matches('ab', 'abc'));
    const start = performance.now();
    assert(!matches('*a'.repeat(30) + 'b', 'a'.repeat(5000)));
    assert(performance.now() - start < promisedMs(200));
  });
});

describe('what must be together', () => {
  const hosts = [host('h1'), host('h2')];

  it('holds to the volume’s host, and a volume without data goes anywhere', () => {
    assert.deepEqual(
      fitting(
        request({
          volumesAt: [
            { volume: 'data', host: 'h2' },
            { volume: 'new', host: undefined },
          ],
        }),
        hosts,
      ),
      ['h2'],
    );
    assert.deepEqual(fitting(request({ volumesAt: [{ volume: 'new', host: undefined }] }), hosts), ['h1', 'h2']);
    assert.equal(
      message(request({ volumesAt: [{ volume: 'data', host: 'h3' }] }), [
        host('h1'),
        host('h3', { state: 'down', why: 'engine does not answer' }),
      ]),
      'no host fits: h1: volume data is on h3; h3: engine does not answer',
    );
  });

  it('holds to the host of the other container', () => {
    assert.deepEqual(fitting(request({ mustBeWith: [{ container: 'db', host: 'h1', because: 'volumes_from' }] }), hosts), ['h1']);
    assert.match(
      message(request({ mustBeWith: [{ container: 'db', host: undefined, because: 'ipc' }] }), hosts),
      /ipc needs container db, which is on no host/,
    );
  });

  it('names all parents when they are on different hosts', () => {
    const apart = request({
      mustBeWith: [{ container: 'db', host: 'h1', because: 'volumes_from' }],
      volumesAt: [{ volume: 'data', host: 'h2' }],
    });
    assert.equal(message(apart, hosts), 'no host fits: it must share a host with container db (volumes_from) on h1 and volume data on h2');
    const two = request({ mustBeWith: ['h1', 'h2'].map((on) => ({ container: `db-${on}`, host: on, because: 'volumes_from' })) });
    assert.match(
      message(two, hosts),
      /db-h1 \(volumes_from\) on h1 and container db-h2 .* on h2: create them again on one host \(-e constraint:node==h1\)$/,
    );
  });
});

describe('the most of a service on a host', () => {
  const wanted = placementRequest(identify({ name: 'abc_web_9', request: labelled('2'), taken: () => [] }), labelled('2'), {
    name: 'abc_web_9',
    volumesAt: [],
    mustBeWith: [],
    imageHosts: new Set<string>(),
  });
  const web = (number: number, more: Partial<PlacedContainer> = {}) => container(`abc_web_${number}`, { service: 'web', number, ...more });

  it('is counted by what runs or is about to, of that service alone', () => {
    const hosts = [
      host('full', { containers: [web(1), web(2, { state: 'created' })] }),
      host('one', { containers: [web(3), web(4, { state: 'stopped' }), container('db'), web(5, { deployment: 'xyz' })] }),
    ];
    assert.deepEqual(fitting(wanted, hosts), ['one']);
    assert.match(message(wanted, hosts.slice(0, 1)), /full.*has 2 of it, and may have 2/);
  });

  it('is a whole number from 1', () => {
    assert.throws(
      () =>
        placementRequest(identify({ name: 'x', request: labelled('0'), taken: () => [] }), labelled('0'), {
          name: 'x',
          volumesAt: [],
          mustBeWith: [],
          imageHosts: new Set<string>(),
        }),
      /arpanet.max-per-host is "0": it must be a whole number/,
    );
  });
});

describe('platform', () => {
  const hosts = [host('arm', { arch: 'aarch64' }), host('x86')];
  it('compares in Docker’s words, whatever uname says', () => {
    assert.deepEqual(fitting(request({ platform: 'linux/arm64' }), hosts), ['arm']);
    assert.deepEqual(fitting(request({ platform: 'linux/arm64/v8' }), hosts), ['arm']);
    assert.deepEqual(fitting(request({ platform: 'linux/amd64' }), hosts), ['x86']);
    assert.deepEqual(fitting(request({ platform: 'linux' }), hosts), ['arm', 'x86']);
    assert.equal(
      message(request({ platform: 'windows/amd64' }), hosts),
      'no host fits: arm: is linux/arm64, not windows/amd64; x86: is linux/amd64, not windows/amd64',
    );
  });
});
