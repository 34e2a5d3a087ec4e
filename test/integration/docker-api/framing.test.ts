/** Requests that are none, as they are on the wire: each gets one answer, an Engine's where it has one, and nothing of it goes on. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { type Small, startSmall, talk } from '../../support/fakes/small-engine.ts';

const H = 'Host: d\r\n';
const create = (headers: string, body: string, version = '1.1'): string =>
  `POST /v1.41/containers/create HTTP/${version}\r\n${H}Content-Type: application/json\r\n${headers}\r\n\r\n${body}`;
const ping = (headers: string, version = '1.1'): string => `GET /_ping HTTP/${version}\r\n${headers}\r\n`;

/** What a bare Engine (Go's net/http) answers; where it is more lenient and we refuse (lines that end in LF only, folded headers), 400. */
const REFUSED: Readonly<Record<string, readonly [status: number, request: string]>> = {
  'two Hosts': [400, ping(`${H}${H}`)],
  'no Host': [400, ping('')],
  'another HTTP': [505, ping(H, '2.0')],
  'chunks in HTTP/1.0': [400, create('Transfer-Encoding: chunked', '2\r\n{}\r\n0\r\n\r\n', '1.0')],
  'a length and chunks': [400, create('Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n')],
  'chunks twice': [400, create('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n')],
  'gzip, chunked': [501, create('Transfer-Encoding: gzip, chunked', '0\r\n\r\n')],
  identity: [501, create('Transfer-Encoding: identity', '')],
  xchunked: [501, create('Transfer-Encoding: xchunked', '0\r\n\r\n')],
  'two lengths': [400, create('Content-Length: 2\r\nContent-Length: 3', '{}')],
  'a signed length': [400, create('Content-Length: +2', '{}')],
  'a hexadecimal length': [400, create('Content-Length: 0x2', '{}')],
  'a length beyond all': [400, create('Content-Length: 99999999999999999999', '{}')],
  'a chunk of no size': [400, create('Transfer-Encoding: chunked', 'zz\r\n{}\r\n0\r\n\r\n')],
  'a chunk longer than it says': [400, create('Transfer-Encoding: chunked', '2\r\n{}0\r\n\r\n')],
  'a chunk of any size': [400, create('Transfer-Encoding: chunked', 'fffffffffffffffff\r\n{}\r\n0\r\n\r\n')],
  'a chunk whose extensions never end': [400, create('Transfer-Encoding: chunked', `2;a=${'b'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`)],
  'a space before the colon': [400, ping(`${H}X-A : b\r\n`)],
  'a folded header': [400, ping(`${H}X-A: b\r\n c\r\n`)],
  'a header without a colon': [400, ping(`${H}X-A\r\n`)],
  'NUL in a header': [400, ping(`${H}X-A: b\0c\r\n`)],
  'headers over 1 MiB': [431, ping(`${H}X-A: ${'b'.repeat(1_100_000)}\r\n`)],
  'lines that end in LF': [400, 'GET /_ping HTTP/1.1\nHost: d\n\n'],
  'a space in the path': [400, ping(H).replace('/_ping', '/a b')],
  'no HTTP at all': [400, 'what is this\r\n\r\n'],
  'TLS, or its beginning': [400, '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n'],
};

const statuses = (got: string): readonly number[] => [...got.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

describe('on the wire', () => {
  let small: Small;
  const heard: string[] = [];
  before(async () => {
    small = await startSmall({
      listener: (req, res) => {
        heard.push(`${req.method} ${req.url}`);
        res.end('{}');
      },
    });
  });
  after(() => small[Symbol.asyncDispose]());

  for (const [what, [status, request]] of Object.entries(REFUSED)) {
    it(`${what}: one answer, ${status}, and the connection closes`, async () => {
      const smuggled = ping(H).replace('/_ping', '/containers/web/top');
      assert.deepEqual(statuses(await talk(small.port, request + smuggled)), [status]);
      assert.deepEqual(heard, []);
    });
  }

  it('pipelined requests are answered in their order', async () => {
    const [a, b] = [ping(H), `GET /containers/none/json HTTP/1.1\r\n${H}\r\n`];
    assert.deepEqual(statuses(await talk(small.port, `${a}${b}${a}${ping(`${H}Connection: close\r\n`)}`)), [200, 404, 200, 200]);
  });

  it('what follows the last request of a connection is nobody’s', async () => {
    assert.deepEqual(statuses(await talk(small.port, `${ping(`${H}Connection: close\r\n`)}${ping(H)}`)), [200]);
  });

  it('a client that half closes after its request gets its answer', async () => {
    const socket = connect({ port: small.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(`GET /containers/json HTTP/1.1\r\n${H}\r\n`);
    assert.match((await buffer(socket)).toString(), /^HTTP\/1\.1 200 [^]*\[.*\]\n$/);
  });

  it('chunks with extensions and trailers are a body like any other', async () => {
    const body = '2;a=b;c="d"\r\n[]\r\n0;x\r\nX-B: c\r\n\r\n';
    const got = await talk(small.port, create('Transfer-Encoding: chunked\r\nTrailer: X-B\r\nConnection: close', body));
    assert.match(got, /^HTTP\/1\.1 400 [^]*cannot unmarshal array/);
  });

  it('UTF-8 in headers and escaped in paths is text', async () => {
    const encoded = encodeURIComponent('grüß-網');
    const request = `GET /containers/${encoded}/json HTTP/1.1\r\n${H}X-A: grüß\r\nConnection: close\r\n\r\n`;
    assert.match(await talk(small.port, request), /^HTTP\/1\.1 404 [^]*No such container: grüß-網/);
  });

  it('an escape that is no UTF-8 names nothing', async () => {
    const got = await talk(small.port, `GET /containers/gr%ff%fe/json HTTP/1.1\r\n${H}Connection: close\r\n\r\n`);
    assert.match(got, /^HTTP\/1\.1 404 [^]*No such container: gr\ufffd\ufffd/);
  });

  it('a megabyte of headers less a little is taken', async () => {
    assert.deepEqual(statuses(await talk(small.port, ping(`${H}Connection: close\r\nX-A: ${'b'.repeat(900_000)}\r\n`))), [200]);
  });

  it('empty and dot segments are redirected, query kept', async () => {
    const got = await talk(small.port, `GET /v1.41//containers/./json?all=1 HTTP/1.1\r\n${H}Connection: close\r\n\r\n`);
    assert.match(got, /^HTTP\/1\.1 301 [^]*Location: \/v1\.41\/containers\/json\?all=1\r\n/);
  });
});
