import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import type { Request, Response, Router } from 'express';
import { logRoute } from '../../../src/operator-api/live/logs.ts';
import { isKind } from '../../../src/model/index.ts';

describe('GET /arpanet/v1/logs', () => {
  it('has 32 streams of one person at once, and another when one has ended', async () => {
    let route: ((request: Request, response: Response) => Promise<void>) | undefined;
    const router = { get: (_path: string, handler: typeof route) => (route = handler) } as unknown as Router;
    const seen = {
      observe: () => ({ services: () => [] }),
      live: () => ({ onEvent: () => undefined, ended: new AbortController().signal }),
    };
    logRoute(router, { engine: () => assert.fail(), log: {} as never }, () => seen as never);
    const open = async (): Promise<EventEmitter> => {
      const response = Object.assign(new EventEmitter(), { writeHead: () => undefined, flushHeaders: () => undefined });
      await route?.({ query: { follow: 'true' }, resume: () => undefined } as unknown as Request, response as unknown as Response);
      return response;
    };
    const [first] = await Promise.all(Array.from({ length: 32 }, open));
    await assert.rejects(open(), (error) => isKind(error, 'too-many'));
    first?.emit('close');
    await open();
  });
});
