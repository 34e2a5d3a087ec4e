/** How a deploy asks the cluster: by its APIs, as any client does. Effects: those of the calls that it is given. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Answer, Client, Given } from '../client/index.ts';
import { ArpanetError } from '../model/errors.ts';

/** Docker's API, and `/arpanet/v1` by `v1`. Errors: `engine` with the HTTP status (`engineStatus`) and message of an answer, `unavailable` without one. */
export interface ClusterCalls {
  /** The answer's JSON; undefined for an empty answer. A body is sent as JSON. */
  readonly json: <T>(path: string, call?: { readonly method?: string; readonly body?: unknown }) => Promise<T>;
  /** The answer once its head has arrived; the caller reads the body. */
  readonly open: (
    path: string,
    signal: AbortSignal,
    call?: { readonly method?: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> },
  ) => Promise<IncomingMessage>;
  /** Of long work errors also: `conflict` where it failed after it began. */
  readonly v1: Pick<Client, 'call' | 'work'>;
}

type WorkName = Parameters<Client['work']>[0];

/** Where lines for the person go, and when it wants no more. */
export interface How {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The result of long work. Once the signal aborts it is waited for no longer, and goes on: rejects with the signal's reason. */
export async function worked<Name extends WorkName>(
  { v1 }: Pick<ClusterCalls, 'v1'>,
  name: Name,
  given: Given<Name>,
  { say, signal }: How,
): Promise<Answer<Name>> {
  const id = randomUUID();
  const over = new AbortController();
  const stopped = async (): Promise<never> => {
    if (!signal.aborted) await once(signal, 'abort', { signal: over.signal });
    say(`stopped waiting: the cluster continues the work; "arpanet operations ${id}" follows it`);
    throw signal.reason;
  };
  try {
    return await Promise.race([v1.work<Name>(name, given, { progress: say, id }), stopped()]);
  } finally {
    over.abort();
  }
}

/** Throws `conflict` with the update's message unless the update completed. `result` is the status of a rolling update, or null where nothing was updated. */
export function assertCompleted(result: unknown): void {
  const status = result as { readonly state?: string; readonly message?: string } | null | undefined;
  if (status?.state !== undefined && !status.state.endsWith('completed'))
    throw new ArpanetError('conflict', status.message ?? status.state);
  if (status?.state === 'rollback_completed' && status.message?.startsWith('update failed') === true)
    throw new ArpanetError('conflict', `rolled back: ${status.message}`);
}
