/** A volume gets its place with its first container: the changes for the store, begun together with the container's record, and their undo. */
import { keys, type VolumeRecord } from '../../model/index.ts';
import type { Change } from '../../store/ledger/contract.ts';
import { containerRecords, type Core } from '../core.ts';
import type { UndoStack } from '../create/undo.ts';
import type { Volumes } from './volumes.ts';

export interface VolumePlaces {
  readonly changes: readonly Change[];
  /** Volumes that had a record before. */
  readonly known: readonly string[];
}

/** `names`: of the volumes that a container on this host uses. */
export function placeVolumes(core: Core, volumes: Volumes, names: readonly string[], host: string, undo: UndoStack): VolumePlaces {
  const { deps, view, commit } = core;
  const { ledger } = deps;
  const changes: Change[] = [];
  const known: string[] = [];
  for (const name of names) {
    const before = ledger.get<VolumeRecord>(keys.volume(name));
    if (before !== undefined) known.push(name);
    if (before?.host !== undefined || (before !== undefined && before.driver !== 'local')) continue;
    // An Engine's own anonymous volumes are used again by compose: they are where they are.
    if (before === undefined && volumes.find(name) !== undefined) continue;
    const record: VolumeRecord = { driver: 'local', createdAtMs: deps.now(), ...before, name, host };
    changes.push({ kind: 'put', key: keys.volume(name), value: record });
    undo.push(`place of volume ${name}`, async () => {
      await core.syncs.sync(host, { volumes: true });
      const isMade = view.host(host)?.volumes.some((volume) => volume.Name === name);
      const isWanted = containerRecords(deps).some((other) => other.request.HostConfig?.Binds?.some((bind) => bind.startsWith(`${name}:`)));
      if (isMade || isWanted || ledger.get<VolumeRecord>(keys.volume(name)) !== record) return;
      const key = keys.volume(name);
      await commit([before === undefined ? { kind: 'delete', key } : { kind: 'put', key, value: before }]);
    });
  }
  return { changes, known };
}
