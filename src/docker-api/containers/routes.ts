/** Containers, execs and commit. Docker API: /containers, /exec, /commit. */
import { type PassedBody, type Route, unsupported } from '../route.ts';

const NO_CHECKPOINTS =
  'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.';

const passed = (struct: string): PassedBody => ({ struct, at: 'engine' });

export const CONTAINER_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/containers/json', do: 'read', by: 'containerList' },
  { method: 'POST', path: '/containers/create', do: 'cluster', by: 'containerCreate' },
  { method: 'POST', path: '/containers/prune', do: 'broadcast', by: 'containersPrune' },
  { method: 'GET', path: '/containers/{id}/json', do: 'read', by: 'containerInspect' },
  { method: 'GET', path: '/containers/{id}/top', do: 'host', at: 'container' },
  { method: 'GET', path: '/containers/{id}/changes', do: 'host', at: 'container' },
  { method: 'GET', path: '/containers/{id}/logs', do: 'stream', at: 'container' },
  { method: 'GET', path: '/containers/{id}/stats', do: 'stream', at: 'container' },
  { method: 'GET', path: '/containers/{id}/export', do: 'stream', at: 'container' },
  { method: 'GET', path: '/containers/{id}/archive', do: 'stream', at: 'container' },
  { method: 'HEAD', path: '/containers/{id}/archive', do: 'host', at: 'container' },
  { method: 'PUT', path: '/containers/{id}/archive', do: 'host', at: 'container', isUpload: true },
  { method: 'POST', path: '/containers/{id}/attach', do: 'hijack', at: 'container' },
  { method: 'GET', path: '/containers/{id}/attach/ws', do: 'hijack', at: 'container' },
  { method: 'POST', path: '/containers/{id}/wait', do: 'mutate', by: 'containerWait' },
  { method: 'POST', path: '/containers/{id}/start', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/stop', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/restart', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/kill', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/pause', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/unpause', do: 'mutate', by: 'containerMutate' },
  { method: 'POST', path: '/containers/{id}/update', do: 'mutate', by: 'containerMutate', passes: passed('container.UpdateConfig') },
  { method: 'POST', path: '/containers/{id}/resize', do: 'host', at: 'container' },
  { method: 'POST', path: '/containers/{id}/copy', do: 'host', at: 'container' },
  { method: 'POST', path: '/containers/{id}/rename', do: 'mutate', by: 'containerRename' },
  unsupported('GET', '/containers/{id}/checkpoints', NO_CHECKPOINTS),
  unsupported('POST', '/containers/{id}/checkpoints', NO_CHECKPOINTS),
  unsupported('DELETE', '/containers/{id}/checkpoints/{checkpoint}', NO_CHECKPOINTS),
  { method: 'DELETE', path: '/containers/{id}', do: 'mutate', by: 'containerRemove' },
  { method: 'POST', path: '/containers/{id}/exec', do: 'mutate', by: 'execCreate', passes: passed('types.ExecConfig') },
  { method: 'POST', path: '/exec/{id}/start', do: 'hijack', at: 'exec', passes: passed('types.ExecStartCheck') },
  { method: 'POST', path: '/exec/{id}/resize', do: 'host', at: 'exec' },
  { method: 'GET', path: '/exec/{id}/json', do: 'host', at: 'exec' },
  { method: 'POST', path: '/commit', do: 'mutate', by: 'commit', passes: passed('container.Config') },
];
