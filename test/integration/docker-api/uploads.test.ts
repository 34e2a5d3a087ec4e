/** Requests with long bodies: they pass unread, as they are framed, on a connection of their own. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { buffer, text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { until } from '../../support/cluster/cluster.ts';
import { startSmall, talk } from '../../support/fakes/small-engine.ts';

const PATH = '/v1.41/containers/web/archive?path=/tmp';
const BODY = randomBytes(9_000_001);
const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function put(port: number, headers: Record<string, string | number>, path = PATH, method = 'PUT'): Promise<IncomingMessage> {
  const sent = http.request({ port, host: '127.0.0.1', method, path, headers, agent: false });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  sent.end(BODY);
  return (await answered)[0];
}

describe('a long body', () => {
  const heard: { url: string | undefined; headers: http.IncomingHttpHeaders; sum: string }[] = [];
  const keeps: RequestListener = (req, res) => {
    void buffer(req).then((body) => {
      heard.push({ url: req.url, headers: req.headers, sum: sha(body) });
      res.writeHead(200, { 'Content-Type': 'application/json' }).end('{"stream":"loaded"}');
    });
  };

  for (const [framing, headers] of [
    ['of a length', { 'Content-Length': BODY.length }],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
  ] as const) {
    it(`${framing} arrives byte for byte, with the client's headers, on a connection that ends with it`, async () => {
      await using small = await startSmall({ listener: keeps });
      heard.length = 0;
      const answer = await put(small.port, {
        ...headers,
        'Content-Type': 'application/x-tar',
        'X-Registry-Auth': 'e30=',
        'Arpanet-Retry': '1',
      });
      assert.equal(await text(answer), '{"stream":"loaded"}');
      assert.deepEqual([answer.statusCode, answer.headers.connection, answer.headers['api-version']], [200, 'close', '1.41']);
      const [request] = heard;
      assert.deepEqual([heard.length, request?.url, request?.sum], [1, PATH, sha(BODY)]);
      const { connection, 'x-registry-auth': auth, 'arpanet-retry': own } = request?.headers ?? {};
      assert.deepEqual([connection, auth, own], ['close', 'e30=', undefined]);
    });
  }

  it('arrives byte for byte where Node.js does not let a request stop at its head: node:http reads it, and the connection stays', async (t) => {
    // without the class of stoppingAt, as if node:http no longer asked a request whether it is an upgrade
    const { createServer } = http;
    t.mock.method(http, 'createServer', (options: http.ServerOptions, listener?: RequestListener) =>
      createServer({ ...options, IncomingMessage: http.IncomingMessage }, listener),
    );
    await using small = await startSmall({ listener: keeps });
    for (const headers of [{ 'Content-Length': BODY.length }, { 'Transfer-Encoding': 'chunked' }]) {
      heard.length = 0;
      const answer = await put(small.port, { ...headers, Connection: 'keep-alive' });
      assert.equal(await text(answer), '{"stream":"loaded"}');
      assert.deepEqual([answer.statusCode, answer.headers.connection], [200, 'keep-alive']);
      assert.deepEqual(
        heard.map(({ url, sum }) => [url, sum]),
        [[PATH, sha(BODY)]],
      );
    }
  });

  it('of an image is in the view before its client sees the end', async () => {
    await using small = await startSmall({ listener: keeps });
    const answer = await put(small.port, { 'Content-Length': BODY.length }, '/v1.41/images/load', 'POST');
    assert.equal(await text(answer), '{"stream":"loaded"}');
    assert.deepEqual(small.asked, ['sync h1 images']);
  });

  it('that is refused before it has been sent is read on for a while, so that its client sees why', async () => {
    await using small = await startSmall({ listener: keeps });
    const answer = await put(small.port, { 'Content-Length': BODY.length }, PATH.replace('web', 'none'));
    assert.deepEqual([answer.statusCode, await text(answer)], [404, '{"message":"No such container: none"}\n']);
    // and by an Engine
    const raw = (socket: Socket): void => {
      // as Go's net/http does, which reads no more than it must
      socket
        .on('error', () => undefined)
        .once('data', () => socket.end('HTTP/1.1 507 No\r\nConnection: close\r\n\r\n{"message":"no space"}\n'));
    };
    await using early = await startSmall({ raw });
    const refused = await put(early.port, { 'Transfer-Encoding': 'chunked' });
    assert.deepEqual([refused.statusCode, await text(refused)], [507, '{"message":"no space"}\n']);
  });

  it('with malformed chunks is refused, and the request to the Engine is cancelled', async () => {
    let begun = 0;
    let cut = 0;
    await using small = await startSmall({
      listener: (req) => {
        begun += 1;
        req.resume().on('error', () => (cut += 1));
      },
    });
    const client = connect(small.port, '127.0.0.1');
    client.write(`PUT ${PATH} HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`);
    await until('it has begun', () => begun === 1);
    client.write('zz\r\n');
    assert.match(await text(client), /^HTTP\/1\.1 400 [^]*"malformed chunked encoding"/);
    await until('the Engine is freed', () => cut === 1);
  });

  it('is followed by nothing: what stands behind it is nobody’s request', async () => {
    await using small = await startSmall({ listener: keeps });
    heard.length = 0;
    const head = `PUT ${PATH} HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const got = await talk(small.port, `${head}3\r\nabc\r\n0\r\n\r\nGET /v1.41/containers/web/top HTTP/1.1\r\nHost: d\r\n\r\n`);
    assert.deepEqual([got.match(/HTTP\/1\.1 \d+/g), heard.map(({ url }) => url)], [['HTTP/1.1 200'], [PATH]]);
  });

  it('behind a request that has no answer yet waits for its turn', async () => {
    await using small = await startSmall({ listener: keeps });
    const head = `PUT ${PATH} HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
    const got = await talk(small.port, `GET /v1.41/containers/web/top HTTP/1.1\r\nHost: d\r\n\r\n${head}3\r\nabc\r\n0\r\n\r\n`);
    assert.deepEqual(got.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
  });

  it('whose client goes away frees its Engine, in the middle and after the end', async () => {
    let begun = 0;
    let closed = 0;
    await using small = await startSmall({
      listener: (req) => {
        begun += 1;
        req.resume().on('error', () => undefined);
        req.socket.once('close', () => (closed += 1));
      },
    });
    const client = async (said: string, leave: (socket: Socket) => void): Promise<void> => {
      const socket = connect(small.port, '127.0.0.1');
      socket.write(`PUT ${PATH} HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n${said}`);
      const before = begun;
      await until('it has begun', () => begun > before);
      await turn();
      leave(socket);
    };
    await client('3\r\nab', (socket) => socket.resetAndDestroy());
    await client('3\r\nab', (socket) => socket.end());
    await client('3\r\nabc\r\n0\r\n\r\n', (socket) => socket.destroy());
    await until('all are freed', () => closed === 3);
  });

  it('is held back while its Engine does not read', async () => {
    let engine: Socket | undefined;
    await using small = await startSmall({ raw: (socket) => void (engine = socket.on('error', () => undefined).pause()) });
    const client = connect(small.port, '127.0.0.1');
    client.write(`PUT ${PATH} HTTP/1.1\r\nHost: d\r\nContent-Length: 400000000\r\n\r\n`);
    await until('its Engine is dialled', () => engine !== undefined);
    let sent = 0;
    const piece = Buffer.alloc(1_000_000);
    for (let full = 0; full < 20; ) {
      if (client.write(piece)) continue;
      sent += piece.length;
      const isDrained = await Promise.race([once(client, 'drain').then(() => true), new Promise((wake) => setTimeout(wake, 50))]);
      full = isDrained === true ? 0 : full + 20;
    }
    assert.ok(sent < 60_000_000, `${sent} bytes went somewhere`);
    assert.ok(engine !== undefined);
    client.destroy();
    engine.destroy();
  });
});
