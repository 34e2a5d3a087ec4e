/** `POST /volumes/create` and `DELETE /volumes/{name}`: volumes are named in the cluster, kept on the host that first used them. */
import type { Json } from '../../model/index.ts';
import { readJson } from '../json/body.ts';
import { removeUnreadableToo } from '../reads/unreadable.ts';
import { type Exchange, send, unlessDoneBefore } from '../request-context.ts';
import { boolValue } from '../json/go-values.ts';
import { apiMinor } from '../../text/api-version.ts';

interface VolumeCreateRequest extends Json {
  readonly Name?: string;
  readonly Driver?: string;
  readonly DriverOpts?: Readonly<Record<string, string>>;
  readonly Labels?: Readonly<Record<string, string>>;
}

export async function volumeCreate(call: Exchange): Promise<void> {
  const isNew = apiMinor(call.newestVersion) >= 42;
  const request = await readJson<VolumeCreateRequest>(call, isNew ? 'volume.CreateOptions' : 'volume.VolumeCreateBody');
  // so Engines since 23.0 tell what they named themselves, and prune it first
  const isMarked = !request.Name && isNew;
  const Labels = isMarked ? { ...request.Labels, 'com.docker.volume.anonymous': '' } : request.Labels;
  const { name } = await call.cluster.volumes.create({ ...request, ...(Labels ? { Labels } : {}) });
  const shown = await call.reads.volumeInspect(call.query, { name }, call.apiVersion);
  send(call, { ...shown, status: shown.status === 200 ? 201 : shown.status });
}

export async function volumeRemove(call: Exchange): Promise<void> {
  const name = call.params['name'] ?? '';
  await unlessDoneBefore(call, () =>
    removeUnreadableToo(call, 'volume', name, () => call.cluster.volumes.remove(name, boolValue(call.query.get('force')))),
  );
  send(call, { status: 204 });
}
