/** The view as placement wants it: plain copies of hosts and containers. Pure; remembers what it made of objects that do not change. */
import type { CreateRequest, ContainerRecord, ContainerView, HostFacts, HostView } from '../../model/index.ts';
import { hostPortsOf, volumesOf } from '../create/identify-needs.ts';
import { each, type Place } from '../../telemetry/left-out.ts';
import type { HostImages } from './image-index.ts';
import { withChosen } from '../placement/choose-ports.ts';
import { needsOf } from '../placement/request.ts';
import type { SchedulerSettings } from '../deps.ts';
import type { Charge, HostSnapshot, PlacedContainer } from '../placement/snapshot.ts';
import { parseHostPort } from '../../text/host-port.ts';
import { isNamedVolume } from '../../text/names.ts';
import { boundPorts } from './port-index.ts';
import type { RecordIndex } from './record-index.ts';
import type { ImageReader, ViewReader } from './roles.ts';

const placed = new WeakMap<ContainerView, PlacedContainer>();
const placedLists = new WeakMap<readonly ContainerView[], readonly PlacedContainer[]>();
const engines = new WeakMap<HostFacts['info'], Readonly<Record<string, string>>>();
const imageNames = new WeakMap<HostImages, readonly string[]>();

/** What snapshots are made from. */
export interface SnapshotParts {
  readonly view: ViewReader;
  readonly images: Pick<ImageReader, 'on'>;
  readonly recordIndex: Pick<RecordIndex, 'unseenOn'>;
  readonly deps: { readonly settings: Pick<SchedulerSettings, 'overcommit'> };
}

/** `pending`: what was placed on this host a moment ago. */
export function snapshotOf(
  { view, images, recordIndex, deps }: SnapshotParts,
  host: HostView,
  pending: readonly Charge[] = [],
): HostSnapshot {
  return hostSnapshot({
    host,
    overcommit: deps.settings.overcommit,
    loadAtMs: view.loadAt(host.name),
    containers: view.containersOn(host.name),
    creating: recordIndex.unseenOn(host.name),
    images: images.on(host.name),
    pending,
    isSilent: host.state === 'alive' && (host.why !== undefined || host.isCutOff === true),
  });
}

export interface SnapshotSource {
  readonly host: HostView;
  readonly overcommit?: SchedulerSettings['overcommit'];
  readonly loadAtMs: number;
  readonly containers: readonly ContainerView[];
  /** Records of creates under way on this host. */
  readonly creating: readonly ContainerRecord[];
  readonly images: HostImages;
  readonly pending: readonly Charge[];
  readonly isSilent?: boolean;
}

export function hostSnapshot({
  host,
  overcommit,
  loadAtMs,
  containers,
  creating,
  images,
  pending,
  isSilent,
}: SnapshotSource): HostSnapshot {
  const { facts, record, load } = host;
  const place = { kind: 'container', of: `placement on host ${host.name}` };
  return {
    name: host.name,
    state: host.state,
    availability: record.availability,
    ...(host.why === undefined ? {} : { why: host.why }),
    ...(isSilent === true && { isSilent }),
    labels: record.labels,
    os: facts?.os ?? '',
    arch: facts?.arch ?? '',
    ...(facts === undefined ? {} : { apiVersion: facts.apiVersion }),
    ...(facts?.links === undefined ? {} : { links: facts.links }),
    ...(facts === undefined ? {} : { engine: engineLabels(facts) }),
    cpus: Math.min(facts?.cpus ?? 0, record.limits?.cpus ?? Infinity),
    memoryBytes: Math.min(facts?.memoryBytes ?? 0, record.limits?.memoryBytes ?? Infinity),
    ...(record.limits?.maxContainers === undefined ? {} : { maxContainers: record.limits.maxContainers }),
    ...(load === undefined ? {} : { load: { ...load, atMs: loadAtMs } }),
    ...(overcommit === undefined ? {} : { overcommit }),
    pending,
    containers: placedOn(place, containers, creating),
    images: namesOf(images),
    ...answersOf(host),
  };
}

