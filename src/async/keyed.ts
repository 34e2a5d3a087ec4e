/** One thing at a time for each key, and several waiting for one result. */
export interface Keyed {
  /** Runs `act` after all that was begun before under this key. */
  serial<T>(key: string, act: () => Promise<T>): Promise<T>;
  /** Runs `act`, or joins the run that is under way under this key. */
  shared<T>(key: string, act: () => Promise<T>): Promise<T>;
}

/** Queues that are forgotten once nothing is under way in them. An act that fails holds up nobody. */
export function createKeyed(): Keyed {
  const tails = new Map<string, Promise<unknown>>();
  const runs = new Map<string, Promise<unknown>>();
  return {
    serial<T>(key: string, act: () => Promise<T>): Promise<T> {
      const before = tails.get(key) ?? Promise.resolve();
      const run = before.then(act, act);
      const tail = run.then(noop, noop).then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      tails.set(key, tail);
      return run;
    },
    shared<T>(key: string, act: () => Promise<T>): Promise<T> {
      const under = runs.get(key);
      if (under !== undefined) return under as Promise<T>;
      const run = act().finally(() => runs.delete(key));
      runs.set(key, run);
      return run;
    },
  };
}

/** Runs at most `width` at a time for each key; the others wait in turn. */
export function createSlots(width: number): <T>(key: string, act: () => Promise<T>) => Promise<T> {
  const taken = new Map<string, { running: number; readonly waiting: (() => void)[] }>();
  return async (key, act) => {
    const slots = taken.get(key) ?? { running: 0, waiting: [] };
    taken.set(key, slots);
    if (slots.running < width) slots.running += 1;
    // an act that ends gives its place to the next
    else await new Promise<void>((resolve) => slots.waiting.push(resolve));
    try {
      return await act();
    } finally {
      const next = slots.waiting.shift();
      if (next !== undefined) next();
      else if (--slots.running === 0) taken.delete(key);
    }
  };
}

function noop(): void {}
