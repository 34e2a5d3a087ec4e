/** A cluster as somebody who is limited to deployments has it. Everything that an answer is made of is read from it, so that what is another's is in no answer. */
import type { Cluster, Events, Services } from '../../contracts/index.ts';
import { ArpanetError, type ClusterEvent, isKind, labels, type ServiceId, serviceKey, serviceName } from '../../model/index.ts';
import { predefinedName } from '../../networks/index.ts';
import type { Identity } from '../../security/index.ts';
import { ownOf, type Own, scopedContainers, scopedNetworks, scopedSecrets, scopedVolumes } from './scoped-objects.ts';
import type { PolicyOf } from './policed.ts';
import { type Visible, visibleIn } from './visible.ts';

/** What somebody has of a cluster. */
export interface Scoped {
  readonly cluster: Cluster;
  readonly visible: Visible;
  readonly own: Own;
}

/** `identity` has deployments. */
export function scopedCluster(all: Cluster, identity: Identity, policyOf: PolicyOf): Scoped {
  const visible = visibleIn(all, identity.deployments ?? []);
  const own = ownOf(all, visible, identity, policyOf);
  const cluster: Cluster = {
    leader: {
      ready: (...given) => all.leader.ready(...given),
      frozen: (...given) => all.leader.frozen(...given),
      about: (...given) => all.leader.about(...given),
      unreadable: () => [],
      discard: refuse,
      reconcile: refuse,
    },
    view: {
      containersBy: {
        matching: (query) => all.view.containersBy.matching(query)?.filter(visible.container),
        id(id) {
          const container = all.view.containersBy.id(id);
          return container !== undefined && visible.container(container) ? container : undefined;
        },
        linking: () => all.view.containersBy.linking().filter(({ deployment }) => visible.deployment(deployment)),
        service: (deployment, service) => (visible.deployment(deployment) ? all.view.containersBy.service(deployment, service) : []),
        serviceRecords: (deployment, service) =>
          visible.deployment(deployment) ? all.view.containersBy.serviceRecords(deployment, service) : [],
        replacements: () => all.view.containersBy.replacements().filter(visible.container),
      },
      version: (...given) => all.view.version(...given),
      onChange: (...given) => all.view.onChange(...given),
      refresh: (...given) => all.view.refresh(...given),
      settled: (...given) => all.view.settled(...given),
    },
    hosts: all.hosts,
    containers: scopedContainers(all.containers, visible, own),
    networks: scopedNetworks(all.networks, visible, own),
    volumes: scopedVolumes(all.volumes, visible, own),
    images: all.images,
    engines: all.engines,
    events: scopedEvents(all, visible),
    services: scopedServices(all.services, visible, own),
    secrets: scopedSecrets(all.secrets, visible, own),
    replicas: {
      async creating(request, act) {
        return await all.replicas.creating(own.request('a container', request), act);
      },
      touching: (...given) => all.replicas.touching(...given),
      joined: (...given) => all.replicas.joined(...given),
      pruning: (...given) => all.replicas.pruning(...given),
    },
  };
  return { cluster, visible, own };
}

const refuse = async (): Promise<never> => {
  throw new ArpanetError('forbidden', 'this concerns all deployments');
};

