/** `POST /volumes/prune`. */
import { isKind } from '../../model/index.ts';
import { apiMinor } from '../../text/api-version.ts';
import { pruneAll } from '../proxy/prune-hosts.ts';
import { parseFilters } from '../reads/filters.ts';
import { type Exchange, sendJson } from '../request-context.ts';

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
    // An Engine spares volumes with options of their own.
    return host === undefined && filters.prunes(labels) && Object.keys(record?.options ?? {}).length === 0 ? [name] : [];
  });
}
