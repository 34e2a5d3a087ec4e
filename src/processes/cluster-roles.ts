/** The cluster as Docker's API sees it: the scheduler's roles and those of services. */
import type { Cluster, Scheduler } from '../contracts/index.ts';
import type { ServicesRoom } from '../services/index.ts';

export function clusterOf(scheduler: Scheduler, room: ServicesRoom): Cluster {
  return {
    leader: scheduler.leader,
    view: scheduler.view,
    hosts: scheduler.hosts,
    containers: scheduler.containers,
    networks: scheduler.networks,
    volumes: scheduler.volumes,
    images: scheduler.images,
    engines: scheduler.engines,
    events: scheduler.events,
    services: room.services,
    secrets: room.secrets,
    replicas: room.replicas,
  };
}
