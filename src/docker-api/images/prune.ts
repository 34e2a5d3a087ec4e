/** `POST /images/prune` and `POST /build/prune`. */
import { askHost } from '../containers/mutate.ts';
import { aliveHosts } from '../proxy/broadcast.ts';
import { orNull, pruneAll, timestampOf } from '../proxy/prune-hosts.ts';
import { parseFilters } from '../reads/filters.ts';
import { type Exchange, sendJson } from '../request-context.ts';

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
      const isSpared = !isNamed || named.has(Id) || !filters.prunes(Labels);
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
