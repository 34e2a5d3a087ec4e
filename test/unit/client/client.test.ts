/** arpanet/client as others import it: the package's own JavaScript and types, against a server of plain answers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { type Change, createClient, fetchSend, RequestError } from 'arpanet/client';

describe('arpanet/client', () => {
  type Answer = (request: IncomingMessage, response: ServerResponse) => void;
  let answer: Answer = (_request, response) => response.end();
  const asked: { readonly method: string; readonly path: string; readonly headers: IncomingMessage['headers']; readonly body: string }[] =
    [];
  const server = createServer(async (request, response) => {
    asked.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: await text(request) });
    answer(request, response);
  });
  let cluster = createClient(fetchSend());
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cluster = createClient(fetchSend(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
  });
  after(() => server.close().closeAllConnections());

  const says =
    (value: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
    (_request, response) =>
      response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value));
  const lines =
    (...values: readonly unknown[]): Answer =>
    (_request, response) =>
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' }).end(values.map((one) => `${JSON.stringify(one)}\n`).join(''));

  it('waits for the head of a stream as long as it is told, and for its lines without a limit', async () => {
    const timeoutMs = 1_000;
    answer = (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' }).flushHeaders();
      setTimeout(() => response.end('{"text":"late"}\n'), timeoutMs + 200);
    };
    const came: unknown[] = [];
    for await (const { text: line } of cluster.lines('getLogs', {}, { timeoutMs })) came.push(line);
    assert.deepEqual(came, ['late']);
    answer = () => undefined;
    await assert.rejects(cluster.lines('getLogs', {}, { timeoutMs: 50 }).next(), { name: 'TimeoutError' });
  });

  it('puts parameters into path and query, a body into JSON, a compose file as it is, and an ETag into If-Match', async () => {
    asked.length = 0;
    answer = says({ host: 'a/b' });
    assert.equal((await cluster.call('postHostsActivate', { host: 'a/b' })).host, 'a/b');
    answer = says([]);
    await cluster.call('getHosts', { filter: ['state=alive', 'labels.disk=ssd'], limit: 2, continue: undefined });
    answer = says({ name: 'strategy', value: 'binpack', isSet: true, own: 'spread' }, { ETag: '"1"' });
    const { etag } = await cluster.tagged('getConfigOne', { name: 'strategy' });
    await cluster.call('putConfigOne', { name: 'strategy', body: { value: 'binpack' } }, { ifMatch: etag });
    answer = says({ project: 'abc', creates: [], steps: [] });
    assert.deepEqual((await cluster.plan('putDeploymentsOne', { name: 'abc', body: 'services: {}\n' })).steps, []);
    assert.deepEqual(
      asked.map(({ method, path, body }) => [method, path, body]),
      [
        ['POST', '/arpanet/v1/hosts/a%2Fb/activate', ''],
        ['GET', '/arpanet/v1/hosts?filter=state%3Dalive&filter=labels.disk%3Dssd&limit=2', ''],
        ['GET', '/arpanet/v1/config/strategy', ''],
        ['PUT', '/arpanet/v1/config/strategy', '{"value":"binpack"}'],
        ['PUT', '/arpanet/v1/deployments/abc?dry-run=true', 'services: {}\n'],
      ],
    );
    assert.equal(asked[3]?.headers['if-match'], '"1"');
    assert.equal(asked[4]?.headers['content-type'], 'application/yaml');
  });

  it('sends what it is given for every request beside its own headers', async () => {
    asked.length = 0;
    answer = says({ name: 'strategy', value: 'spread', isSet: false, own: 'spread' });
    const own = createClient(
      fetchSend(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers: { Authorization: 'Basic YQ==' } }),
    );
    await own.call('putConfigOne', { name: 'strategy', body: { value: 'spread' } }, { ifMatch: '"1"' });
    const { authorization, 'if-match': tag, 'content-type': type } = asked[0]?.headers ?? {};
    assert.deepEqual([authorization, tag, type], ['Basic YQ==', '"1"', 'application/json']);
  });

  it('knows no route, parameter or body that the document does not have', () => {
    const wrong: readonly (() => unknown)[] = [
      // @ts-expect-error there is no such route
      () => cluster.call('getNothing'),
      // @ts-expect-error a host is needed
      () => cluster.call('getHostsOne'),
      // @ts-expect-error a body is needed
      () => cluster.call('putConfigOne', { name: 'strategy' }),
      // @ts-expect-error the value is a text
      () => cluster.call('putConfigOne', { name: 'strategy', body: { value: 5 } }),
      // @ts-expect-error it is no long work
      () => cluster.work('getHosts'),
      // @ts-expect-error what it answers has no such field
      async () => (await cluster.call('getStatus')).nothing,
    ];
    assert.equal(wrong.length, 6);
  });

  it('reads a list to its end, page by page', async () => {
    answer = (request, response) =>
      request.url?.includes('continue=aA') === true
        ? says([{ name: 'h2' }])(request, response)
        : says([{ name: 'h1' }], { 'Arpanet-Continue': 'aA' })(request, response);
    const names: string[] = [];
    for await (const { name } of cluster.rows('getHosts', { limit: 1 })) names.push(name);
    assert.deepEqual(names, ['h1', 'h2']);
  });

  it('says what is refused with its status, and what is no JSON by its text', async () => {
    answer = (_request, response) => response.writeHead(404).end('{"message":"no such host: h9"}');
    await assert.rejects(cluster.call('getHostsOne', { host: 'h9' }), (error) => {
      assert.ok(error instanceof RequestError);
      assert.deepEqual([error.kind, error.status, error.message], ['refused', 404, 'no such host: h9']);
      return true;
    });
    answer = (_request, response) => response.writeHead(502).end('no gateway');
    await assert.rejects(cluster.call('getStatus'), { kind: 'refused', status: 502, message: 'no gateway' });
  });

  it('follows long work to its result, and says whether it failed, lost its leader, or only its connection', async () => {
    const said: string[] = [];
    const scale = () =>
      cluster.work('postServicesScale', { body: { counts: ['abc/web=1'] } }, { id: 'an-id-of-mine', progress: (line) => said.push(line) });
    answer = lines({ progress: 'abc/web: 1 of 1' }, { result: [{ deployment: 'abc', service: 'web', from: 0, to: 1, running: 1 }] });
    assert.equal((await scale())[0]?.running, 1);
    assert.deepEqual([said, asked.at(-1)?.headers['arpanet-request-id']], [['abc/web: 1 of 1'], 'an-id-of-mine']);
    answer = lines({ progress: 'x' }, { error: 'no room' });
    await assert.rejects(scale(), { kind: 'failed', message: 'no room' });
    answer = lines({ error: 'another leads', isUnavailable: true });
    await assert.rejects(scale(), { kind: 'unavailable' });
    answer = lines({ progress: 'x' });
    await assert.rejects(scale(), { kind: 'cut' });
    answer = lines({ result: null });
    assert.equal(await cluster.follow('an-id-of-mine'), null);
    assert.equal(asked.at(-1)?.path, '/arpanet/v1/operations/an-id-of-mine?follow=true');
    answer = lines({ time: 't', user: 'ada' }, { time: 't', user: 'bob' });
    const users: unknown[] = [];
    for await (const { user } of cluster.lines('getAuditLog')) users.push(user);
    assert.deepEqual(users, ['ada', 'bob']);
  });

  it('watches from the version that it has, also where the stream ends or nobody leads; what is refused ends it', async () => {
    asked.length = 0;
    const over = new AbortController();
    const streams: Answer[] = [
      (_request, response) =>
        response
          .writeHead(200, { 'Content-Type': 'text/event-stream' })
          .end('retry: 1000\nid: v-1\nevent: rows\ndata: {"whole":true,"set":{"h1":{"name":"h1"}},"gone":[]}\n\n: alive\n\n'),
      (_request, response) => response.writeHead(503).end('{"message":"nobody leads"}'),
      (_request, response) => response.end('id: v-2\nevent: rows\ndata: {"whole":false,"set":{},"gone":["h1"]}\n\n'),
    ];
    answer = (request, response) => streams.shift()?.(request, response);
    const changes: Change<{ readonly name: string }>[] = [];
    for await (const change of cluster.watch('getHosts', {}, { signal: over.signal })) {
      changes.push(change);
      if (changes.length === 2) over.abort();
    }
    assert.deepEqual(
      changes.map(({ version, whole, set, gone }) => [version, whole, Object.keys(set), gone]),
      [
        ['v-1', true, ['h1'], []],
        ['v-2', false, [], ['h1']],
      ],
    );
    assert.deepEqual(
      asked.map(({ path }) => path),
      ['', '&version=v-1', '&version=v-1'].map((more) => `/arpanet/v1/hosts?watch=true${more}`),
    );
    answer = (_request, response) => response.writeHead(403).end('{"message":"not yours"}');
    await assert.rejects(cluster.watch('getHosts').next(), { kind: 'refused', status: 403 });
  });
});
