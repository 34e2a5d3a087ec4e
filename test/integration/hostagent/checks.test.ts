/** Checks by label, of servers on this machine. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { createChecks } from '../../../src/hostagent/checks/checks.ts';
import { openKeptChecks } from '../../../src/hostagent/checks/kept-checks.ts';
import type { ContainerFacts } from '../../../src/model/facts.ts';
import { until } from '../../support/cluster/cluster.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';

/** On the network of this machine; `more` is different in its inspect. */
function container(name: string, check: string, more: object = {}): ContainerFacts {
  const { facts } = literalView(literalRecord(name, { id: name.padEnd(64, '0') }));
  const Config = { Image: 'busybox', Labels: { 'arpanet.check': check } };
  return { ...facts, inspect: { ...facts.inspect, HostConfig: { NetworkMode: 'host' }, Config, ...more } };
}

/** One run of an agent. */
function agent(dir: string, wires: readonly string[] = []) {
  const end = new AbortController();
  const sent: ContainerFacts[] = [];
  const kept = openKeptChecks(dir, quietLog);
  const isOnWire = (network: string) => wires.includes(network);
  const checks = createChecks({ log: quietLog, now: Date.now, kept, isOnWire, changed: (facts) => sent.push(facts) }, end.signal);
  const health = (name: string) =>
    sent.findLast(({ inspect }) => inspect.Id.startsWith(name))?.inspect.State.Health as
      | { Status: string; Log: readonly { Output: string }[] }
      | undefined;
  return { checks, end: () => end.abort(), health };
}

it('an agent checks by HTTP and TCP, and sends a container again whenever its health is another one', async () => {
  let status = 503;
  const server = http.createServer((request, response) => response.writeHead(request.url === '/healthz' ? status : 404).end('said'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-checks-'));
  const { checks, health, end } = agent(dir);
  try {
    const all = [container('web', `http:${port}/healthz interval=500ms retries=1`), container('db', `tcp:${port} interval=500ms`)];
    assert.deepEqual(
      checks.all(all).map(({ inspect }) => inspect.State.Health?.Status),
      ['starting', 'starting'],
    );
    await until('the port accepts', () => health('db')?.Status === 'healthy');
    await until('503 is no success', () => health('web')?.Status === 'unhealthy');
    assert.match(JSON.stringify(health('web')), /"Output":"HTTP 503 said"/);
    status = 302;
    await until('a redirection is one', () => health('web')?.Status === 'healthy');
    assert.equal(
      checks.seen([all[0] ?? assert.fail()])[0]?.inspect.State.Health?.Status,
      'healthy',
      'the Engine’s next facts change nothing',
    );
    await until('what was found is on the disk', () => {
      try {
        return (
          JSON.parse(readFileSync(join(dir, 'checks.json'), 'utf8')).filter((one: { status: string }) => one.status === 'healthy')
            .length === 2
        );
      } catch {
        return false;
      }
    });
    const next = agent(dir);
    const restarted = { ...all[1]?.inspect.State, StartedAt: '2026-01-01T00:00:00Z' };
    assert.deepEqual(
      next.checks
        .all([...all.slice(0, 1), container('db', `tcp:${port}`, { State: restarted })])
        .map(({ inspect }) => inspect.State.Health?.Status),
      ['healthy', 'starting'],
      'an agent that starts again goes on with it; a container that has does not',
    );
    next.end();
    checks.gone(['db'.padEnd(64, '0')]);
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await until('nothing listens', () => health('web')?.Status === 'unhealthy');
    assert.equal(health('db')?.Status, 'healthy', 'one that is gone is not checked');
  } finally {
    end();
    server.close();
    rmSync(dir, { recursive: true });
  }
});

it('the status decides: a body that stalls changes nothing, an answer of another protocol fails; of two addresses that is asked which the host reaches', async () => {
  const open: Socket[] = [];
  const answers: Record<string, string> = {
    '/stalls': 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun',
    '/other': 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n',
    '/silent': '',
  };
  const server = createServer((socket) => {
    open.push(socket);
    socket.on('error', () => undefined).once('data', (asked) => socket.write(answers[String(asked).split(' ')[1] ?? ''] ?? ''));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-checks-'));
  const { checks, health, end } = agent(dir, ['a-wire']);
  const words = 'interval=500ms timeout=500ms retries=1';
  const Networks = { 'a-wire': { IPAddress: '127.0.0.2' }, net: { IPAddress: '127.0.0.1' } };
  try {
    checks.all([
      ...['stalls', 'other', 'silent'].map((path) => container(path, `http:${port}/${path} ${words}`)),
      container('two', `tcp:${port} ${words}`, { HostConfig: { NetworkMode: 'net' }, NetworkSettings: { Networks } }),
    ]);
    await until('all have a result', () => ['stalls', 'other', 'silent', 'two'].every((name) => health(name) !== undefined));
    assert.deepEqual(
      ['stalls', 'other', 'silent', 'two'].map((name) => [health(name)?.Status, health(name)?.Log.at(-1)?.Output]),
      [
        ['healthy', 'HTTP 200 begun'],
        ['unhealthy', 'HTTP 101'],
        ['unhealthy', `http://127.0.0.1:${port}/silent: no answer within 500 ms`],
        ['healthy', `127.0.0.1:${port} accepts connections`],
      ],
    );
  } finally {
    end();
    for (const socket of open) socket.destroy();
    server.close();
    rmSync(dir, { recursive: true });
  }
});
