/** What was begun and must be taken back if the rest fails. */
import type { Logger } from '../../telemetry/log.ts';
import { within } from '../../async/within.ts';

export interface UndoStack {
  /** Adds a step; steps run last first. */
  push(name: string, step: () => Promise<unknown>): void;
  /** Runs all steps, last first, each on its own time limit; a step that fails is logged and the rest goes on. Empties the stack. */
  run(cause: unknown): Promise<void>;
  /** Nothing is left to take back. */
  clear(): void;
}

export function createUndo(log: Logger, stepTimeoutMs = 10_000): UndoStack {
  let steps: { readonly name: string; readonly step: () => Promise<unknown> }[] = [];
  return {
    push(name, step) {
      steps.push({ name, step });
    },
    clear() {
      steps = [];
    },
    async run(cause) {
      const todo = steps.reverse();
      steps = [];
      if (todo.length > 0) log.info({ steps: todo.map((s) => s.name), err: cause }, 'undoing');
      for (const { name, step } of todo) {
        try {
          await within(stepTimeoutMs, step(), () => new Error(`undo step took longer than ${stepTimeoutMs} ms`));
        } catch (error) {
          log.warn({ step: name, err: error }, 'could not undo a step; the reconcilers do it later');
        }
      }
    },
  };
}
