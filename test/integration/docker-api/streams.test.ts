import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import type { ClusterEvent } from '../../../src/model/index.ts';
import { until } from '../../support/cluster/cluster.ts';
import { ID, startSmall, talk } from '../../support/fakes/small-engine.ts';
import { promisedMs } from '../../support/promised.ts';

/** Reads a request's head and this much of its body from an Engine's side of a connection. */
async function readRequest(socket: Socket, bodyBytes = 0): Promise<{ head: string; body: string }> {
  let got = '';
  while (!got.includes('\r\n\r\n') || got.length < got.indexOf('\r\n\r\n') + 4 + bodyBytes) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    got += chunk.toString('latin1');
  }
  const end = got.indexOf('\r\n\r\n');
  socket.pause();
  return { head: got.slice(0, end), body: got.slice(end + 4) };
}

const SWITCHED = 'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
const RAW = 'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n';
const EXEC = JSON.stringify({ Detach: false, Tty: false });
const execStart = (upgrade: boolean): string =>
  `POST /v1.41/exec/${ID}/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: ${EXEC.length}\r\n` +
  `${upgrade ? 'Connection: Upgrade\r\nUpgrade: tcp\r\n' : ''}\r\n${EXEC}`;
const attach = (upgrade: boolean, more = ''): string =>
  `POST /containers/web/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\n${more}${upgrade ? 'Connection: Upgrade\r\nUpgrade: tcp\r\n' : ''}\r\n`;

/** Answers the question where an exec runs, and gives every other connection to `serve`. */
const engine =
  (serve: (socket: Socket, request: { head: string; body: string }) => void, bodyBytes = 0) =>
  (socket: Socket): void => {
    socket.on('error', () => undefined);
    void readRequest(socket).then(async (request) => {
      if (request.head.startsWith('GET ')) {
        const body = JSON.stringify({ ContainerID: ID });
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
        return;
      }
      const missing = bodyBytes - request.body.length;
      if (missing <= 0) return serve(socket, request);
      const [chunk] = (await once(socket.resume(), 'data')) as [Buffer];
      socket.pause();
      serve(socket, { ...request, body: request.body + chunk.toString() });
    });
  };

