/** Checks by label, of a server on this machine. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { createChecks } from '../../../src/hostagent/checks/checks.ts';
import type { ContainerFacts } from '../../../src/model/facts.ts';
import { until } from '../../support/cluster/cluster.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';

it('an agent checks by HTTP and TCP, and sends a container again whenever its health is another one', async () => {
  let status = 503;
  const server = http.createServer((request, response) => response.writeHead(request.url === '/healthz' ? status : 404).end('said'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const end = new AbortController();
  const sent: ContainerFacts[] = [];
  const checks = createChecks({ log: quietLog, now: Date.now, changed: (facts) => sent.push(facts) }, end.signal);
  const container = (name: string, check: string): ContainerFacts => {
    const { facts } = literalView(literalRecord(name, { id: name.padEnd(64, '0') }));
    const inspect = {
      ...facts.inspect,
      HostConfig: { NetworkMode: 'host' },
      Config: { Image: 'busybox', Labels: { 'arpanet.check': check } },
    };
    return { ...facts, inspect };
  };
  const health = (name: string) => sent.findLast(({ inspect }) => inspect.Id.startsWith(name))?.inspect.State.Health;
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
    checks.gone(['db'.padEnd(64, '0')]);
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await until('nothing listens', () => health('web')?.Status === 'unhealthy');
    assert.equal(health('db')?.Status, 'healthy', 'one that is gone is not checked');
  } finally {
    end.abort();
    server.close();
  }
});