function answersOf({ record, facts }: HostView): Pick<HostSnapshot, 'apiPort' | 'httpPorts' | 'answers'> {
  const answers = [...(facts?.answersPorts === true ? ['ports' as const] : []), ...(facts?.http === 'edge' ? ['http' as const] : [])];
  const apiPort = parseHostPort(record.gateway)?.port;
  const { httpPorts } = facts ?? {};
  return {
    ...(apiPort !== undefined && { apiPort }),
    ...(httpPorts !== undefined && { httpPorts }),
    ...(answers.length > 0 && { answers }),
  };
}

/** The same list while the host has the same containers and nothing is being created there. */
function placedOn(place: Place, containers: readonly ContainerView[], creating: readonly ContainerRecord[]): readonly PlacedContainer[] {
  const known = placedLists.get(containers);
  const made = known ?? each(place, containers, nameOf, placedContainer);
  if (known === undefined) placedLists.set(containers, made);
  const begun = each({ ...place, kind: 'record' }, creating, nameOf, placedRecord);
  return begun.length === 0 ? made : [...made, ...begun];
}

const usesVolumes = (request: CreateRequest): boolean => volumesOf(request).volumes.some(isNamedVolume);
const nameOf = ({ name }: { readonly name: string }): string => name;

/** The container as placement sees it. */
export function placedContainer(container: ContainerView): PlacedContainer {
  const known = placed.get(container);
  if (known !== undefined) return known;
  const { inspect } = container.facts;
  const { State } = inspect;
  const made: PlacedContainer = {
    id: container.id,
    name: container.name,
    deployment: container.record?.deployment ?? '',
    service: container.record?.service ?? '',
    number: container.record?.number ?? 0,
    labels: inspect.Config.Labels ?? {},
    state: State.Status === 'created' ? 'created' : State.Running || State.Restarting || State.Paused ? 'running' : 'stopped',
    hostPorts: hostPortsOf(boundPorts(inspect)),
    hasVolumes: usesVolumes({ HostConfig: inspect.HostConfig }),
    ...needsOf({ HostConfig: inspect.HostConfig, Labels: inspect.Config.Labels ?? {} }),
  };
  placed.set(container, made);
  return made;
}

/** The same of a create under way. */
export function placedRecord(record: ContainerRecord): PlacedContainer {
  return {
    id: '',
    name: record.name,
    deployment: record.deployment,
    service: record.service,
    number: record.number,
    labels: record.request.Labels ?? {},
    state: 'created',
    hostPorts: hostPortsOf(withChosen(record.request.HostConfig?.PortBindings, record.ports ?? {})),
    hasVolumes: usesVolumes(record.request),
    ...needsOf(record.request),
  };
}

/** As classic Swarm labelled its nodes (cluster/engine.go of docker/swarm 1.2). An Engine's own labels are texts `key=value`. */
function engineLabels({ info }: HostFacts): Readonly<Record<string, string>> {
  const known = engines.get(info);
  if (known !== undefined) return known;
  const { OperatingSystem, KernelVersion, Driver, OSType, Labels } = info;
  const own = (Array.isArray(Labels) ? Labels : []).flatMap((label: unknown) => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(typeof label === 'string' ? label : '') ?? [];
    return key === undefined || value === undefined ? [] : [[key, value] as const];
  });
  const said = Object.entries({ operatingsystem: OperatingSystem, kernelversion: KernelVersion, storagedriver: Driver, ostype: OSType });
  const made = Object.fromEntries([
    ...said.flatMap(([key, value]) => (typeof value === 'string' && value !== '' ? [[key, value] as const] : [])),
    ...own,
  ]);
  engines.set(info, made);
  return made;
}

function namesOf(images: HostImages): readonly string[] {
  const known = imageNames.get(images);
  if (known !== undefined) return known;
  const made = [...images.ids, ...images.tags.keys()];
  imageNames.set(images, made);
  return made;
}
