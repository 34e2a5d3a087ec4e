/** The five prunes: each host cleans up, the sums are the cluster's. */
import { ArpanetError, isKind } from '../../model/index.ts';
import { isSharedBridge } from '../../networks/index.ts';
import { aliveHosts, askAll, succeeded } from '../proxy/broadcast.ts';
import { type Exchange, sendJson } from '../request-context.ts';
import { askHost } from '../containers/mutate.ts';
import { enginePath } from '../route-target.ts';
import { parseFilters } from '../reads/filters.ts';
import { parseTimestampMs } from '../json/go-values.ts';
import { apiMinor } from '../../text/api-version.ts';

interface Pruned {
  readonly ContainersDeleted?: readonly string[] | null;
  readonly ImagesDeleted?: readonly unknown[] | null;
  readonly VolumesDeleted?: readonly string[] | null;
  readonly CachesDeleted?: readonly string[] | null;
  readonly SpaceReclaimed?: number;
}

/** An Engine that found nothing says null; for volumes it says an empty list. */
const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);

async function pruneAll(call: Exchange) {
  const answers = succeeded(await askAll(call, aliveHosts(call), enginePath(call)));
  const pruned = answers.map(({ host, value }) => ({ host, value: value as Pruned }));
  return { pruned, SpaceReclaimed: pruned.reduce((sum, { value }) => sum + (value.SpaceReclaimed ?? 0), 0) };
}

export async function containersPrune(call: Exchange): Promise<void> {
  await call.cluster.replicas.pruning(() => pruneContainers(call));
}

async function pruneContainers(call: Exchange): Promise<void> {
  const before = new Map(call.cluster.containers.list().map((container) => [container.id, container]));
  const { pruned, SpaceReclaimed } = await pruneAll(call);
  await Promise.all(
    pruned.map(async ({ host, value }) => {
      const ids = value.ContainersDeleted ?? [];
      // also where nothing went: the event of the prune is told before its answer
      await call.cluster.view.refresh(host, { containers: ids });
      for (const id of ids) {
        const container = before.get(id);
        if (container !== undefined) await call.cluster.containers.release(container);
      }
    }),
  );
  sendJson(call, 200, { ContainersDeleted: orNull(pruned.flatMap(({ value }) => value.ContainersDeleted ?? [])), SpaceReclaimed });
}

export async function imagesPrune(call: Exchange): Promise<void> {
  const { pruned, SpaceReclaimed } = await pruneAll(call);
  await Promise.all(pruned.map(({ host }) => call.cluster.view.refresh(host, { images: true })));
  const late = await pruneOutdated(call);
  const deleted = new Map(
    [...pruned.flatMap(({ value }) => value.ImagesDeleted ?? []), ...late.rows].map((one) => [JSON.stringify(one), one] as const),
  );
  sendJson(call, 200, { ImagesDeleted: orNull([...deleted.values()]), SpaceReclaimed: SpaceReclaimed + late.bytes });
}

/**
 * A host that has not met a rebuilt image yet still calls the old one by its name, so its Engine spares what the cluster lists as `<none>`.
 * One that is used, or built on, its Engine keeps.
 */
async function pruneOutdated(call: Exchange): Promise<{ readonly rows: readonly unknown[]; readonly bytes: number }> {
  const filters = parseFilters(call.query.get('filters'));
  if (filters.bool('dangling') === false) return { rows: [], bytes: 0 };
  const until = filters.get('until').map((value) => timestampOf(value, call.nowMs) / 1_000);
  const named = new Set(call.cluster.images.tags().values());
  const alive = new Set(aliveHosts(call));
  const outdated = call.cluster.hosts.list().flatMap(({ name: host, images }) =>
    images.flatMap(({ Id, RepoTags, Labels, Created, Size }) => {
      const isNamed = RepoTags?.some((tag) => !tag.startsWith('<none>')) === true;
      const isSpared =
        !isNamed || named.has(Id) || !filters.labels('label', Labels) || (filters.has('label!') && filters.labels('label!', Labels));
      return !alive.has(host) || isSpared || until.some((border) => Created > border) ? [] : [{ host, Id, Size }];
    }),
  );
  const removed = await Promise.all(
    outdated.map(async ({ host, Id, Size }) => {
      // by its id: the name may be the new one's by now
      const answer = await askHost(call, host, `/v${call.apiVersion}/images/${Id}`, undefined, 'DELETE').catch(() => undefined);
      const rows = answer?.status === 200 ? (JSON.parse(answer.body.toString()) as readonly { readonly Deleted?: string }[]) : [];
      return { rows, bytes: rows.some(({ Deleted }) => Deleted === Id) ? Size : 0 };
    }),
  );
  await Promise.all([...new Set(outdated.map(({ host }) => host))].map((host) => call.cluster.view.refresh(host, { images: true })));
  return { rows: removed.flatMap(({ rows }) => rows), bytes: removed.reduce((sum, { bytes }) => sum + bytes, 0) };
}

