/** The creates that run in this process, by the container's name. The pipeline enters them; other code that meets one leaves it alone, or waits for its end. */

export interface CreatesInProgress {
  /** Names of containers that are being created right now: nobody else's business. */
  readonly names: ReadonlySet<string>;
  /** Resolves when the create of this name has ended, however it did. Undefined: none is in progress. */
  readonly ended: (name: string) => Promise<void> | undefined;
  /** Enters a create; what it returns takes it out again, and wakes who waits. */
  readonly begin: (name: string) => () => void;
}

export function createCreatesInProgress(): CreatesInProgress {
  const names = new Set<string>();
  const ends = new Map<string, Promise<void>>();
  return {
    names,
    ended: (name) => ends.get(name),
    begin(name) {
      let wake = (): void => undefined;
      names.add(name);
      ends.set(name, new Promise((resolve) => (wake = resolve)));
      return () => {
        names.delete(name);
        ends.delete(name);
        wake();
      };
    },
  };
}
