import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster } from '../../../src/contracts/index.ts';
import { parseSelection, selectContainers } from '../../../src/docker-api/containers/select.ts';
import { showSummary } from '../../../src/docker-api/containers/show.ts';
import { parseFilters } from '../../../src/docker-api/reads/filters.ts';
import { createReads } from '../../../src/docker-api/reads/index.ts';
import type { ContainerSummary } from '../../../src/model/index.ts';
import {
  type LiteralContainer,
  literalCluster,
  literalContainer,
  literalHost,
  literalNetwork,
  zeroTime,
} from '../../support/fakes/literal-cluster.ts';
import type { GivenRoles } from '../../support/fakes/given-roles.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';

const id = (digit: string) => digit.repeat(64);
const exited = { Status: 'exited', Running: false, FinishedAt: '2026-01-01T00:00:30Z' };
const given: readonly LiteralContainer[] = [
  { id: id('a'), name: 'old', created: '2026-01-01T00:00:00Z', labels: { tier: 'back' }, networks: { abc_default: {} } },
  { id: id('b'), name: 'web', created: '2026-01-01T00:00:02.1Z', labels: { tier: 'front' }, state: { Health: { Status: 'healthy' } } },
  { id: id('c'), name: 'web2', created: '2026-01-01T00:00:02.09Z', host: 'h2', state: { Paused: true, Status: 'paused' } },
  { id: id('d'), name: 'done', created: '2026-01-01T00:00:03Z', state: { ...exited, ExitCode: 3 }, imageId: 'sha256:b2' },
  { id: id('e'), name: 'made', created: '2026-01-01T00:00:04Z', state: { Status: 'created', Running: false, StartedAt: zeroTime } },
  {
    id: `ab${'0'.repeat(62)}`,
    name: 'store',
    created: '2026-01-01T00:00:01Z',
    networks: { bridge: { NetworkID: 'engine-own' } },
    summary: {
      Mounts: [
        { Type: 'volume', Name: 'data', Source: '/var/lib/x', Destination: '/data' },
        { Type: 'bind', Source: '/srv', Destination: '/in' },
      ],
      Ports: [
        { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
        { PrivatePort: 53, Type: 'udp' },
      ],
    },
  },
];
const networks = new Map([
  ['abc_default', { own: id('f'), id: id('f'), name: 'abc_default' }],
  ['bridge', { own: id('9'), id: id('9'), name: 'bridge' }],
]);
const shown = given.map((one) => showSummary(literalContainer(one), networks, '1.41', '1.41'));

function names(
  filters: Record<string, readonly string[]>,
  query = 'all=1',
  imagesOf: (reference: string) => readonly string[] = () => [],
): readonly string[] {
  const selection = parseSelection(new URLSearchParams(query), parseFilters(JSON.stringify(filters)), '1.41');
  return selectContainers(shown, selection, imagesOf).map((one) => one.names[0]?.slice(1) ?? '');
}

describe('the containers that a list shows', () => {
  it('are the newest first, to the nanosecond', () => {
    assert.deepEqual(names({}), ['made', 'done', 'web', 'web2', 'store', 'old']);
  });

  it('are the running ones unless all, a limit or a status is asked for', () => {
    assert.deepEqual(names({}, ''), ['web', 'web2', 'store', 'old']);
    assert.deepEqual(names({}, 'limit=2'), ['made', 'done']);
    assert.deepEqual(names({}, 'limit=-1'), ['web', 'web2', 'store', 'old']);
    assert.deepEqual(names({ status: ['exited'] }, ''), ['done']);
    assert.deepEqual(names({ status: ['paused', 'created'] }, ''), ['made', 'web2']);
  });

  it('have a name that matches, with or without its slash', () => {
    assert.deepEqual(names({ name: ['web'] }), ['web', 'web2']);
    assert.deepEqual(names({ name: ['^/web$'] }), ['web']);
    assert.deepEqual(names({ name: ['^web$', 'old'] }), ['web', 'old']);
  });

  it('have the id that a prefix means, if it means one', () => {
    assert.deepEqual(names({ id: ['ab'] }), ['store']);
    assert.deepEqual(names({ id: ['a'] }), []);
    assert.deepEqual(names({ id: ['a'.repeat(64), 'b'], name: ['web'] }), ['web']);
  });

  it('have the labels, health, exit code', () => {
    assert.deepEqual(names({ label: ['tier=front'] }), ['web']);
    assert.deepEqual(names({ label: ['arpanet.host=h2'] }), ['web2']);
    assert.deepEqual(names({ health: ['healthy'] }), ['web']);
    assert.deepEqual(names({ health: ['none'] }), ['made', 'done', 'web2', 'store', 'old']);
    assert.deepEqual(names({ exited: ['3'] }), ['done']);
    assert.deepEqual(names({ exited: ['0'] }), []);
    assert.deepEqual(names({ 'is-task': ['true'] }), []);
    assert.equal(names({ 'is-task': ['false'] }).length, 6);
  });

  it("are on the network, by name or by the cluster's id", () => {
    assert.deepEqual(names({ network: ['abc_default'] }), ['old']);
    assert.deepEqual(names({ network: ['ffff'] }), ['old']);
    assert.deepEqual(names({ network: ['bridge'] }), ['store']);
    assert.deepEqual(names({ network: ['engine-own'] }), []);
  });

  it('mount the volume, by name, source or destination', () => {
    for (const volume of ['data', '/data', '/srv', '/in']) assert.deepEqual(names({ volume: [volume] }), ['store'], volume);
    assert.deepEqual(names({ volume: ['/var/lib/x'] }), []);
  });

  it('publish or expose the port', () => {
    for (const publish of ['8080', '8080/tcp', '8000-9000']) assert.deepEqual(names({ publish: [publish] }), ['store'], publish);
    for (const expose of ['80', '53/udp', '50-60/udp']) assert.deepEqual(names({ expose: [expose] }), ['store'], expose);
    for (const publish of ['80', '8080/udp', '53/udp']) assert.deepEqual(names({ publish: [publish] }), [], publish);
  });

  it('were made from the image or from one built on it', () => {
    assert.deepEqual(
      names({ ancestor: ['base'] }, 'all=1', () => ['sha256:b0', 'sha256:b2']),
      ['done'],
    );
    assert.deepEqual(names({ ancestor: ['unknown'] }), []);
  });

  it('are on the host', () => {
    assert.deepEqual(names({ node: ['h2'] }), ['web2']);
    assert.deepEqual(names({ node: ['h1', 'h2'], name: ['web'] }), ['web', 'web2']);
    assert.deepEqual(names({ node: ['h'] }), []);
  });

  it('stand before or since another', () => {
    assert.deepEqual(names({ before: ['web'] }), ['web2', 'store', 'old']);
    assert.deepEqual(names({ since: ['/web'] }), ['made', 'done']);
    assert.deepEqual(names({ since: [id('a')], before: ['web'] }), ['web2', 'store']);
    assert.deepEqual(names({ since: ['web'], before: ['old'] }), []);
    assert.deepEqual(names({ since: ['web'] }, 'limit=1'), ['made']);
    assert.throws(() => names({ before: ['gone'] }), { kind: 'not-found', message: 'No such container: gone' });
  });

  it("are refused in the Engine's words when the question is wrong", () => {
    const wrong: readonly (readonly [Record<string, readonly string[]>, string, string])[] = [
      [{ foo: ['a'] }, '', "invalid filter 'foo'"],
      [{ status: ['zz'] }, '', "invalid filter 'status=zz'"],
      [{ health: ['zz'] }, '', 'unrecognized filter value for health: zz'],
      [{ exited: ['a'] }, '', 'invalid filter \'exited=a\': strconv.Atoi: parsing "a": invalid syntax'],
      [{ 'is-task': ['a'] }, '', "invalid filter 'is-task=[a]'"],
      [{ publish: ['a:b'] }, '', "filter for 'publish' should not contain ':': a:b"],
      [{ expose: ['abc'] }, '', 'error while looking up for expose abc: strconv.ParseUint: parsing "abc": invalid syntax'],
      [{ expose: ['90-80'] }, '', 'error while looking up for expose 90-80: Invalid range specified for the Port: 90-80'],
      [{}, 'limit=x', 'strconv.Atoi: parsing "x": invalid syntax'],
    ];
    for (const [filters, query, message] of wrong) assert.throws(() => names(filters, query), { message });
  });
});

describe('GET /containers/json', () => {
  const nowMs = Date.parse('2026-01-01T00:00:40.6Z');

  async function list(known: GivenRoles<Cluster>, search = 'all=1'): Promise<ContainerSummary[]> {
    const reads = createReads(literalCluster(known), { now: () => nowMs, version: '0.1.0' });
    const answer = await reads.containerList(new URLSearchParams(search), {}, '1.41');
    assert.equal(answer.status, 200);
    return JSON.parse(answer.body.toString()) as ContainerSummary[];
  }

  it('computes each Status again, and shows the last one for a host that is down', async () => {
    const down = { id: id('8'), name: 'far', host: 'h3', hostState: 'down', created: '2025-01-01T00:00:00Z' } as const;
    const rows = await list({ containers: { list: () => [...given, down].map(literalContainer) } });
    assert.deepEqual(
      rows.map((row) => `${row.Names[0]} ${row.Status}`),
      [
        '/made Created',
        '/done Exited (3) 10 seconds ago',
        '/web Up 39 seconds (healthy)',
        '/web2 Up 39 seconds (Paused)',
        '/store Up 39 seconds',
        '/old Up 39 seconds',
        '/far Host down (was: Up 39 seconds)',
      ],
    );
  });

  it("shows cluster ids, the host as a label, the image by the user's name while it means this image, and none of our own labels", async () => {
    const labels = { 'arpanet.record': '{}', 'arpanet.instance': '1.web.abc', 'arpanet.service': 'web', a: 'b' };
    const networkIds = { abc_default: { NetworkID: 'engine-own', IPAMConfig: { IPv4Address: '10.32.0.7' }, IPAddress: '10.32.0.7' } };
    const rows = await list({
      containers: {
        list: () => [
          literalContainer({ id: id('1'), name: 'web', labels, networks: networkIds, image: 'app', imageId: 'sha256:1', host: 'h2' }),
          literalContainer({ id: id('2'), name: 'moved', image: 'app', imageId: 'sha256:0' }),
        ],
      },
      networks: { list: () => [{ record: literalNetwork(id('f'), 'abc_default'), members: [] }] },
      images: { find: (reference) => (reference === 'app' ? { id: 'sha256:1', holders: new Set(['h1']), hosts: ['h1'] } : undefined) },
    });
    const [moved, web] = rows;
    assert.deepEqual(web?.Labels, { 'arpanet.service': 'web', a: 'b', 'arpanet.host': 'h2' });
    assert.equal(web?.NetworkSettings?.Networks?.['abc_default']?.NetworkID, id('f'));
    assert.deepEqual([web?.Image, moved?.Image], ['app', 'sha256:0']);
  });

  it('names a container also as those do that link to it, on whichever host they are', async () => {
    const record = { ...literalRecord('web'), links: [{ target: 'db', alias: 'store' }] };
    const rows = await list({
      containers: {
        list: () => [literalContainer({ id: id('1'), name: 'db' }), literalContainer({ id: id('2'), name: 'web', host: 'h2', record })],
      },
    });
    assert.deepEqual(new Set(rows.map((row) => row.Names.join())), new Set(['/db,/web/store', '/web']));
  });

  it('answers although a host does not: sizes it cannot give are 0, and the host is named', async () => {
    const reads = createReads(
      literalCluster({
        hosts: { list: () => [literalHost('h1'), literalHost('h2', { state: 'down' })] },
        containers: { list: () => [literalContainer({ id: id('1'), name: 'web' })] },
        engines: {
          endpoint: () => {
            throw new Error('no way there');
          },
        },
      }),
      { now: () => nowMs, version: '0.1.0' },
    );
    const answer = await reads.containerList(new URLSearchParams('size=1'), {}, '1.41');
    assert.equal((JSON.parse(answer.body.toString()) as Record<string, unknown>[])[0]?.['SizeRootFs'], 0);
    assert.deepEqual(answer.warnings, ['host h2: down', 'host h1: no way there']);
  });
});
