/**
 * A project's volumes are on one host where that can be: which services share which volumes is known only when the last of them is created, and data
 * does not move. Decides only.
 */
import { type ClusterVolume, type CreateRequest, deploymentIn } from '../../model/index.ts';
import { isNamedVolume } from '../../text/names.ts';
import type { PlacementRequest } from '../placement/snapshot.ts';
import type { Volumes } from './volumes.ts';

/** A volume of another driver than `local` is wherever its driver reaches. Undefined: it has no place, or no one place. */
function placeOf(volume: ClusterVolume | undefined): string | undefined {
  return (volume?.record?.driver ?? 'local') === 'local' ? volume?.host : undefined;
}

/** `names`: of the volumes that the request uses. */
export function volumeFacts(
  volumes: Pick<Volumes, 'find' | 'list'>,
  names: readonly string[],
  { Labels }: CreateRequest,
): Pick<PlacementRequest, 'volumesAt' | 'projectVolumesAt' | 'groupSize'> {
  const volumesAt = names.map((volume) => ({ volume, host: placeOf(volumes.find(volume)) }));
  const project = deploymentIn(Labels ?? {});
  const isFirst = names.some(
    (name) =>
      isNamedVolume(name) && (volumes.find(name)?.record?.driver ?? 'local') === 'local' && placeOf(volumes.find(name)) === undefined,
  );
  if (project === 'default' || !isFirst) return { volumesAt };
  const own = volumes.list().filter(({ record, summary }) => deploymentIn(record?.labels ?? summary?.Labels ?? {}) === project);
  const projectVolumesAt = [...new Set(own.flatMap((volume) => placeOf(volume) ?? []))];
  if (projectVolumesAt.length > 0) return { volumesAt, projectVolumesAt };
  const known = new Set([...names.filter(isNamedVolume), ...own.map(({ name }) => name).filter(isNamedVolume)]);
  // who shares them is not known yet: one more for each
  return { volumesAt, projectVolumesAt, groupSize: 1 + known.size };
}
