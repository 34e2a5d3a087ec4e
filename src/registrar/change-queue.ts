/** Changes of instances that wait for somebody who takes them: of an instance that changed twice, one. Memory only. */
import type { InstanceChange } from '../contracts/index.ts';

export function createChangeQueue() {
  /** By the container's name: a rename is one name that comes and another that goes, with the same container. */
  let waiting = new Map<string, InstanceChange>();
  return {
    add(changes: readonly InstanceChange[]): void {
      for (const change of changes) {
        const name = (change.now ?? change.before)?.name ?? '';
        const before = (waiting.get(name) ?? change).before;
        if (before === undefined && change.now === undefined) waiting.delete(name);
        else waiting.set(name, { before, now: change.now });
      }
    },
    /** Those that wait, which wait no more. */
    take(): readonly InstanceChange[] {
      const taken = [...waiting.values()];
      waiting = new Map();
      return taken;
    },
  };
}