export async function buildPrune(call: Exchange): Promise<void> {
  const { pruned, SpaceReclaimed } = await pruneAll(call);
  sendJson(call, 200, { CachesDeleted: orNull(pruned.flatMap(({ value }) => value.CachesDeleted ?? [])), SpaceReclaimed });
}

/** Engines know which volumes are in use and which are anonymous; the cluster forgets the place of those that went. */
export async function volumesPrune(call: Exchange): Promise<void> {
  const { pruned, SpaceReclaimed } = await pruneAll(call);
  await Promise.all(pruned.map(({ host }) => call.cluster.view.refresh(host, { volumes: true })));
  const names = [...new Set([...pruned.flatMap(({ value }) => value.VolumesDeleted ?? []), ...neverUsed(call)])];
  for (const name of names) {
    await call.cluster.volumes.remove(name, true).catch((error: unknown) => {
      if (!isKind(error, 'not-found')) call.log.warn({ err: error, volume: name }, 'a pruned volume left its record behind');
    });
  }
  sendJson(call, 200, { VolumesDeleted: names, SpaceReclaimed });
}

/** Volumes that no host has yet: nobody used them, so no Engine knows them. They have names, which since API 1.42 only `all` takes away. */
function neverUsed(call: Exchange): readonly string[] {
  const filters = parseFilters(call.query.get('filters'));
  const isSpared = apiMinor(call.apiVersion) >= 42 && filters.bool('all') !== true;
  return call.cluster.volumes.list().flatMap(({ name, host, record }) => {
    const labels = record?.labels ?? {};
    if (isSpared && !Object.hasOwn(labels, 'com.docker.volume.anonymous')) return [];
    const isUnwanted = filters.labels('label', labels) && !(filters.has('label!') && filters.labels('label!', labels));
    // An Engine spares volumes with options of their own.
    return host === undefined && isUnwanted && Object.keys(record?.options ?? {}).length === 0 ? [name] : [];
  });
}

/** Here what is no time is the client's mistake (moby daemon/network.go, getUntilFromPruneFilters). */
function timestampOf(text: string, nowMs: number): number {
  try {
    return parseTimestampMs(text, nowMs);
  } catch (error) {
    throw new ArpanetError('invalid', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Networks that no running container is on. Those that do not run are taken off it, as by an Engine: their start then names it as not found. */
export async function networksPrune(call: Exchange): Promise<void> {
  const filters = parseFilters(call.query.get('filters')).only('label', 'label!', 'until');
  const until = filters.get('until')[0];
  const untilMs = until === undefined ? Number.POSITIVE_INFINITY : timestampOf(until, call.nowMs);
  const deleted: string[] = [];
  for (const { record, members } of call.cluster.networks.list()) {
    const isUnwanted = filters.labels('label', record.labels) && !(filters.has('label!') && filters.labels('label!', record.labels));
    if (isSharedBridge(record) || !isUnwanted || members.length > 0 || record.createdAtMs > untilMs) continue;
    try {
      await call.cluster.networks.remove(record.id, { evenOfStopped: true });
      deleted.push(record.name);
    } catch (error) {
      if (!isKind(error, 'forbidden', 'conflict', 'not-found')) throw error;
    }
  }
  sendJson(call, 200, { NetworksDeleted: orNull(deleted) });
}
