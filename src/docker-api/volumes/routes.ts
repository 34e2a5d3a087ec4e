/** Docker API: /volumes. */
import type { Route } from '../route.ts';

const NO_CLUSTER_VOLUMES = 'volume update only valid for cluster volumes, but swarm is unavailable';

export const VOLUME_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/volumes', do: 'read', by: 'volumeList' },
  { method: 'POST', path: '/volumes/create', do: 'cluster', by: 'volumeCreate' },
  { method: 'POST', path: '/volumes/prune', do: 'broadcast', by: 'volumesPrune' },
  { method: 'GET', path: '/volumes/{name}', do: 'read', by: 'volumeInspect' },
  { method: 'DELETE', path: '/volumes/{name}', do: 'cluster', by: 'volumeRemove' },
  { method: 'PUT', path: '/volumes/{name}', since: '1.42', do: 'refuse', status: 503, message: NO_CLUSTER_VOLUMES },
];
