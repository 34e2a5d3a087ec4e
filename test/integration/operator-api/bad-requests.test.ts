/** What no client should send to `/arpanet/v1`: each is refused as what it is, and nothing of it goes on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ArpanetError } from '../../../src/model/index.ts';
import { operatorApi, type OperatorDeps } from '../../../src/operator-api/api.ts';
import { openApi } from '../../../src/operator-api/openapi/document.ts';
import { ROUTE_DOCS } from '../../../src/operator-api/openapi/routes.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { talk } from '../../support/fakes/small-engine.ts';

/** Every route that the reference has with a body, with its example, which the route takes; and a few forms that it does not show. */
const ROUTES: readonly (readonly [method: string, path: string, body: Readonly<Record<string, unknown>>])[] = [
  ...ROUTE_DOCS.flatMap(({ method, path, body }) =>
    body === undefined
      ? []
      : [[method.toUpperCase(), path.replaceAll(/:\w+/g, 'h1'), body.example as Readonly<Record<string, unknown>>] as const],
  ),
  [
    'POST',
    '/services/update',
    { services: ['abc/web'], image: 'web:2', env: ['A=1'], force: true, settings: { parallelism: 2, order: 'stop-first', delayMs: 5 } },
  ],
  [
    'POST',
    '/services/replace',
    { service: 'abc/web', desired: 2, template: { name: 'abc-web-1', number: 1, request: { Image: 'web' } }, settings: { drainMs: 5 } },
  ],
  [
    'POST',
    '/hosts',
    { name: 'h9', address: '10.0.0.9', availability: 'active', labels: { a: 'b', c: null }, limits: { cpus: 2, memoryBytes: null } },
  ],
  ['POST', '/hosts/h1/clean', { all: true, volumes: false, networks: true }],
  ['POST', '/rebalance', { max: 3 }],
];
const { paths: PATHS } = openApi('0.1.0') as unknown as {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, { readonly content: object }>> }>>>
  >;
};
/** As wrong as a value can be. */
const WRONG: readonly unknown[] = [
  5,
  -1,
  1e300,
  1.5,
  'x',
  '',
  true,
  null,
  [],
  {},
  [null],
  [5],
  { a: 5 },
  { a: null },
  JSON.parse('{"__proto__":{"a":5}}'),
];

