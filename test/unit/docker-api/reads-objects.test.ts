import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '../../../src/contracts/index.ts';
import type { ClusterVolume } from '../../../src/model/index.ts';
import { borderImages, parseImageQuery, sameSecond, selectImages } from '../../../src/docker-api/images/list.ts';
import { createReads, parseFilters, type Reads } from '../../../src/docker-api/reads/index.ts';
import { ArpanetError, type ContainerRecord, type VolumeRecord } from '../../../src/model/index.ts';
import { literalCluster, literalContainer, literalHost, literalImage, literalNetwork } from '../../support/fakes/literal-cluster.ts';
import type { GivenRoles } from '../../support/fakes/given-roles.ts';

type Row = Readonly<Record<string, unknown>>;
type Filters = Readonly<Record<string, readonly string[]>>;

const nowMs = Date.parse('2026-01-02T00:00:00Z');
const readsOf = (known: GivenRoles<Cluster>): Reads => createReads(literalCluster(known), { now: () => nowMs, version: '0.1.0' });
const search = (filters: Filters, more = ''): URLSearchParams =>
  new URLSearchParams(`${more}&filters=${encodeURIComponent(JSON.stringify(filters))}`);
const json = async (answer: ReturnType<Reads['imageList']>): Promise<unknown> => JSON.parse((await answer).body.toString());

