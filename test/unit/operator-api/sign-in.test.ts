import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Router } from 'express';
import { signInRoutes } from '../../../src/operator-api/sign-in.ts';
import { type Client, noteClient } from '../../../src/security/index.ts';

type Handler = (request: object, response: { readonly json: (body: unknown) => void }) => void;

const ada: Client = { user: 'ada', kind: 'client', fingerprint: 'f00d', issuer: 'ca', from: '10.0.0.9' };

describe('a sign-in by a browser', () => {
  const routes = new Map<string, Handler>();
  const router = {
    post: (path: string, ...handlers: Handler[]) => routes.set(path, handlers.at(-1) ?? assert.fail()),
    delete: () => undefined,
  };
  signInRoutes(router as unknown as Router, { secret: async () => 'secret', now: () => 0 });

  const codeFor = (client: Client): unknown => {
    const request = {};
    noteClient(request, client);
    let said: unknown;
    routes.get('/sign-ins')?.(request, { json: (body) => (said = body) });
    return said;
  };

  it('is begun with a certificate, and not by the session of another, which would never end so', () => {
    assert.match(JSON.stringify(codeFor(ada)), /"code":"[\w-]{43}"/);
    assert.throws(() => codeFor({ ...ada, isSession: true }), { kind: 'forbidden' });
  });
});
