/** The whole cluster, as an object of roles. */
import type { Agents } from './agents.ts';
import type { Containers } from './containers.ts';
import type { Engines } from './engines.ts';
import type { EventFeed, Events } from './events.ts';
import type { Hosts } from './hosts.ts';
import type { Images } from './images.ts';
import type { LeaderStatus } from './leader.ts';
import type { Names } from './names.ts';
import type { Networks } from './networks.ts';
import type { Placements } from './placement.ts';
import type { ReplicaCounts, Secrets, Services } from './services.ts';
import type { ViewStatus } from './view.ts';
import type { Volumes } from './volumes.ts';

/** What the scheduler of one leadership does for the other rooms. */
export interface Scheduler {
  readonly leader: LeaderStatus;
  readonly view: ViewStatus;
  readonly hosts: Hosts;
  readonly containers: Containers;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly images: Images;
  readonly engines: Engines;
  readonly events: EventFeed;
  readonly placement: Placements;
  readonly agents: Agents;
  readonly names: Names;
}

/** What Docker's API is answered from while this scheduler leads; a follower only forwards. */
export interface Cluster {
  readonly leader: LeaderStatus;
  readonly view: ViewStatus;
  readonly hosts: Hosts;
  readonly containers: Containers;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly images: Images;
  readonly engines: Engines;
  readonly events: Events;
  readonly services: Services;
  readonly secrets: Secrets;
  readonly replicas: ReplicaCounts;
}
