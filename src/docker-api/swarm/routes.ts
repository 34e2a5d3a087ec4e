/** Services, tasks, nodes, secrets, configs and the swarm. Docker API: /swarm, /services, /tasks, /nodes, /secrets, /configs. */
import type { Route } from '../route.ts';

export const SWARM_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/swarm', do: 'cluster', by: 'swarmInspect' },
  { method: 'GET', path: '/swarm/unlockkey', do: 'cluster', by: 'swarmUnlockKey' },
  { method: 'POST', path: '/swarm/leave', do: 'cluster', by: 'swarmLeave' },
  { method: 'POST', path: '/swarm/update', do: 'cluster', by: 'swarmUpdate' },
  { method: 'POST', path: '/swarm/unlock', do: 'cluster', by: 'swarmUnlock' },
  { method: 'POST', path: '/swarm/init', do: 'cluster', by: 'swarmInit' },
  { method: 'POST', path: '/swarm/join', do: 'cluster', by: 'swarmJoin' },
  { method: 'GET', path: '/services', do: 'cluster', by: 'serviceList' },
  { method: 'POST', path: '/services/create', do: 'cluster', by: 'serviceCreate' },
  { method: 'GET', path: '/services/{id}/logs', do: 'broadcast', by: 'serviceLogs' },
  { method: 'GET', path: '/services/{id}', do: 'cluster', by: 'serviceInspect' },
  { method: 'POST', path: '/services/{id}/update', do: 'cluster', by: 'serviceUpdate' },
  { method: 'DELETE', path: '/services/{id}', do: 'cluster', by: 'serviceRemove' },
  { method: 'GET', path: '/tasks', do: 'cluster', by: 'taskList' },
  { method: 'GET', path: '/tasks/{id}/logs', do: 'broadcast', by: 'taskLogs' },
  { method: 'GET', path: '/tasks/{id}', do: 'cluster', by: 'taskInspect' },
  { method: 'GET', path: '/nodes', do: 'cluster', by: 'nodeList' },
  { method: 'GET', path: '/nodes/{id}', do: 'cluster', by: 'nodeInspect' },
  { method: 'POST', path: '/nodes/{id}/update', do: 'cluster', by: 'nodeUpdate' },
  { method: 'DELETE', path: '/nodes/{id}', do: 'cluster', by: 'nodeRemove' },
  ...['secrets', 'configs'].flatMap((kind): readonly Route[] => [
    { method: 'GET', path: `/${kind}`, do: 'cluster', by: 'keptList' },
    { method: 'POST', path: `/${kind}/create`, do: 'cluster', by: 'keptCreate' },
    { method: 'GET', path: `/${kind}/{id}`, do: 'cluster', by: 'keptInspect' },
    { method: 'POST', path: `/${kind}/{id}/update`, do: 'cluster', by: 'keptUpdate' },
    { method: 'DELETE', path: `/${kind}/{id}`, do: 'cluster', by: 'keptRemove' },
  ]),
];
