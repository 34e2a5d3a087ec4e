/** A Cluster of literal data, for tests of reads: what it was not given throws its own name. */
import type { Cluster } from '../../../src/contracts/index.ts';
import {
  ArpanetError,
  type ContainerInspect,
  type ContainerRecord,
  type ContainerView,
  type EndpointSettings,
  type HostView,
  type ImageSummary,
  type NetworkRecord,
} from '../../../src/model/index.ts';
import { createContainerQueries } from '../../../src/scheduler/view/container-queries.ts';
import { type GivenRoles, givenRoles } from './given-roles.ts';

export interface LiteralContainer {
  readonly id: string;
  readonly name: string;
  readonly host?: string;
  readonly hostState?: HostView['state'];
  readonly created?: string;
  readonly image?: string;
  readonly imageId?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly state?: Partial<ContainerInspect['State']>;
  readonly networkMode?: string;
  readonly networks?: Readonly<Record<string, EndpointSettings>>;
  readonly inspect?: Partial<ContainerInspect>;
  readonly summary?: Readonly<Record<string, unknown>>;
  readonly record?: ContainerRecord;
}

export const zeroTime = '0001-01-01T00:00:00Z';

export function literalContainer(given: LiteralContainer): ContainerView {
  const { id, name, created = '2026-01-01T00:00:00.5Z', image = 'busybox', imageId = 'sha256:b1', labels = {}, networks = {} } = given;
  const HostConfig = { NetworkMode: given.networkMode ?? 'default' };
  const state = {
    Status: 'running',
    Running: true,
    Paused: false,
    Restarting: false,
    Dead: false,
    ExitCode: 0,
    StartedAt: '2026-01-01T00:00:01Z',
    FinishedAt: zeroTime,
    ...given.state,
  };
  return {
    id,
    name,
    host: given.host ?? 'h1',
    hostState: given.hostState ?? 'alive',
    record: given.record,
    facts: {
      summary: {
        Id: id,
        Names: [`/${name}`],
        Image: image,
        ImageID: imageId,
        Created: Math.floor(Date.parse(created) / 1_000),
        State: state.Status,
        Status: 'what the Engine said then',
        Labels: labels,
        Ports: [],
        HostConfig,
        NetworkSettings: { Networks: networks },
        Mounts: [],
        ...given.summary,
      },
      inspect: {
        Id: id,
        Name: `/${name}`,
        Created: created,
        Image: imageId,
        State: state,
        Config: { Image: image, Labels: labels, Hostname: id.slice(0, 12) },
        HostConfig,
        NetworkSettings: { Networks: networks },
        ...given.inspect,
      },
    },
  };
}

export function literalHost(name: string, over: Partial<HostView> & { readonly apiVersion?: string } = {}): HostView {
  const { apiVersion = '1.41', ...rest } = over;
  return {
    name,
    record: { name, address: '10.0.0.1', gateway: '10.0.0.1:4040', labels: { disk: 'ssd' }, availability: 'active', joinedAtMs: 0 },
    facts: {
      name,
      address: '10.0.0.1',
      gateway: '10.0.0.1:4040',
      labels: { disk: 'ssd' },
      overlay: 'vxlan',
      agentVersion: '0.1.0',
      version: { Version: '20.10.24', GoVersion: 'go1.19.8', Os: 'linux', Arch: 'amd64', KernelVersion: '6.1' },
      info: {
        NCPU: 4,
        MemTotal: 2 ** 30,
        Driver: 'overlay2',
        OSType: 'linux',
        SwapLimit: true,
        Plugins: { Volume: ['local'] },
        Warnings: null,
      },
      apiVersion,
      minApiVersion: '1.12',
      os: 'linux',
      arch: 'amd64',
      cpus: 4,
      memoryBytes: 2 ** 30,
      routes: [],
    },
    load: { cpu: 0.25, memoryUsedBytes: 2 ** 28, memoryTotalBytes: 2 ** 30 },
    state: 'alive',
    why: undefined,
    images: [],
    volumes: [],
    ...rest,
  };
}

export function literalNetwork(id: string, name: string, over: Partial<NetworkRecord> = {}): NetworkRecord {
  return {
    id,
    name,
    deployment: 'abc',
    cidr: '10.32.0.0/22',
    vni: 1,
    labels: {},
    options: {},
    internal: false,
    attachable: false,
    auxAddresses: {},
    implicit: false,
    createdAtMs: 0,
    ...over,
  };
}

export function literalImage(id: string, repoTags: readonly string[] | null, over: Partial<ImageSummary> = {}): ImageSummary {
  return {
    Id: id,
    ParentId: '',
    RepoTags: repoTags,
    RepoDigests: null,
    Created: 100,
    Size: 7,
    SharedSize: -1,
    Containers: -1,
    Labels: null,
    ...over,
  };
}

/** What is looked up by an index in a real view, of a list. */
export function containersByOf(containers: () => readonly ContainerView[]): Cluster['view']['containersBy'] {
  const byId = (wanted: string) => containers().find(({ id }) => id === wanted);
  return {
    matching: (query) => createContainerQueries({ containers, byId }).matching(query),
    id: byId,
    linking: () => containers().flatMap(({ record }) => (record !== undefined && record.links.length > 0 ? [record] : [])),
    service: (deployment, service) => containers().filter(({ record }) => record?.deployment === deployment && record.service === service),
    serviceRecords: (deployment, service) =>
      containers().flatMap(({ record }) => (record?.deployment === deployment && record.service === service ? [record] : [])),
    replacements: () => containers().filter(({ record }) => record?.movedFrom !== undefined),
  };
}

export function literalCluster(known: GivenRoles<Cluster>): Cluster {
  const containers = known.containers?.list ?? (() => []);
  const networks = known.networks?.list ?? (() => []);
  return givenRoles<Cluster>('literalCluster', {
    ...known,
    leader: {
      frozen: () => undefined,
      unreadable: () => [],
      about: () => ({ name: 's1', epoch: 3, clusterId: 'c1', strategy: 'spread', schedulers: ['s1', 's2'] }),
      ...known.leader,
    },
    view: {
      version: () => 1,
      settled: () => undefined,
      replicas: { accept: (_req, socket) => socket.destroy(), execMade: () => undefined },
      containersBy: containersByOf(containers),
      ...known.view,
    },
    hosts: { list: () => [], one: (name) => known.hosts?.list?.().find((host) => host.name === name), ...known.hosts },
    containers: {
      list: containers,
      one(reference) {
        const found = containers().find(({ id, name }) => id === reference || name === reference.replace(/^\//, ''));
        if (found === undefined) throw new ArpanetError('not-found', `No such container: ${reference}`);
        return found;
      },
      ...known.containers,
    },
    networks: {
      list: networks,
      one(reference) {
        const found = networks().find(({ record }) => record.id === reference || record.name === reference);
        if (found === undefined) throw new ArpanetError('not-found', `network ${reference} not found`);
        return found;
      },
      ...known.networks,
    },
    volumes: { list: () => [], ...known.volumes },
    images: { tags: () => new Map(), find: () => undefined, ...known.images },
    replicas: {
      creating: (_request, act) => act(),
      touching: (_container, _call, act) => act(),
      joined: async () => undefined,
      pruning: (act) => act(),
      ...known.replicas,
    },
  });
}