/** Services of other deployments do not exist. */
function scopedServices(all: Services, visible: Visible, own: Own): Services {
  const list = () => all.list().filter(({ deployment }) => visible.deployment(deployment));
  const find = (reference: string) => {
    const ways = [serviceKey, serviceName, ({ service }: ServiceId) => service];
    for (const way of ways) {
      const [found, another] = list().filter((view) => way(view) === reference);
      if (another !== undefined) throw new ArpanetError('invalid', `"${reference}" is several services: say which`);
      if (found !== undefined) return found;
    }
    throw new ArpanetError('not-found', `no such service: ${reference}`);
  };
  /** A deployment, or one service, by keys that mean nothing else. */
  const keysOf = (reference: string): readonly string[] => {
    const whole = list().filter(({ deployment }) => deployment === reference);
    return whole.length > 0 ? whole.map(serviceKey) : [serviceKey(find(reference))];
  };
  /** `web=5` by the key of its own service. */
  const exact = (text: string): string => {
    const [, name = '', rest] = /^([^=+]+?)([=+-]\d+)$/.exec(text) ?? [];
    return rest === undefined ? text : `${serviceKey(find(name))}${rest}`;
  };
  return {
    list,
    find,
    async create(record, registryAuth) {
      own.labels('a service', { [labels.deployment]: record.deployment });
      const template = { ...record.template, request: own.request('a service', record.template.request) };
      return await all.create({ ...record, template }, registryAuth);
    },
    async update(reference, change, progress) {
      const view = find(reference);
      const { template } = change;
      const judged = template && { template: { ...template, request: own.request('a service', template.request) } };
      return await all.update(serviceKey(view), { ...change, ...judged }, progress);
    },
    rollback: async (reference, progress, patienceMs) => await all.rollback(serviceKey(find(reference)), progress, patienceMs),
    scale: async (requests, progress) => await all.scale(requests.map(exact), progress),
    scalePlan: (request) => all.scalePlan(exact(request)),
    remove: async (references, progress, patienceMs) => await all.remove(references.flatMap(keysOf), progress, patienceMs),
    power: async (how, references, progress) => await all.power(how, references.flatMap(keysOf), progress),
    drain: refuse,
    canaries: {
      begin: async (reference, changed, how, progress) => {
        const judged = { ...changed, request: own.request('a service', changed.request) };
        return await all.canaries.begin(serviceKey(find(reference)), judged, how, progress);
      },
      look: async (reference) => await all.canaries.look(serviceKey(find(reference))),
      promote: async (reference, isForced, progress) => await all.canaries.promote(serviceKey(find(reference)), isForced, progress),
      abort: async (reference, progress) => await all.canaries.abort(serviceKey(find(reference)), progress),
      summary: (service) => (visible.deployment(service.deployment) ? all.canaries.summary(service) : undefined),
    },
    stuck: () => all.stuck().filter(({ name }) => visible.containersCalled(name).length > 0),
  };
}

/** What an event is about, as far as it can still be found; what is gone, is known by having been its own. */
function scopedEvents(all: Cluster, visible: Visible): Events {
  const seen = new Set<string>();
  const isOwn = ({ event }: ClusterEvent): boolean => {
    const { Type, Actor } = event;
    if (Type === 'image' || Type === 'builder') return true;
    if (!['container', 'network', 'volume', 'service', 'secret', 'config'].includes(Type)) return false;
    const key = `${Type} ${Actor.ID}`;
    const now = isVisible(all, visible, event);
    if (now === true) remember(seen, key);
    return now ?? seen.has(key);
  };
  return {
    listen: (listener, signal) => all.events.listen((event) => isOwn(event) && listener(event), signal),
    recent: () => all.events.recent().filter(isOwn),
    shown(host, event) {
      const shown = all.events.shown(host, event);
      return shown !== undefined && isOwn({ host, event: shown }) ? shown : undefined;
    },
  };
}

const SEEN_LIMIT = 20_000;

function remember(seen: Set<string>, key: string): void {
  seen.add(key);
  if (seen.size <= SEEN_LIMIT) return;
  const [oldest] = seen;
  if (oldest !== undefined) seen.delete(oldest);
}

function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isKind(error, 'not-found', 'invalid')) return undefined;
    throw error;
  }
}

/** Undefined: it is not there any more, and its event does not say whose it was. */
function isVisible(all: Cluster, visible: Visible, { Type, Actor }: ClusterEvent['event']): boolean | undefined {
  switch (Type) {
    case 'container': {
      const found = ifThere(() => all.containers.one(Actor.ID));
      // the labels of a container are attributes of its events
      return found === undefined ? visible.labels(Actor.Attributes) : visible.container(found);
    }
    case 'network': {
      if (predefinedName(Actor.Attributes['name'] ?? '') !== undefined) {
        return visible.hasContainer(Actor.Attributes['container'] ?? '');
      }
      const found = ifThere(() => all.networks.one(Actor.ID));
      return found === undefined ? undefined : visible.network(found);
    }
    case 'volume': {
      const found = ifThere(() => all.volumes.one(Actor.ID));
      return found === undefined ? undefined : visible.volume(found);
    }
    case 'service': {
      const { name } = Actor.Attributes;
      const found = ifThere(() => all.services.find(name ?? ''));
      return found === undefined ? undefined : visible.deployment(found.deployment);
    }
    default: {
      const found = (['secret', 'config'] as const).flatMap((kind) => all.secrets.list(kind)).find(({ id }) => id === Actor.ID);
      return found === undefined ? undefined : visible.labels(found.labels);
    }
  }
}
