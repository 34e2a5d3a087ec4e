/** Work on many items, a few at a time. */

/** Maps with at most `width` under way; results in order. Rejects with the first failure; items that wait then are not begun. */
export async function mapBounded<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length });
  const waiting = items.entries();
  let isFailed = false;
  const worker = async (): Promise<void> => {
    for (const [at, item] of waiting) {
      if (isFailed) return;
      try {
        results[at] = await work(item);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}

/** Takes the items in order, `width` at a time, and tries all of them. Rejects with the first failure once all have been tried. */
export async function doAll<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const [failure] = await tryAll(items, width, work);
  if (failure !== undefined) throw failure;
}

/** Takes the items in order, `width` at a time, and tries all of them. Resolves with the errors of those that failed; never rejects. */
export async function tryAll<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>): Promise<readonly Error[]> {
  const failures: Error[] = [];
  await mapBounded(items, width, async (item) => {
    try {
      await work(item);
    } catch (error) {
      failures.push(error instanceof Error ? error : new Error(String(error)));
    }
  });
  return failures;
}
