/** Long work on a terminal: the leader's progress lines as they come, and its result. Effects: an HTTP request, the terminal, signals. */
import { ArpanetError } from '../../model/errors.ts';
import type { ApiClient } from '../api-client.ts';
import { startProgress } from './progress.ts';

/** The exit code of a program that Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED = 130;

export interface WorkOptions {
  readonly say: (line: string) => void;
  /** With `--json`, progress is not printed. */
  readonly isQuiet: boolean;
}

/** The result of the work. Errors: those of `ApiClient.work`. Ctrl-C ends the command; the leader continues the work. */
export async function runWork<T>(api: ApiClient, path: string, body: unknown, { say, isQuiet }: WorkOptions): Promise<T> {
  const progress = startProgress(isQuiet ? {} : process.stderr, isQuiet ? () => undefined : say);
  const interrupted = (): void => {
    progress.say('stopped waiting: the cluster continues the work; "arpanet status" and "arpanet ps" show its progress');
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', interrupted);
  try {
    return await api.work<T>(path, body, progress.say);
  } finally {
    process.off('SIGINT', interrupted);
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
