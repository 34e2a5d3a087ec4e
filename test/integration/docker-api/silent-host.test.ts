/**
 * A host that falls silent in the middle of what a client does with it: no connection ends, nothing is answered. The client is told when the host is
 * called down. Real endpoint, scheduler, streams and tunnels; the Engine begins each answer and never ends it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import net, { type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { faultCounts, faultTotal } from '../../../src/telemetry/faults.ts';
import type { FakeAgent } from '../../support/fakes/fake-agent.ts';
import { until } from '../../support/fakes/fake-cluster.ts';
import { type FakeEndpoint, startFakeEndpoint } from '../../support/fakes/fake-endpoint.ts';
import { promisedMs } from '../../support/promised.ts';

const DOWN_MS = 2_000;
/** From the host's being called down until its client knows. */
const TOLD_MS = 2_000;
const EXEC = 'e'.repeat(64);
const RAW = 'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';

interface Case {
  readonly what: string;
  readonly head: string;
  /** What the Engine has begun to answer, if anything. */
  readonly begun?: string;
  /** It goes on sending a body. */
  readonly sends?: true;
}

const exec = JSON.stringify({ Detach: false, Tty: false });
const CASES: readonly Case[] = [
  { what: 'docker cp into a container', head: 'PUT /containers/web/archive?path=/', sends: true },
  { what: 'docker cp out of a container', head: 'GET /containers/web/archive?path=/', begun: 'half of a tar' },
  { what: 'docker export', head: 'GET /containers/web/export', begun: 'half of a tar' },
  { what: 'docker load', head: 'POST /images/load', sends: true },
  { what: 'docker import', head: 'POST /images/create?fromSrc=-&repo=imported', sends: true },
  { what: 'docker save', head: 'GET /images/busybox/get', begun: 'half of a tar' },
  { what: 'docker build, its context under way', head: 'POST /build?t=built', sends: true },
  { what: 'docker logs -f', head: 'GET /containers/web/logs?follow=1&stdout=1', begun: 'a line' },
  { what: 'docker stats', head: 'GET /containers/web/stats', begun: '{}' },
  { what: 'docker wait', head: 'POST /containers/web/wait' },
  { what: 'docker wait whose answer has begun', head: 'POST /containers/mute/wait', begun: '' },
  { what: 'docker attach', head: 'POST /containers/web/attach?stream=1&stdout=1&stdin=1', begun: 'a greeting' },
  { what: 'docker attach that the Engine has not answered', head: 'POST /containers/mute/attach?stream=1&stdout=1' },
  { what: 'docker exec', head: `POST /exec/${EXEC}/start`, begun: 'a prompt' },
  { what: 'docker top', head: 'GET /containers/web/top' },
  { what: 'docker stop', head: 'POST /containers/web/stop' },
];

interface Talk {
  got: string;
  endedMs: number | undefined;
}