describe('GET /images/json', () => {
  const app = literalImage('sha256:app', ['app:1', 'app:latest'], { Created: 300, Labels: { made: 'here' }, ParentId: 'sha256:mid' });
  const cluster: GivenRoles<Cluster> = {
    hosts: {
      list: () => [
        literalHost('h1', {
          images: [
            app,
            literalImage('sha256:mid', ['<none>:<none>'], { Created: 200, ParentId: 'sha256:base' }),
            literalImage('sha256:old', ['app:latest'], { Created: 150 }),
            literalImage('sha256:base', ['docker.example/base:2'], { Created: 100 }),
          ],
        }),
        literalHost('h2', {
          images: [
            { ...app, ParentId: '', RepoTags: ['app:1', 'app:copy'], RepoDigests: ['app@sha256:d1'] },
            literalImage('sha256:lost', null, { Created: 50, RepoDigests: ['<none>@<none>'] }),
          ],
        }),
        literalHost('h3', { state: 'down', images: [literalImage('sha256:far', ['far:1'])] }),
      ],
    },
    images: {
      tags: () => new Map([['app:latest', 'sha256:app']]),
      find: (reference) => {
        const known = ({ app: 'sha256:app', old: 'sha256:old', base: 'sha256:base' } as Record<string, string>)[reference];
        return known === undefined ? undefined : { id: known, holders: new Set(['h1']), hosts: ['h1'] };
      },
    },
  };
  const rows = async (filters: Filters, more = '', api = '1.41') =>
    (await json(readsOf(cluster).imageList(search(filters, more), {}, api))) as Row[];
  const ids = async (filters: Filters, more = '') => (await rows(filters, more)).map((row) => String(row['Id']).slice(7));

  it('shows an image of several hosts once, with the names that mean it in the cluster', async () => {
    const [first] = await rows({});
    assert.deepEqual(first, {
      ...app,
      RepoTags: ['app:1', 'app:copy', 'app:latest'],
      RepoDigests: ['app@sha256:d1'],
      VirtualSize: 7,
    });
  });

  it('shows newest first, without what other images are built on, unless all', async () => {
    assert.deepEqual(await ids({}), ['app', 'old', 'base', 'lost']);
    assert.deepEqual(await ids({}, 'all=1'), ['app', 'mid', 'old', 'base', 'lost']);
  });

  it('gives a tag to the newest image that has it; the one that lost it is dangling', async () => {
    const old = (await rows({})).find((row) => row['Id'] === 'sha256:old');
    assert.deepEqual([old?.['RepoTags'], old?.['RepoDigests']], [['<none>:<none>'], ['<none>@<none>']]);
    assert.deepEqual(await ids({ dangling: ['true'] }), ['old', 'lost']);
    assert.deepEqual(await ids({ dangling: ['false'] }), ['app', 'base']);
  });

  it('filters by the host that has it, as classic Swarm did', async () => {
    assert.deepEqual(await ids({ node: ['h2'] }), ['app', 'lost']);
    assert.deepEqual(await ids({ node: ['h2', 'h1'] }), ['app', 'old', 'base', 'lost']);
    assert.deepEqual(await ids({ node: ['h'] }), []);
  });

  it('filters by label, reference, age', async () => {
    assert.deepEqual(await ids({ label: ['made=here'] }), ['app']);
    assert.deepEqual(await ids({ reference: ['app'] }), ['app']);
    assert.deepEqual(await ids({ reference: ['docker.example/*'] }), ['base']);
    assert.deepEqual((await rows({ reference: ['app:1*', '*:copy'] }))[0]?.['RepoTags'], ['app:1', 'app:copy']);
    assert.deepEqual(await ids({ before: ['old'] }), ['base', 'lost']);
    assert.deepEqual(await ids({ since: ['base'] }), ['app', 'old']);
    assert.deepEqual(await ids({ until: ['160'] }), ['old', 'base', 'lost']);
    await assert.rejects(async () => ids({ before: ['gone'] }), { kind: 'not-found', message: 'No such image: gone:latest' });
    await assert.rejects(async () => ids({ name: ['x'] }), { message: "invalid filter 'name'" });
  });

  it('orders images of the same second by their own times', () => {
    const [first, second, other] = [1, 2, 3].map((n) => literalImage(`sha256:${n}`, [`i:${n}`], { Created: n === 3 ? 90 : 100 }));
    assert.ok(first !== undefined && second !== undefined && other !== undefined);
    const images = [first, second, other];
    const query = (name: string) => parseImageQuery(new URLSearchParams(), parseFilters(JSON.stringify({ [name]: ['one'] })), '1.41');
    assert.deepEqual(
      sameSecond(
        images,
        borderImages(query('since'), () => first),
      ),
      [first.Id, second.Id],
    );
    assert.deepEqual(
      sameSecond(
        images,
        borderImages(query('since'), () => other),
      ),
      [],
    );
    const exact = new Map([[first.Id, 100.25] as const, [second.Id, 100.5] as const]);
    const chosen = (name: string, border: typeof first) => selectImages(images, query(name), () => border, exact, 0).map(({ Id }) => Id);
    assert.deepEqual(chosen('since', first), [second.Id]);
    assert.deepEqual(chosen('since', second), []);
    assert.deepEqual(chosen('before', second), [first.Id, other.Id]);
  });

  it('has the shape of each API version', async () => {
    const dangling = async (api: string) => (await rows({ dangling: ['true'] }, '', api))[0];
    assert.deepEqual((await dangling('1.43'))?.['RepoTags'], []);
    assert.ok('VirtualSize' in ((await dangling('1.43')) ?? {}));
    assert.ok(!('VirtualSize' in ((await dangling('1.44')) ?? {})));
    const legacy = await json(readsOf(cluster).imageList(new URLSearchParams('filter=app'), {}, '1.40'));
    assert.equal((legacy as Row[]).length, 1);
  });
});

