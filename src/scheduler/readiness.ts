/** When this leader's view is complete: all known hosts have joined, or their grace is over, and each was compared with the store. Effects: timers. */
import { ArpanetError } from '../model/index.ts';
import type { Adopt } from './containers/adopt.ts';
import type { Adopter } from './containers/adopter.ts';
import type { Core } from './core.ts';
import type { ChangeListeners } from './view/change-listeners.ts';
import { within } from '../async/within.ts';
import { inBackground } from '../telemetry/faults.ts';

const READY_TIMEOUT_MS = 10_000;

export interface ReadinessParts {
  readonly listeners: Pick<ChangeListeners, 'next'>;
  readonly adopter: Pick<Adopter, 'host'>;
  readonly adopt: Pick<Adopt, 'leftovers'>;
}

/** What it returns resolves when the view is complete, as `LeaderStatus.ready` has it. */
export function startReadiness(core: Core, { listeners, adopter, adopt }: ReadinessParts): (signal: AbortSignal) => Promise<void> {
  const { deps, view, lost } = core;
  const { log, now } = deps;
  const { graceMs } = deps.settings;

  async function complete(): Promise<void> {
    const until = now() + graceMs;
    while (!lost.aborted && now() < until && view.hosts().some(({ state }) => state === 'joining')) await listeners.next(until - now());
    const compared = Promise.all(view.hosts().map(({ name }) => adopter.host(name)));
    await within(graceMs + 1, compared, () => new Error('comparing all hosts with the store takes too long')).catch((error: unknown) =>
      log.warn({ err: error }, 'ready before all hosts were compared with the store'),
    );
  }

  const completed = complete();
  inBackground(
    log,
    'removing leftovers',
    completed.then(() =>
      lost.aborted ? undefined : adopt.leftovers().catch((error: unknown) => log.warn({ err: error }, 'could not remove all leftovers')),
    ),
  );
  return (signal) => awaitReady(completed, signal, lost);
}

async function awaitReady(complete: Promise<void>, signal: AbortSignal, lost: AbortSignal): Promise<void> {
  const incomplete = (): ArpanetError => new ArpanetError('unavailable', 'the cluster view is not complete yet: try again');
  if (signal.aborted || lost.aborted) throw incomplete();
  let abort: (() => void) | undefined;
  const cancelled = new Promise<never>((_resolve, reject) => {
    abort = () => reject(incomplete());
    signal.addEventListener('abort', abort);
  });
  try {
    await within(READY_TIMEOUT_MS, Promise.race([complete, cancelled]), incomplete);
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}
