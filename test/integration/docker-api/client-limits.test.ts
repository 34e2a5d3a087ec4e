/** What one client may hold of a scheduler, and for how long: others are answered meanwhile. Clients of TLS are known by their certificates, those of loopback are one. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import net, { type Socket } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';
import type { EndpointDeps } from '../../../src/docker-api/index.ts';
import { createGate } from '../../../src/docker-api/limits/connections.ts';
import { readTls } from '../../../src/security/index.ts';
import { measured } from '../../../src/telemetry/metrics.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { until } from '../../support/cluster/cluster.ts';
import { ENDPOINT_LIMITS, ID, type Small, startSmall, talk } from '../../support/fakes/small-engine.ts';

const limited = (limits: Partial<EndpointDeps['limits']>): Partial<EndpointDeps> => ({ limits: { ...ENDPOINT_LIMITS.limits, ...limits } });

const refused = (why: string): number =>
  measured()
    .find(({ name }) => name === 'arpanet_client_refusals_total')
    ?.samples.find(({ labels }) => labels?.['why'] === why)?.value ?? 0;

const connectionsOpen = (): number => measured().find(({ name }) => name === 'arpanet_connections')?.samples[0]?.value ?? 0;

const PING = 'GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n';

/** All that comes until it is closed. */
async function heard(socket: Socket | tls.TLSSocket): Promise<string> {
  let got = '';
  socket.on('data', (chunk) => (got += String(chunk)));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return got;
}

/** With what it sends at once: no moment passes between its connection and that. */
const opened = async (port: number, first = ''): Promise<Socket> => {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.write(first);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
};

