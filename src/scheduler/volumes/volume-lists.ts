/** Volumes as lists show them: what the store has, with what hosts say of them. Pure but for the last list, which is kept. */
import { ArpanetError, type ClusterVolume, type HostView, keys, type VolumeRecord } from '../../model/index.ts';
import type { SchedulerDeps } from '../deps.ts';
import type { ViewReader } from '../view/roles.ts';

export interface VolumeLists {
  readonly list: () => readonly ClusterVolume[];
  /** What its host says of one. */
  readonly summaryOn: (host: string | undefined, name: string) => HostView['volumes'][number] | undefined;
  readonly find: (name: string) => ClusterVolume | undefined;
  /** Throws `not-found`. */
  readonly one: (name: string) => ClusterVolume;
}

export function volumeLists(
  ledger: Pick<SchedulerDeps['ledger'], 'get' | 'list'>,
  view: Pick<ViewReader, 'version' | 'host' | 'hosts'>,
): VolumeLists {
  let cache: { readonly version: number; readonly list: readonly ClusterVolume[] } | undefined;

  function summaryOn(host: string | undefined, name: string): HostView['volumes'][number] | undefined {
    return host === undefined ? undefined : view.host(host)?.volumes.find((volume) => volume.Name === name);
  }

  function list(): readonly ClusterVolume[] {
    if (cache?.version === view.version()) return cache.list;
    const records = new Map(ledger.list<VolumeRecord>(keys.volumes).map(([, record]) => [record.name, record]));
    const recorded = [...records.values()].map((record) => {
      return { record, name: record.name, host: record.host, summary: summaryOn(record.host, record.name) };
    });
    const strays = view
      .hosts()
      .flatMap((host) =>
        host.volumes.flatMap((summary) =>
          records.has(summary.Name) ? [] : [{ record: undefined, name: summary.Name, host: host.name, summary }],
        ),
      );
    cache = { version: view.version(), list: [...recorded, ...strays] };
    return cache.list;
  }

  function find(name: string): ClusterVolume | undefined {
    const record = ledger.get<VolumeRecord>(keys.volume(name));
    if (record !== undefined) return { record, name, host: record.host, summary: summaryOn(record.host, name) };
    const holders = view.hosts().filter((host) => host.volumes.some((volume) => volume.Name === name));
    const holder = holders.find((host) => host.state === 'alive') ?? holders[0];
    return holder && { record: undefined, name, host: holder.name, summary: summaryOn(holder.name, name) };
  }

  function one(name: string): ClusterVolume {
    const volume = find(name);
    if (volume === undefined) throw new ArpanetError('not-found', `get ${name}: no such volume`);
    return volume;
  }

  return { list, find, one, summaryOn };
}
