import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it, mock } from 'node:test';
import type { Request, Response, Router } from 'express';
import { isKind } from '../../../src/model/index.ts';
import { logRoute } from '../../../src/operator-api/live/logs.ts';

describe('GET /arpanet/v1/logs', () => {
  const container = { id: 'c1', name: 'abc_web_1', host: 'h1', facts: { inspect: { Config: {} } } };
  const services: readonly object[] = [{ deployment: 'abc', service: 'web', instances: [container] }];

  function page() {
    let route: ((request: Request, response: Response) => Promise<void>) | undefined;
    let tell: (event: object) => void = () => assert.fail('nobody listens');
    const counts = { looks: 0, read: 0 };
    const router = { get: (_path: string, handler: typeof route) => (route = handler) } as unknown as Router;
    const seen = {
      observe: () => ({ services: () => (counts.looks++ === 0 ? [] : services) }),
      live: () => ({ onEvent: (listener: typeof tell) => (tell = listener), ended: new AbortController().signal }),
    };
    const engine = (): never => {
      counts.read++;
      throw new Error('no Engine');
    };
    logRoute(router, { engine, log: { error: assert.fail } as never }, () => seen as never);
    const open = async (): Promise<PassThrough> => {
      const response = Object.assign(new PassThrough(), { writeHead: () => undefined, flushHeaders: () => undefined });
      const request = { query: { follow: 'true' }, resume: () => undefined };
      await route?.(request as unknown as Request, response as unknown as Response);
      return response;
    };
    return { open, counts, start: (ID: string) => tell({ event: { Type: 'container', Action: 'start', Actor: { ID } } }) };
  }

  it('has 32 streams of one person at once, and another when one has ended', async () => {
    const { open } = page();
    const [first] = await Promise.all(Array.from({ length: 32 }, open));
    await assert.rejects(open(), (error) => isKind(error, 'too-many'));
    first?.emit('close');
    await open();
  });

  it('walks all services once for many that start, and not when its reader has gone', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { open, counts, start } = page();
      const response = await open();
      for (const id of ['c1', 'c2', 'c3', 'c1']) start(id);
      mock.timers.tick(1_000);
      assert.deepEqual(counts, { looks: 2, read: 1 });
      start('c1');
      response.emit('close');
      mock.timers.tick(1_000);
      assert.deepEqual(counts, { looks: 2, read: 1 });
    } finally {
      mock.timers.reset();
    }
  });
});
