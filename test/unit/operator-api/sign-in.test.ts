import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Router } from 'express';
import { signInRoutes } from '../../../src/operator-api/sign-in.ts';
import { type Client, noteClient } from '../../../src/security/index.ts';

interface Answer {
  readonly setHeader: (name: string, value: string) => Answer;
  readonly json: (body: unknown) => void;
}
type Handler = (request: object, response: Answer) => unknown;

const ada: Client = { user: 'ada', kind: 'client', fingerprint: 'f00d', issuer: 'ca', from: '10.0.0.9' };

describe('a sign-in by a browser', () => {
  const routes = new Map<string, Handler>();
  const router = {
    post: (path: string, ...handlers: Handler[]) => routes.set(path, handlers.at(-1) ?? assert.fail()),
    delete: () => undefined,
  };
  let nowMs = 0;
  signInRoutes(router as unknown as Router, { secret: async () => 'secret', now: () => nowMs });

  const codeFor = (client: Client): unknown => {
    const request = {};
    noteClient(request, client);
    let said: unknown;
    const answer: Answer = { setHeader: () => answer, json: (body) => (said = body) };
    routes.get('/sign-ins')?.(request, answer);
    return said;
  };

  it('is begun with a certificate, and not by the session of another, which would never end so', () => {
    assert.match(JSON.stringify(codeFor(ada)), /"code":"[\w-]{43}"/);
    assert.throws(() => codeFor({ ...ada, isSession: true }), { kind: 'forbidden' });
  });

  it('is of a link once, within a minute; what is older, used or made up is refused with what to do', async () => {
    const begin = async ({ code }: { readonly code: string }): Promise<string> => {
      let cookie = '';
      const answer: Answer = { setHeader: (_name, value) => ((cookie = value), answer), json: () => undefined };
      await routes.get('/session')?.({ body: Buffer.from(JSON.stringify({ code })) }, answer);
      return cookie;
    };
    const link = (): { readonly code: string } => codeFor(ada) as { readonly code: string };
    const used = link();
    nowMs += 59_000;
    assert.match(await begin(used), /HttpOnly/);
    const old = link();
    nowMs += 61_000;
    for (const code of [used, old, { code: 'x'.repeat(43) }, { code: '' }])
      await assert.rejects(begin(code), { kind: 'unauthorized', message: /older than a minute: run "arpanet ui" again/ });
  });
});
