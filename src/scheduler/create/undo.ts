/** What was begun and must be taken back if the rest fails. */
import type { Logger } from '../../telemetry/log.ts';
import { within } from '../../async/within.ts';

export interface UndoStack {
  /** Adds a step; steps run last first. `ofHost`: it asks the host. */
  push(name: string, step: () => Promise<unknown>, ofHost?: 'ofHost'): void;
  /**
   * Runs all steps, last first, each on its own time limit; a step that fails is logged and the rest goes on. Empties the stack. Of a host that does
   * not answer nothing is waited for: `later` settles when its steps have ended.
   */
  run(cause: unknown, isHostSilent?: boolean): Promise<{ readonly later: Promise<void> }>;
  /** Nothing is left to take back. */
  clear(): void;
}

export function createUndo(log: Logger, stepTimeoutMs = 10_000): UndoStack {
  let steps: { readonly name: string; readonly step: () => Promise<unknown>; readonly ofHost: boolean }[] = [];

  async function runOne({ name, step }: (typeof steps)[number]): Promise<void> {
    try {
      await within(stepTimeoutMs, step(), () => new Error(`undo step took longer than ${stepTimeoutMs} ms`));
    } catch (error) {
      log.warn({ step: name, err: error }, 'could not undo a step; the reconcilers do it later');
    }
  }

  return {
    push(name, step, ofHost) {
      steps.push({ name, step, ofHost: ofHost !== undefined });
    },
    clear() {
      steps = [];
    },
    async run(cause, isHostSilent = false) {
      const todo = steps.reverse();
      steps = [];
      if (todo.length > 0) log.info({ steps: todo.map((s) => s.name), err: cause }, 'undoing');
      const later: Promise<void>[] = [];
      for (const one of todo) {
        if (isHostSilent && one.ofHost) later.push(runOne(one));
        else await runOne(one);
      }
      return { later: Promise.all(later).then(() => undefined) };
    },
  };
}
