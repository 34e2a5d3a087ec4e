/**
 * References to other containers, as full ids: an Engine knows ids of its own containers, whatever the cluster calls them. One that has nothing
 * to give (its id is empty here) is left out. Pure.
 */
import type { CreateRequest } from '../../model/index.ts';
import { volumesFromContainer } from './identify-needs.ts';

export function withRefs(request: CreateRequest, refs: ReadonlyMap<string, string>): CreateRequest {
  if (refs.size === 0 || !request.HostConfig) return request;
  const { NetworkMode, IpcMode, PidMode, VolumesFrom } = request.HostConfig;
  const shared = (mode: string) => {
    const id = mode.startsWith('container:') ? refs.get(mode.slice('container:'.length)) : undefined;
    return id === undefined ? mode : `container:${id}`;
  };
  const volumesFrom = (value: string) => {
    const container = volumesFromContainer(value);
    return `${refs.get(container) ?? container}${value.slice(container.length)}`;
  };
  return {
    ...request,
    HostConfig: {
      ...request.HostConfig,
      ...(NetworkMode === undefined ? {} : { NetworkMode: shared(NetworkMode) }),
      ...(IpcMode === undefined ? {} : { IpcMode: shared(IpcMode) }),
      ...(PidMode === undefined ? {} : { PidMode: shared(PidMode) }),
      ...(VolumesFrom ? { VolumesFrom: VolumesFrom.filter((value) => refs.get(volumesFromContainer(value)) !== '').map(volumesFrom) } : {}),
    },
  };
}
