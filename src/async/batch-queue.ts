/** Effects: a queue whose work is done in batches, one batch at a time, so that whatever piled up meanwhile is one piece of work. */
export interface BatchQueue<T> {
  add(item: T): void;
  /** Drops what waits. */
  clear(): readonly T[];
}

/**
 * With `coalesceMs` a batch waits that long for company, unless something urgent is in it. A batch whose `work` rejects is lost: `failed` gets
 * the error, and the next batch is done.
 */
export function createBatchQueue<T>(
  work: (batch: readonly T[]) => Promise<void>,
  failed: (error: unknown) => void,
  coalesceMs = 0,
  isUrgent: (item: T) => boolean = () => false,
): BatchQueue<T> {
  let waiting: T[] = [];
  let isBusy = false;
  let timer: NodeJS.Timeout | undefined;
  const take = (): T[] => {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = [];
    return batch;
  };
  const run = (): void => {
    isBusy = true;
    work(take())
      .catch(failed)
      .finally(() => {
        isBusy = false;
        soon();
      });
  };
  const soon = (): void => {
    if (isBusy || waiting.length === 0) return;
    if (coalesceMs === 0 || waiting.some(isUrgent)) run();
    else timer ??= setTimeout(run, coalesceMs);
  };
  return {
    add(item) {
      waiting.push(item);
      soon();
    },
    clear: take,
  };
}
