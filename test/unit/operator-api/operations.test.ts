/** Who follows somebody's long work, where that ends before it says anything. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import express from 'express';
import { ArpanetError } from '../../../src/model/index.ts';
import { answerError } from '../../../src/operator-api/bodies.ts';
import { createOperations } from '../../../src/operator-api/operations.ts';

describe('long work that fails before its first line', () => {
  it('keeps its status for who asked, and ends what others follow of it', async () => {
    const app = express();
    const router = express.Router();
    const over = new AbortController();
    const unexpected = (error: unknown): never => {
      throw error;
    };
    const { answer, list, routes } = createOperations(() => 0, unexpected);
    routes(router);
    router.post('/work', async (_request, response) => {
      response.setHeader('Arpanet-Request-Id', 'of-ada-1');
      await answer(response, async () => {
        await once(over.signal, 'abort');
        throw new ArpanetError('conflict', 'h1 is down');
      });
    });
    app.use(router, answerError(unexpected));
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const asked = fetch(`${url}/work`, { method: 'POST' });
      let followed = await fetch(`${url}/operations/of-ada-1?follow=true`);
      while (followed.status === 404) followed = await fetch(`${url}/operations/of-ada-1?follow=true`);
      over.abort();
      assert.deepEqual(JSON.parse(await followed.text()), { error: 'h1 is down' });
      assert.equal((await asked).status, 409);
      assert.deepEqual(list(), []);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
