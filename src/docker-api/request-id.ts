/** What a request is called, in answers, logs and between schedulers. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export const newId = (): string => randomUUID();

/** The client's, or the follower's, if it looks like one; so that a request that is sent again is known again. */
export function idOf(req: IncomingMessage): string {
  const given = req.headers['arpanet-request-id'];
  return typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : newId();
}
