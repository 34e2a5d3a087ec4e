/** A run that many ask for: at most one is under way and one waits. */

/** All who ask while a run is under way share the one after it: it sees everything that was so when they asked. */
export function singleFlight(run: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  let waiting: Promise<void> | undefined;
  const start = (): Promise<void> => {
    underWay = run().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  return () => {
    if (underWay === undefined) return start();
    waiting ??= underWay
      .catch(() => {})
      .then(() => {
        waiting = undefined;
        return start();
      });
    return waiting;
  };
}
