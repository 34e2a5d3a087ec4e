/** What the prunes of all resources have in common: each host cleans up, the sums are the cluster's. Effects: a request to every alive host. */
import { ArpanetError } from '../../model/index.ts';
import { parseTimestampMs } from '../json/go-values.ts';
import type { Exchange } from '../request-context.ts';
import { enginePath } from '../route-target.ts';
import { aliveHosts, askAll, succeeded } from './broadcast.ts';

interface Pruned {
  readonly ContainersDeleted?: readonly string[] | null;
  readonly ImagesDeleted?: readonly unknown[] | null;
  readonly VolumesDeleted?: readonly string[] | null;
  readonly CachesDeleted?: readonly string[] | null;
  readonly SpaceReclaimed?: number;
}

/** An Engine that found nothing says null; for volumes it says an empty list. */
export const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);

export async function pruneAll(call: Exchange) {
  const answers = succeeded(await askAll(call, aliveHosts(call), enginePath(call)));
  const pruned = answers.map(({ host, value }) => ({ host, value: value as Pruned }));
  return { pruned, SpaceReclaimed: pruned.reduce((sum, { value }) => sum + (value.SpaceReclaimed ?? 0), 0) };
}

/** Here what is no time is the client's mistake (moby daemon/network.go, getUntilFromPruneFilters). */
export function timestampOf(text: string, nowMs: number): number {
  try {
    return parseTimestampMs(text, nowMs);
  } catch (error) {
    throw new ArpanetError('invalid', error instanceof Error ? error.message : String(error), { cause: error });
  }
}