describe('a host that falls silent while it is at work for a client', { timeout: 120_000 }, () => {
  let it3: FakeEndpoint;
  let silent: FakeAgent;
  let downMs = 0;
  const talks = new Map<string, Talk>();
  const sockets: Socket[] = [];

  before(async () => {
    it3 = await startFakeEndpoint(3, { hostDownMs: DOWN_MS, beatEveryMs: 50 });
    silent = it3.cluster.agents.find(({ name }) => name === it3.cluster.scheduler.images.builder()) ?? assert.fail();
    const Labels = { 'arpanet.constraints': JSON.stringify([`node.hostname==${silent.name}`]) };
    for (const name of ['web', 'mute']) await ask('POST', `/containers/create?name=${name}`, { Image: 'busybox', Labels });
    for (const name of ['web', 'mute']) await ask('POST', `/containers/${name}/start`);
    const [web] = [...silent.engine.containers.values()].filter(({ name }) => name === 'web');
    silent.engine.answers.set(`GET /exec/${EXEC}/json`, { ContainerID: web?.id });
    for (const agent of it3.cluster.agents) if (agent !== silent) agent.engine.images.length = 0;
    for (const { name } of it3.cluster.agents) await it3.cluster.scheduler.view.refresh(name, { images: true });
    const seen = beginsEveryAnswer(silent);
    for (const one of CASES) talks.set(one.what, begin(one));
    await until(() => seen() === CASES.length, 'the Engine has all of it', promisedMs(10_000));
    for (const { what, begun = '' } of CASES) await until(() => talks.get(what)?.got.includes(begun) === true, `${what} has begun`);
    silent.freeze();
    await until(
      () => it3.cluster.scheduler.hosts.list().some(({ name, state }) => name === silent.name && state === 'down'),
      'it is called down',
      promisedMs(10_000),
    );
    downMs = performance.now();
    await until(() => [...talks.values()].every(({ endedMs }) => endedMs !== undefined), 'all are told', promisedMs(10_000)).catch(
      () => undefined,
    );
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await it3?.[Symbol.asyncDispose]();
  });

  async function ask(method: string, path: string, body?: unknown): Promise<void> {
    const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    const answer = await fetch(it3.url + path, { method, ...init });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.text()}`);
  }

  function begin({ what, head, sends }: Case): Talk {
    const socket = net.connect({ port: it3.port, host: '127.0.0.1' });
    const talk: Talk = { got: '', endedMs: undefined };
    sockets.push(socket);
    socket.on('error', () => undefined);
    const told = (): void => void (talk.endedMs ??= performance.now());
    socket.once('close', told).on('data', (chunk) => {
      talk.got += chunk.toString('latin1');
      // the connection may be kept for the next request
      if (talk.got.startsWith('HTTP/1.1 503') && talk.got.includes('"}')) told();
    });
    const isHijack = what.includes('attach') || what.includes('exec');
    const framing = sends
      ? 'Transfer-Encoding: chunked\r\n'
      : head.includes('/exec/')
        ? `Content-Type: application/json\r\nContent-Length: ${exec.length}\r\n`
        : '';
    socket.write(`${head} HTTP/1.1\r\nHost: d\r\n${isHijack ? UPGRADE : ''}${framing}\r\n${head.includes('/exec/') ? exec : ''}`);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    if (sends) {
      socket.on('drain', more);
      more();
    }
    return talk;
  }

  for (const { what, begun } of CASES)
    it(`${what}: its client is told within seconds`, () => {
      const { got, endedMs = Number.POSITIVE_INFINITY } = talks.get(what) ?? assert.fail();
      assert.ok(endedMs - downMs < promisedMs(TOLD_MS), `told ${Math.round(endedMs - downMs)} ms after the host was called down; ${got}`);
      if (begun === undefined) {
        assert.match(got, /^HTTP\/1\.1 503 /);
        assert.match(got, new RegExp(`"message":"host ${silent.name} is down: no heartbeat for `));
      } else assert.doesNotMatch(got, /\r\n0\r\n\r\n$/, 'what is not whole does not look as if it were');
    });

  it('is no error of this program', () => assert.equal(faultTotal(), 0, JSON.stringify([...faultCounts()])));
});

/** Of what the cases ask for; everything else is answered as before. How many it has begun. */
function beginsEveryAnswer({ engine: { server, containers } }: FakeAgent): () => number {
  const begun = new Set<string>();
  const others = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[];
  const caseOf = ({ method, url = '' }: IncomingMessage): Case | undefined => {
    const path = new URL(url, 'http://d').pathname
      .replace(/^\/v[\d.]+/, '')
      .replace(/[0-9a-f]{64}/, (id) => containers.get(id)?.name ?? id)
      .replace(/^\/images\/[^/]+\/get/, '/images/busybox/get');
    const found = CASES.find(({ head }) => head.split('?')[0] === `${method} ${path}`);
    if (found !== undefined) begun.add(found.what);
    return found;
  };
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const one = caseOf(request);
    if (one === undefined) return others.forEach((other) => other(request, response));
    if (one.begun !== undefined) {
      response.writeHead(200).flushHeaders();
      if (one.begun !== '') response.write(one.begun);
    }
    // a kernel that is gone takes nothing more
    if (one.sends === true) void once(request, 'data').then(() => request.pause());
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => undefined);
    const one = caseOf(request);
    if (one?.begun !== undefined) socket.write(RAW + one.begun);
  });
  return () => begun.size;
}
