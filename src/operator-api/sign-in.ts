/** How a browser signs in: who has a certificate asks for a code, which becomes a session once, within a minute. Effects: express. */
import type { Router } from 'express';
import { ArpanetError } from '../model/index.ts';
import { clientOf, type Client, sessionCookie } from '../security/index.ts';
import { bodyOf, readShortBytes } from './bodies.ts';
import { createTickets } from './terminals/tickets.ts';

const VALID_MS = 60_000;
/** Of any browser that has the link. */
const ANYBODY = '';

/** `secret`: what schedulers alone have. Codes are this process's: one of a leader before opens nothing. */
export function signInRoutes(
  router: Router,
  { secret, now }: { readonly secret: () => Promise<string>; readonly now: () => number },
): void {
  const codes = createTickets<Client>(now, VALID_MS);
  router.post('/sign-ins', (request, response) => {
    const client = clientOf(request);
    if (client === undefined)
      throw new ArpanetError(
        'conflict',
        'you came without a certificate, as an administrator of this machine: open /ui at the same address',
      );
    // else it would never end
    if (client.isSession === true)
      throw new ArpanetError('forbidden', 'a session of a browser begins no other: run "arpanet ui" where the certificate is');
    response.json({ code: codes.issue(ANYBODY, client), untilMs: now() + VALID_MS });
  });
  router.post('/session', readShortBytes(), async (request, response) => {
    const { code = '' } = bodyOf(request, 'SessionRequest');
    const client = codes.take(ANYBODY, code);
    if (client === undefined)
      throw new ArpanetError(
        'unauthorized',
        'this link has been used, or is older than a minute: run "arpanet ui" again and open what it prints',
      );
    response.setHeader('Set-Cookie', sessionCookie(await secret(), client, now())).json({});
  });
  router.delete('/session', async (_request, response) => {
    response.setHeader('Set-Cookie', sessionCookie(await secret(), undefined, now())).json({});
  });
}
