/** Container records by what is asked of them, kept up to date as they change: a look costs as much as it finds. */
import { type ContainerRecord, labels } from '../../model/index.ts';
import { httpOf } from '../../text/http-label.ts';

export interface RecordIndex {
  /** A record was written or, with undefined, deleted. */
  readonly put: (name: string, record: ContainerRecord | undefined) => void;
  /** A container came into the view or left it. */
  readonly shown: (id: string) => void;
  readonly onHost: (host: string) => readonly ContainerRecord[];
  readonly ofDeployment: (deployment: string) => readonly ContainerRecord[];
  readonly ofService: (deployment: string, service: string) => readonly ContainerRecord[];
  /** That have an address in the network, or are on it without one. */
  readonly inNetwork: (network: string) => readonly ContainerRecord[];
  readonly ofRequest: (requestId: string) => ContainerRecord | undefined;
  /** That have joined networks since they were created. */
  readonly connected: () => readonly ContainerRecord[];
  /** With a link to the container of this name. */
  readonly linkedTo: (name: string) => readonly ContainerRecord[];
  /** By the label `arpanet.http`: that HTTP reaches by this name and path. */
  readonly withSite: (site: string) => readonly ContainerRecord[];
  /** With links. */
  readonly linking: () => readonly ContainerRecord[];
  /** Those of containers that replace a lost one. */
  readonly replacements: () => readonly ContainerRecord[];
  readonly withId: (id: string) => ContainerRecord | undefined;
  /** Those whose container is not in the view: it is being created, or its host has not shown it yet. */
  readonly unseen: () => readonly ContainerRecord[];
  /** The same of one host: the same list while none of them changes. */
  readonly unseenOn: (host: string) => readonly ContainerRecord[];
}

const NONE: readonly ContainerRecord[] = [];

function keysOf({
  id,
  host,
  deployment,
  service,
  addresses,
  unaddressed = [],
  requestId,
  movedFrom,
  connected,
  links,
  request,
}: ContainerRecord): readonly string[] {
  return [
    `host ${host}`,
    `deployment ${deployment}`,
    `service ${service} ${deployment}`,
    ...[...Object.keys(addresses), ...unaddressed].map((network) => `network ${network}`),
    ...(id === undefined ? [] : [`id ${id}`]),
    ...(connected === undefined ? [] : ['connected']),
    ...links.map(({ target }) => `link ${target}`),
    ...(httpOf(request.Labels?.[labels.http])?.sites ?? []).map((site) => `site ${site}`),
    ...(links.length === 0 ? [] : ['linking']),
    ...(movedFrom === undefined ? [] : ['replacements']),
    ...(requestId === undefined ? [] : [`request ${requestId}`]),
  ];
}

/** `isShown`: whether the view has a container of this id; `unseenChanged`: called with a host when it has others that are not shown. */
export function createRecordIndex(isShown: (id: string) => boolean, unseenChanged: (host: string) => void = () => undefined): RecordIndex {
  const records = new Map<string, ContainerRecord>();
  const byKey = new Map<string, Map<string, ContainerRecord>>();
  const unseen = new Map<string, ContainerRecord>();
  const unseenBy = new Map<string, Map<string, ContainerRecord>>();
  const unseenLists = new Map<string, readonly ContainerRecord[]>();
  let unseenList: readonly ContainerRecord[] | undefined;

  const at = (key: string): readonly ContainerRecord[] => [...(byKey.get(key)?.values() ?? [])];
  const first = (key: string): ContainerRecord | undefined => byKey.get(key)?.values().next().value;

  function look(name: string): void {
    const record = records.get(name);
    const before = unseen.get(name);
    const now = record !== undefined && (record.id === undefined || !isShown(record.id)) ? record : undefined;
    if (before === now) return;
    unseenList = undefined;
    if (now === undefined) unseen.delete(name);
    else unseen.set(name, now);
    for (const host of new Set([before?.host, now?.host]))
      if (host !== undefined) enterUnseen(host, name, now?.host === host ? now : undefined);
  }

  function enterUnseen(host: string, name: string, record: ContainerRecord | undefined): void {
    const among = unseenBy.get(host) ?? new Map<string, ContainerRecord>();
    if (record === undefined) among.delete(name);
    else among.set(name, record);
    if (among.size === 0) unseenBy.delete(host);
    else unseenBy.set(host, among);
    unseenLists.delete(host);
    unseenChanged(host);
  }

  return {
    put(name, record) {
      const before = records.get(name);
      if (before === record) return;
      for (const key of before === undefined ? [] : keysOf(before)) {
        const among = byKey.get(key);
        among?.delete(name);
        if (among?.size === 0) byKey.delete(key);
      }
      if (record === undefined) records.delete(name);
      else records.set(name, record);
      for (const key of record === undefined ? [] : keysOf(record)) {
        const among = byKey.get(key) ?? new Map<string, ContainerRecord>();
        byKey.set(key, among.set(name, record as ContainerRecord));
      }
      look(name);
    },
    shown(id) {
      for (const { name } of at(`id ${id}`)) look(name);
    },
    onHost: (host) => at(`host ${host}`),
    ofDeployment: (deployment) => at(`deployment ${deployment}`),
    ofService: (deployment, service) => at(`service ${service} ${deployment}`),
    inNetwork: (network) => at(`network ${network}`),
    ofRequest: (requestId) => first(`request ${requestId}`),
    connected: () => at('connected'),
    linkedTo: (name) => at(`link ${name}`),
    withSite: (site) => at(`site ${site}`),
    linking: () => at('linking'),
    replacements: () => at('replacements'),
    withId: (id) => first(`id ${id}`),
    unseen: () => (unseenList ??= [...unseen.values()]),
    unseenOn(host) {
      const among = unseenBy.get(host);
      if (among === undefined) return NONE;
      const known = unseenLists.get(host) ?? [...among.values()];
      unseenLists.set(host, known);
      return known;
    },
  };
}
