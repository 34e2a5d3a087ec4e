/** A Consul whose answers take as long as somebody says, and a leader beside it that can be killed at any moment. Effects: servers on 127.0.0.1. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { keys } from '../../../src/model/index.ts';
import { openConsul } from '../../../src/store/index.ts';
import { JOIN_TOKEN } from '../fakes/small-scheduler.ts';
import { quietLog } from '../cluster/lab.ts';

export interface SlowConsul extends AsyncDisposable {
  /** HOST:PORT. */
  readonly address: string;
  /** So long each answer waits from now on. */
  delayMs: number;
}

export async function slowConsul(consul: string): Promise<SlowConsul> {
  const [host, port] = consul.split(':');
  const server = http.createServer((request, response) => {
    const upstream = http.request({ host, port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      setTimeout(() => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      }, slow.delayMs);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  });
  await listening(server);
  const slow: SlowConsul = {
    address: addressOf(server),
    delayMs: 0,
    [Symbol.asyncDispose]: () => ended(server),
  };
  return slow;
}

export interface StandIn extends AsyncDisposable {
  /** Nothing answers at its address any more; its session stays. */
  readonly die: () => void;
}

/** It holds the lock, and answers nothing but that it lives, in a cluster that need not be founded. */
export async function standInLeader(consul: string): Promise<StandIn> {
  const store = await openConsul(consul, { log: quietLog });
  const server = http.createServer((_request, response) => response.end('{}'));
  await listening(server);
  const value = { url: `http://${addressOf(server)}`, name: 'dead', epoch: 1 };
  const { fence } = await store.lock(keys.leader, value, { ttlMs: 60_000, name: 'dead' }, AbortSignal.timeout(30_000));
  for (const [key, text] of [
    [keys.clusterId, 'c'.repeat(64)],
    [keys.joinToken, JOIN_TOKEN],
    [keys.labelKey, 'k'.repeat(43)],
  ] as const)
    await store.transact([{ op: 'set', key, value: text }], fence);
  return {
    die: () => void ended(server),
    [Symbol.asyncDispose]: async () => {
      await ended(server);
      await store[Symbol.asyncDispose]();
    },
  };
}

const addressOf = (server: http.Server): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;

async function listening(server: http.Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

async function ended(server: http.Server): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  server.close();
}
