/** Long work on a terminal: the leader's progress lines as they come, and its result. Effects: an HTTP request, the terminal, signals. */
import { randomUUID } from 'node:crypto';
import type { Answer, Client, Given } from '../../client/index.ts';
import type { ApiClient } from '../api-client.ts';
import { startProgress } from './progress.ts';

/** The exit code of a program that Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED = 130;

export interface WorkOptions {
  readonly say: (line: string) => void;
  /** With `--json`, progress is not printed. */
  readonly isQuiet: boolean;
}

/** A route of long work. */
export type WorkName = Parameters<Client['work']>[0];

/** The result of the work. Errors: those of `ApiClient`. Ctrl-C ends the command; the leader continues the work. */
export async function runWork<Name extends WorkName>(
  { v1 }: ApiClient,
  name: Name,
  given: Given<Name>,
  { say, isQuiet }: WorkOptions,
): Promise<Answer<Name>> {
  const id = randomUUID();
  const progress = startProgress(isQuiet ? {} : process.stderr, isQuiet ? () => undefined : say);
  const interrupted = (): void => {
    progress.say(`stopped waiting: the cluster continues the work; "arpanet operations ${id}" follows it`);
    process.exit(INTERRUPTED);
  };
  try {
    process.once('SIGINT', interrupted);
    return await v1.work<Name>(name, given, { progress: progress.say, id });
  } finally {
    process.off('SIGINT', interrupted);
    progress.end();
  }
}

/** What somebody has asked for before, from its begin to its end. Throws `conflict` with its error where it failed. */
export async function followWork({ v1 }: ApiClient, id: string, say: (line: string) => void): Promise<void> {
  const progress = startProgress(process.stderr, say);
  try {
    await v1.follow(id, { progress: progress.say });
  } finally {
    progress.end();
  }
}
