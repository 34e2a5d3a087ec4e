/** Effects: a clock. What an agent knows from its disk may be over after a reboot of its host: for a while it leads nobody by that, unless a leader says what is so now. */
export interface Patience {
  readonly isWaiting: () => boolean;
  /** Something waits: the time begins with the first. */
  readonly wait: () => void;
  /** A leader has said what is so now. */
  readonly end: () => void;
}

/** `ms`: milliseconds, 0 for none. `then` is called once, at its end. */
export function createPatience(ms: number, then: () => void): Patience {
  let isWaiting = ms > 0;
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    if (!isWaiting) return;
    isWaiting = false;
    clearTimeout(timer);
    then();
  };
  return {
    isWaiting: () => isWaiting,
    wait(): void {
      if (isWaiting) timer ??= setTimeout(end, ms).unref();
    },
    end,
  };
}
