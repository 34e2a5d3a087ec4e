/**
 * Ends work that has fallen silent: nothing of it moves, and who does it does not answer when asked. Silence alone is none: an Engine may count and pack
 * for a minute before the first byte. Effects: a timer, and what `answers` does.
 */
import type { Readable } from 'node:stream';
import { ArpanetError } from '../../model/errors.ts';

export interface Silence {
  /** Aborts, with a `timeout` that says for how long, when it has lasted for too long. */
  readonly signal: AbortSignal;
  /** What passes through this stream breaks the silence. Gives the stream back. */
  readonly tap: <T extends Readable>(stream: T) => T;
  readonly end: () => void;
}

/** In ms. */
export interface Patience {
  /** Default: 10 s. */
  readonly boundMs?: number;
  readonly now?: () => number;
}

/** `answers` is asked while nothing moves; `what`: begins the error's sentence. */
export function watchSilence(
  answers: () => Promise<boolean>,
  what: string,
  { boundMs = 10_000, now = () => performance.now() }: Patience = {},
): Silence {
  const over = new AbortController();
  let heardMs = now();
  let isAsking = false;
  const look = (): void => {
    const silentMs = now() - heardMs;
    if (silentMs >= boundMs) {
      clearInterval(timer);
      over.abort(new ArpanetError('timeout', `${what} for ${Math.round(silentMs / 1_000)} s`));
    } else if (silentMs >= boundMs / 5 && !isAsking) {
      isAsking = true;
      const askedMs = now();
      const asked = (does: boolean): void => {
        isAsking = false;
        if (does) heardMs = Math.max(heardMs, askedMs);
      };
      answers().then(asked, () => asked(false));
    }
  };
  const timer = setInterval(look, boundMs / 10);
  return {
    signal: over.signal,
    tap: (stream) => stream.on('data', () => (heardMs = now())),
    end: () => clearInterval(timer),
  };
}
