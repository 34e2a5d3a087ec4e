/** Changes of instances that wait for somebody who takes them: of an instance that changed twice, one. Memory only. */
import type { InstanceChange } from '../contracts/index.ts';

export function createChangeQueue() {
  /** By the container that the instance has now; those that have none are apart. */
  let alive = new Map<string, InstanceChange>();
  let gone: InstanceChange[] = [];
  return {
    add(changes: readonly InstanceChange[]): void {
      for (const change of changes) {
        const earlier = change.before && alive.get(change.before.container);
        if (earlier?.now !== undefined) alive.delete(earlier.now.container);
        const { before, now } = earlier === undefined ? change : { before: earlier.before, now: change.now };
        if (now !== undefined) alive.set(now.container, { before, now });
        else if (before !== undefined) gone.push({ before, now });
      }
    },
    /** Those that wait, which wait no more. */
    take(): readonly InstanceChange[] {
      const taken = [...gone, ...alive.values()];
      alive = new Map();
      gone = [];
      return taken;
    },
  };
}
