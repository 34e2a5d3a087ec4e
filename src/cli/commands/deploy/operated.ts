/** Work of the leader that a lost leader or connection does not end: it is followed under its id, wherever it goes on. Effects: HTTP requests, timers. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stopped } from '../../../deployments/index.ts';
import { ArpanetError, isKind } from '../../../model/errors.ts';
import type { Answer, Client, Given } from '../../../client/index.ts';
import type { WorkName } from '../../output/work.ts';

/** For so long a leader is waited for. */
const LEADER_MS = 60_000;
const AGAIN_MS = 300;

/** Nobody can say now what became of it: no scheduler answers, or none that leads. */
const isLost = (error: unknown): boolean =>
  isKind(error, 'unavailable', 'timeout') || (isKind(error, 'engine') && [502, 503, 504].includes(error.engineStatus ?? 0));

/**
 * The result. Once the signal aborts the leader is asked to begin nothing else of it; it is followed to its end all the same: throws Stopped. Errors else: as
 * those of ApiClient; `unavailable` naming the operation where no leader answers for a minute.
 */
export async function operated<Name extends WorkName>(
  v1: Pick<Client, 'work' | 'follow' | 'call'>,
  name: Name,
  given: Given<Name>,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Answer<Name>> {
  const id = randomUUID();
  const stop = (): void => {
    v1.call('postOperationsStop', { operation: id }).catch(() =>
      say(`it could not be asked to stop: the cluster continues it, and "arpanet operations ${id}" follows it`),
    );
  };
  if (signal.aborted) throw new Stopped('stopped');
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await v1.work<Name>(name, given, { progress: say, id });
  } catch (error) {
    if (!isLost(error)) throw error;
    return (await followed(v1, id, error, say)) as Answer<Name>;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** `error`: what became of the first answer. */
async function followed(v1: Pick<Client, 'follow'>, id: string, error: unknown, say: (line: string) => void): Promise<unknown> {
  const untilMs = performance.now() + LEADER_MS;
  let isSaid = false;
  while (performance.now() < untilMs) {
    try {
      return await v1.follow(id, { progress: say });
    } catch (again) {
      // a leader that does not know it has not begun it
      if (isKind(again, 'engine') && again.engineStatus === 404) throw error;
      if (!isLost(again)) throw again;
      if (!isSaid) say('the connection to the leader is lost: waiting for the next one');
      isSaid = true;
      await sleep(AGAIN_MS);
    }
  }
  throw new ArpanetError('unavailable', `no leader answers: the next one continues it, and "arpanet operations ${id}" follows it`, {
    cause: error,
  });
}
