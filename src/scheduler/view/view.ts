/**
 * The cluster view: what the agents reported, joined with what the store knows. In memory, changed only by the calls below, synchronously.
 * What it hands out is immutable; an object is replaced exactly when something that it shows has changed.
 */
import {
  type ContainerFacts,
  type ContainerRecord,
  type ContainerView,
  type HostRecord,
  type HostView,
  isUnreachable,
  type TagRecord,
} from '../../model/index.ts';
import { type HostEntry, newHost } from './host-entry.ts';
import { createImageIndex, foundImage, indexImages, noImages } from './image-index.ts';
import { createContainerQueries } from './container-queries.ts';
import { createPortIndex } from './port-index.ts';
import type { FactsMessage, FactsWriter, HostWriter, ImageReader, RecordWriter, View, ViewNotices, ViewReader } from './roles.ts';
import { withoutSlash } from '../../text/names.ts';

const NOBODY: ViewNotices = { container: () => undefined, record: () => undefined, host: () => undefined, placing: () => undefined };

/**
 * `isCopy(host, tag)`: this tag is just being copied there, so that its arrival is no move. `changed` is called whenever the version grows; `recorded`: what is known
 * of a tag from elsewhere, `isFirst` where the host has reported no images before.
 */
export function createView(
  isCopy: (host: string, tag: string) => boolean,
  changed: () => void = () => undefined,
  recorded: (tag: string, isFirst: boolean) => TagRecord | undefined = () => undefined,
  notices: ViewNotices = NOBODY,
): View {
  let version = 1;
  const hosts = new Map<string, HostEntry>();
  const containers = new Map<string, ContainerView>();
  const names = new Map<string, Set<string>>();
  const ports = createPortIndex();
  const queries = createContainerQueries({ containers: () => read.containers(), byId: (id) => containers.get(id) });
  const recordsById = new Map<string, ContainerRecord>();
  const idByRecordName = new Map<string, string>();
  const formerIds = new Map<string, string>();
  /** Those of which nothing is known but the record. */
  const remembered = new Set<string>();
  let lost: ReadonlySet<string> = new Set();
  let order: readonly HostEntry[] | undefined;
  let hostList: readonly HostView[] | undefined;
  let containerList: readonly ContainerView[] | undefined;
  const imageIndex = createImageIndex();
  /** Of the tags that it was made from. */
  let tagIds: { readonly of: object; readonly ids: ReadonlyMap<string, string> } | undefined;

  function touch(): void {
    version += 1;
    changed();
  }

  function hostChanged(entry: HostEntry): void {
    entry.view = undefined;
    hostList = undefined;
    notices.placing(entry.record.name);
  }

  function viewOf(entry: HostEntry): HostView {
    entry.view ??= {
      name: entry.record.name,
      record: entry.record,
      facts: entry.facts,
      load: entry.load,
      ...(entry.lastHour === undefined ? {} : { lastHour: entry.lastHour }),
      ...(entry.leftOut.length === 0 ? {} : { leftOut: entry.leftOut }),
      ...(entry.faults === undefined ? {} : { faults: entry.faults }),
      state: entry.state,
      why: entry.why,
      ...(entry.unreachableSinceMs === undefined ? {} : { unreachableSinceMs: entry.unreachableSinceMs }),
      ...(entry.isCutOff && { isCutOff: true as const }),
      images: entry.images?.images ?? [],
      volumes: entry.volumes,
    };
    return entry.view;
  }

  function put(entry: HostEntry, facts: ContainerFacts): void {
    const id = facts.summary.Id;
    if (lost.has(id)) return;
    const record = recordsById.get(id);
    const name = record?.name ?? withoutSlash(facts.inspect.Name || (facts.summary.Names[0] ?? id));
    const before = containers.get(id);
    if (before !== undefined && before.name !== name) unname(before);
    ports.put(id, facts.inspect);
    containers.set(id, { id, name, host: entry.record.name, hostState: entry.state, facts, record });
    entry.containers.add(id);
    entry.containerList = undefined;
    const ids = names.get(name) ?? new Set();
    names.set(name, ids.add(id));
    containerList = undefined;
    queries.changed(id);
    notices.container(id);
    notices.placing(entry.record.name);
  }

  function unname(container: ContainerView): void {
    const ids = names.get(container.name);
    ids?.delete(container.id);
    if (ids?.size === 0) names.delete(container.name);
  }

  function remove(entry: HostEntry, id: string): ContainerView | undefined {
    const container = containers.get(id);
    if (container === undefined || container.host !== entry.record.name) return undefined;
    containers.delete(id);
    ports.remove(id);
    remembered.delete(id);
    entry.containers.delete(id);
    entry.containerList = undefined;
    unname(container);
    containerList = undefined;
    queries.changed(id);
    notices.container(id);
    notices.placing(entry.record.name);
    return container;
  }

  function again(id: string): void {
    const container = containers.get(id);
    const entry = container && hosts.get(container.host);
    if (container !== undefined && entry !== undefined) put(entry, container.facts);
  }

  function setImages(entry: HostEntry, images: HostView['images'], nowMs: number): void {
    const host = entry.record.name;
    const known = (tag: string, id: string): number | undefined => {
      const kept = recorded(tag, entry.images === undefined);
      if (kept?.id === id) return kept.sinceMs;
      if (!isCopy(host, tag)) return undefined;
      for (const other of hosts.values()) {
        const tagged = other === entry ? undefined : other.images?.tags.get(tag);
        if (tagged?.id === id) return tagged.sinceMs;
      }
      return undefined;
    };
    entry.images = indexImages(images, entry.images, nowMs, known);
    showImages(entry);
  }

  function showImages(entry: HostEntry): void {
    imageIndex.put(entry.record.name, entry.state === 'alive' ? entry.images : undefined);
  }

  function entryFor(record: HostRecord): HostEntry {
    const entry = newHost(record);
    hosts.set(record.name, entry);
    order = undefined;
    return entry;
  }

  function apply(host: string, message: FactsMessage, nowMs: number): readonly ContainerView[] {
    const entry = hosts.get(host);
    if (entry === undefined) return [];
    hostChanged(entry);
    if (message.type === 'beat') {
      Object.assign(entry, { load: message.load, faults: message.faults, loadAtMs: nowMs, leftOut: message.leftOut ?? [] });
      if (message.lastHour !== undefined) entry.lastHour = message.lastHour;
      if (message.routes !== undefined && entry.facts !== undefined) entry.facts = { ...entry.facts, routes: message.routes };
      return [];
    }
    const gone: ContainerView[] = [];
    const tell = (facts: ContainerFacts): void => {
      const { Id } = facts.summary;
      remembered.delete(Id);
      // Of a host that came back as it was.
      if (containers.get(Id)?.facts !== facts) put(entry, facts);
    };
    const drop = (id: string): void => {
      const container = remove(entry, id);
      if (container !== undefined) gone.push(container);
    };
    switch (message.type) {
      case 'snapshot': {
        const present = new Set(message.snapshot.containers.map((facts) => facts.summary.Id));
        for (const id of entry.containers) if (!present.has(id)) drop(id);
        for (const facts of message.snapshot.containers) tell(facts);
        setImages(entry, message.snapshot.images, nowMs);
        entry.volumes = message.snapshot.volumes;
        entry.networks = message.snapshot.networks;
        break;
      }
      case 'containers':
        for (const facts of message.upserts) tell(facts);
        for (const id of message.removes) drop(id);
        break;
      case 'images':
        setImages(entry, message.images, nowMs);
        break;
      case 'volumes':
        entry.volumes = message.volumes;
        break;
      case 'networks':
        entry.networks = message.networks;
        break;
      default:
        message satisfies never;
    }
    touch();
    return gone;
  }

  const read: ViewReader = {
    version: () => version,
    hosts() {
      order ??= [...hosts.values()].sort((a, b) => (a.record.name < b.record.name ? -1 : 1));
      return (hostList ??= order.map(viewOf));
    },
    host(name) {
      const entry = hosts.get(name);
      return entry && viewOf(entry);
    },
    containers() {
      containerList ??= [...containers.values()];
      return containerList;
    },
    containersOn(host) {
      const entry = hosts.get(host);
      if (entry === undefined) return [];
      return (entry.containerList ??= [...entry.containers].flatMap((id) => containers.get(id) ?? []));
    },
    withPort: (port, protocol) => ports.at(port, protocol).flatMap((id) => containers.get(id) ?? []),
    withIngress: (port, protocol) => ports.onAllHosts(port, protocol).flatMap((id) => containers.get(id) ?? []),
    networksOn: (host) => hosts.get(host)?.networks ?? [],
    networkOf: (host, engineId) => hosts.get(host)?.networks.find((network) => network.engineId === engineId)?.network,
    loadAt: (host) => hosts.get(host)?.loadAtMs ?? 0,
    byId: (id) => containers.get(id),
    named: (name) => [...(names.get(name) ?? [])].flatMap((id) => containers.get(id) ?? []),
    matching: queries.matching,
    idsWith: queries.withPrefix,
    formerIds,
  };
  const imageReader: ImageReader = {
    tags() {
      const of = imageIndex.tagged();
      if (tagIds?.of !== of) tagIds = { of, ids: new Map([...imageIndex.tagged()].map(([tag, { id }]) => [tag, id])) };
      return tagIds.ids;
    },
    tagged: imageIndex.tagged,
    find: (reference) => foundImage(imageIndex, reference, (host) => hosts.get(host)?.load?.cpu ?? 1),
    on: (host) => hosts.get(host)?.images ?? noImages,
    all: () => [...hosts.values()].flatMap((entry) => entry.images ?? []),
  };
  const hostWriter: HostWriter = {
    add(record) {
      hostChanged(entryFor(record));
      notices.host(record.name);
      touch();
    },
    join(record, facts) {
      const entry = hosts.get(record.name) ?? entryFor(record);
      const isMoved = entry.record.address !== record.address;
      entry.record = record;
      entry.facts = facts;
      hostChanged(entry);
      if (isMoved) notices.host(record.name);
      touch();
    },
    change(record) {
      const entry = hosts.get(record.name);
      if (entry === undefined) return;
      const isMoved = entry.record.address !== record.address;
      entry.record = record;
      hostChanged(entry);
      if (isMoved) notices.host(record.name);
      touch();
    },
    remove(host) {
      const entry = hosts.get(host);
      if (entry === undefined) return;
      for (const id of entry.containers) remove(entry, id);
      hosts.delete(host);
      order = undefined;
      hostList = undefined;
      imageIndex.put(host, undefined);
      notices.placing(host);
      notices.host(host);
      touch();
    },
    setState(host, state, why, nowMs) {
      const entry = hosts.get(host);
      if (entry === undefined || (entry.state === state && entry.why === why)) return false;
      const isWarning = entry.state === state && !isUnreachable(state);
      entry.state = state;
      entry.why = why;
      entry.unreachableSinceMs = isUnreachable(state) ? (entry.unreachableSinceMs ?? nowMs) : undefined;
      hostChanged(entry);
      // Nothing of its containers is shown with it.
      if (!isWarning) {
        for (const id of entry.containers) again(id);
        showImages(entry);
        notices.host(host);
      }
      touch();
      return true;
    },
    setCutOff(host, isCutOff) {
      const entry = hosts.get(host);
      if (entry === undefined || entry.isCutOff === isCutOff) return false;
      entry.isCutOff = isCutOff;
      hostChanged(entry);
      notices.host(host);
      touch();
      return true;
    },
  };
  const records: RecordWriter = {
    set(name, record) {
      const before = idByRecordName.get(name);
      if (before !== undefined && before !== record?.id) {
        idByRecordName.delete(name);
        // A rename writes the new name first: the id may have moved there already.
        const past = recordsById.get(before);
        if (past?.name === name) {
          recordsById.delete(before);
          if (past.movedFrom !== undefined) formerIds.delete(past.movedFrom.id);
          const entry = hosts.get(containers.get(before)?.host ?? '');
          if (record === undefined && entry !== undefined && remembered.has(before)) remove(entry, before);
          else again(before);
        }
      }
      if (record?.id !== undefined) {
        recordsById.set(record.id, record);
        if (record.movedFrom?.isUnstarted === true) formerIds.set(record.movedFrom.id, record.id);
        idByRecordName.set(name, record.id);
        again(record.id);
      }
      notices.record(name);
      touch();
    },
    setLost(ids) {
      if (ids.size === 0 && lost.size === 0) return;
      lost = ids;
      for (const id of ids) {
        const entry = hosts.get(containers.get(id)?.host ?? '');
        if (entry !== undefined) remove(entry, id);
      }
      touch();
    },
    remember(host, recorded) {
      const entry = hosts.get(host);
      if (entry === undefined) return;
      for (const facts of recorded) {
        const { Id } = facts.summary;
        if (containers.has(Id) || lost.has(Id)) continue;
        put(entry, facts);
        remembered.add(Id);
      }
      touch();
    },
    touch,
  };
  return { read, images: imageReader, hosts: hostWriter, facts: { apply } satisfies FactsWriter, records };
}
