/** `GET /volumes` and `GET /volumes/{name}`. https://github.com/moby/moby/blob/v26.1.5/volume/service/convert.go */
import { type ContainerView, labels, type VolumeRecord, type VolumeSummary } from '../../model/index.ts';
import { fenced } from '../../telemetry/left-out.ts';
import type { Filters } from '../reads/filters.ts';
import { listOf } from '../reads/listed.ts';

export interface VolumeFacts {
  readonly record: VolumeRecord | undefined;
  readonly name: string;
  readonly host: string | undefined;
  readonly summary: VolumeSummary | undefined;
}

/** A volume that no host has yet shows what it was asked to be, and where it is going to be on a host with that root folder. */
export function showVolume({ record, name, summary }: VolumeFacts, rootDir: string): VolumeSummary {
  if (summary !== undefined) return summary;
  return {
    CreatedAt: `${new Date(record?.createdAtMs ?? 0).toISOString().slice(0, 19)}Z`,
    Driver: record?.driver ?? 'local',
    Labels: record?.labels ?? null,
    Mountpoint: (record?.driver ?? 'local') === 'local' ? `${rootDir}/volumes/${name}/_data` : '',
    Name: name,
    Options: record?.options ?? null,
    Scope: 'local',
  };
}

/** The detailed answer: `Status`, where a driver tells what it knows, also names the host. */
export function inspectVolume(volume: VolumeFacts, rootDir: string): VolumeSummary {
  const shown = showVolume(volume, rootDir);
  if (volume.host === undefined) return shown;
  return { ...shown, Status: { ...(shown['Status'] as Record<string, unknown> | undefined), [labels.host]: volume.host } };
}

export function selectVolumes(
  volumes: readonly VolumeFacts[],
  filters: Filters,
  containers: readonly ContainerView[],
  rootDir: string,
): readonly VolumeSummary[] {
  filters.only('dangling', 'driver', 'label', 'name', 'node');
  const dangling = filters.bool('dangling');
  const used = dangling === undefined ? new Set<string>() : usedVolumes(containers);
  const choose = (volume: VolumeFacts): readonly VolumeSummary[] => {
    const summary = showVolume(volume, rootDir);
    const fits =
      filters.match('name', summary.Name) &&
      filters.exact('driver', summary.Driver) &&
      filters.exact('node', volume.host ?? '') &&
      filters.labels('label', summary.Labels) &&
      (dangling === undefined || dangling === !used.has(summary.Name));
    return fits ? [summary] : [];
  };
  const shown = [...fenced(listOf('volume'), volumes, ({ name }) => name, choose)];
  return shown.sort((a, b) => (a.Name < b.Name ? -1 : 1));
}

function usedVolumes(containers: readonly ContainerView[]): ReadonlySet<string> {
  const mounts = containers.flatMap((container) => container.facts.inspect.Mounts ?? container.facts.summary.Mounts ?? []);
  return new Set(mounts.flatMap((mount) => (mount.Type === 'volume' && mount.Name !== undefined ? [mount.Name] : [])));
}
