/** People with certificates: what each role gets on each route, and that nobody stays who was removed. The Engine is one that knows everything of everybody. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import https from 'node:https';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ArpanetError, type PolicyRules } from '../../../src/model/index.ts';
import { ROUTES } from '../../../src/docker-api/routes.ts';
import { refuseRoute } from '../../../src/docker-api/access/route-access.ts';
import { type AuditLine, type Identity, type Client, policyFor, readTls, type Role } from '../../../src/security/index.ts';
import { operatorRoute } from '../../../src/operator-api/recorded-calls.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { until } from '../../support/cluster/cluster.ts';
import { literalContainer, literalNetwork } from '../../support/fakes/literal-cluster.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';
import { type Small, startSmall } from '../../support/fakes/small-engine.ts';

const [OWN, OTHER] = ['a'.repeat(64), 'b'.repeat(64)];
const env = { Config: { Env: ['PASSWORD=hunter2'], Image: 'web', Labels: {} } };
const containers = [
  literalContainer({ id: OWN, name: 'mine', record: { ...literalRecord('mine'), deployment: 'abc' }, inspect: env }),
  literalContainer({ id: OTHER, name: 'theirs', record: { ...literalRecord('theirs'), deployment: 'xyz' }, inspect: env }),
];
const networks = [
  { record: literalNetwork('1'.repeat(64), 'abc_default'), members: [] },
  { record: literalNetwork('2'.repeat(64), 'xyz_default', { deployment: 'xyz' }), members: [] },
];
const volumes = ['abc', 'xyz'].map((project) => ({
  record: { name: `${project}_data`, driver: 'local', labels: { 'com.docker.compose.project': project }, createdAtMs: 0 },
  name: `${project}_data`,
  host: 'h1',
  summary: undefined,
}));

interface Answer {
  readonly status: number;
  readonly body: string;
}

describe('people with certificates', () => {
  let dir: string;
  let small: Small;
  let follower: Small;
  let identity: Identity | undefined | 'nobody';
  let rules: Readonly<Partial<Record<Role, PolicyRules>>> = {};
  let areLimited = false;
  let changed: () => void = () => undefined;
  const heard: string[] = [];
  const peers: Client[] = [];
  const lines: AuditLine[] = [];
  let client: https.AgentOptions;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-people-'));
    makeCertificates(dir);
    const at = (name: string): string => join(dir, name);
    const tls = readTls({ ca: at('ca.pem'), cert: at('server-cert.pem'), key: at('server-key.pem') }, Date.now());
    const [ca, cert, key] = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(at(name))));
    client = { ca, cert, key };
    const of = containers.map(({ id, name }) => ({ Id: id, Names: [`/${name}`], ImageID: 'sha256:b1', Labels: {} }));
    const usage = {
      LayersSize: 1,
      Images: [{ Id: 'sha256:b1', Containers: 2, RepoTags: ['web:latest'], Labels: null }],
      Containers: of,
      Volumes: volumes.map(({ name }) => ({ Name: name, UsageData: { Size: 1 } })),
      BuildCache: [{ ID: 'x', Description: 'RUN echo hunter2' }],
    };
    const listener: RequestListener = (req, res) => {
      heard.push(`${req.method} ${req.url}`);
      if (req.url?.includes('/logs')) res.write('line\n');
      else if (req.url?.includes('/system/df')) res.end(JSON.stringify(usage));
      else res.end(req.url?.includes('/history') ? '[{"Id":"x","CreatedBy":"ENV PASSWORD=hunter2"}]' : '{}');
    };
    const doors = {
      people: () => ({
        identify(peer: Client) {
          peers.push(peer);
          if (identity === 'nobody') throw new ArpanetError('unauthorized', `${peer.user} was removed`);
          return identity;
        },
        policy: (role: Role) => policyFor(role, rules[role]),
        areLimited: () => areLimited,
        onChange: (listen: () => void) => void (changed = listen),
      }),
      secret: async () => 'of schedulers',
    };
    const listen = [
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: 0, isTls: true },
    ];
    const known = {
      containers: { list: () => containers },
      networks: { list: () => networks },
      volumes: {
        list: () => volumes,
        one(name: string) {
          const found = volumes.find((one) => one.name === name);
          if (found === undefined) throw new ArpanetError('not-found', `get ${name}: no such volume`);
          return found;
        },
      },
      images: { find: () => ({ id: 'sha256:b1', hosts: ['h1'], holders: new Set(['h1']) }) },
      services: { list: () => [] },
      secrets: { list: () => [] },
    };
    const pages = { metrics: () => 'arpanet_up 1\n', page: (_req: IncomingMessage, res: http.ServerResponse) => void res.end('the page') };
    const audit = { write: (line: AuditLine) => void lines.push(line), operatorRoute };
    small = await startSmall({ listener, known, deps: { listen, tls: { own: tls }, doors, audit, ...pages } });
    follower = await startSmall({ leads: false, deps: { listen, tls: { own: tls }, doors, audit, ...pages, name: 's2' } });
    follower.endpoint.follow(small.url);
  });
  after(async () => {
    await follower[Symbol.asyncDispose]();
    await small[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });
  beforeEach(() => {
    identity = undefined;
    rules = {};
    areLimited = false;
    heard.length = 0;
    small.asked.length = 0;
    peers.length = 0;
    lines.length = 0;
  });

  const portOf = (scheduler: Small): number => scheduler.endpoint.addresses[1]?.port ?? 0;

  async function ask(
    method: string,
    path: string,
    headers: http.OutgoingHttpHeaders = {},
    at = small,
    sent = '{}',
    kept?: https.Agent,
  ): Promise<Answer> {
    const agent = kept ?? new https.Agent({ ...client, keepAlive: false });
    const req = https.request({ ...client, agent, host: '127.0.0.1', port: portOf(at), method, path, headers });
    req.end(method === 'POST' || method === 'PUT' ? sent : undefined);
    const [answer] = (await once(req, 'response')) as [IncomingMessage];
    let body = '';
    answer.on('data', (chunk) => (body += String(chunk)));
    await once(answer, 'close');
    if (kept === undefined) agent.destroy();
    return { status: answer.statusCode ?? 0, body };
  }

  const json = { 'Content-Type': 'application/json' };
  const deployer: Identity = { name: 'ada', role: 'deployer', deployments: ['abc'] };

  it('each role is refused, in words, on each route that is not for it, and no Engine hears of it', async () => {
    for (const role of ['viewer', 'deployer'] as const) {
      identity = { name: 'ada', role, ...(role === 'deployer' && { deployments: ['abc'] }) };
      for (const route of ROUTES.filter(({ since }) => since === undefined)) {
        const refusal = refuseRoute(identity, route);
        if (refusal === undefined) continue;
        const path = route.path.replace(/\{id\}/, 'mine').replaceAll(/\{\w+\*?\}/g, 'abc_data');
        const got = await ask(route.method, path, json);
        assert.deepEqual(
          [route.path, got.status, route.method === 'HEAD' ? '' : got.body],
          [route.path, 403, route.method === 'HEAD' ? '' : `${JSON.stringify({ message: refusal })}\n`],
        );
      }
    }
    assert.deepEqual(heard, []);
  });

  it('what is another deployment’s is as what is not there, on each route, and no Engine hears of it', async () => {
    identity = deployer;
    const things: readonly (readonly [RegExp, string, string])[] = [
      [/^\/containers\/\{id\}/, 'theirs', 'nosuch'],
      [/^\/containers\/\{id\}/, OTHER, 'c'.repeat(64)],
      [/^\/containers\/\{id\}/, 'bbbb', 'cccc'],
      [/^\/networks\/\{id\}/, 'xyz_default', 'nosuch'],
      [/^\/volumes\/\{name\}/, 'xyz_data', 'nosuch'],
    ];
    for (const [pattern, theirs, missing] of things) {
      for (const route of ROUTES.filter(({ path }) => pattern.test(path))) {
        if (refuseRoute(identity, route) !== undefined) continue;
        const at = (name: string) => ask(route.method, route.path.replace(/\{\w+\}/, name), json);
        const [found, absent] = [await at(theirs), await at(missing)];
        assert.deepEqual({ ...found, body: found.body.replaceAll(theirs, missing) }, absent, `${route.method} ${route.path} ${theirs}`);
        assert.equal(absent.status >= 400 && absent.status < 500, true, `${route.method} ${route.path}: ${absent.status}`);
      }
    }
    const named = await ask('POST', '/commit?container=theirs', json);
    assert.equal(named.status, 404, named.body);
    assert.equal((await ask('POST', '/build?networkmode=container:theirs', { 'Content-Type': 'application/x-tar' })).status, 404);
    assert.deepEqual(heard, []);
  });

  it('lists, system df and counts have a deployer’s own only', async () => {
    identity = deployer;
    const all = await Promise.all(
      ['/containers/json?all=1', '/networks', '/volumes', '/system/df', '/info', '/services', '/secrets'].map((path) => ask('GET', path)),
    );
    for (const { status, body } of all) {
      assert.equal(status, 200, body);
      assert.doesNotMatch(body, /theirs|xyz|bbbbbb|hunter2/);
    }
    const [list, , , df, info] = all.map(({ body }) => body);
    assert.match(list ?? '', /mine/);
    assert.match(df ?? '', /"Containers":1/);
    assert.match(info ?? '', /"Containers":1,/);
    identity = { name: 'olga', role: 'operator' };
    assert.match((await ask('GET', '/containers/json?all=1')).body, /theirs/);
    identity = deployer;
    assert.doesNotMatch((await ask('GET', '/containers/json?all=1')).body, /theirs/, 'ready bytes are not another’s');
  });

  it('a create for another deployment, or with what is another’s in it, is refused and asks nobody', async () => {
    identity = deployer;
    const Labels = { 'com.docker.compose.project': 'abc' };
    const asks: readonly (readonly [number, object])[] = [
      [403, { Image: 'web' }],
      [403, { Image: 'web', Labels: { 'com.docker.compose.project': 'xyz' } }],
      [403, { Image: 'web', Labels, HostConfig: { Privileged: true } }],
      [403, { Image: 'web', Labels, HostConfig: { Binds: ['/var/run/docker.sock:/s'] } }],
      [403, { Image: 'web', Labels, NetworkingConfig: { EndpointsConfig: { host: {} } } }],
      [403, { Image: 'web', Labels, privileged: true, hostconfig: { pRIVILEGED: true } }],
      [403, { Image: 'web', Labels: { 'com.docker.compose.project': 'xyz', 'arpanet.deployment': 'abc' } }],
      [404, { Image: 'web', Labels, HostConfig: { NetworkMode: 'container:theirs' } }],
      [404, { Image: 'web', Labels, HostConfig: { VolumesFrom: [OTHER] } }],
      [404, { Image: 'web', Labels, HostConfig: { PidMode: 'container:bbbbbbbbbbbb' } }],
      [404, { Image: 'web', Labels, HostConfig: { Links: ['theirs:db'] } }],
      [404, { Image: 'web', Labels, HostConfig: { NetworkMode: 'xyz_default' } }],
      [404, { Image: 'web', Labels, NetworkingConfig: { EndpointsConfig: { ['2'.repeat(64)]: {} } } }],
      [409, { Image: 'web', Labels, HostConfig: { Binds: ['xyz_data:/data'] } }],
      [409, { Image: 'web', Labels, HostConfig: { Mounts: [{ Type: 'volume', Source: 'xyz_data', Target: '/data' }] } }],
      [
        403,
        {
          Image: 'web',
          Labels,
          HostConfig: {
            Mounts: [{ Type: 'volume', Source: 'n', Target: '/d', VolumeOptions: { Labels: { 'com.docker.compose.project': 'xyz' } } }],
          },
        },
      ],
      [404, { Image: 'web', Labels: { ...Labels, 'arpanet.files': '[{"kind":"secret","\\u0069d":"s1","path":"/x"}]' } }],
    ];
    for (const [status, body] of asks) {
      const agent = new https.Agent(client);
      const req = https.request({
        agent,
        host: '127.0.0.1',
        port: portOf(small),
        method: 'POST',
        path: '/containers/create',
        headers: json,
      });
      req.end(JSON.stringify(body));
      const [answer] = (await once(req, 'response')) as [IncomingMessage];
      let text = '';
      for await (const chunk of answer) text += String(chunk);
      agent.destroy();
      assert.equal(answer.statusCode, status, `${JSON.stringify(body)}: ${text}`);
    }
    assert.deepEqual([heard, small.asked], [[], []]);
  });

  it('what the policy for deployers refuses is refused on every route: it names rule and value, and asks nobody', async () => {
    identity = deployer;
    const Labels = { 'com.docker.compose.project': 'abc' };
    const asks: readonly (readonly [string, object, string])[] = [
      ['/containers/create', { Image: 'web', Labels, HostConfig: { CapAdd: ['SYS_ADMIN'] } }, 'HostConfig.CapAdd has "SYS_ADMIN"'],
      ['/containers/mine/exec', { Cmd: ['sh'], PRIVILEGED: true }, 'Privileged is true'],
      ['/containers/mine/update', { Devices: [{ PathOnHost: '/dev/sda' }] }, 'Devices is '],
      ['/volumes/create', { Name: 'v', Labels, DriverOpts: { type: 'none', o: 'bind', device: '/' } }, 'Driver or DriverOpts is '],
      ['/networks/create', { Name: 'n', Labels, Driver: 'macvlan' }, 'Driver is "macvlan"'],
      ['/build?networkmode=host', {}, 'networkmode is "host"'],
    ];
    for (const [path, body, rule] of asks) {
      const { status, body: text } = await ask('POST', path, json, small, JSON.stringify(body));
      const { message } = JSON.parse(text) as { readonly message: string };
      assert.deepEqual([path, status, message.startsWith(`refused by the policy for deployers: ${rule}`)], [path, 403, true], message);
    }
    assert.deepEqual([heard, small.asked], [[], []]);
    // a key that is given twice, in any case and at any depth, is one that two readers might read as two things
    for (const [path, body] of [
      ['/containers/mine/exec', '{"cmd":["sh"],"Privileged":true,"privileged":false}'],
      ['/containers/mine/update', '{"Memory":1,"\\u004demory":2}'],
      ['/containers/create', `{"Image":"web","Labels":${JSON.stringify(Labels)},"HostConfig":{"Binds":[],"binds":["/:/x"]}}`],
      ['/networks/create', '{"Name":"n","Labels":{"com.docker.compose.project":"abc","com.docker.compose.project":"xyz"}}'],
      ['/volumes/create', '{"Name":"v","Name":"xyz_data"}'],
      ['/services/create', '{"Name":"abc_s","TaskTemplate":{},"tasktemplate":{}}'],
    ] as const) {
      const { status, body: said } = await ask('POST', path, json, small, body);
      assert.deepEqual([path, status, /the key \\".*\\" is given twice/.test(said)], [path, 400, true], said);
    }
    assert.deepEqual([heard, small.asked], [[], []]);
    // keys in any case: as Go reads them, so is what the Engine gets
    await ask('POST', '/containers/mine/exec', json, small, '{"cmd":["sh"],"privileged":false}');
    assert.deepEqual(heard, [`POST /v1.41/containers/mine/exec`]);
  });

  it('a body is judged whole, however it comes, or refused: in pieces, empty, too large, of another type; and a start brings none', async () => {
    identity = deployer;
    const Labels = { 'com.docker.compose.project': 'abc' };
    const way = JSON.stringify({ Image: 'web', Labels, HostConfig: { Privileged: true } });
    const late = JSON.stringify({ Image: 'web', Labels, Env: ['x'.repeat(3 << 20)], HostConfig: { Privileged: true } });
    const large = JSON.stringify({ Image: 'web', Labels, Env: ['x'.repeat(5 << 20)], HostConfig: { Privileged: true } });
    const chunked = { ...json, 'Transfer-Encoding': 'chunked' };
    const exec = JSON.stringify({ Cmd: ['x'.repeat(3 << 20)], Privileged: true });
    for (const [status, path, headers, body] of [
      [403, '/containers/create', chunked, way],
      [403, '/containers/create', chunked, late],
      [413, '/containers/create', chunked, large],
      [413, '/containers/create', json, large],
      [400, '/containers/create', json, ''],
      [400, '/containers/create', chunked, ''],
      [400, '/containers/create', { 'Content-Type': 'text/plain' }, way],
      [400, '/containers/create', { 'Content-Type': 'application/x-www-form-urlencoded' }, way],
      [400, '/containers/create', json, `${way}${way}`],
      [403, '/containers/mine/exec', chunked, exec],
      [413, '/containers/mine/exec', chunked, JSON.stringify({ Cmd: ['x'.repeat(5 << 20)], Privileged: true })],
      [400, '/v1.23/containers/mine/start', json, '{"Privileged":true,"Binds":["/:/x"]}'],
    ] as const) {
      const got = await ask('POST', path, headers, small, body);
      assert.deepEqual([path, body.length, got.status], [path, body.length, status], got.body);
    }
    assert.deepEqual([heard, small.asked], [[], []]);
    // an Engine takes a HostConfig there below API 1.24 alone (moby, postContainersStart)
    await ask('POST', '/containers/mine/start', json, small, '{"Privileged":true}');
    assert.match(heard.join(), /^POST \/v1\.(?:2[4-9]|[3-9]\d)\/containers\/mine\/start$/);
  });

  it('what was set for a role counts at once, on every route, for operators too, and not for an admin', async () => {
    const Labels = { 'com.docker.compose.project': 'abc' };
    const refusedOn = async (path: string, body: object, method = 'POST'): Promise<string> => {
      const { status, body: text } = await ask(method, path, json, small, JSON.stringify(body));
      return status === 403 ? (JSON.parse(text) as { readonly message: string }).message : `${status}`;
    };
    rules = { deployer: { registries: ['corp'], labels: [] }, operator: { privileged: false, registries: ['corp'], hostNamespaces: [] } };
    for (const role of ['deployer', 'operator'] as const) {
      identity = role === 'deployer' ? deployer : { name: 'olga', role };
      const asks: readonly (readonly [string, object, RegExp])[] = [
        ['/containers/create', { Image: 'evil.example/x', Labels }, /Image is "evil\.example\/x" of evil\.example, and may be of corp$/],
        ['/containers/create', { Image: 'corp/x', Labels, HostConfig: { Privileged: true } }, /HostConfig\.Privileged is true/],
        ['/containers/create', { Image: 'corp/x', Labels, HostConfig: { NetworkMode: 'host' } }, /HostConfig\.NetworkMode is "host"/],
        ['/containers/mine/exec', { Cmd: ['sh'], PRIVILEGED: true }, /Privileged is true/],
        ['/images/create?fromImage=nginx&tag=1', {}, /fromImage is "nginx" of docker\.io, and may be of corp$/],
        ['/images/create?fromSrc=http://evil.example/x.tar', {}, /fromSrc is "http:/],
        ['/images/evil.example/x/push', {}, /the image is "evil\.example\/x"/],
        ['/build?t=x', {}, /a build pulls what its Dockerfile names/],
      ];
      for (const [path, body, rule] of asks) {
        const message = await refusedOn(path, body);
        assert.match(message, new RegExp(`^refused by the policy for ${role}s: .*${rule.source}`), path);
      }
    }
    assert.match(await refusedOn('/grpc', {}), /BuildKit/);
    assert.match(await refusedOn('/plugins/pull?remote=evil.example/p', []), /remote is "evil\.example\/p"/);
    identity = deployer;
    assert.match(
      await refusedOn('/containers/create', { Image: 'corp/x', Labels: { ...Labels, 'arpanet.reserve': 'cpus=1' } }),
      /Labels has/,
    );
    assert.match(await refusedOn('/networks/create', { Name: 'n', Labels: { ...Labels, 'arpanet.addresses': '9' } }), /Labels has/);
    assert.deepEqual([heard, small.asked], [[], []]);
    identity = { name: 'root', role: 'admin' };
    assert.notEqual((await ask('POST', '/containers/mine/exec', json, small, '{"Cmd":["sh"],"Privileged":true}')).status, 403);
  });

  it('a viewer sees no environment', async () => {
    identity = { name: 'vera', role: 'viewer' };
    for (const path of ['/containers/theirs/json', '/images/web/history', '/containers/json?all=1']) {
      const { status, body } = await ask('GET', path);
      assert.equal(status, 200, body);
      assert.doesNotMatch(body, /hunter2/, path);
    }
    assert.match((await ask('GET', '/containers/mine/json')).body, /"Env":\[\]/);
    assert.equal((await ask('GET', '/containers/mine/top?ps_args=auxe')).status, 403);
    identity = { name: 'olga', role: 'operator' };
    assert.match((await ask('GET', '/containers/mine/json')).body, /hunter2/);
  });

  it('who is removed is out at once: streams are cut, and a kept-alive connection and a resumed session are refused', async () => {
    for (const at of [small, follower]) {
      identity = deployer;
      const agent = new https.Agent({ ...client, keepAlive: true, maxSockets: 1, maxCachedSessions: 10 });
      const get = async (path: string): Promise<IncomingMessage> => {
        const req = https.get({ agent, host: '127.0.0.1', port: portOf(at), path });
        const [answer] = (await once(req, 'response')) as [IncomingMessage];
        return answer;
      };
      const first = await get('/containers/json');
      first.resume();
      await once(first, 'end');
      const streaming = https.get({ ...client, host: '127.0.0.1', port: portOf(at), path: '/containers/mine/logs?follow=1&stdout=1' });
      const [stream] = (await once(streaming, 'response')) as [IncomingMessage];
      stream.on('error', () => undefined).resume();
      await once(stream, 'data');
      const cut = new Promise((resolve) => stream.once('close', resolve));
      identity = 'nobody';
      changed();
      await cut;
      const kept = await get('/containers/json');
      assert.equal(kept.statusCode, 401);
      kept.resume();
      await once(kept, 'end');
      agent.destroy();
      assert.equal((await ask('GET', '/containers/json', {}, at)).status, 401);
    }
  });

  it('what any scheduler answers itself is for who the leader knows, too: a removed user gets no ping, page or metrics, and Prometheus has a certificate', async () => {
    const own = ['/_ping', '/v1.41/_ping', '/metrics', '/ui/', '/arpanet/v1/health'];
    for (const at of [small, follower]) {
      identity = { name: 'prometheus', role: 'viewer' };
      for (const path of own) assert.equal((await ask('GET', path, {}, at)).status, 200, path);
      assert.match((await ask('GET', '/metrics', {}, at)).body, /^arpanet_/);
      identity = deployer;
      assert.equal((await ask('GET', '/metrics', {}, at)).status, 403);
      assert.equal((await ask('GET', '/_ping', {}, at)).body, 'OK');
      identity = 'nobody';
      for (const path of own) assert.equal((await ask('GET', path, {}, at)).status, 401, path);
      assert.equal((await ask('HEAD', '/_ping', {}, at)).status, 401);
      // who has no certificate, by loopback, is an admin
      assert.equal((await fetch(`${at.url}/_ping`)).status, 200);
    }
    // while nobody leads, what the leader said last counts
    follower.endpoint.follow(undefined);
    for (const path of own) assert.equal((await ask('GET', path, {}, follower)).status, 401, path);
    follower.endpoint.follow(small.url);
  });

  it('a follower tells the leader who asks, and a client cannot say it', async () => {
    identity = deployer;
    const plain = await ask('GET', '/containers/json?all=1', {}, follower);
    assert.doesNotMatch(plain.body, /theirs/);
    assert.deepEqual(
      peers.map(({ user, from }) => [user, from.replace('::ffff:', '')]),
      [['one', '127.0.0.1']],
    );
    const text = Buffer.from('{"user":"root","kind":"","fingerprint":"","issuer":"","from":""}').toString('base64url');
    const claims = { 'Arpanet-Client': `${text}.AAAA`, 'Arpanet-Forwarded': 's2' };
    for (const at of [small, follower]) {
      peers.length = 0;
      assert.equal((await ask('GET', '/containers/json?all=1', claims, at)).status, 200);
      assert.deepEqual(
        peers.map(({ user }) => user),
        ['one'],
      );
      const req = http.get({
        host: '127.0.0.1',
        port: at.port,
        path: '/containers/json',
        headers: { 'Arpanet-Client': claims['Arpanet-Client'] },
        agent: false,
      });
      const [answer] = (await once(req, 'response')) as [IncomingMessage];
      answer.resume();
      assert.equal(answer.statusCode, 401, 'by a plain address');
    }
  });

  it('an Engine that fetches an address for a build, an import or a registry’s token is nobody’s admin by loopback, while some may not do everything', async () => {
    const asked = async (at: Small, agent: string, more = {}): Promise<number> => {
      const answer = await fetch(`${at.url}/containers/json`, { headers: { 'User-Agent': agent, ...more } });
      if (answer.status === 403)
        assert.match(await answer.text(), /fetches an address .*Unix socket of the scheduler, or with a certificate/);
      else await answer.text();
      return answer.status;
    };
    const go = 'Go-http-client/1.1';
    assert.equal(await asked(small, go), 200, 'nobody is limited');
    areLimited = true;
    // as 20.10, 26.1 and 28.5 were seen to say it
    for (const agent of [
      go,
      'docker/28.5.2 go/go1.27 UpstreamClient(Docker-Client/28.5.2 \\(linux\\))',
      'buildkit/v0.26',
      'containerd/2.1.0+x',
    ])
      for (const at of [small, follower]) assert.equal(await asked(at, agent), 403, agent);
    for (const agent of ['Docker-Client/20.10.24 (linux)', 'docker-compose/1.29.2 docker-py/5.0.3', 'curl/8.0', 'docker-sdk-python/5.0.3'])
      for (const at of [small, follower]) assert.equal(await asked(at, agent), 200, agent);
    assert.equal(await asked(small, go, { 'Arpanet-Forwarded': 's2', 'Arpanet-From': 'unix' }), 200, 'a socket of a follower');
    assert.equal((await ask('GET', '/containers/json', { 'User-Agent': go })).status, 200, 'a certificate says who it is');
    // buildx says nothing of itself (docker/buildx, driver/docker: ServerVersion, then /grpc); no Engine upgrades what it fetches
    for (const path of ['/v1.41/_ping', '/v1.41/version'])
      for (const at of [small, follower]) assert.equal((await fetch(at.url + path, { headers: { 'User-Agent': go } })).status, 200, path);
    const upgrade = { Connection: 'Upgrade', Upgrade: 'tcp', 'User-Agent': go };
    const at = { host: '127.0.0.1', port: small.port, agent: false };
    const attached = http.request({ ...at, method: 'POST', path: '/containers/mine/attach', headers: upgrade });
    const [attach] = (await once(attached.end(), 'response')) as [IncomingMessage];
    assert.equal(attach.resume().statusCode, 200);
    assert.equal((await fetch(`${small.url}/arpanet/v1/token?/_ping`, { headers: { 'User-Agent': go } })).status, 403);
    assert.deepEqual(
      lines
        .filter(({ result }) => result === 'refused')
        .map(({ scheduler, status }) => [scheduler, status])
        .slice(-1),
      [['s1', 403]],
    );
  });

  it('who has a certificate and no name here is an admin, as who comes by loopback', async () => {
    assert.match((await ask('GET', '/containers/json?all=1')).body, /theirs/);
    await until('it was asked who this is', () => peers.length > 0);
  });

  it('what is ready for who sees everything is nobody else’s, on a connection that is kept while roles change', async () => {
    const agent = new https.Agent({ ...client, keepAlive: true, maxSockets: 1 });
    const list = async () => await ask('GET', '/containers/json?all=1', {}, small, '', agent);
    try {
      for (const who of [undefined, { name: 'ada', role: 'operator' }, { name: 'ada', role: 'admin' }] as const) {
        identity = who;
        for (let times = 3; times > 0; times--) assert.match((await list()).body, /theirs/);
      }
      identity = deployer;
      assert.doesNotMatch((await list()).body, /theirs/);
      identity = { name: 'ada', role: 'viewer', deployments: ['abc'] };
      assert.doesNotMatch((await list()).body, /theirs/);
      identity = 'nobody';
      assert.equal((await list()).status, 401);
    } finally {
      agent.destroy();
    }
  });

  it('the audit log has each call that changes something and each refused one, once, with who, what and where, and no secret', async () => {
    identity = deployer;
    const secret = 'hunter2';
    const headers = { ...json, 'X-Registry-Auth': secret, 'Arpanet-From': secret };
    await ask('GET', `/containers/mine/json?size=0&x=${secret}`, headers);
    await ask('POST', `/containers/mine/stop?signal=${secret}`, headers, follower);
    await ask('POST', '/containers/mine/exec', headers, small, `{"Cmd":["${secret}"],"Env":["P=${secret}"]}`);
    await ask('POST', `/containers/theirs/start?detachKeys=${secret}`, headers);
    await ask('GET', `/containers/theirs/json?x=${secret}`, headers, follower);
    await ask('POST', '/containers/create?name=new', headers, small, `{"Image":"web","Env":["P=${secret}"]}`);
    await ask('POST', `/arpanet/v1/hosts/h1/drain?x=${secret}`, headers, small, `{"a":"${secret}"}`);
    await ask('POST', `/nowhere/${secret}`, headers);
    await ask('GET', '/containers/json', { ...headers, Origin: 'https://evil.example' }, follower);
    const upgrade = { Connection: 'Upgrade', Upgrade: 'tcp' };
    await ask('POST', `/containers/mine/attach?detachKeys=${secret}`, upgrade, follower);
    identity = { name: 'vera', role: 'viewer' };
    await ask('POST', `/containers/theirs/attach?detachKeys=${secret}`, upgrade);
    identity = 'nobody';
    await ask('GET', '/info', headers);
    await until('all are written', () => lines.length >= 11);
    const by = lines.map(({ user = '', route, object = '', deployment = '', host = '', result, status, scheduler, method }) =>
      [scheduler, user, method, route, object, deployment, host, result, status].join(' '),
    );
    assert.deepEqual(by.toSorted(), [
      's1 ada GET /containers/{id}/json theirs xyz h1 refused 404',
      's1 ada POST /arpanet/v1/hosts/:host/drain h1  h1 done 200',
      's1 ada POST /containers/create new   refused 403',
      's1 ada POST /containers/{id}/attach mine abc h1 done 200',
      's1 ada POST /containers/{id}/exec mine abc h1 done 200',
      's1 ada POST /containers/{id}/start theirs xyz h1 refused 404',
      's1 ada POST /containers/{id}/stop mine abc h1 done 200',
      's1 ada POST other    failed 404',
      's1 one GET /info    refused 401',
      's1 vera POST /containers/{id}/attach theirs xyz h1 refused 403',
      's2  GET /containers/json    refused 403',
    ]);
    assert.doesNotMatch(JSON.stringify(lines), new RegExp(secret));
    assert.ok(
      lines.every(({ from }) => from.includes('127.0.0.1')),
      JSON.stringify(lines),
    );
    assert.equal(new Set(lines.map(({ requestId }) => requestId)).size, lines.length);
  });
});
