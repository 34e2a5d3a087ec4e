/** A follower's copy of the leader's view: changed by the leader's messages alone, in memory, and read as a cluster is. No effects. */
import type { Cluster, ReplicaMessage, ReplicaSeeds } from '../../contracts/index.ts';
import { ArpanetError, type ContainerRecord, type EngineSnapshot, type TagRecord } from '../../model/index.ts';
import { KeyTree } from '../../store/ledger/key-tree.ts';
import { networkLists } from '../networks/network-lists.ts';
import { createRecordIndex } from '../view/record-index.ts';
import { resolveContainer } from '../view/resolve-container.ts';
import { createView } from '../view/view.ts';
import { volumeLists } from '../volumes/volume-lists.ts';

/** Made of the leader's messages. */
export interface ReplicaCopy {
  readonly apply: (message: Exclude<ReplicaMessage, { type: 'begin' | 'whole' | 'now' }>) => void;
  readonly cluster: Cluster;
  readonly execs: Set<string>;
  /** What it has of hosts now: for one that leads after the leader. */
  readonly seeds: () => ReplicaSeeds;
}

/** Nothing here happens in time: the leader says what is so. */
const NO_TIME = 0;

/** Empty at first. What reads do not need, and what needs an Engine, throws `not-leader`. */
export function createReplicaCopy(): ReplicaCopy {
  const stored = new KeyTree<unknown>();
  const ledger = {
    get: <T>(key: string) => stored.get(key) as T | undefined,
    list: <T>(prefix: string) => stored.list(prefix) as readonly (readonly [string, T])[],
  };
  const since = new Map<string, TagRecord>();
  const index = createRecordIndex((id) => read.byId(id) !== undefined);
  const nothing = (): void => undefined;
  const view = createView(
    () => false,
    nothing,
    (tag) => since.get(tag),
    { container: (id) => index.shown(id), record: nothing, host: nothing, placing: nothing },
  );
  const { read, images } = view;
  const execs = new Set<string>();
  const networks = networkLists({ ledger }, read);
  const volumes = volumeLists(ledger, read);
  const shownOf = (records: readonly ContainerRecord[]) => records.flatMap(({ id }) => (id === undefined ? [] : (read.byId(id) ?? [])));

  const apply: ReplicaCopy['apply'] = (message) => {
    switch (message.type) {
      case 'host': {
        const { record, facts } = message;
        if (facts !== undefined) view.hosts.join(record, facts);
        else if (read.host(record.name) === undefined) view.hosts.add(record);
        else view.hosts.change(record);
        break;
      }
      case 'host-state':
        view.hosts.setState(message.host, message.state, message.why, NO_TIME);
        view.hosts.setCutOff(message.host, message.isCutOff);
        break;
      case 'host-gone':
        view.hosts.remove(message.host);
        break;
      case 'containers':
        for (const id of message.removes) execs.delete(id);
        view.facts.apply(message.host, message, NO_TIME);
        break;
      case 'images':
        for (const { Id: id, RepoTags } of message.images)
          for (const tag of RepoTags ?? []) since.set(tag, { tag, id, sinceMs: message.since[tag] ?? NO_TIME });
        view.facts.apply(message.host, message, NO_TIME);
        since.clear();
        break;
      case 'volumes':
      case 'networks':
        view.facts.apply(message.host, message, NO_TIME);
        break;
      case 'record':
        index.put(message.name, message.record);
        view.records.set(message.name, message.record);
        break;
      case 'lost':
        view.records.setLost(new Set(message.ids));
        break;
      case 'stored':
        if (message.value === undefined) stored.delete(message.key);
        else stored.set(message.key, message.value);
        view.records.touch();
        break;
      case 'exec':
        execs.add(message.container);
        break;
      default:
        message satisfies never;
    }
  };

  const cluster: Cluster = {
    leader: {
      ready: async () => undefined,
      frozen: () => undefined,
      about: elsewhere,
      unreadable: elsewhere,
      discard: elsewhere,
      reconcile: elsewhere,
    },
    view: {
      version: read.version,
      containersBy: {
        matching: read.matching,
        linking: index.linking,
        id: (id) => read.byId(id),
        service: (deployment, service) => shownOf(index.ofService(deployment, service)),
        serviceRecords: index.ofService,
        replacements: () => shownOf(index.replacements()),
      },
      onChange: elsewhere,
      refresh: elsewhere,
      settled: () => undefined,
    },
    hosts: {
      list: read.hosts,
      one: read.host,
      lastHeardMs: elsewhere,
      update: elsewhere,
      admissions: elsewhere,
      admit: elsewhere,
      remove: elsewhere,
      reset: elsewhere,
    },
    containers: {
      list: read.containers,
      one: (reference) => resolveContainer(reference, read),
      awaitCreate: elsewhere,
      abandonCreate: elsewhere,
      create: elsewhere,
      withdrawn: elsewhere,
      release: elsewhere,
      rename: elsewhere,
      unlink: elsewhere,
      replaceLost: elsewhere,
      abandonLost: elsewhere,
      verdict: elsewhere,
    },
    networks: {
      idleSince: elsewhere,
      list: networks.list,
      one: networks.one,
      create: elsewhere,
      remove: elsewhere,
      planAsked: elsewhere,
      connect: elsewhere,
      disconnect: elsewhere,
      claimPorts: elsewhere,
      starting: elsewhere,
    },
    volumes: { list: volumes.list, one: volumes.one, create: elsewhere, remove: elsewhere },
    images: { find: images.find, tags: images.tags, ensure: elsewhere, builder: elsewhere },
    engines: { endpoint: elsewhere, openPort: elsewhere },
    events: { listen: elsewhere, recent: elsewhere, shown: elsewhere },
    services: {
      list: elsewhere,
      find: elsewhere,
      create: elsewhere,
      update: elsewhere,
      rollback: elsewhere,
      scale: elsewhere,
      scalePlan: elsewhere,
      remove: elsewhere,
      power: elsewhere,
      drain: elsewhere,
      canaries: { begin: elsewhere, look: elsewhere, summary: elsewhere, promote: elsewhere, abort: elsewhere },
      stuck: elsewhere,
    },
    secrets: { list: elsewhere, create: elsewhere, relabel: elsewhere, remove: elsewhere },
    replicas: { creating: elsewhere, touching: elsewhere, joined: elsewhere, pruning: elsewhere },
  };

  return {
    apply,
    cluster,
    execs,
    seeds() {
      const held = new Map<string, EngineSnapshot>();
      for (const { name, images, volumes } of read.hosts()) {
        const containers = read.containersOn(name).map(({ facts }) => facts);
        held.set(name, { containers, images, volumes, networks: read.networksOn(name) });
      }
      return seedsOf(held);
    },
  };
}

/** Nothing else of the copy is kept with it. */
const seedsOf = (held: Map<string, EngineSnapshot>): ReplicaSeeds => ({
  take(host) {
    const one = held.get(host);
    held.delete(host);
    return one;
  },
});

/** What the leader alone can do, or say. */
function elsewhere(): never {
  throw new ArpanetError('not-leader', 'the leader is to be asked');
}
