/** The scope of a request that changes something: its id goes with all that is done for it, and its span where traces are sent. Effects: the log. */
import type { IncomingMessage } from 'node:http';
import type { Logger } from '../telemetry/log.ts';
import { inRequest } from '../telemetry/request-scope.ts';
import { placeOf } from './request-metrics.ts';

/** Reads, which are most of all requests, have none. Settles as `act`. */
export async function forRequest(
  req: IncomingMessage,
  requestId: string,
  log: Pick<Logger, 'debug'>,
  act: () => Promise<void>,
): Promise<void> {
  const { method = '' } = req;
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return await act();
  const [path = '/'] = (req.url ?? '/').split('?', 1);
  const { traceparent } = req.headers;
  const what = {
    // nothing that a client makes up
    name: `${method} ${placeOf(method, path).labels.route}`,
    attributes: { 'http.request.method': method },
    traceparent: typeof traceparent === 'string' ? traceparent : undefined,
  };
  const sinceMs = performance.now();
  await inRequest(requestId, what, act).finally(() =>
    log.debug({ requestId, method, path, ms: Math.round(performance.now() - sinceMs) }, 'a request'),
  );
}
