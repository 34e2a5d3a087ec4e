/** `POST /containers/prune`. */
import { orNull, pruneAll } from '../proxy/prune-hosts.ts';
import { type Exchange, sendJson } from '../request-context.ts';

export async function containersPrune(call: Exchange): Promise<void> {
  await call.cluster.replicas.pruning(() => pruneContainers(call));
}

async function pruneContainers(call: Exchange): Promise<void> {
  const before = new Map(call.cluster.containers.list().map((container) => [container.id, container]));
  const { pruned, SpaceReclaimed } = await pruneAll(call);
  await Promise.all(
    pruned.map(async ({ host, value }) => {
      const ids = value.ContainersDeleted ?? [];
      // also where nothing was removed: the event of the prune is sent before its answer
      await call.cluster.view.refresh(host, { containers: ids });
      for (const id of ids) {
        const container = before.get(id);
        if (container !== undefined) await call.cluster.containers.release(container);
      }
    }),
  );
  sendJson(call, 200, { ContainersDeleted: orNull(pruned.flatMap(({ value }) => value.ContainersDeleted ?? [])), SpaceReclaimed });
}
