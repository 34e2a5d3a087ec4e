/** Which deployments have come and gone with the instances that changed: a change costs as much as it has. Remembers how many each has. */
import type { InstanceChange } from '../contracts/index.ts';

export function createDeployments() {
  const sizes = new Map<string, number>();
  return {
    /** `changes`: what has changed since the call before; at first all. */
    note(changes: readonly InstanceChange[]): { readonly come: readonly string[]; readonly gone: readonly string[] } {
      const before = new Map<string, boolean>();
      const count = (deployment: string | undefined, by: 1 | -1): void => {
        if (deployment === undefined) return;
        const size = sizes.get(deployment) ?? 0;
        if (!before.has(deployment)) before.set(deployment, size > 0);
        if (size + by > 0) sizes.set(deployment, size + by);
        else sizes.delete(deployment);
      };
      // what comes first: a deployment whose only instance changes exists all the time
      for (const { now } of changes) count(now?.deployment, 1);
      for (const change of changes) count(change.before?.deployment, -1);
      const touched = [...before];
      return {
        come: touched.flatMap(([name, was]) => (!was && sizes.has(name) ? [name] : [])),
        gone: touched.flatMap(([name, was]) => (was && !sizes.has(name) ? [name] : [])),
      };
    },
  };
}
