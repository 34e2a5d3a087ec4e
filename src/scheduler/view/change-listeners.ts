/** Who listens for changes of the view. Effects: timers. */

/** Tells the listeners once for all changes of one turn. */
export function changed(listeners: ReadonlySet<() => void>): () => void {
  let isTold = false;
  return () => {
    if (isTold) return;
    isTold = true;
    setImmediate(() => {
      isTold = false;
      for (const listener of listeners) listener();
    });
  };
}

/** Resolves at the next change, or after `ms`. */
export function nextChange(listeners: Set<() => void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      listeners.delete(done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(1, ms));
    listeners.add(done);
  });
}
