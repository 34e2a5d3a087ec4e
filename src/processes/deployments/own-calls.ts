/** How the leader asks its own APIs for somebody: as a follower passes that client's requests on, with the same rights and in the same audit log. Effects: HTTP requests. */
import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { ClusterCalls } from '../../deployments/index.ts';
import {
  addressIn,
  clusterClient,
  engineError,
  type EngineAnswer,
  type EngineCall,
  engineOpen,
  engineRequest,
} from '../../engine/index.ts';
import { ArpanetError } from '../../model/index.ts';
import { text } from 'node:stream/consumers';
import { type Client, CLIENT_HEADER, signClient } from '../../security/index.ts';

/** A deployment of many instances takes no more of the connections that this machine's clients may have. */
const MOST_AT_ONCE = 64;

export interface OwnEndpoint {
  /** `http://HOST:PORT` or `https://HOST:PORT`. */
  readonly url: string;
  /** This scheduler's name. */
  readonly name: string;
  /** As to another scheduler; undefined: it has no certificate. */
  readonly tls: ConnectionOptions | undefined;
  /** What schedulers sign with, for each other. */
  readonly secret: string;
}

/** `client`: whose rights count; undefined: of who needs none. `operation`: its id is in the id of each request, so that logs name both. */
export function ownCalls(
  { url, name, tls, secret }: OwnEndpoint,
  client: Client | undefined,
  operation: string,
): ClusterCalls & Disposable {
  const { host, port, isTls } = addressIn(url);
  const agent = isTls
    ? new https.Agent({ ...tls, keepAlive: true, maxSockets: MOST_AT_ONCE })
    : new http.Agent({ keepAlive: true, maxSockets: MOST_AT_ONCE });
  const target = { host, port, agent, ...(isTls && { protocol: 'https:' as const }) };
  const run = randomUUID().slice(0, 8);
  let count = 0;

  function callOf(given: EngineCall): EngineCall {
    // one that is carried out again by the next leader is another request
    const requestId = given.headers?.['Arpanet-Request-Id'] ?? `${operation.slice(0, 40)}-${run}-${++count}`;
    return {
      ...given,
      headers: {
        Host: new URL(url).host,
        'Arpanet-Request-Id': requestId,
        'Arpanet-Forwarded': name,
        ...(client && { [CLIENT_HEADER]: signClient(secret, client, { method: given.method, url: given.path, requestId }) }),
        ...given.headers,
      },
    };
  }

  const opened = async (call: EngineCall): Promise<IncomingMessage> => {
    const answer = await engineOpen(target, callOf(call));
    if ((answer.statusCode ?? 0) < 400) return answer;
    throw engineError(answer.statusCode ?? 0, await text(answer));
  };
  const whole = async (call: EngineCall): Promise<EngineAnswer> => {
    const answer = await engineRequest(target, callOf(call));
    if (answer.status < 400) return answer;
    throw engineError(answer.status, answer.body.toString());
  };

  return {
    async json<T>(path: string, { method = 'GET', body }: { readonly method?: string; readonly body?: unknown } = {}) {
      const { body: bytes } = await whole({ method, path, body });
      return (bytes.length === 0 ? undefined : JSON.parse(bytes.toString())) as T;
    },
    open: (path, signal, { method = 'GET', body, headers = {} } = {}) => opened({ method, path, body, headers, signal }),
    v1: clusterClient({
      whole,
      open: opened,
      cutOff: (cause) => new ArpanetError('unavailable', 'this scheduler ended before the work did', { cause }),
    }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}
