/**
 * How long it takes until another leads, and a client that waited is answered, with a Consul that needs so long for each answer:
 * `node --import tsx bench/slow-store.ts 2400`. A dead leader holds the lock; two schedulers follow it.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { keys } from '../src/model/index.ts';
import { openConsul } from '../src/store/index.ts';
import { startConsul } from '../test/support/cluster/consul.ts';
import { quietLog } from '../test/support/cluster/lab.ts';
import { JOIN_TOKEN, startSmallScheduler } from '../test/support/fakes/small-scheduler.ts';

const delayMs = Number(process.argv[2] ?? 2_400);
const consul = await startConsul();
const [host, port] = consul.http.split(':');
const slow = http.createServer((request, response) => {
  const upstream = http.request({ host, port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
    setTimeout(() => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    }, delayMs);
  });
  upstream.on('error', () => response.destroy());
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
});
slow.listen(0, '127.0.0.1');
await once(slow, 'listening');
const address = `127.0.0.1:${(slow.address() as AddressInfo).port}`;

const direct = await openConsul(consul.http, { log: quietLog });
const dead = { url: 'http://127.0.0.1:1', name: 'dead', epoch: 1 };
const held = await direct.lock(keys.leader, dead, { ttlMs: 60_000, name: 'dead' }, AbortSignal.timeout(5_000));
// a cluster that is there, and need not be founded
for (const [key, value] of [
  [keys.clusterId, 'c'.repeat(64)],
  [keys.joinToken, JOIN_TOKEN],
  [keys.labelKey, 'k'.repeat(43)],
] as const)
  await direct.transact([{ op: 'set', key, value }], held.fence);
const stop = http.createServer((_request, response) => response.end('{}'));
stop.listen(0, '127.0.0.1');
await once(stop, 'listening');
await direct.transact(
  [{ op: 'set', key: keys.leader, value: { ...dead, url: `http://127.0.0.1:${(stop.address() as AddressInfo).port}` } }],
  held.fence,
);
const settings = { kind: 'consul', address } as const;
const schedulers = await Promise.all(['s1', 's2'].map((name) => startSmallScheduler(name, settings)));
await sleep(6 * delayMs);
const sinceMs = performance.now();
stop.closeAllConnections();
stop.close();
const asked = await schedulers[0]?.call('GET', '/containers/json').catch((error: unknown) => error);
console.log({ delayMs, answeredMs: Math.round(performance.now() - sinceMs), asked });
for (const scheduler of schedulers) await scheduler[Symbol.asyncDispose]();
await direct[Symbol.asyncDispose]();
await consul.stop();
slow.closeAllConnections();
slow.close();
process.exit(0);