describe('a hijacked connection', () => {
  for (const style of ['101', 'raw 200'] as const) {
    const isUpgrade = style === '101';

    it(`carries what comes after stdin has ended (${style} style)`, async () => {
      await using small = await startSmall({
        raw: engine((socket) => {
          socket.write(isUpgrade ? SWITCHED : RAW);
          let stdin = '';
          socket.on('data', (chunk) => (stdin += String(chunk)));
          socket.on('end', () => setTimeout(() => socket.end(`after EOF: ${stdin}`), 50));
          socket.resume();
        }),
      });
      const socket = net.connect({ port: small.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.write(attach(isUpgrade));
      const [head] = (await once(socket, 'data')) as [Buffer];
      assert.match(head.toString(), isUpgrade ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 200 /);
      socket.end('typed');
      assert.equal((await buffer(socket)).toString(), 'after EOF: typed');
    });

    it(`brings the request's body that came with its head (${style} style)`, async () => {
      await using small = await startSmall({
        raw: engine((socket, { body }) => socket.end(`${isUpgrade ? SWITCHED : RAW}${body}`), EXEC.length),
      });
      const got = await talk(small.port, execStart(isUpgrade));
      assert.equal(got.slice(got.indexOf('\r\n\r\n') + 4), EXEC);
    });

    it(`brings 16 MiB both ways unharmed (${style} style)`, async () => {
      await using small = await startSmall({
        raw: engine((socket) => {
          socket.write(isUpgrade ? SWITCHED : RAW);
          socket.pipe(socket);
        }),
      });
      const sent = randomBytes(16 * 1024 * 1024);
      const socket = net.connect({ port: small.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.write(attach(isUpgrade));
      await once(socket, 'readable');
      const head = String(socket.read());
      assert.ok(head.endsWith('\r\n\r\n'), head);
      socket.end(sent);
      const got = await buffer(socket);
      const sha = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
      assert.equal(sha(got), sha(sent));
    });
  }

  it('keeps repeated headers apart: BuildKit carries its methods in them', async () => {
    const heads: string[] = [];
    await using small = await startSmall({
      raw: engine((socket, { head }) => {
        heads.push(head);
        socket.end(SWITCHED);
      }),
    });
    const method = 'X-Docker-Expose-Session-Grpc-Method';
    await talk(
      small.port,
      `POST /session HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${method}: /a/A\r\n${method}: /b/B\r\n\r\n`,
    );
    assert.deepEqual(
      heads[0]?.split('\r\n').filter((line) => line.startsWith(method)),
      [`${method}: /a/A`, `${method}: /b/B`],
    );
    assert.deepEqual(small.asked, ['sync h1 images']);
  });

  it('that is refused is closed, and what the client sent after its request never reaches the Engine', async () => {
    const heard: string[] = [];
    await using small = await startSmall({
      raw: (socket) => {
        socket.on('error', () => undefined);
        socket.on('data', (chunk) => {
          heard.push(chunk.toString());
          if (heard.length === 1) socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 17\r\n\r\n{"message":"no"}\n');
        });
        socket.on('end', () => socket.end());
      },
    });
    const smuggled = 'POST /containers/create?name=evil HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n';
    const got = await talk(small.port, `${attach(true, 'Content-Length: 0\r\n')}${smuggled}`);
    assert.match(got, /^HTTP\/1\.1 404 [^]*Connection: close[^]*\{"message":"no"\}\n$/);
    assert.doesNotMatch(heard.join(''), /evil/);
  });

  it('to an unknown container is refused as Docker does, and closed', async () => {
    await using small = await startSmall();
    const got = await talk(small.port, attach(true).replace('/web/', '/none/'));
    assert.match(got, /^HTTP\/1\.1 404 [^]*Connection: close\r\n[^]*\{"message":/);
  });

  it('lets the Engine go when the client goes, and the client when the Engine goes', async () => {
    let isFreed: (() => void) | undefined;
    const freed = new Promise<void>((resolve) => {
      isFreed = resolve;
    });
    let serves = 0;
    await using small = await startSmall({
      raw: engine((socket) => {
        socket.on('close', () => isFreed?.());
        socket.write(SWITCHED);
        socket.resume();
        serves += 1;
        if (serves === 2) setTimeout(() => socket.resetAndDestroy(), 50);
      }),
    });
    const first = net.connect(small.port, '127.0.0.1');
    first.write(attach(true));
    await once(first, 'data');
    first.resetAndDestroy();
    await freed;
    await talk(small.port, attach(true));
    await until('both are looked at', () => small.asked.length > 1);
    assert.deepEqual(small.asked, ['sync h1 containers', 'sync h1 containers']);
  });
});

describe('a client that had half closed', () => {
  /** How the Engine's side of an attach to a silent container ends once its client has said its last word and gone. */
  async function endOf(stdin: string, leave: (socket: Socket) => void): Promise<{ heard: string; isReset: boolean }> {
    let heard = '';
    let isReset = false;
    let upstream: Socket | undefined;
    await using small = await startSmall({
      raw: engine((socket) => {
        socket.write(SWITCHED);
        socket.on('data', (chunk) => (heard += String(chunk)));
        socket.on('error', () => (isReset = true));
        upstream = socket;
        socket.resume();
        // what an Engine does not do: its container is silent, so it does not see that nobody listens
        const ask = setInterval(() => socket.write(Buffer.alloc(0)), 100);
        socket.once('close', () => clearInterval(ask));
      }),
    });
    const socket = net.connect({ port: small.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(attach(true));
    await once(socket, 'data');
    assert.ok(upstream);
    const [begun, over] = [once(upstream, 'end'), once(upstream, 'close')];
    socket.end(stdin);
    await begun;
    leave(socket);
    await over.catch(() => undefined);
    return { heard, isReset };
  }

  it('and is then gone frees the way to a container that says nothing, and its last words have arrived', { timeout: 600_000 }, async () => {
    assert.deepEqual(await endOf('typed', (socket) => socket.resetAndDestroy()), { heard: 'typed', isReset: true });
  });
});

describe('many streams', () => {
  it('are refused beyond the limit with what to do, and one that ends makes room', { timeout: 600_000 }, async () => {
    await using small = await startSmall({ deps: { streamLimit: 2 }, known: { events: { listen: () => undefined } } });
    const watch = async (): Promise<http.IncomingMessage> => {
      const [answer] = (await once(http.get(`${small.url}/events`, { agent: false }), 'response')) as [http.IncomingMessage];
      return answer;
    };
    const first = await watch();
    const second = await watch();
    const refused = await fetch(`${small.url}/events`);
    assert.equal(refused.status, 503);
    assert.match(await refused.text(), /carries 2 streams already .*--stream-limit/);
    assert.match(await talk(small.port, attach(true)), /^HTTP\/1\.1 503 [^]*--stream-limit/);
    assert.equal((await fetch(`${small.url}/containers/json`)).status, 200);
    first.destroy();
    second.on('error', () => undefined);
    let third = 503;
    while (third === 503) {
      const answer = await watch();
      third = answer.statusCode ?? 0;
      answer.destroy();
    }
    assert.equal(third, 200);
    second.destroy();
  });

  it('of one client that says nothing on 2,000 of them: others are served at once, memory is bounded, all is free again after', {
    timeout: 600_000,
  }, async () => {
    const engines = new Set<Socket>();
    const raw = engine((socket) => {
      engines.add(socket);
      socket.once('close', () => engines.delete(socket));
      socket.write(SWITCHED);
      socket.resume();
    });
    let listening = 0;
    const events = (_listener: unknown, signal: AbortSignal): void => {
      listening++;
      signal.addEventListener('abort', () => listening--);
    };
    await using small = await startSmall({ raw, known: { events: { listen: events } } });
    const beforeBytes = process.memoryUsage().rss;
    const open = async (text: string): Promise<Socket> => {
      const socket = net.connect(small.port, '127.0.0.1').on('error', () => undefined);
      socket.write(text);
      await once(socket, 'data');
      return socket;
    };
    const clients: Socket[] = [];
    for (let round = 0; round < 40; round++) {
      const half = Array.from({ length: 25 }, () => [open('GET /events HTTP/1.1\r\nHost: d\r\n\r\n'), open(attach(true))]);
      clients.push(...(await Promise.all(half.flat())));
    }
    assert.deepEqual([clients.length, listening, engines.size], [2_000, 1_000, 1_000]);
    const grownBytes = process.memoryUsage().rss - beforeBytes;
    assert.ok(grownBytes < 300 << 20, `both ends of them took ${grownBytes >> 20} MiB`);
    const askedMs = performance.now();
    assert.equal((await fetch(`${small.url}/containers/json`)).status, 200);
    assert.ok(performance.now() - askedMs < promisedMs(1_000));
    for (const client of clients) client.resetAndDestroy();
    await until('all is free again', () => listening === 0 && engines.size === 0);
  });

  it('of readers that are too far behind are cut off, each alone', { timeout: 600_000 }, async () => {
    const listeners = new Set<(event: ClusterEvent) => void>();
    const known = { events: { listen: (listener: (event: ClusterEvent) => void) => void listeners.add(listener) } };
    await using small = await startSmall({ deps: { eventsBehindBytes: 1024 * 1024 }, known });
    const slow = net.connect(small.port, '127.0.0.1').pause();
    const cut = once(
      slow.on('error', () => undefined),
      'close',
    ).catch(() => undefined);
    slow.write('GET /events HTTP/1.1\r\nHost: d\r\n\r\n');
    await once(slow, 'connect');
    const [quick] = (await once(http.get(`${small.url}/events`, { agent: false }), 'response')) as [http.IncomingMessage];
    let seen = 0;
    quick.on('data', (chunk: Buffer) => (seen += chunk.length)).on('error', () => undefined);
    const Actor = { ID, Attributes: { name: 'x'.repeat(10_000) } };
    const event = { Type: 'container', Action: 'start', Actor, time: 1, timeNano: 1e9 };
    const EVENTS = 3_000;
    for (let told = 0; told < EVENTS; told++) {
      for (const tell of listeners) tell({ host: 'h1', event });
      if (told % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      if (told % 50 === 0) await until('the quick one keeps up', () => seen > (told - 50) * 10_000);
    }
    let got = 0;
    slow.on('data', (chunk: Buffer) => (got += chunk.length)).resume();
    await cut;
    assert.ok(got < EVENTS * 10_000, `the slow one was told all ${got} bytes`);
    await until('the quick one is told all', () => seen >= EVENTS * 10_000);
    quick.destroy();
  });
});

describe('a long answer', () => {
  it('passes unread, and the connection closes after it', async () => {
    const heads: string[] = [];
    await using small = await startSmall({
      listener: (req, res) => {
        heads.push(`${req.url} ${req.headers.connection}`);
        res.setHeader('X-Docker-Container-Path-Stat', 'abc');
        res.write('one ');
        res.end('two');
      },
    });
    const answer = await fetch(`${small.url}/containers/web/archive?path=/a`);
    assert.deepEqual([await answer.text(), answer.headers.get('x-docker-container-path-stat')], ['one two', 'abc']);
    assert.equal(answer.headers.get('connection'), 'close');
    assert.match(heads.join(), /^\/v1\.41\/containers\/(?:web|c{64})\/archive\?path=\/a close$/);
  });

  it('of many small writes, thick and thin, arrives whole and in order', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `line ${i}\n`);
    await using small = await startSmall({
      listener: (_req, res) => {
        const batches = Array.from({ length: 12 }, (_, i) => lines.slice(i * 5_000, (i + 1) * 5_000));
        const next = (): void => {
          for (const line of batches.shift() ?? []) res.write(line);
          if (batches.length > 0) setTimeout(next, 5);
          else res.end();
        };
        next();
      },
    });
    const text = await (await fetch(`${small.url}/containers/web/logs`)).text();
    assert.ok(text === lines.join(''), `${text.length} bytes came`);
  });

  it('that breaks off is broken for the client too', async () => {
    await using small = await startSmall({
      listener: (_req, res) => {
        res.write('half');
        setTimeout(() => res.destroy(), 20);
      },
    });
    const [answer] = (await once(http.get(`${small.url}/containers/web/logs`), 'response')) as [http.IncomingMessage];
    await assert.rejects(buffer(answer));
    assert.equal(answer.complete, false);
  });
});
