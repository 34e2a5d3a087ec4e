/** The client of `/arpanet/v1` over small HTTP calls of this room. Effects: those of the calls that it is given. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Client, createClient, RequestError } from '../client/index.ts';
import { ArpanetError } from '../model/errors.ts';
import type { EngineAnswer, EngineCall } from './request.ts';

/** How requests are made. Both reject for a status of 400 or more. */
export interface ClusterRequests {
  readonly whole: (call: EngineCall) => Promise<EngineAnswer>;
  readonly open: (call: EngineCall) => Promise<IncomingMessage>;
  /** What is thrown where the lines of long work end before it does. `id`: of the request, where it has one. */
  readonly cutOff: (cause: unknown, id: string | undefined) => Error;
}

/**
 * Errors are those of the requests, and of long work `conflict` with the leader's text where it failed after it began, `unavailable` where its leadership
 * ended, and what `cutOff` makes.
 */
export function clusterClient({ whole, open, cutOff }: ClusterRequests): Client {
  const client = createClient(async ({ method, path, headers, body, signal, timeoutMs, isStream }) => {
    const call = { method, path, headers, body, signal, ...(timeoutMs !== undefined && { timeoutMs }) };
    if (isStream) {
      const answer = await open(call);
      return { ...headOf(answer.statusCode ?? 0, answer.headers), text: () => text(answer), chunks: () => answer };
    }
    const answer = await whole(call);
    return {
      ...headOf(answer.status, answer.headers),
      text: async () => answer.body.toString(),
      async *chunks() {
        yield answer.body;
      },
    };
  });
  const retold = (id: string | undefined) => (error: unknown) => {
    if (!(error instanceof RequestError)) throw error;
    if (error.kind === 'cut') throw cutOff(error.cause, id);
    throw new ArpanetError(error.kind === 'unavailable' ? 'unavailable' : 'conflict', error.message);
  };
  return {
    ...client,
    work: (name, ...more) => client.work(name, ...more).catch(retold(more[1]?.id)),
    follow: (id, how) => client.follow(id, how).catch(retold(undefined)),
  };
}

const headOf = (status: number, headers: IncomingHttpHeaders) => ({
  status,
  header: (name: string) => {
    const value = headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(', ') : value;
  },
});
