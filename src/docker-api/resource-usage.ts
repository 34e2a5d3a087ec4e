/** `GET /arpanet/v1/held`: what this process holds. Effects: reads the process, may collect garbage. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isBearer } from '../engine/index.ts';
import { ArpanetError } from '../model/index.ts';
import { resourceUsage } from '../telemetry/resource-usage.ts';

/** With `?collect=1` after a garbage collection, which stops the process for some ten milliseconds: only for who has the join token. Throws `unauthorized`. */
export function answerResourceUsage(req: IncomingMessage, res: ServerResponse, token: string | undefined): void {
  const collect = req.url?.endsWith('?collect=1') === true;
  if (collect && (token === undefined || !isBearer(req.headers.authorization, token)))
    throw new ArpanetError('unauthorized', 'a garbage collection needs the join token: Authorization: Bearer TOKEN');
  res.end(`${JSON.stringify(resourceUsage(collect))}\n`);
}
