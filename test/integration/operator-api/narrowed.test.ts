/** `/arpanet/v1` for people with roles: of who is limited to deployments the rest does not exist, and what is made obeys the policy of the role. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ArpanetError, type PolicyRules, type ServiceView } from '../../../src/model/index.ts';
import { operatorApi, type OperatorDeps, type Part } from '../../../src/operator-api/api.ts';
import { narrowedFor } from '../../../src/processes/people/narrowed.ts';
import type { StatusReport, TopReport } from '../../../src/operator-api/index.ts';
import { type Identity, noteIdentity, policyFor, type Role } from '../../../src/security/index.ts';
import { until } from '../../support/cluster/cluster.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { literalCluster, literalContainer, literalHost, literalNetwork } from '../../support/fakes/literal-cluster.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';
import { literalObserved } from '../../support/fakes/literal-observed.ts';

const OF = ['abc', 'xyz'] as const;
const idOf = (deployment: string): string => (deployment === 'abc' ? 'a' : 'b').repeat(64);
const containers = OF.map((deployment) =>
  literalContainer({ id: idOf(deployment), name: `${deployment}_web_1`, record: { ...literalRecord(`${deployment}_web_1`), deployment } }),
);
const networks = OF.map((deployment) => literalNetwork(idOf(deployment), `${deployment}_default`, { deployment }));
const services = OF.map((deployment, at): ServiceView => {
  const template = {
    name: `${deployment}_web_1`,
    number: 1,
    request: { Image: 'web', Labels: { 'com.docker.compose.project': deployment } },
  };
  const instances = containers.slice(at, at + 1);
  return { deployment, service: 'web', record: undefined, desired: 1, template, instances, outdated: [], trouble: undefined };
});

describe('the operator’s API for people with roles', () => {
  let url: string;
  let identity: Identity | undefined;
  let rules: Partial<Record<Role, PolicyRules>> = {};
  const asked: string[] = [];
  /** What the view and the Engines say. */
  const changed = new EventEmitter();
  const note =
    (what: string) =>
    async (...given: readonly unknown[]) => {
      asked.push(`${what} ${JSON.stringify(given[0])}`);
      return {} as never;
    };
  const cluster = literalCluster({
    view: { version: () => 1, onChange: (listener) => void changed.on('change', listener) },
    events: { listen: (listener) => void changed.on('event', listener) },
    containers: {
      list: () => containers,
      one: (name) => containers.find((one) => one.name === name || one.id === name) ?? notFound(`No such container: ${name}`),
    },
    networks: { list: () => networks.map((record) => ({ record, members: [] })) },
    volumes: { list: () => [] },
    images: { find: () => undefined },
    secrets: { list: () => [] },
    services: {
      list: () => services,
      find: (name) =>
        services.find(({ deployment, service }) => `${deployment}/${service}` === name) ?? notFound(`no such service: ${name}`),
      scale: note('scale'),
      scalePlan: () => ({}) as never,
      power: note('power'),
      rollback: note('rollback'),
      remove: note('rm'),
      update: note('update'),
      create: note('create'),
      canaries: { summary: () => undefined } as never,
    },
  });
  const notFound = (message: string): never => {
    throw new ArpanetError('not-found', message);
  };
  const room = { services: cluster.services, secrets: cluster.secrets, replicas: cluster.replicas };
  const people = { policy: (role: Role) => policyFor(role, rules[role]) };
  const instances = containers.map(({ id, name }, at) => ({ container: id, name, deployment: OF[at], service: 'web', ready: true }));
  // of both also in abc's network, as where xyz has it as an external one
  const leases = [
    ...OF.map((deployment) => ({ network: idOf(deployment), kind: 'instance', owner: `${deployment}_web_1`, ip: '10.0.0.9' })),
    ...OF.map((deployment) => ({ network: idOf('abc'), kind: 'service', owner: `${deployment}/web`, ip: '10.0.0.10' })),
    { network: idOf('abc'), kind: 'instance', owner: 'xyz_web_1', ip: '10.0.0.11' },
    { network: idOf('abc'), kind: 'of xyz, and of a later release', owner: 'xyz', ip: '10.0.0.12' },
  ];
  const ended = new AbortController();
  const whole: Part = {
    observe: () =>
      literalObserved({
        hosts: [literalHost('h1', { leftOut: ['container xyz_web_1 cannot be read'] })],
        containers,
        networks,
        instances: instances as never,
        leases: leases as never,
      }),
    container: cluster.containers.one,
    decision: (name) =>
      containers.some((one) => one.name === name)
        ? ({ host: 'h1', refused: [], scored: [] } as never)
        : notFound(`No such container: ${name}`),
    rehearse: note('rehearse'),
    services: () => cluster.services,
    live: () => ({
      observe: () => whole.observe(),
      rows: () => new Map(),
      onChange: cluster.view.onChange,
      onEvent: cluster.events.listen,
      ended: ended.signal,
    }),
  };
  const deps = {
    ...whole,
    ready: async () => undefined,
    narrowed: (one: Identity) => narrowedFor({ scheduler: cluster as never, services: room as never, people }, whole, one),
    usage: async () => containers.map(({ id }) => ({ id, cores: 0.5, memoryBytes: 1 << 20 })),
    now: () => 0,
    policies: () => ({ shown: () => ({}) }),
    log: quietLog,
  };
  const api = operatorApi(deps as unknown as OperatorDeps);
  const server = createServer((req, res) => {
    if (identity !== undefined) noteIdentity(req, identity);
    api(req, res);
  });
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/arpanet/v1`;
  });
  after(() => void server.close());
  beforeEach(() => {
    asked.length = 0;
    rules = {};
  });
  const ask = async (method: string, path: string, body?: object): Promise<{ readonly status: number; readonly text: string }> => {
    const answer = await fetch(url + path, { method, ...(body && { body: JSON.stringify(body) }) });
    return { status: answer.status, text: await answer.text() };
  };
  const ada: Identity = { name: 'ada', role: 'deployer', deployments: ['abc'] };

  it('a deployer sees and changes what is in its deployments', async () => {
    identity = ada;
    for (const path of ['/services', '/services?of=abc', '/networks', '/names', '/hosts', '/explain/abc_web_1', '/policy']) {
      const { status, text } = await ask('GET', path);
      assert.equal(status, 200, `${path}: ${text}`);
      assert.doesNotMatch(text, /xyz|bbbb/, path);
      if (path !== '/policy') assert.match(text, /abc|h1/, path);
    }
    assert.match((await ask('GET', '/hosts')).text, /"containers":1/);
    assert.match((await ask('GET', '/networks')).text, /"owner":"abc\/web"/);
    assert.equal((await ask('POST', '/services/scale', { counts: ['web=3'] })).status, 200);
    assert.equal((await ask('POST', '/services/rm', { services: ['abc'] })).status, 200);
    const creates = [
      {
        name: 'abc_web_2',
        request: { Image: 'web', Labels: { 'com.docker.compose.project': 'abc' }, NetworkingConfig: { EndpointsConfig: { abc_new: {} } } },
      },
    ];
    assert.equal((await ask('POST', '/rehearse', { creates, networks: [{ Name: 'abc_new' }] })).status, 200);
    assert.deepEqual(
      asked.map((line) => line.slice(0, 24)),
      ['scale ["abc/web=3"]', 'rm ["abc/web"]', 'rehearse [{"name":"abc_w'],
    );
  });

  it('status, top and watch are of its deployments alone, without what other deployments make of the hosts', async () => {
    for (const one of [ada, { ...ada, role: 'viewer' } as const]) {
      identity = one;
      for (const path of ['/status', '/top', '/hosts']) {
        const { status, text } = await ask('GET', path);
        assert.equal(status, 200, `${path}: ${text}`);
        assert.match(text, /h1/);
        assert.doesNotMatch(text, /xyz|bbbb|embedded|"cpuLoad"|"memoryUsedBytes"/, path);
      }
      const { deployments, networks, addresses } = JSON.parse((await ask('GET', '/status')).text) as StatusReport;
      assert.deepEqual([deployments.map(({ name }) => name), networks, addresses], [['abc'], 1, 1]);
      const top = JSON.parse((await ask('GET', '/top')).text) as TopReport;
      assert.deepEqual(
        top.containers.map(({ name }) => name),
        ['abc_web_1'],
      );
    }
    identity = { name: 'vera', role: 'viewer' };
    for (const path of ['/status', '/top']) assert.match((await ask('GET', path)).text, /xyz.*|"cpuLoad":0.25/, path);
  });

  it('a watch says what happens in its deployments, beside another’s watch of other ones', async () => {
    const stop = new AbortController();
    const heard = { ada: '', bob: '' };
    const listen = async (name: 'ada' | 'bob', deployment: string): Promise<void> => {
      identity = { name, role: 'deployer', deployments: [deployment] };
      const answer = await fetch(`${url}/watch`, { signal: stop.signal });
      assert.equal(answer.status, 200);
      const decoder = new TextDecoder();
      void (async () => {
        for await (const piece of answer.body ?? []) heard[name] += decoder.decode(piece as Uint8Array, { stream: true });
      })().catch(() => undefined);
    };
    await listen('ada', 'abc');
    await listen('bob', 'xyz');
    const event = (id: string, more: object) => ({
      host: 'h1',
      event: { Type: 'container', Action: 'die', Actor: { ID: id, Attributes: more } },
    });
    changed.emit('event', event(idOf('xyz'), { name: 'xyz_web_1' }));
    changed.emit('event', event('gone', { name: 'xyz_old', 'com.docker.compose.project': 'xyz' }));
    changed.emit('event', event(idOf('abc'), { name: 'abc_web_1' }));
    await until('both heard of their own', () => /event: event/.test(heard.ada) && /xyz_old/.test(heard.bob));
    stop.abort();
    assert.match(heard.ada, /"whole":true/);
    assert.match(heard.ada, /service\/abc\/web.*"name":"abc_web_1"/s);
    assert.doesNotMatch(heard.ada, /xyz|bbbb|"cpuLoad"/);
    assert.doesNotMatch(heard.bob, /abc_|aaaa/);
  });

  it('what is another’s is answered as what is not there, on each route, and nobody is asked', async () => {
    identity = ada;
    const asks: readonly (readonly [string, string, object?])[] = [
      ['GET', '/services?of=xyz'],
      ['GET', '/services/scale?count=xyz/web=3'],
      ['GET', '/explain/xyz_web_1'],
      ['POST', '/services/scale', { counts: ['xyz/web=3'] }],
      ['POST', '/services/rm', { services: ['xyz'] }],
      ['POST', '/services/stop', { services: ['xyz/web'] }],
      ['POST', '/services/rollback', { services: ['xyz/web'] }],
      ['POST', '/services/update', { services: ['xyz/web'], image: 'evil' }],
      ['POST', '/services/replace', { service: 'xyz/web', desired: 1, template: { name: 'n', number: 1, request: { Image: 'evil' } } }],
      [
        'POST',
        '/rehearse',
        {
          creates: [
            {
              name: 'n',
              request: { Image: 'x', Labels: { 'com.docker.compose.project': 'abc' }, HostConfig: { NetworkMode: 'xyz_default' } },
            },
          ],
        },
      ],
    ];
    for (const [method, path, body] of asks) {
      const missing = (text: string): string => text.replaceAll('xyz', 'nosuch');
      const theirs = await ask(method, path, body);
      const absent = await ask(method, missing(path), body && (JSON.parse(missing(JSON.stringify(body))) as object));
      assert.deepEqual({ ...theirs, text: missing(theirs.text) }, absent, path);
      assert.equal(absent.status, 404, `${path}: ${absent.text}`);
    }
    const create = { service: 'xyz/agent', isGlobal: true, template: { name: 'n', number: 1, request: { Image: 'web' } } };
    assert.equal((await ask('POST', '/services/create', create)).status, 403);
    const foreign = [{ name: 'n', request: { Image: 'web', Labels: { 'com.docker.compose.project': 'xyz' } } }];
    assert.equal((await ask('POST', '/rehearse', { creates: foreign })).status, 403);
    assert.deepEqual(asked, []);
  });

  it('the rest of it is of all deployments, and a viewer changes nothing', async () => {
    identity = ada;
    for (const path of ['/records', '/config', '/audit', '/users', '/token', '/backup', '/hosts/h1', '/dial', '/rebalance'])
      assert.equal((await ask('GET', path)).status, 403, path);
    for (const path of ['/hosts/h1/drain', '/hosts', '/records', '/audit/fix', '/services/web/rm'])
      assert.ok([403, 404].includes((await ask('POST', path, {})).status), path);
    identity = { name: 'vera', role: 'viewer', deployments: ['abc'] };
    assert.equal((await ask('GET', '/services')).status, 200);
    for (const path of ['/services/scale', '/services/rm', '/services/update', '/rehearse'])
      assert.equal((await ask('POST', path, {})).status, 403, path);
    assert.deepEqual(asked, []);
  });

  it('what a deploy and an update put into containers obeys the policy of who asks', async () => {
    const template = {
      name: 'n',
      number: 1,
      request: { Image: 'web', Labels: { 'com.docker.compose.project': 'abc' }, HostConfig: { Privileged: true } },
    };
    const replace = { service: 'abc/web', desired: 1, template };
    identity = ada;
    assert.match(
      (await ask('POST', '/services/replace', replace)).text,
      /refused by the policy for deployers: HostConfig\.Privileged is true/,
    );
    identity = { name: 'olga', role: 'operator' };
    assert.equal((await ask('POST', '/services/replace', replace)).status, 200);
    assert.equal(asked.length, 1);
    rules = { operator: { privileged: false, registries: ['corp'] } };
    assert.match(
      (await ask('POST', '/services/replace', replace)).text,
      /refused by the policy for operators: HostConfig\.Privileged is true/,
    );
    assert.match((await ask('POST', '/services/update', { services: ['abc/web'], image: 'evil.example/x' })).text, /Image is .*evil/);
    identity = undefined;
    assert.equal((await ask('POST', '/services/replace', replace)).status, 200);
    assert.equal(asked.length, 2);
  });
});