describe('networks', () => {
  const id = 'f'.repeat(64);
  const record = literalNetwork(id, 'abc_back', { gateway: '10.32.0.9', ipRange: '10.32.1.0/24', auxAddresses: { printer: '10.32.0.5' } });
  const members = [{ id: 'c1', name: 'abc_web_1', endpointId: 'e1', mac: '02:42', ip: '10.32.0.7', ipv6: '' }];
  const cluster: GivenRoles<Cluster> = {
    networks: {
      list: () => [
        { record: { ...record, labels: { a: '1' }, internal: true }, members },
        { record: literalNetwork('e'.repeat(64), 'empty', { createdAtMs: nowMs }), members: [] },
      ],
    },
    containers: {
      list: () => [
        literalContainer({
          id: 'c2',
          name: 'lone',
          networks: { bridge: { EndpointID: 'e2', MacAddress: '02:43', IPAddress: '172.17.0.2', IPPrefixLen: 16 } },
        }),
      ],
    },
  };
  const list = async (filters: Filters, api = '1.41') => (await json(readsOf(cluster).networkList(search(filters), {}, api))) as Row[];
  const names = async (filters: Filters) => (await list(filters)).map((row) => row['Name']);
  const inspect = async (reference: string, query = '') =>
    (await json(readsOf(cluster).networkInspect(new URLSearchParams(query), { id: reference }, '1.41'))) as Row;

  it("are the cluster's, and those that every host has, once", async () => {
    assert.deepEqual(await names({}), ['abc_back', 'bridge', 'empty', 'host', 'none']);
    const [bridge] = await list({ name: ['bridge'] });
    assert.match(String(bridge?.['Id']), /^[0-9a-f]{64}$/);
  });

  it("have the Engine's shape", async () => {
    assert.deepEqual(await inspect('abc_back'), {
      Name: 'abc_back',
      Id: id,
      Created: '1970-01-01T00:00:00.000Z',
      Scope: 'local',
      Driver: 'bridge',
      EnableIPv6: false,
      IPAM: {
        Driver: 'default',
        Options: null,
        Config: [{ Subnet: '10.32.0.0/22', IPRange: '10.32.1.0/24', Gateway: '10.32.0.9', AuxiliaryAddresses: { printer: '10.32.0.5' } }],
      },
      Internal: true,
      Attachable: false,
      Ingress: false,
      ConfigFrom: { Network: '' },
      ConfigOnly: false,
      Containers: { c1: { Name: 'abc_web_1', EndpointID: 'e1', MacAddress: '02:42', IPv4Address: '10.32.0.7/22', IPv6Address: '' } },
      Options: {},
      Labels: { a: '1' },
    });
  });

  it('show what was asked of IPAM, and no gateway that was not', async () => {
    const config = { Subnet: '2001:389::/64', Gateway: '2001:389::1' };
    const asked = { isSubnetAsked: true, ipamOptions: { a: 'b' }, ipv6: { cidr: '2001:389::/64', isEnabled: true, config } } as const;
    const six = { ...members[0], id: 'c3', name: 'x', endpointId: '', mac: '', ip: '10.32.0.8', ipv6: '2001:389::a20:8/64' };
    const networks = () => [{ record: literalNetwork(id, 'abc_six', asked), members: [six] }];
    const shown = (await json(
      readsOf({ networks: { list: networks } }).networkInspect(new URLSearchParams(), { id: 'abc_six' }, '1.41'),
    )) as Row;
    assert.equal(shown['EnableIPv6'], true);
    assert.deepEqual(shown['IPAM'], { Driver: 'default', Options: { a: 'b' }, Config: [{ Subnet: '10.32.0.0/22' }, config] });
    assert.equal((shown['Containers'] as Record<string, Row>)['c3']?.['IPv6Address'], '2001:389::a20:8/64');
  });

  it('show the one of those who named none as a part of bridge, under its id', async () => {
    const shared = literalNetwork(id, 'default_default', { implicit: true, deployment: 'default' });
    const reads = readsOf({ ...cluster, networks: { list: () => [{ record: shared, members }] } });
    const rows = (await json(reads.networkList(new URLSearchParams(), {}, '1.41'))) as Row[];
    assert.deepEqual(
      rows.map((row) => row['Name']),
      ['bridge', 'host', 'none'],
    );
    for (const reference of ['bridge', 'default_default', id, String(rows[0]?.['Id'])]) {
      const found = (await json(reads.networkInspect(new URLSearchParams(), { id: reference }, '1.41'))) as Row;
      assert.deepEqual([found['Name'], found['Id']], ['bridge', rows[0]?.['Id']], reference);
      assert.deepEqual(found['IPAM'], { Driver: 'default', Options: null, Config: [{ Subnet: '10.32.0.0/22', Gateway: '10.32.0.1' }] });
      assert.deepEqual(Object.keys(found['Containers'] as Row), ['c2', 'c1']);
    }
  });

  it('show their members when inspected, and in lists before 1.28', async () => {
    assert.deepEqual((await inspect('bridge'))['Containers'], {
      c2: { Name: 'lone', EndpointID: 'e2', MacAddress: '02:43', IPv4Address: '172.17.0.2/16', IPv6Address: '' },
    });
    assert.deepEqual((await list({ name: ['bridge'] }))[0]?.['Containers'], {});
    assert.equal(Object.keys((await list({ name: ['bridge'] }, '1.27'))[0]?.['Containers'] as Row).length, 1);
  });

  it('are filtered as by the Engine, and those in use are recognised', async () => {
    assert.deepEqual(await names({ type: ['custom'] }), ['abc_back', 'empty']);
    assert.deepEqual(await names({ type: ['builtin'] }), ['bridge', 'host', 'none']);
    assert.deepEqual(await names({ driver: ['null'] }), ['none']);
    assert.deepEqual(await names({ name: ['^a', 'mpt'] }), ['abc_back', 'empty']);
    assert.deepEqual(await names({ id: ['ffff'] }), ['abc_back']);
    assert.deepEqual(await names({ label: ['a=1'] }), ['abc_back']);
    assert.deepEqual(await names({ scope: ['swarm'] }), []);
    assert.deepEqual(await names({ dangling: ['true'] }), ['empty']);
    assert.deepEqual(await names({ dangling: ['0'] }), ['abc_back', 'bridge', 'host', 'none']);
    await assert.rejects(async () => names({ type: ['x'] }), { engineStatus: 500, message: "invalid filter: 'type'='x'" });
    await assert.rejects(async () => names({ dangling: ['x'] }), { kind: 'invalid', message: /must be "true"/ });
    await assert.rejects(async () => names({ dangling: ['1', '0'] }), { message: 'got more than one value for filter key "dangling"' });
  });

  it('are filtered by the hosts that have containers of theirs', async () => {
    const one = { id: 'c9', name: 'abc_web_1', host: 'h2', record: { addresses: { [id]: '10.32.0.7' } } as unknown as ContainerRecord };
    const known: GivenRoles<Cluster> = {
      ...cluster,
      containers: { list: () => [literalContainer(one)] },
      hosts: { list: () => [literalHost('h1'), literalHost('h2')] },
    };
    const on = async (...node: string[]) =>
      ((await json(readsOf(known).networkList(search({ node }), {}, '1.41'))) as Row[]).map((row) => row['Name']);
    assert.deepEqual(await on('h2'), ['abc_back', 'bridge', 'host', 'none']);
    assert.deepEqual(await on('h1'), ['bridge', 'host', 'none']);
    assert.deepEqual(await on('h3'), []);
  });

  it('are found by name, id, and prefix of the id; not in another scope', async () => {
    const bridgeId = String((await inspect('bridge'))['Id']);
    assert.equal((await inspect(bridgeId.slice(0, 8)))['Name'], 'bridge');
    assert.equal((await inspect(id))['Name'], 'abc_back');
    assert.equal((await inspect('abc_back', 'scope=local'))['Name'], 'abc_back');
    await assert.rejects(inspect('abc_back', 'scope=global'), { kind: 'not-found', message: 'network abc_back not found' });
    await assert.rejects(inspect('gone'), { kind: 'not-found', message: 'network gone not found' });
  });

  it('have scope swarm where a client of services looks for it: asked for so, or made for services', async () => {
    const scopeOf = async (name: string, query = '') => (await inspect(name, query))['Scope'];
    assert.deepEqual([await scopeOf('abc_back'), await scopeOf('abc_back', 'scope=swarm')], ['local', 'swarm']);
    for (const name of ['host', 'bridge']) assert.equal(await scopeOf(name, 'scope=swarm'), 'swarm', name);
    await assert.rejects(inspect('none', 'scope=swarm'), { kind: 'not-found' });
    const made = [
      literalNetwork('a'.repeat(64), 'public', { driver: 'overlay' }),
      literalNetwork('b'.repeat(64), 'asked', { scope: 'swarm' }),
    ];
    const reads = readsOf({ ...cluster, networks: { list: () => made.map((record) => ({ record, members: [] })) } });
    const listed = (await json(reads.networkList(search({ scope: ['swarm'] }), {}, '1.41'))) as Row[];
    assert.deepEqual(
      listed.map(({ Name, Scope }) => [Name, Scope]),
      [
        ['asked', 'swarm'],
        ['public', 'swarm'],
      ],
    );
    await assert.rejects(async () => reads.networkInspect(new URLSearchParams('scope=local'), { id: 'public' }, '1.41'), {
      kind: 'not-found',
    });
  });

  it('that a project’s containers share when they name none has compose’s labels, so that compose uses it', async () => {
    const record = literalNetwork(id, 'abc_default', { implicit: true });
    const reads = readsOf({ ...cluster, networks: { list: () => [{ record, members: [] }] } });
    const labels = { 'com.docker.compose.project': 'abc', 'com.docker.compose.network': 'default' };
    const shown = (await json(reads.networkInspect(new URLSearchParams(), { id: 'abc_default' }, '1.41'))) as Row;
    assert.deepEqual(shown['Labels'], labels);
    const found = (await json(reads.networkList(search({ label: ['com.docker.compose.project=abc'] }), {}, '1.41'))) as Row[];
    assert.deepEqual(
      found.map(({ Name }) => Name),
      ['abc_default'],
    );
  });
});

