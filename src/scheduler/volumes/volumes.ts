/** Named volumes: one name, one place in the cluster. */
import type * as contracts from '../../contracts/index.ts';
import { ArpanetError, type ClusterVolume, type VolumeRecord, type VolumeRequest, isKind, keys } from '../../model/index.ts';
import { volumeNameProblem } from '../../text/names.ts';
import type { Core } from '../core.ts';
import { volumeLists } from './volume-lists.ts';

const ENGINE_TIMEOUT_MS = 30_000;

export interface Volumes extends contracts.Volumes {
  readonly find: (name: string) => ClusterVolume | undefined;
  /** Makes a volume that was created before it had a host exist on this one, with its driver, options and labels. */
  readonly ensure: (name: string, host: string) => Promise<void>;
}

export function createVolumes(core: Core): Volumes {
  const { deps, view, engines, syncs, keyed, commit, feed } = core;
  const { ledger, log } = deps;
  const { list, find, one, summaryOn } = volumeLists(ledger, view);

  async function create(request: VolumeRequest): Promise<ClusterVolume> {
    const name = request.Name || deps.newId();
    const driver = request.Driver || 'local';
    const problem = volumeNameProblem(name);
    if (problem !== undefined) throw new ArpanetError('invalid', problem);
    const existing = find(name);
    if (existing !== undefined) {
      const made = existing.record?.driver ?? existing.summary?.Driver ?? 'local';
      if (made === driver) return existing;
      throw new ArpanetError(
        'conflict',
        `volume ${name} already exists with driver ${made}, not ${driver}: choose another name or remove it first`,
      );
    }
    if (driver === 'local') refuseOptions(name, request.DriverOpts ?? {});
    else await createByDriver(name, request);
    const record: VolumeRecord = {
      name,
      driver,
      ...(request.Labels ? { labels: request.Labels } : {}),
      ...(request.DriverOpts ? { options: request.DriverOpts } : {}),
      createdAtMs: deps.now(),
    };
    try {
      await commit([{ kind: 'create', key: keys.volume(name), value: record }]);
    } catch (error) {
      // Another request made it in the same moment: creating what exists is no error.
      if (isKind(error, 'conflict') && find(name) !== undefined) return create(request);
      throw error;
    }
    feed.own('volume', 'create', name, { driver });
    return one(name);
  }

  /** A driver of the user's own is asked at once, on some host: it alone knows whether it can. */
  async function createByDriver(name: string, request: VolumeRequest): Promise<void> {
    const host = view.hosts().find((one) => one.state === 'alive')?.name;
    if (host === undefined) throw new ArpanetError('unavailable', 'no host is alive');
    feed.hideVolume('create', name);
    const body = { ...request, Name: name };
    await engines.json(host, { method: 'POST', path: `${engines.versionPath(host)}/volumes/create`, body, timeoutMs: ENGINE_TIMEOUT_MS });
    await syncs.sync(host, { volumes: true });
  }

  async function remove(name: string, force: boolean): Promise<void> {
    const volume = find(name);
    if (volume === undefined) {
      if (force) return;
      throw new ArpanetError('not-found', `get ${name}: no such volume`);
    }
    const isAway = volume.host !== undefined && view.host(volume.host)?.state !== 'alive';
    if (isAway && !force) {
      throw new ArpanetError('unavailable', `volume ${name} is on host ${volume.host}, which is down: use --force to forget it`);
    }
    if (volume.host !== undefined && volume.summary !== undefined && !isAway) {
      const path = `${engines.versionPath(volume.host)}/volumes/${encodeURIComponent(name)}${force ? '?force=1' : ''}`;
      feed.hideVolume('destroy', name);
      try {
        await engines.json(volume.host, { method: 'DELETE', path, timeoutMs: ENGINE_TIMEOUT_MS });
      } catch (error) {
        if (!isKind(error, 'engine') || error.engineStatus !== 404) throw error;
      }
      await syncs.sync(volume.host, { volumes: true });
    }
    await commit([{ kind: 'delete', key: keys.volume(name) }]);
    feed.own('volume', 'destroy', name, { driver: volume.record?.driver ?? volume.summary?.Driver ?? 'local' });
    log.info({ volume: name, host: volume.host }, 'volume removed');
  }

  async function build(name: string, host: string): Promise<void> {
    const record = ledger.get<VolumeRecord>(keys.volume(name));
    if (record === undefined || summaryOn(host, name) !== undefined) return;
    feed.hideVolume('create', name);
    const body = { Name: name, Driver: record.driver, DriverOpts: record.options, Labels: record.labels };
    await engines.json(host, { method: 'POST', path: `${engines.versionPath(host)}/volumes/create`, body, timeoutMs: ENGINE_TIMEOUT_MS });
    await syncs.sync(host, { volumes: true });
  }

  return { list, one, find, create, remove, ensure: (name, host) => keyed.serial(`volume/${host}/${name}`, () => build(name, host)) };
}

const LOCAL_OPTIONS: Readonly<Record<string, readonly string[]>> = { type: ['device'], device: ['type'], o: ['device', 'type'], size: [] };

/** The volume is made when its host is known; what no host could make is refused now. moby/volume/local/local_unix.go */
function refuseOptions(name: string, options: Readonly<Record<string, string>>): void {
  const given = Object.keys(options);
  const unknown = given.find((option) => !Object.hasOwn(LOCAL_OPTIONS, option));
  if (unknown !== undefined) throw new ArpanetError('invalid', `create ${name}: invalid option: "${unknown}"`);
  const missing = given.flatMap((option) => LOCAL_OPTIONS[option] ?? []).find((option) => !given.includes(option));
  if (missing !== undefined) throw new ArpanetError('invalid', `create ${name}: missing required option: "${missing}"`);
}
