import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import {
  createEngineAgent,
  engineEvents,
  engineJson,
  engineRequest,
  engineTarget,
  openTunnel,
  splitHostPort,
} from '../../../src/engine/index.ts';
import { quietLog } from '../../support/cluster/lab.ts';

/** A raw TCP server that says what a test wants it to say. */
async function listen(t: TestContext, server: net.Server): Promise<{ host: string; port: number }> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

describe('an Engine’s address', () => {
  it('is unix:// or tcp://, and anything else is refused with both named', () => {
    assert.deepEqual(engineTarget('unix:///var/run/docker.sock'), { socketPath: '/var/run/docker.sock' });
    assert.deepEqual(engineTarget('tcp://10.0.0.1'), { host: '10.0.0.1', port: 2375 });
    assert.deepEqual(engineTarget('tcp://[::1]:99'), { host: '::1', port: 99 });
    assert.throws(() => engineTarget('/var/run/docker.sock'), { kind: 'invalid', message: /unix:\/\/\/PATH or tcp:\/\/HOST:PORT/ });
    assert.deepEqual(splitHostPort('[fe80::1]:7375'), { host: 'fe80::1', port: 7375 });
  });
});

describe('calls of an Engine', () => {
  it('say again what met a connection that the Engine had just closed, if saying it twice is harmless', async (t) => {
    let requests = 0;
    const server = net.createServer((socket) => {
      let onThis = 0;
      socket.on('data', () => {
        requests++;
        if (++onThis === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
        else socket.resetAndDestroy();
      });
    });
    const agent = new http.Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const target = { ...(await listen(t, server)), agent };
    await engineJson(target, { method: 'GET', path: '/a' });
    await engineJson(target, { method: 'GET', path: '/b' });
    assert.equal(requests, 3);
    await assert.rejects(engineJson(target, { method: 'POST', path: '/c' }), { kind: 'unavailable' });
  });

  it('carry the Engine’s status and words in their error', async (t) => {
    const server = http.createServer((_request, response) => response.writeHead(409).end('{"message":"Conflict. The name is taken"}'));
    const target = await listen(t, server);
    await assert.rejects(engineJson(target, { method: 'GET', path: '/' }), {
      kind: 'engine',
      engineStatus: 409,
      message: 'Conflict. The name is taken',
    });
    assert.equal((await engineRequest(target, { method: 'GET', path: '/' })).status, 409);
  });

  it('end after their time, before the head and after it', async (t) => {
    const target = await listen(
      t,
      http.createServer((request, response) => void (request.url === '/half' && response.writeHead(200).write('x'))),
    );
    await assert.rejects(engineRequest(target, { method: 'GET', path: '/never', timeoutMs: 50 }), { kind: 'timeout' });
    await assert.rejects(engineRequest(target, { method: 'GET', path: '/half', timeoutMs: 50 }), { kind: 'timeout' });
    const stop = AbortSignal.timeout(50);
    await assert.rejects(engineRequest(target, { method: 'GET', path: '/never', signal: stop }), { name: 'AbortError' });
  });
});

describe('a tunnel', () => {
  it('keeps the bytes that came with the answer’s head', async (t) => {
    const server = net.createServer((socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\n\r\nearly bytes'),
      );
    });
    const socket = await openTunnel({ ...(await listen(t, server)), token: 't', epoch: 1 });
    let said = '';
    for await (const chunk of socket) said += String(chunk);
    assert.equal(said, 'early bytes');
    socket.destroy();
  });

  it('gives up on a host that accepts the connection and sends nothing', async (t) => {
    const at = await listen(t, net.createServer());
    await assert.rejects(openTunnel({ ...at, token: 't', epoch: 1, timeoutMs: 50 }), { kind: 'timeout', message: /127\.0\.0\.1/ });
  });

  it('is unreachable for who waits for it when its host is called down', async (t) => {
    const server = net.createServer();
    const { host, port } = await listen(t, server);
    const agent = createEngineAgent({ gateway: `${host}:${port}`, token: 't', epoch: 1, log: quietLog });
    const arrives = once(server, 'connection');
    const asked = engineRequest({ agent }, { method: 'GET', path: '/_ping', signal: new AbortController().signal });
    await arrives;
    agent.destroy();
    await assert.rejects(asked, { kind: 'unavailable', message: /cannot reach the Docker Engine/ });
  });

  it('says the gateway’s own reason', async (t) => {
    const server = http.createServer();
    server.on('upgrade', (_request, socket) =>
      socket.end('HTTP/1.1 409 Conflict\r\nContent-Length: 29\r\nConnection: close\r\n\r\n{"message":"epoch 1 is over"}'),
    );
    await assert.rejects(openTunnel({ ...(await listen(t, server)), token: 't', epoch: 1 }), {
      kind: 'not-leader',
      message: /epoch 1 is over/,
    });
  });

  it('is not given out again after its Engine hung up', async (t) => {
    let tunnels = 0;
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      tunnels++;
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\n\r\n');
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'));
      });
    });
    const { host, port } = await listen(t, server);
    const agent = createEngineAgent({ gateway: `${host}:${port}`, token: 't', epoch: 1, log: quietLog });
    t.after(() => agent.destroy());
    for (let i = 0; i < 3; i++) {
      await engineJson({ agent }, { method: 'POST', path: '/' });
      await new Promise((wake) => setTimeout(wake, 20));
    }
    assert.equal(tunnels, 3);
  });
});

describe('the event feed', () => {
  it('reports once that it is lost, reconnects, reports that it did, and ends with its signal', async (t) => {
    let feeds = 0;
    const server = http.createServer((_request, response) => {
      response.writeHead(++feeds === 2 ? 500 : 200);
      if (feeds === 2) response.end();
      if (feeds === 2) return;
      response.write(`{"Type":"container","Action":"start${feeds}","Actor":{"ID":"c","Attributes":{}},"time":1,"timeNano":1000000000}\n`);
      if (feeds === 1) setTimeout(() => response.destroy(), 20);
    });
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const item of engineEvents({ target: await listen(t, server), signal: stop.signal, minDelayMs: 5 })) {
      seen.push(item.kind === 'event' ? item.event.Action : item.kind);
      if (seen.at(-1) === 'start3') stop.abort();
    }
    assert.deepEqual(seen, ['connected', 'start1', 'lost', 'connected', 'start3']);
  });
});
