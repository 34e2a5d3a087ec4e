/**
 * Every route as each role, over the whole of a leader: wrong roles, names of others, tricks with paths, bodies of wrong types. Whoever asks, nothing is an unexpected
 * error; and to who is limited to deployments what is another's is answered as what is not there.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { ROUTES } from '../../../src/docker-api/routes.ts';
import { keys } from '../../../src/model/index.ts';
import { ROUTE_DOCS } from '../../../src/operator-api/openapi/routes.ts';
import { type Client, CLIENT_HEADER, type Identity, policyFor, signClient } from '../../../src/security/index.ts';
import { type FakeEndpoint, SCHEDULERS_SECRET, startFakeEndpoint } from '../../support/fakes/fake-endpoint.ts';
import { chanceOf } from '../../support/fuzz.ts';

const PEOPLE: Readonly<Record<string, Identity | undefined>> = {
  vera: { name: 'vera', role: 'viewer', deployments: ['abc'] },
  ada: { name: 'ada', role: 'deployer', deployments: ['abc'] },
  olga: { name: 'olga', role: 'operator' },
  root: { name: 'root', role: 'admin' },
};
const LIMITED = ['vera', 'ada'] as const;

/** What never ends, or ends the test's own hosts. */
const ENDLESS = /\/(?:events|stats|wait|attach|attach\/ws|watch|agent)$|^\/session$|^\/grpc$/;

interface Answer {
  readonly status: number;
  readonly said: string;
}

async function asked(at: FakeEndpoint, user: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const requestId = randomUUID();
  const client: Client = { user, kind: 'client', fingerprint: user, issuer: '', from: '10.0.0.9' };
  const sent = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return await new Promise((resolve, reject) => {
    const req = http.request({
      host: '127.0.0.1',
      port: at.port,
      method,
      path,
      headers: {
        'Arpanet-Request-Id': requestId,
        'Arpanet-Forwarded': 's2',
        [CLIENT_HEADER]: signClient(SCHEDULERS_SECRET, client, { method, url: path, requestId }),
        ...(sent !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(sent) }),
      },
    });
    const answered = (res: IncomingMessage): void => {
      text(res).then((said) => resolve({ status: res.statusCode ?? 0, said }), reject);
    };
    req.on('response', answered).on('error', reject).end(sent);
  });
}

async function world(): Promise<FakeEndpoint> {
  const at = await startFakeEndpoint(1, {}, { identify: ({ user }) => PEOPLE[user], policy: (role) => policyFor(role, undefined) });
  for (const deployment of ['abc', 'xyz']) {
    const Labels = { 'com.docker.compose.project': deployment };
    for (const [path, body] of [
      [`/networks/create`, { Name: `${deployment}_net`, Labels }],
      [`/volumes/create`, { Name: `${deployment}_vol`, Labels }],
      [`/containers/create?name=${deployment}_web_1`, { Image: 'busybox', Labels, HostConfig: { NetworkMode: `${deployment}_net` } }],
    ] as const) {
      const made = await asked(at, 'root', 'POST', path, body);
      assert.equal(made.status, 201, made.said);
    }
  }
  return at;
}

/** Of each route: its address with this in the place of what it names. */
const routes = [
  ...ROUTES.map(({ method, path }) => ({ method, path })),
  ...ROUTE_DOCS.map(({ method, path }) => ({ method: method.toUpperCase(), path: `/arpanet/v1${path}` })),
].filter(({ path }) => !ENDLESS.test(path));
const kindOf = (path: string): string => (path.startsWith('/networks') ? 'net' : path.startsWith('/volumes') ? 'vol' : 'web_1');
const filled = (path: string, name: string): string => path.replaceAll(/\{[\w*]+\}|:[a-z]+\b/gi, name);

