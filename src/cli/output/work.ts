/** Long work on a terminal: the leader's progress lines as they come, and its result. Effects: an HTTP request, the terminal, signals. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { ArpanetError } from '../../model/errors.ts';
import type { ApiClient } from '../api-client.ts';
import { startProgress } from './progress.ts';

/** The exit code of a program that Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED = 130;

export interface WorkOptions {
  readonly say: (line: string) => void;
  /** With `--json`, progress is not printed. */
  readonly isQuiet: boolean;
  /** Of a command that sees to Ctrl-C itself: once it aborts, the command waits no longer. */
  readonly signal?: AbortSignal | undefined;
}

/** The result of the work. Errors: those of `ApiClient.work`. Ctrl-C ends the command; the leader continues the work. */
export async function runWork<T>(api: ApiClient, path: string, body: unknown, { say, isQuiet, signal }: WorkOptions): Promise<T> {
  const id = randomUUID();
  const progress = startProgress(isQuiet ? {} : process.stderr, isQuiet ? () => undefined : say);
  const interrupted = (): void => {
    progress.say(`stopped waiting: the cluster continues the work; "arpanet operations ${id}" follows it`);
    if (signal === undefined) process.exit(INTERRUPTED);
  };
  const work = api.work<T>(path, body, progress.say, id);
  const over = new AbortController();
  try {
    if (signal === undefined) {
      process.once('SIGINT', interrupted);
      return await work;
    }
    return await Promise.race([work, abortOf(signal, interrupted, over.signal)]);
  } finally {
    over.abort();
    process.off('SIGINT', interrupted);
    progress.end();
  }
}

/** Rejects, after `then`, with the signal's reason; once it is over, without. */
async function abortOf(signal: AbortSignal, then: () => void, over: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort', { signal: over });
  then();
  throw signal.reason;
}

/** What somebody has asked for before, from its begin to its end. Throws `conflict` with its error where it failed. */
export async function followWork(api: ApiClient, path: string, say: (line: string) => void): Promise<void> {
  const progress = startProgress(process.stderr, say);
  try {
    await api.follow<unknown>(`${path}?follow=true`, progress.say);
  } finally {
    progress.end();
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
