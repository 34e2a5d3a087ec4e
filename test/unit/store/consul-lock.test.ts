import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { acquireLock } from '../../../src/store/consul/lock.ts';
import { type Answer, type Call, createConsulHttp } from '../../../src/store/consul/http.ts';
import { until } from '../../support/cluster/cluster.ts';
import { quietLog } from '../../support/cluster/lab.ts';

describe('a lock in Consul', () => {
  it('costs one call once its holder is gone: who waits for it has its session at hand', async () => {
    const calls: string[] = [];
    let isFree = (): void => undefined;
    const freed = new Promise<void>((resolve) => (isFree = resolve));
    let isWaiting = (): void => undefined;
    const waits = new Promise<void>((resolve) => (isWaiting = resolve));
    const call = async ({ method, path, query }: Call): Promise<Answer> => {
      calls.push(`${method} ${path}${query?.['acquire'] === undefined ? '' : `?acquire=${query['acquire']}`}`);
      return { status: 200, body: path === '/session/create' ? { ID: 's1' } : true, index: 1 };
    };
    const awaitHolder = async (_key: string, until: (session: string | undefined) => boolean, signal: AbortSignal): Promise<void> => {
      if (!until('of another')) {
        isWaiting();
        await freed;
        return;
      }
      // the lock that was acquired is lost when its session ends: here never
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    const deps = {
      http: { address: 'consul', call, trouble: () => undefined, answerMs: () => 0, close: () => undefined },
      log: quietLog,
      awaitHolder,
    };
    const ended = new AbortController();
    const acquired = acquireLock(deps, { key: 'leader', value: {}, ttlMs: 60_000, name: 's' }, ended.signal);
    await waits;
    assert.deepEqual(calls.splice(0), ['PUT /session/create']);
    isFree();
    const lock = await acquired;
    assert.deepEqual([calls.splice(0), lock.fence], [['PUT /kv/leader?acquire=s1'], { key: 'leader', session: 's1' }]);
    await lock.release();
  });

  it('is renewed while every other call waits for its answer, however many there are', async () => {
    const waiting = new Set<ServerResponse>();
    const server = createServer((req, res) => {
      if (req.url?.startsWith('/v1/session/renew/') === true) res.end('[]');
      else waiting.add(res);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const http = createConsulHttp(`127.0.0.1:${port}`, {});
    const writes = Array.from({ length: 100 }, () => http.call({ method: 'PUT', path: '/txn', body: [] }));
    await until('all writes wait', () => waiting.size === writes.length);
    assert.equal((await http.call({ method: 'PUT', path: '/session/renew/s1' })).status, 200);
    assert.equal(waiting.size, writes.length);
    for (const res of waiting) res.end('{}');
    await Promise.all(writes);
    http.close();
    server.close();
  });
});