describe('every route as each role', () => {
  it('what is another’s is answered as what is not there', async () => {
    await using at = await world();
    const others = () => JSON.stringify([keys.containers, keys.networks, keys.volumes].map((of) => at.cluster.ledger.list(of)));
    const before = others();
    for (const user of LIMITED) {
      assert.equal((await asked(at, user, 'GET', '/containers/abc_web_1/json')).status, 200);
      for (const { method, path } of routes) {
        if (!/\{|:[a-z]/i.test(path)) continue;
        const theirs = `xyz_${kindOf(path)}`;
        const body = method === 'GET' || method === 'HEAD' || method === 'DELETE' ? undefined : {};
        const found = await asked(at, user, method, filled(path, theirs), body);
        const absent = await asked(at, user, method, filled(path, theirs.replace('xyz', 'nop')), body);
        const shown = { ...found, said: found.said.replaceAll('xyz', 'nop') };
        assert.deepEqual(shown, absent, `${user} ${method} ${path}`);
        assert.ok(found.status < 500 || found.status === 501, `${user} ${method} ${path}: ${found.status} ${found.said}`);
      }
    }
    assert.equal(others(), before);
    assert.deepEqual(at.unexpected, []);
  });

  it('no trick with a path leads to it', async () => {
    await using at = await world();
    const id = at.cluster.scheduler.containers.one('xyz_web_1').id;
    const tricks = [
      '/containers/abc_web_1/../xyz_web_1/json',
      '/containers/abc_web_1%2f..%2fxyz_web_1/json',
      '//containers//xyz_web_1//json',
      '/./containers/./xyz_web_1/json',
      '/v1.41/../containers/xyz_web_1/json',
      '/containers/%78yz_web_1/json',
      '/containers/xyz_web_1%00/json',
      '/containers//xyz_web_1/json',
      '/containers/%2fxyz_web_1/json',
      '/containers/h1%2fxyz_web_1/json',
      '/containers/h1/xyz_web_1/json',
      `/containers/${id}/json`,
      `/containers/${id.slice(0, 12)}/json`,
      `/containers/${id.toUpperCase()}/json`,
      '/CONTAINERS/xyz_web_1/json',
      '/containers/xyz_web_1/json/',
      '/containers/xyz_web_1/json;x=1',
      '/containers/json?all=1&filters={"name":["xyz"]}',
      '/containers/json?all=1&filters={"network":["xyz_net"]}',
      '/containers/json?all=1&all=0&filters={"volume":["xyz_vol"]}',
      '/networks?filters={"label":["com.docker.compose.project=xyz"]}',
      '/arpanet/v1/services?of=xyz',
      '/arpanet/v1/../../containers/xyz_web_1/json',
      '/arpanet/v1/%75sers',
      '/arpanet/v1/Users',
      '/arpanet/v1/services/../users',
      '/arpanet/v1//users',
      'http://elsewhere/containers/xyz_web_1/json',
    ];
    for (const user of LIMITED)
      for (const path of tricks) {
        const { status, said } = await asked(at, user, 'GET', path);
        assert.ok(status < 500, `${user} ${path}: ${status} ${said}`);
        assert.ok(status !== 200 || !/xyz|vera/.test(said), `${user} ${path}: ${said.slice(0, 300)}`);
        assert.equal(said.includes(id) && !path.includes(id), false, path);
      }
    assert.deepEqual(at.unexpected, []);
  });

  it('bodies and queries of wrong types are no unexpected error of any role, and leave nothing behind', async () => {
    await using at = await world();
    const bodies = [
      'null',
      '[]',
      '"x"',
      '1',
      '{',
      '',
      '[[]]',
      '{"Labels":1,"HostConfig":[]}',
      '{"services":{},"counts":1,"creates":[null],"policy":7}',
    ];
    const chance = chanceOf(7);
    const names = () => at.cluster.ledger.list(keys.containers).map(([key]) => key);
    const before = names();
    for (const user of ['vera', 'ada', 'olga'])
      for (const { method, path } of routes) {
        // who may do everything may end hosts and containers
        if (user === 'olga' && (method === 'DELETE' || /hosts|prune|rm$|\/kill|rename/.test(path))) continue;
        const query = chance.pick(['', '?filters=%7B', '?filters=[]', '?all=x&limit=y&t=-1&size=%00', '?force=maybe&signal=999999']);
        const target = filled(path, chance.pick(['xyz_web_1', 'nosuch', '%20', '-', 'a'.repeat(300)])) + query;
        const body = method === 'GET' || method === 'HEAD' ? undefined : chance.pick(bodies);
        const { status, said } = await asked(at, user, method, target, body);
        // an Engine itself answers 500 to a limit that is no number
        assert.ok(
          status < 500 || [501, 503].includes(status) || said.includes('strconv'),
          `${user} ${method} ${target} ${body}: ${status} ${said}`,
        );
        assert.doesNotMatch(said, /internal error|arpanet failed on this request/);
      }
    assert.deepEqual(names(), before);
    assert.deepEqual(at.unexpected, []);
  });
});
