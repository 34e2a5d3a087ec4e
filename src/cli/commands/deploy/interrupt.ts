/** Ctrl-C and SIGTERM during a deploy. Effects: signals, the process's end. */
/** The exit code of a program that Ctrl-C ended: 128 + SIGINT. */
export const INTERRUPTED = 130;

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
}

/** The signal aborts at the first Ctrl-C; the second ends the process at once. */
export function onInterrupt(say: (line: string) => void): Interrupt {
  const asked = new AbortController();
  const stop = (): void => {
    if (asked.signal.aborted) process.exit(INTERRUPTED);
    asked.abort();
    say('stopping as soon as what has begun is done; Ctrl-C again ends at once');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  return {
    signal: asked.signal,
    [Symbol.dispose]: () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
    },
  };
}