describe('volumes', () => {
  const summary = {
    Name: 'data',
    Driver: 'local',
    Mountpoint: '/v/data/_data',
    Labels: { a: '1' },
    Options: null,
    Scope: 'local',
    CreatedAt: 'then',
  };
  const record: VolumeRecord = { name: 'later', driver: 'nfs', options: { o: '1' }, createdAtMs: nowMs };
  const volumes: readonly ClusterVolume[] = [
    { record, name: 'later', host: undefined, summary: undefined },
    { record: undefined, name: 'data', host: 'h2', summary },
  ];
  const cluster: GivenRoles<Cluster> = {
    volumes: {
      list: () => volumes,
      one: (name) => {
        const found = volumes.find((one) => one.name === name);
        if (found === undefined) throw new ArpanetError('not-found', `get ${name}: no such volume`);
        return found;
      },
    },
    containers: {
      list: () => [literalContainer({ id: 'c', name: 'x', inspect: { Mounts: [{ Type: 'volume', Name: 'data', Destination: '/d' }] } })],
    },
  };
  const names = async (filters: Filters) =>
    ((await json(readsOf(cluster).volumeList(search(filters), {}, '1.41'))) as { Volumes: Row[] }).Volumes.map((row) => row['Name']);

  it('are listed with and without a host', async () => {
    assert.deepEqual(await json(readsOf(cluster).volumeList(new URLSearchParams(), {}, '1.41')), {
      Volumes: [
        summary,
        {
          CreatedAt: '2026-01-02T00:00:00Z',
          Driver: 'nfs',
          Labels: null,
          Mountpoint: '',
          Name: 'later',
          Options: { o: '1' },
          Scope: 'local',
        },
      ],
      Warnings: null,
    });
  });

  it('are filtered as the Engine does', async () => {
    assert.deepEqual(await names({ name: ['at'] }), ['data', 'later']);
    assert.deepEqual(await names({ driver: ['nfs'] }), ['later']);
    assert.deepEqual(await names({ label: ['a'] }), ['data']);
    assert.deepEqual(await names({ dangling: ['true'] }), ['later']);
    assert.deepEqual(await names({ dangling: ['0'] }), ['data']);
    assert.deepEqual([await names({ node: ['h2'] }), await names({ node: ['h'] })], [['data'], []]);
    await assert.rejects(async () => names({ dangling: ['x'] }), { message: "invalid filter 'dangling=[x]'" });
  });

  it('name their host when inspected', async () => {
    const inspect = async (name: string) => json(readsOf(cluster).volumeInspect(new URLSearchParams(), { name }, '1.41'));
    assert.deepEqual(await inspect('data'), { ...summary, Status: { 'arpanet.host': 'h2' } });
    assert.ok(!('Status' in ((await inspect('later')) as Row)));
    await assert.rejects(inspect('gone'), { message: 'get gone: no such volume' });
  });
});
