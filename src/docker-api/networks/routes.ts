/** Docker API: /networks. */
import type { Route } from '../route.ts';

export const NETWORK_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/networks', do: 'read', by: 'networkList' },
  { method: 'GET', path: '/networks/', do: 'read', by: 'networkList' },
  { method: 'POST', path: '/networks/create', do: 'cluster', by: 'networkCreate' },
  { method: 'POST', path: '/networks/prune', do: 'cluster', by: 'networksPrune' },
  { method: 'GET', path: '/networks/{id}', do: 'read', by: 'networkInspect' },
  { method: 'DELETE', path: '/networks/{id}', do: 'cluster', by: 'networkRemove' },
  { method: 'POST', path: '/networks/{id}/connect', do: 'cluster', by: 'networkConnect' },
  { method: 'POST', path: '/networks/{id}/disconnect', do: 'cluster', by: 'networkDisconnect' },
];
