/**
 * Streams that go on after their leadership (attach, `logs -f`, `cp`): nobody tells this scheduler any more that their host is down. Effects: a timer, and a
 * connection to the host every few seconds for as long as there are any.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineAgent } from '../../engine/index.ts';
import { ArpanetError } from '../../model/index.ts';
import { isReached } from '../loss/reach.ts';

const EVERY_MS = 2_000;
const PATIENCE_MS = 3_000;
/** As often in a row nothing answers at the host's address: then it is gone. */
const UNANSWERED = 3;

/** Resolves when there are none left, having ended those of a host that is gone. */
export async function endWithHost(
  host: string,
  agent: Pick<EngineAgent, 'open' | 'cut'>,
  reaches: () => Promise<boolean>,
  everyMs = EVERY_MS,
): Promise<void> {
  for (let unanswered = 0; agent.open() > 0; ) {
    await sleep(everyMs, undefined, { ref: false });
    unanswered = (await reaches()) ? 0 : unanswered + 1;
    if (unanswered === UNANSWERED) agent.cut(new ArpanetError('unavailable', `host ${host} does not answer any more`));
  }
}

/** Whether the host's machine answers now. */
export const reachOf = (gateway: string) => (): Promise<boolean> => isReached(gateway, PATIENCE_MS);
