/** Work that would hold the event loop for long, in steps: whatever else there is to do comes in between. Effects: lets the loop go on. */
import { setImmediate as others } from 'node:timers/promises';

/** Work that pauses after each step. */
export type Steps<T> = Generator<void, T, void>;

/** Takes steps for at most `sliceMs` milliseconds (or one of them, if that takes longer) before everything else has a turn. */
export async function inSlices<T>(steps: Steps<T>, sliceMs: number): Promise<T> {
  for (;;) {
    const untilMs = performance.now() + sliceMs;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() < untilMs);
    await others();
  }
}

/** All steps at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** An object whose parts are made when they are first asked for, each once. */
export function lazily<T extends object>(parts: { readonly [Part in keyof T]: () => T[Part] }): T {
  const whole = {} as T;
  for (const name of Object.keys(parts) as (keyof T & string)[])
    Object.defineProperty(whole, name, {
      enumerable: true,
      configurable: true,
      get() {
        const value = parts[name]();
        Object.defineProperty(whole, name, { enumerable: true, value });
        return value;
      },
    });
  return whole;
}
