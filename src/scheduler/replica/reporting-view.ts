/** A view whose changes are reported, one by one, as a follower's copy applies them. Pure but for what it calls. */
import type { ReplicaMessage } from '../../contracts/index.ts';
import type { ContainerFacts, ContainerRecord } from '../../model/index.ts';
import type { HostImages } from '../view/image-index.ts';
import type { FactsMessage, FactsWriter, HostWriter, RecordWriter, View } from '../view/roles.ts';

/** Containers in one message. */
const PIECE = 100;

/** What a leader's view knows that no reader of it can ask for. */
export interface ReportingView extends View {
  /** As they were set last, by name. */
  readonly recordsSet: ReadonlyMap<string, ContainerRecord>;
  readonly lost: () => ReadonlySet<string>;
}

/** `isHeard`: whether anybody follows; where nobody does, no reports are made. */
export function reportingView(
  { read, images, hosts, facts, records }: View,
  isHeard: () => boolean,
  report: (message: ReplicaMessage) => void,
): ReportingView {
  const recordsSet = new Map<string, ContainerRecord>();
  let lost: ReadonlySet<string> = new Set();

  function reportHost(host: string, isJoin: boolean): void {
    const one = read.host(host);
    if (one === undefined) return;
    report({ type: 'host', record: one.record, ...(isJoin && one.facts !== undefined && { facts: one.facts }) });
    reportState(host);
  }
  function reportState(host: string): void {
    const one = read.host(host);
    if (one === undefined) return;
    const { state, why, isCutOff = false } = one;
    report({ type: 'host-state', host, state, isCutOff, ...(why !== undefined && { why }) });
  }

  const apply: FactsWriter['apply'] = (host, message, nowMs) => {
    if (!isHeard() || message.type === 'beat') return facts.apply(host, message, nowMs);
    const before = message.type === 'snapshot' ? new Map(read.containersOn(host).map((one) => [one.id, one.facts])) : undefined;
    const gone = facts.apply(host, message, nowMs);
    for (const each of reported(host, message, before, images.on(host))) report(each);
    return gone;
  };

  const hostWriter: HostWriter = {
    add(record) {
      hosts.add(record);
      if (isHeard()) reportHost(record.name, false);
    },
    join(record, joined) {
      hosts.join(record, joined);
      if (isHeard()) reportHost(record.name, true);
    },
    change(record) {
      hosts.change(record);
      if (isHeard()) reportHost(record.name, false);
    },
    remove(host) {
      hosts.remove(host);
      report({ type: 'host-gone', host });
    },
    setState(host, state, why, nowMs) {
      const isChanged = hosts.setState(host, state, why, nowMs);
      if (isChanged && isHeard()) reportState(host);
      return isChanged;
    },
    setCutOff(host, isCutOff) {
      const isChanged = hosts.setCutOff(host, isCutOff);
      if (isChanged && isHeard()) reportState(host);
      return isChanged;
    },
  };

  const recordWriter: RecordWriter = {
    set(name, record) {
      const shown = read.byId(recordsSet.get(name)?.id ?? '');
      records.set(name, record);
      if (record === undefined) recordsSet.delete(name);
      else recordsSet.set(name, record);
      report({ type: 'record', name, ...(record !== undefined && { record }) });
      // of one that was shown by its record alone nothing is left
      if (shown !== undefined && read.byId(shown.id) === undefined)
        report({ type: 'containers', host: shown.host, upserts: [], removes: [shown.id] });
    },
    setLost(ids) {
      records.setLost(ids);
      if (ids.size === lost.size && [...ids].every((id) => lost.has(id))) return;
      lost = ids;
      report({ type: 'lost', ids: [...ids] });
    },
    remember(host, containers) {
      records.remember(host, containers);
      const upserts = containers.filter((one) => read.byId(one.summary.Id)?.facts === one);
      if (upserts.length > 0) report({ type: 'containers', host, upserts, removes: [] });
    },
    touch: records.touch,
  };
  return { read, images, hosts: hostWriter, facts: { apply }, records: recordWriter, recordsSet, lost: () => lost };
}

/** A host that comes may have thousands: in one line they would be longer than a follower takes. */
function* inPieces(host: string, upserts: readonly ContainerFacts[]): Generator<ReplicaMessage> {
  for (let from = 0; from < upserts.length; from += PIECE)
    yield { type: 'containers', host, upserts: upserts.slice(from, from + PIECE), removes: [] };
}

/** Times of tags, by tag. */
export const sinceOf = ({ tags }: HostImages): Readonly<Record<string, number>> =>
  Object.fromEntries([...tags].map(([tag, { sinceMs }]) => [tag, sinceMs]));

/** `before`: what a snapshot found: of that nothing is reported again. */
function* reported(
  host: string,
  message: Exclude<FactsMessage, { type: 'beat' }>,
  before: ReadonlyMap<string, ContainerFacts> | undefined,
  images: HostImages,
): Generator<ReplicaMessage> {
  switch (message.type) {
    case 'snapshot': {
      const { containers, volumes, networks } = message.snapshot;
      const now = new Set(containers.map(({ summary }) => summary.Id));
      const upserts = containers.filter((one) => before?.get(one.summary.Id) !== one);
      const removes = [...(before?.keys() ?? [])].filter((id) => !now.has(id));
      if (removes.length > 0) yield { type: 'containers', host, upserts: [], removes };
      yield* inPieces(host, upserts);
      yield { type: 'images', host, images: images.images, since: sinceOf(images) };
      yield { type: 'volumes', host, volumes };
      yield { type: 'networks', host, networks };
      break;
    }
    case 'containers':
      yield { type: 'containers', host, upserts: message.upserts, removes: message.removes };
      break;
    case 'images':
      yield { type: 'images', host, images: images.images, since: sinceOf(images) };
      break;
    case 'volumes':
      yield { type: 'volumes', host, volumes: message.volumes };
      break;
    case 'networks':
      yield { type: 'networks', host, networks: message.networks };
      break;
    default:
      message satisfies never;
  }
}
