/**
 * Which hosts answer now. A host counts as down only after some seconds without a heartbeat; what has another host to go to does not wait for that: it
 * asks for an echo, and whatever the host says within a second is one. Effects: messages to agents, timers.
 */
import { ArpanetError } from '../../model/index.ts';
import type { Hub } from './hub.ts';

export interface Echoes {
  /** It has no stream, or has not answered the last echo that somebody waited for. */
  readonly isSilent: (host: string) => boolean;
  /** Asks the host again and again, from a moment after the call, until `end`. */
  readonly watch: (host: string) => EchoWatch;
}

export interface EchoWatch {
  /** Aborts, with an `unavailable`, when an echo has not come within a second. */
  readonly signal: AbortSignal;
  readonly end: () => void;
  /** Nothing is awaited of the host any more. */
  readonly isOver: () => boolean;
  /** What the work gives, or the signal's reason once that aborts; the work itself goes on. */
  readonly orSilent: <T>(work: Promise<T>) => Promise<T>;
}

/** Most work is done sooner, and then no echo is asked for. */
const FIRST_AFTER_MS = 200;
const PATIENCE_MS = 1_000;
/** If this process itself was late by as much, it has not listened. */
const LATE_MS = 300;

export function createEchoes(hub: Pick<Hub, 'echo' | 'heardMs'>, now: () => number): Echoes {
  /** When an echo was asked for that did not come in time. */
  const owed = new Map<string, number>();
  const hasAnswered = (host: string, askedMs: number): boolean => (hub.heardMs(host) ?? Number.NEGATIVE_INFINITY) >= askedMs;

  function watch(host: string): EchoWatch {
    const silent = new AbortController();
    let isOver = false;
    let timer = setTimeout(ask, FIRST_AFTER_MS);
    function ask(): void {
      const askedMs = now();
      hub.echo(host);
      // what has arrived meanwhile is read before it is judged
      timer = setTimeout(() => setImmediate(judge, askedMs), PATIENCE_MS);
    }
    function judge(askedMs: number): void {
      if (isOver) return;
      if (hasAnswered(host, askedMs) || now() - askedMs > PATIENCE_MS + LATE_MS) return ask();
      owed.set(host, askedMs);
      silent.abort(new ArpanetError('unavailable', `host ${host} has not answered for a second`));
    }
    return {
      signal: silent.signal,
      end() {
        isOver = true;
        clearTimeout(timer);
      },
      isOver: () => isOver,
      orSilent: (work) => unlessAborted(work, silent.signal),
    };
  }

  return {
    isSilent(host) {
      if (hub.heardMs(host) === undefined) return true;
      const askedMs = owed.get(host);
      if (askedMs === undefined) return false;
      if (hasAnswered(host, askedMs)) owed.delete(host);
      return owed.has(host);
    },
    watch,
  };
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    // work that ends by the signal has an error of its own
    throw signal.aborted ? (signal.reason as Error) : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
