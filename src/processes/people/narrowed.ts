/** What the operator's API has for somebody who is limited to deployments, or whose role has a policy: the part of the cluster that Docker's API has for the same. */
import { LRUCache } from 'lru-cache';
import type { People, Scheduler } from '../../contracts/index.ts';
import { type Narrow, narrowCluster } from '../../docker-api/index.ts';
import { liveRows } from '../../operator-api/api.ts';
import type { Observed, Part } from '../../operator-api/index.ts';
import type { LeaseRecord } from '../../model/index.ts';
import type { Identity } from '../../security/index.ts';
import type { ServicesRoom } from '../../services/index.ts';
import { clusterOf } from '../cluster-roles.ts';

/** So many people are kept: each has lists of its own. */
const KEPT = 32;

/** The leader, as far as it is asked here. */
interface Leading {
  readonly scheduler: Scheduler;
  readonly services: ServicesRoom;
  readonly people: Pick<People, 'policy'>;
}

const kept = new WeakMap<Leading, LRUCache<string, Part>>();

/** `all` is of who has no limits. Throws `unavailable` where a policy cannot be read. */
export function narrowedFor(leading: Leading, all: Part, identity: Identity): Part {
  const { scheduler, services, people } = leading;
  const narrow = () => narrowCluster(clusterOf(scheduler, services), identity, people.policy);
  if (identity.deployments === undefined) return { ...all, services: () => narrow().cluster.services };
  const scopes = kept.get(leading) ?? new LRUCache<string, Part>({ max: KEPT });
  kept.set(leading, scopes);
  const key = JSON.stringify(identity);
  const made = scopes.get(key) ?? partOf(all, narrow());
  scopes.set(key, made);
  return made;
}

function partOf(all: Part, { cluster, scope }: Narrow): Part {
  if (scope === undefined) return all;
  return {
    services: () => cluster.services,
    observe: () => seen(all.observe(), scope),
    live: () => ({
      observe: all.observe,
      rows: (observed) => liveRows(seen(observed, scope), Date.now()),
      onChange: cluster.view.onChange,
      onEvent: cluster.events.listen,
      ended: all.live().ended,
    }),
    container: cluster.containers.one,
    decision: (reference) => all.decision(cluster.containers.one(reference).name),
    async rehearse(creates, networks, isHeld) {
      const made = networks.map(({ Name }) => String(Name));
      for (const { request } of creates) scope.own.rehearsal(request, made);
      return await all.rehearse(creates, networks, isHeld);
    },
  };
}

/** Hosts are everybody's; what they run is not, nor how busy that makes them, nor where the records are kept. */
function seen(observed: Observed, { cluster, visible }: NonNullable<Narrow['scope']>): Observed {
  const containers = visible.containers();
  const names = new Set(containers.map(({ record, name }) => record?.name ?? name));
  const networks = observed.networks.filter((record) => visible.network({ record, members: [] }));
  const ids = new Set(networks.map(({ id }) => id));
  const isOwn = ({ kind, owner }: LeaseRecord): boolean => {
    if (kind === 'instance') return names.has(owner);
    if (kind === 'service') return visible.deployment(owner.split('/')[0] ?? '');
    // a host's, or what the owner of the network holds back; no other kind passes by itself
    return kind === 'gateway' || kind === 'user';
  };
  return {
    ...observed,
    store: '',
    hosts: observed.hosts.map(({ faults: _faults, leftOut: _leftOut, lastHour: _lastHour, ...host }) => ({ ...host, load: undefined })),
    reserved: new Map(),
    containers,
    networks,
    instances: observed.instances.filter(({ container }) => visible.hasContainer(container)),
    leases: observed.leases.filter((lease) => ids.has(lease.network) && isOwn(lease)),
    services: () => cluster.services.list(),
    stuck: observed.stuck.filter(({ name }) => names.has(name)),
    admissions: [],
    schedulers: [],
    unreadable: [],
    leftOut: [],
    cutHosts: [],
    unproven: [],
  };
}
