import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { describe, it } from 'node:test';
import type { Networks } from '../../../src/contracts/index.ts';
import { ArpanetError } from '../../../src/model/index.ts';
import { faultTotal } from '../../../src/telemetry/faults.ts';
import { startSmall, talk } from '../../support/fakes/small-engine.ts';

const json = { 'Content-Type': 'application/json' };
const messageOf = async (answer: Response): Promise<string> => ((await answer.json()) as { message: string }).message;

describe('the endpoint', () => {
  it('says what it is in every answer', async () => {
    await using small = await startSmall();
    for (const path of ['/_ping', '/v1.41/_ping', '/containers/json', '/containers/none/json']) {
      const { headers } = await fetch(`${small.url}${path}`);
      const said = [headers.get('api-version'), headers.get('ostype'), headers.get('server')];
      assert.deepEqual(said, ['1.41', 'linux', 'arpanet/0.1.0'], path);
      assert.match(headers.get('arpanet-request-id') ?? '', /^[\w-]{8,64}$/);
    }
  });

  it('says what it holds to anybody, and collects its garbage first only for who has the join token', async () => {
    await using small = await startSmall();
    const held = (query: string, headers: Record<string, string> = {}) => fetch(`${small.url}/arpanet/v1/held${query}`, { headers });
    assert.ok(((await (await held('')).json()) as { heapUsedBytes: number }).heapUsedBytes > 0);
    const refused = await held('?collect=1');
    assert.equal(refused.status, 401);
    assert.match(await messageOf(refused), /needs the join token/);
    assert.equal((await held('?collect=1', { Authorization: 'Bearer wrong' })).status, 401);
    assert.equal((await held('?collect=1', { Authorization: 'Bearer join-token' })).status, 200);
  });

  it('answers a list from ready bytes under a new request id each time, and no longer once the view changed', async () => {
    let version = 1;
    await using small = await startSmall({ known: { view: { version: () => version } } });
    const list = async (): Promise<{ id: string | null; text: string }> => {
      const answer = await fetch(`${small.url}/v1.41/containers/json?all=1`);
      return { id: answer.headers.get('arpanet-request-id'), text: await answer.text() };
    };
    const [first, second] = [await list(), await list()];
    assert.equal(first.text, second.text);
    assert.notEqual(first.id, second.id);
    version = 2;
    assert.equal((await list()).text, first.text);
  });

  it('shows no swarm to docker-compose 1.x, which would warn of it, whichever client asked before it; and to others the swarm that they expect', async () => {
    await using small = await startSmall({ known: { images: { tags: () => new Map() } } });
    const stateFor = async (client: string): Promise<string> => {
      const answer = await fetch(`${small.url}/v1.41/info`, { headers: { 'User-Agent': client } });
      return ((await answer.json()) as { Swarm: { LocalNodeState: string } }).Swarm.LocalNodeState;
    };
    const [cli, compose] = ['Docker-Client/26.1.5 (linux)', 'docker-compose/1.29.2 docker-py/5.0.3 Linux/6.1'];
    const states: string[] = [];
    for (const client of [cli, compose, cli, compose, compose]) states.push(await stateFor(client));
    assert.deepEqual(states, ['active', 'inactive', 'active', 'inactive', 'inactive']);
  });

  it('refuses what is no request, in the words of the Engine', async () => {
    await using small = await startSmall();
    const post = (body: string, headers: Record<string, string> = json): Promise<Response> =>
      fetch(`${small.url}/containers/create`, { method: 'POST', body, headers });
    assert.deepEqual([(await post('{')).status, (await post('{}', {})).status], [400, 400]);
    assert.match(await messageOf(await post('{')), /^invalid JSON/);
    assert.equal(await messageOf(await fetch(`${small.url}/nosuch`)), 'page not found');
    assert.match(await messageOf(await fetch(`${small.url}/v1.99/info`)), /too new. Maximum supported API version is 1.41$/);
    assert.match(await messageOf(await fetch(`${small.url}/v1.2/info`)), /too old/);
    assert.equal(await messageOf(await fetch(`${small.url}/containers/none/json`)), 'No such container: none');
    assert.match(await talk(small.port, 'NONSENSE\r\n\r\n'), /^HTTP\/1\.1 400 [^]*"message"/);
  });

  it('refuses a body over the limit before it has read it, and hears no second request in its rest', async () => {
    await using small = await startSmall({ deps: { bodyLimitBytes: () => 1000 } });
    const rest = 'POST /containers/web/kill HTTP/1.1\r\nHost: d\r\n\r\n'.repeat(100);
    const head = `POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n`;
    assert.match(await talk(small.port, `${head}Content-Length: 99999\r\n\r\n${rest}`), /^HTTP\/1\.1 413 /);
    const body = `${rest.length.toString(16)}\r\n${rest}\r\n0\r\n\r\n`;
    const next = 'GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n';
    const chunked = await talk(small.port, `${head}Transfer-Encoding: chunked\r\n\r\n${body}${next}`);
    assert.deepEqual(chunked.match(/^HTTP\/1\.1 \d+/gm), ['HTTP/1.1 413', 'HTTP/1.1 200']);
    assert.deepEqual(small.asked, []);
  });

  it('keeps the connection of a client that sent too much, once it has sent all: its next request is answered', async () => {
    await using small = await startSmall({ deps: { bodyLimitBytes: () => 1000 } });
    for (let i = 0; i < 20; i++) {
      const { status } = await fetch(`${small.url}/containers/create`, { method: 'POST', body: 'x'.repeat(5 << 20), headers: json });
      assert.deepEqual([status, (await fetch(`${small.url}/_ping`)).status], [413, 200]);
    }
  });

  it('keeps requests waiting while nobody leads, answers each once a leader is there, and frees those whose client left', async () => {
    await using small = await startSmall({ leads: false });
    const waiting = fetch(`${small.url}/containers/json`);
    const left = new AbortController();
    const gone = fetch(`${small.url}/containers/json`, { signal: left.signal }).catch(() => 'gone');
    await new Promise((resolve) => setTimeout(resolve, 100));
    left.abort();
    assert.equal(await gone, 'gone');
    await using other = await startSmall();
    small.endpoint.follow(other.url);
    assert.equal((await waiting).status, 200);
  });

  it('answers ping while nobody leads, and health with its role', async () => {
    await using small = await startSmall({ leads: false });
    assert.equal(await (await fetch(`${small.url}/_ping`)).text(), 'OK');
    assert.equal(((await (await fetch(`${small.url}/arpanet/v1/health`)).json()) as { role: string }).role, 'following');
    await using other = await startSmall();
    assert.equal(((await (await fetch(`${other.url}/arpanet/v1/health`)).json()) as { role: string }).role, 'leading');
  });

  it('passes an answer of the Engine byte for byte, its status and own headers too', async () => {
    await using small = await startSmall({
      listener: (req, res) => {
        res.writeHead(418, { 'X-Path': req.url, 'Content-Type': 'text/strange', Server: 'Docker/1' });
        res.end('short and stout');
      },
    });
    const answer = await fetch(`${small.url}/v1.40/containers/web/top?ps_args=a%20b`);
    assert.deepEqual([answer.status, answer.headers.get('content-type'), await answer.text()], [418, 'text/strange', 'short and stout']);
    assert.match(answer.headers.get('x-path') ?? '', /^\/v1\.40\/containers\/(?:web|c{64})\/top\?ps_args=a%20b$/);
    assert.equal(answer.headers.get('server'), 'arpanet/0.1.0');
  });

  it('shows a write in the view before it answers, and takes names out before a stop', async () => {
    await using small = await startSmall({ listener: (_req, res) => res.writeHead(204).end() });
    const post = async (action: string): Promise<number> =>
      (await fetch(`${small.url}/containers/web/${action}`, { method: 'POST' })).status;
    assert.deepEqual([await post('start'), await post('kill?signal=HUP'), await post('stop')], [204, 204, 204]);
    assert.equal((await fetch(`${small.url}/containers/web?force=1`, { method: 'DELETE' })).status, 204);
    const sync = 'sync h1 containers';
    assert.deepEqual(small.asked, [sync, sync, 'withdrawn', sync, 'withdrawn', 'removed', sync]);
  });

  it('flushes the headers of wait at once: docker run starts the container only then', async () => {
    let end: (() => void) | undefined;
    await using small = await startSmall({
      listener: (_req, res) => {
        res.writeHead(200);
        res.flushHeaders();
        end = () => res.end('{"StatusCode":7}\n');
      },
    });
    const answer = await fetch(`${small.url}/containers/web/wait?condition=next-exit`, { method: 'POST' });
    assert.equal(answer.status, 200);
    assert.deepEqual(small.asked, []);
    end?.();
    assert.deepEqual(await answer.json(), { StatusCode: 7 });
    assert.deepEqual(small.asked, ['sync h1 containers']);
  });

  it('lets the Engine go when the client goes', async () => {
    let isFreed: (() => void) | undefined;
    const freed = new Promise<void>((resolve) => {
      isFreed = resolve;
    });
    await using small = await startSmall({
      listener: (_req, res) => {
        res.on('close', () => isFreed?.());
        res.writeHead(200).write('{"message":"soon"}');
      },
    });
    const request = http.get(`${small.url}/containers/web/changes`);
    await once(request, 'response');
    request.destroy();
    await freed;
  });

  it('cuts the client off when the Engine dies in the middle of an answer, so that no part passes for the whole', async () => {
    await using small = await startSmall({
      listener: (_req, res) => {
        res.writeHead(200, { 'Content-Length': '100' }).write('half of ');
        setTimeout(() => res.destroy(), 20);
      },
    });
    await assert.rejects(async () => await (await fetch(`${small.url}/containers/web/changes`)).text());
  });

  it('names the host that does not answer', async () => {
    await using small = await startSmall({ listener: (req) => req.socket.destroy() });
    const answer = await fetch(`${small.url}/containers/web/changes`);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.match(await messageOf(answer), /^host h1 does not answer/);
  });

  it('says again what a dead kept-alive connection swallowed, if saying it twice does no harm', async () => {
    let served = 0;
    await using small = await startSmall({
      raw: (socket) => {
        // One answer on each connection; the second request finds it dead.
        socket.on('error', () => undefined);
        socket.once('data', () => {
          served += 1;
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
          socket.once('data', () => socket.resetAndDestroy());
        });
      },
    });
    for (let i = 0; i < 5; i++) assert.equal(await (await fetch(`${small.url}/containers/web/changes`)).text(), 'ok');
    assert.equal(served, 5);
  });

  it('treats objects called like routes as objects', async () => {
    await using small = await startSmall();
    for (const name of ['info', '_ping', 'events', 'json', 'create']) {
      assert.equal(await messageOf(await fetch(`${small.url}/containers/${name}/json`)), `No such container: ${name}`);
    }
  });

  it('makes a network without the labels that only arpanet writes, and says so', async () => {
    const asked: unknown[] = [];
    const create = async (request: { readonly Labels?: unknown }) => {
      asked.push(request.Labels);
      return { id: 'n1' } as Awaited<ReturnType<Networks['create']>>;
    };
    await using small = await startSmall({ known: { networks: { create } } });
    const warningFor = async (Labels: Record<string, string>) => {
      const body = JSON.stringify({ Name: 'n', Labels });
      const answer = await fetch(`${small.url}/networks/create`, { method: 'POST', body, headers: json });
      return ((await answer.json()) as { Warning: string }).Warning;
    };
    assert.equal(await warningFor({ 'arpanet.network': 'x', a: 'b' }), 'only arpanet writes the label arpanet.network: left out');
    assert.equal(await warningFor({ 'arpanet.size': '/24' }), '');
    assert.deepEqual(asked, [{ a: 'b' }, { 'arpanet.size': '/24' }]);
  });

  it('answers an internal error with nothing but the request id', async () => {
    await using small = await startSmall({
      known: {
        networks: {
          create: async () => {
            throw new TypeError('undefined is not a secret');
          },
        },
      },
    });
    const before = faultTotal();
    const answer = await fetch(`${small.url}/networks/create`, { method: 'POST', body: '{"Name":"n"}', headers: json });
    assert.equal(answer.status, 500);
    assert.equal(faultTotal() - before, 1, 'and counts it for status');
    assert.match(await messageOf(answer), new RegExp(answer.headers.get('arpanet-request-id') ?? 'none'));
  });

  it('refuses while the cluster is not ready, and says when to come again', async () => {
    await using small = await startSmall({
      known: {
        leader: {
          ready: async () => {
            throw new ArpanetError('unavailable', 'hosts are still joining');
          },
        },
      },
    });
    const answer = await fetch(`${small.url}/info`);
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1']);
  });

  it('answers as if it had not been asked when a client offers HTTP/2 with an ordinary request', async () => {
    await using small = await startSmall();
    const head =
      'GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n';
    assert.match(await talk(small.port, head, /OK$/), /^HTTP\/1\.1 200 OK/);
  });

  it('ends long streams and stops listening when it is disposed of', async () => {
    const small = await startSmall({ listener: (_req, res) => res.writeHead(200).flushHeaders() });
    const socket = net.connect(small.port, '127.0.0.1');
    socket.write(`GET /containers/web/logs?follow=1 HTTP/1.1\r\nHost: d\r\n\r\n`);
    await once(socket, 'data');
    await small[Symbol.asyncDispose]();
    if (!socket.closed) await once(socket.resume(), 'close');
    await assert.rejects(fetch(`${small.url}/_ping`));
  });
});