describe('the operator API', () => {
  const reached: unknown[] = [];
  /** Whatever is asked of the cluster is only remembered. */
  const remembers = new Proxy(
    {},
    {
      get: (_target, name) =>
        name === 'then' ? undefined : (...given: readonly unknown[]) => (reached.push(given), answerOf(String(name))),
    },
  );
  const answerOf = (name: string): unknown => {
    if (name === 'find') {
      const template = { name: 'abc-web-1', number: 1, request: { Image: 'web' } };
      return { deployment: 'abc', service: 'web', template, instances: [], outdated: [], desired: 1 };
    }
    return name === 'update' || name === 'rollback'
      ? Promise.resolve({ done: Promise.resolve('ended') })
      : name === 'list'
        ? []
        : Promise.resolve({});
  };
  /** What is not here is remembered too. */
  const orRemembered = (deps: object): OperatorDeps =>
    new Proxy(deps, {
      get: (target, name) => (Object.hasOwn(target, name) ? (Reflect.get(target, name) as unknown) : () => remembers),
    }) as OperatorDeps;
  const services = new Proxy(remembers, {
    get: (target, name) => (name === 'canaries' ? remembers : (Reflect.get(target, name) as unknown)),
  });
  const unexpected: unknown[] = [];
  const log = Object.create(quietLog, { error: { value: (what: unknown) => unexpected.push(what) } }) as OperatorDeps['log'];
  const server = createServer(
    operatorApi(
      orRemembered({
        ready: async () => undefined,
        observe: () => ({ ...({} as ReturnType<OperatorDeps['observe']>), instances: [], hosts: [], containers: [] }),
        services: () => services as ReturnType<OperatorDeps['services']>,
        hostOperations: () => remembers as ReturnType<OperatorDeps['hostOperations']>,
        outside: () => remembers as ReturnType<OperatorDeps['outside']>,
        config: () => remembers as ReturnType<OperatorDeps['config']>,
        rehearse: async (creates: unknown) => (reached.push(creates), []),
        peer: (peer: unknown) => void reached.push(peer),
        joining: () => ({ version: '0.1.0', place: () => ({ url: 'http://s1' }), check: () => [], paths: () => [] }),
        keysFor: () => undefined,
        policies: () => ({ shown: () => ({}), set: async () => undefined, test: () => [] }),
        join: async () => ({}),
        issueToken: async () => ({}),
        bundle: () => 'bundle',
        boot: () => remembers,
        terminals: remembers,
        engine: remembers,
        decision: () => {
          throw new ArpanetError('not-found', 'no such container');
        },
        now: Date.now,
        log,
        operations: undefined,
      }),
    ),
  );
  let port = 0;
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  after(() => server.close().closeAllConnections());

  const send = async (method: string, path: string, body: string | Buffer, headers: Record<string, string> = {}) => {
    const init = { method, body, headers: { 'Content-Type': 'application/json', ...headers } };
    const answer = await fetch(`http://127.0.0.1:${port}/arpanet/v1${path}`, init);
    const [type = ''] = (answer.headers.get('content-type') ?? '').split(';');
    return { status: answer.status, text: await answer.text(), type };
  };

  it('takes what is right, on every route', async () => {
    for (const [method, path, body] of ROUTES) {
      const { status, text, type } = await send(method, path, JSON.stringify(body));
      // the code of the example is nobody's
      assert.equal(status, path === '/session' ? 401 : 200, `${path}: ${text}`);
      assert.doesNotMatch(text, /"error"/, path);
      assert.ok(typesOf(method, path).includes(type), `${method} ${path} is answered as ${type}, which the reference does not say`);
    }
  });

  it('refuses with 400 what is no JSON, no object, nested without end, or of a broken address; nothing is unexpected', async () => {
    for (const [method, path] of ROUTES) {
      for (const body of [
        '{',
        '{"a":',
        'x',
        '5',
        '"x"',
        '[]',
        '{} x',
        '['.repeat(50_000),
        '{"a":'.repeat(12_000),
        Buffer.from([0xff, 0xfe]),
      ]) {
        const { status, text } = await send(method, path, body);
        assert.equal(status, 400, `${path} ${String(body).slice(0, 20)}: ${status} ${text}`);
        assert.match(text, /"message":"[^"]/);
      }
    }
    for (const method of ['GET', 'POST', 'DELETE']) {
      for (const path of ['/explain/%zz', '/hosts/%', '/services?of=%zz', '/services?%', '/config/%E0%A4%A', '/nowhere/%zz']) {
        const answer = await talk(port, `${method} /arpanet/v1${path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n`);
        assert.match(answer, /^HTTP\/1\.1 400 [^]*\{"message":"(?:malformed escape|invalid URL escape)/, path);
      }
    }
    assert.deepEqual(unexpected, []);
  });

  it('reads JSON of any charset that is named, and refuses more than it takes as too large', async () => {
    const body = JSON.stringify({ value: 'spread' });
    for (const type of ['application/json; charset=klingon', 'application/json;charset', 'text/plain', ';;'])
      assert.equal((await send('PUT', '/config/strategy', body, { 'Content-Type': type })).status, 200, type);
    assert.equal((await send('PUT', '/config/strategy', JSON.stringify({ value: 'x'.repeat(5 << 20) }))).status, 413);
    assert.equal((await send('PUT', '/config/strategy', JSON.stringify({ value: 'x'.repeat(200_000) }))).status, 200);
    assert.deepEqual(unexpected, []);
  });

  it('changes nothing for an If-Match that is stale, on each change that the reference says so of, and ignores it on no other', async () => {
    reached.length = 0;
    for (const { method, path, body, isGuarded = false } of ROUTE_DOCS) {
      if (method === 'get') continue;
      const given = JSON.stringify(body?.example ?? {}).replace('"abc/web=3","abc/worker+1"', '"abc/web=3"');
      const { status, text } = await send(method.toUpperCase(), path.replaceAll(/:\w+/g, 'h1'), given, { 'If-Match': '"another"' });
      // the host is not there, either
      assert.equal(status, isGuarded ? (path.startsWith('/hosts/') ? 404 : 412) : 400, `${method} ${path}: ${text}`);
      if (!isGuarded) assert.match(text, /takes no If-Match/);
    }
    assert.deepEqual(
      reached.filter((given) => JSON.stringify(given).includes('web=3')),
      [],
    );
  });

  it('answers no wrong value of any field with 5xx', async () => {
    const places = ROUTES.flatMap(([method, path, body]) => pathsOf(body).map((at) => ({ method, path, body, at })));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.oneof(fc.constantFrom(...WRONG), fc.jsonValue()),
        async ({ method, path, body, at }, wrong) => {
          const { status, text } = await send(method, path, JSON.stringify(withValue(body, at, wrong)));
          assert.ok(
            status < 500 && !text.includes('internal error'),
            `${path} ${at.join('.')} ${JSON.stringify(wrong)}: ${status} ${text}`,
          );
        },
      ),
      { seed: 12, numRuns: 1_500 },
    );
    assert.deepEqual(unexpected, []);
  });
});

/** What the reference says that an answer is. */
function typesOf(method: string, path: string): readonly string[] {
  const methods = Object.entries(PATHS).find(([one]) => new RegExp(`^${one.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path))?.[1];
  return Object.keys(methods?.[method.toLowerCase()]?.responses['200']?.content ?? {});
}

/** The way to every value of a body. */
function pathsOf(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  const inner =
    typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...at, key])) : [];
  return at.length === 0 ? inner : [at, ...inner];
}

function withValue(body: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(body)) return body.map((one: unknown, i) => (String(i) === key ? withValue(one, rest, value) : one));
  return { ...(body as object), [key]: withValue((body as Readonly<Record<string, unknown>>)[key], rest, value) };
}