describe('a client that is slow', () => {
  it('to send the head of a request is told so, and one that sends nothing is closed; others are answered meanwhile', async () => {
    await using small = await startSmall({ deps: limited({ requestMs: 1_000 }) });
    const before = refused('slow-head');
    const [slow, mute] = [await opened(small.port, 'GET /containers/json HTTP/1.1\r\nHos'), await opened(small.port)];
    const [answer, nothing] = await Promise.all([heard(slow), heard(mute), fetch(`${small.url}/_ping`).then((ok) => assert.ok(ok.ok))]);
    assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n[^]*\{"message":"the head of this request did not come .*--request-time/);
    assert.equal(nothing, '');
    assert.equal(refused('slow-head'), before + 2);
  });

  it('to send a body of JSON is told so, however steadily it trickles', async () => {
    await using small = await startSmall({ deps: limited({ requestMs: 600 }) });
    const before = refused('slow-body');
    const socket = await opened(small.port);
    socket.write('POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{');
    const trickle = setInterval(() => socket.write(' '), 50);
    const answer = await heard(socket);
    clearInterval(trickle);
    assert.match(answer, /^HTTP\/1\.1 408 [^]*\{"message":"the body of this request did not come .*--request-time/);
    assert.equal(refused('slow-body'), before + 1);
  });

  it('to send the options of an exec, before its stream, is told so', async () => {
    await using small = await startSmall({ deps: limited({ requestMs: 300 }) });
    const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';
    const start = `POST /exec/${ID}/start HTTP/1.1\r\nHost: d\r\n${upgrade}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a"`;
    assert.match(await talk(small.port, start), /^HTTP\/1\.1 408 [^]*--request-time/);
  });
});

/** Takes uploads as an Engine does: reads all, then answers. */
const taking: RequestListener = (req, res) => {
  let bytes = 0;
  req.on('data', (chunk: Buffer) => (bytes += chunk.length));
  req.on('end', () => res.end(`took ${bytes}`));
};

describe('an upload', () => {
  const framings = {
    'in chunks': { head: 'Transfer-Encoding: chunked\r\n', piece: '1\r\nx\r\n', end: '0\r\n\r\n', extra: 0 },
    'with a length': { head: 'Content-Length: 2000000\r\n', piece: 'x', end: undefined, extra: 2_000_000 },
  };
  for (const [framing, { head, piece, end, extra }] of Object.entries(framings)) {
    it(`${framing} lives as long as something comes, and ends with 408, at the Engine too, when nothing does`, async () => {
      let ended = 0;
      await using small = await startSmall({
        listener: (req, res) => {
          req.once('close', () => (ended += req.complete ? 0 : 1));
          taking(req, res);
        },
        deps: limited({ requestMs: 200, stallMs: 1_000 }),
      });
      const start = `PUT /containers/web/archive?path=/ HTTP/1.1\r\nHost: d\r\n${head}\r\n`;
      const patient = await opened(small.port);
      patient.write(start);
      let pieces = 0;
      const sending = setInterval(() => {
        patient.write(piece);
        pieces += 1;
      }, 50);
      const whole = heard(patient);
      // longer than each of the limits
      await until('the upload outlives the times', () => pieces >= 40);
      clearInterval(sending);
      patient.write(end ?? 'x'.repeat(extra - pieces));
      assert.match(await whole, new RegExp(`took ${end === undefined ? extra : pieces}`));
      const stalled = await opened(small.port);
      stalled.write(start + piece);
      assert.match(await heard(stalled), /^HTTP\/1\.1 408 [^]*--stall-time/);
      await until('the Engine is free', () => ended === 1);
    });
  }
});

describe('an answer that nobody reads', () => {
  it('is ended, and what it held in memory is free', async () => {
    const large = Buffer.alloc(16 << 20, 'x');
    await using small = await startSmall({ listener: (_req, res) => res.end(large), deps: limited({ stallMs: 500 }) });
    const before = refused('slow-reader');
    const socket = await opened(small.port);
    socket.pause();
    socket.write('GET /containers/web/top HTTP/1.1\r\nHost: d\r\n\r\n');
    await until('it is ended', () => refused('slow-reader') === before + 1);
    await until('its connection is closed', () => connectionsOpen() === 0 || connectionsOpen());
  });

  it('of a stream is ended later, while one that merely says nothing stays', async () => {
    const silent = (req: IncomingMessage): boolean => req.url?.includes('tail') === true;
    const listener: RequestListener = (req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/vnd.docker.raw-stream' }).flushHeaders();
      if (silent(req)) return;
      const fill = (): void => {
        while (res.write(Buffer.alloc(1 << 16)));
      };
      res.on('drain', fill);
      fill();
    };
    await using small = await startSmall({ listener, deps: limited({ stallMs: 500, streamStallMs: 1_500 }) });
    const before = refused('slow-reader');
    const logs = (query: string): string => `GET /containers/web/logs?stdout=1&follow=1${query} HTTP/1.1\r\nHost: d\r\n\r\n`;
    /** It asks before it is connected, so that it is never idle. */
    const asking = (request: string): Socket => {
      const socket = net.connect({ port: small.port, host: '127.0.0.1' });
      socket.on('error', () => undefined).write(request);
      return socket;
    };
    const quiet = asking(logs('&tail=0'));
    await once(quiet, 'data');
    asking(logs('')).pause();
    await until('the unread one is ended', () => refused('slow-reader') === before + 1);
    // of the two it began first, and its time is over as well
    assert.equal(quiet.readyState, 'open');
    quiet.destroy();
  });

  it('does not pile up on one connection: more than 32 that wait are refused', async () => {
    await using small = await startSmall();
    const before = refused('pipelined');
    const answers = await talk(
      small.port,
      'GET /containers/web/json?size=1 HTTP/1.1\r\nHost: d\r\n\r\n'.repeat(200),
      /429[^]*answers first/,
    );
    assert.match(answers, /HTTP\/1\.1 429 [^]*more than 32 requests wait on this connection/);
    assert.ok(refused('pipelined') > before);
  });
});

describe('the headers of a request', () => {
  it('are 1,000 at most, and 1 MiB together', async () => {
    await using small = await startSmall();
    const ask = async (lines: string): Promise<string> =>
      await talk(small.port, `GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n${lines}\r\n`);
    const many = (count: number): string => Array.from({ length: count }, (_, i) => `x-${i}: y\r\n`).join('');
    assert.match(await ask(many(990)), /^HTTP\/1\.1 200 /);
    assert.match(await ask(many(1_100)), /^HTTP\/1\.1 431 [^]*\{"message":"a request may have 1000 headers/);
    assert.match(await ask(many(2_500)), /^HTTP\/1\.1 431 /);
    assert.match(await ask(`x: ${'y'.repeat(2 << 20)}\r\n`), /^HTTP\/1\.1 431 [^]*1048576 bytes together/);
  });
});

describe('what one client has', () => {
  let dir: string;
  let ca: Buffer;
  const identities: { readonly cert: Buffer; readonly key: Buffer }[] = [];
  const at = (name: string): string => join(dir, name);
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-limits-'));
    makeCertificates(dir);
    ca = await readFile(at('ca.pem'));
    for (const name of ['', 'server-'])
      identities.push({ cert: await readFile(at(`${name}cert.pem`)), key: await readFile(at(`${name}key.pem`)) });
  });
  after(() => rm(dir, { recursive: true, force: true }));

  const start = async (limits: Partial<EndpointDeps['limits']>): Promise<{ small: Small; port: number }> => {
    const own = readTls({ ca: at('ca.pem'), cert: at('server-cert.pem'), key: at('server-key.pem') }, Date.now());
    const listen = [
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: 0, isTls: true },
    ];
    const small = await startSmall({
      listener: taking,
      deps: { ...limited(limits), listen, tls: { own } },
      known: { events: { listen: () => undefined } },
    });
    return { small, port: small.endpoint.addresses[1]?.port ?? 0 };
  };
  const secure = async (port: number): Promise<tls.TLSSocket> => {
    const socket = tls.connect({ port, host: '127.0.0.1', ca, ...identities[0], servername: 'localhost' });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket;
  };

  it('of connections is bounded by its certificate; one more is told so, others are answered, and one that ends makes room', async () => {
    const { small, port } = await start({ connections: 3 });
    await using _ = small;
    const held = await Promise.all([secure(port), secure(port), secure(port)]);
    for (const socket of held) {
      socket.write(PING);
      assert.match(String(await once(socket, 'data')), /^HTTP\/1\.1 200/);
    }
    const before = refused('connections');
    const fourth = await secure(port);
    fourth.write(PING);
    assert.match(
      await heard(fourth),
      /^HTTP\/1\.1 429 [^]*Retry-After: 1\r\n[^]*\{"message":"this client has 3 connections open: .*--client-connections/,
    );
    assert.equal(refused('connections'), before + 1);
    assert.equal((await fetch(`${small.url}/_ping`)).status, 200);
    held[0]?.destroy();
    await until('there is room', async () => {
      const again = await secure(port);
      again.write(PING.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
      return (await heard(again)).startsWith('HTTP/1.1 200');
    });
    for (const socket of held) socket.destroy();
  });

  it('of connections is bounded before it shows who it is, and those that asked nothing are counted', async () => {
    const { small } = await start({ connections: 1 });
    await using _ = small;
    const idle = await Promise.all(Array.from({ length: 20 }, () => opened(small.port)));
    const next = await opened(small.port);
    next.write(PING);
    assert.match(await heard(next), /^HTTP\/1\.1 429 [^]*clients on this machine have 20 connections open/);
    for (const socket of idle) socket.destroy();
    await until('there is room', async () => (await fetch(`${small.url}/_ping`)).status === 200);
  });

  it('of uploads by TLS may stop for no longer than the others', async () => {
    const { small, port } = await start({ requestMs: 200, stallMs: 1_000 });
    await using _ = small;
    const before = refused('slow-body');
    const socket = await secure(port);
    socket.write('PUT /containers/web/archive?path=/ HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
    assert.match(await heard(socket), /^HTTP\/1\.1 408 [^]*--stall-time/);
    assert.equal(refused('slow-body'), before + 1);
  });

  it('of streams is bounded, also of uploads, and does not take them from others', async () => {
    const { small, port } = await start({ streams: 2 });
    await using _ = small;
    const events = 'GET /events HTTP/1.1\r\nHost: d\r\n\r\n';
    const streams = await Promise.all([secure(port), secure(port)]);
    for (const socket of streams) {
      socket.write(events);
      assert.match(String(await once(socket, 'data')), /^HTTP\/1\.1 200/);
    }
    const third = await secure(port);
    third.write(events);
    assert.match(String(await once(third, 'data')), /^HTTP\/1\.1 429 [^]*this client has 2 streams already .*--client-streams/);
    const upload = await secure(port);
    upload.write('PUT /containers/web/archive?path=/ HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n');
    assert.match(String(await once(upload, 'data')), /^HTTP\/1\.1 429 /);
    const [other] = (await once(http.get(`${small.url}/events`, { agent: false }), 'response')) as [IncomingMessage];
    assert.equal(other.statusCode, 200);
    other.on('error', () => undefined).destroy();
    for (const socket of [...streams, third, upload]) socket.destroy();
  });
});

describe('where all connections are in use', () => {
  it('one that has asked nothing yet makes room, the oldest first, then one that has all its answers; who waits for one stays', async () => {
    const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const gate = createGate({ ...ENDPOINT_LIMITS.limits, total: 2 }, () => false);
    const clients: Socket[] = [];
    const next = async (): Promise<Socket> => {
      const [[accepted], client] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, opened(port)]);
      clients.push(client);
      return accepted;
    };
    const [first, second, third, fourth] = [await next(), await next(), await next(), await next()];
    const [fifth, sixth] = [await next(), await next()];
    assert.ok(gate.accept(first, false) && gate.accept(second, false));
    gate.hearUpgrade({ socket: first } as IncomingMessage);
    assert.ok(gate.accept(third, false));
    assert.deepEqual([first.destroyed, second.destroyed], [false, true]);
    gate.hearUpgrade({ socket: third } as IncomingMessage);
    assert.equal(gate.accept(fourth, false), false);
    assert.deepEqual([first.destroyed, third.destroyed, fourth.destroyed], [false, false, true]);
    const answer = Object.assign(new EventEmitter(), { writableFinished: true });
    const asked = { socket: third, headers: {} } as IncomingMessage;
    assert.equal(
      gate.hear(asked, answer as unknown as ServerResponse, false, () => assert.fail('it is not late')),
      undefined,
    );
    assert.equal(gate.accept(fifth, false), false);
    answer.emit('close');
    assert.ok(gate.accept(sixth, false));
    assert.deepEqual([first.destroyed, third.destroyed, fifth.destroyed, sixth.destroyed], [false, true, true, false]);
    for (const socket of [...clients, first, sixth]) socket.destroy();
    server.close();
  });
});

describe('a connection that is kept', () => {
  it('has no more listeners after many requests with bodies than after one', async () => {
    const counts: number[] = [];
    const operator: RequestListener = (req, res) => {
      counts.push(req.socket.listenerCount('close'));
      req.resume().once('end', () => res.end('{}'));
    };
    await using small = await startSmall({ deps: { operator } });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; count < 5; count++) {
      const call = http.request(`${small.url}/arpanet/v1/boot/servers`, { method: 'POST', agent });
      call.end('{}');
      const [answer] = (await once(call, 'response')) as [IncomingMessage];
      await once(answer.resume(), 'end');
    }
    agent.destroy();
    assert.deepEqual(new Set(counts), new Set(counts.slice(0, 1)), counts.join(' '));
    assert.equal(counts.length, 5);
  });

  it('is not ended while long work of the operator says nothing, by a follower neither', async () => {
    const operator: RequestListener = (_req, res) => {
      res.write('{"progress":"begun"}\n');
      setTimeout(() => res.end('{"result":null}\n'), 1_000);
    };
    const deps = { ...limited({ stallMs: 200, streamStallMs: 200, requestMs: 200 }), operator };
    await using small = await startSmall({ deps });
    await using follower = await startSmall({ leads: false, deps: { ...deps, name: 's2' } });
    follower.endpoint.follow(small.url);
    const said = await Promise.all(
      [small, follower].map(
        async ({ url }) => await (await fetch(`${url}/arpanet/v1/services/scale`, { method: 'POST', body: '{}' })).text(),
      ),
    );
    assert.deepEqual(said, Array(2).fill('{"progress":"begun"}\n{"result":null}\n'));
  });
});
