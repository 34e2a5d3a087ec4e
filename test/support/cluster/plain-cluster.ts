/**
 * A Cluster over one real Engine, for tests of the endpoint without a scheduler: the view is read from the Engine, create goes straight to it.
 * What it does not know throws its own name.
 */
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { once } from 'node:events';
import type { Cluster, EngineEndpoint } from '../../../src/contracts/index.ts';
import { dialUnix, engineEvents, engineJson } from '../../../src/engine/index.ts';
import { ArpanetError } from '../../../src/model/index.ts';
import { shownEvent } from '../../../src/engine/index.ts';
import { givenRoles } from '../fakes/given-roles.ts';
import { containersByOf } from '../fakes/literal-cluster.ts';
import type {
  ClusterEvent,
  ClusterNetwork,
  ContainerInspect,
  ContainerSummary,
  ContainerView,
  HostView,
  ImageSummary,
  VolumeSummary,
} from '../../../src/model/index.ts';

class UnixAgent extends http.Agent {
  readonly #path: string;
  constructor(path: string) {
    super({ keepAlive: true });
    this.#path = path;
  }
  override createConnection(): Duplex {
    const socket = dialUnix(this.#path);
    // What the Engine hung up on must leave the pool.
    socket.once('end', () => Object.values(this.freeSockets).some((free) => free?.includes(socket)) && socket.destroy());
    return socket;
  }
}

interface PlainOptions {
  /** How the API reaches the Engine; the view is read over its own socket. */
  readonly through?: EngineEndpoint;
  readonly networks?: (containers: readonly ContainerView[]) => readonly ClusterNetwork[];
}

export async function plainCluster(
  socketPath: string,
  name: string,
  signal: AbortSignal,
  { through, networks = () => [] }: PlainOptions = {},
): Promise<Cluster> {
  const agent = new UnixAgent(socketPath);
  const target = { agent };
  const listeners = new Set<(event: ClusterEvent) => void>();
  const views = new Map<string, ContainerView>();
  const syncing = new Set<Promise<void>>();
  let images: readonly ImageSummary[] = [];
  let volumes: readonly VolumeSummary[] = [];
  let version = 1;
  const versionInfo = await engineJson<{ readonly [key: string]: unknown; readonly ApiVersion: string; readonly MinAPIVersion: string }>(
    target,
    { method: 'GET', path: '/version' },
  );
  const info = await engineJson<Record<string, unknown>>(target, { method: 'GET', path: '/info' });

  const engine: EngineEndpoint = through ?? {
    agent,
    async dial(dialSignal) {
      const socket = dialUnix(socketPath);
      await once(socket, 'connect', { signal: dialSignal });
      return socket;
    },
  };

  async function readAll(): Promise<void> {
    const list = await engineJson<ContainerSummary[]>(target, { method: 'GET', path: '/containers/json?all=1' });
    const inspects = await Promise.all(
      list.map(({ Id }) => engineJson<ContainerInspect>(target, { method: 'GET', path: `/containers/${Id}/json` }).catch(() => undefined)),
    );
    views.clear();
    for (const [i, summary] of list.entries()) {
      const inspect = inspects[i];
      if (inspect === undefined) continue;
      const facts = { summary, inspect };
      views.set(summary.Id, { id: summary.Id, name: inspect.Name.slice(1), host: name, hostState: 'alive', facts, record: undefined });
    }
    images = await engineJson<ImageSummary[]>(target, { method: 'GET', path: '/images/json' });
    volumes = (await engineJson<{ Volumes: VolumeSummary[] | null }>(target, { method: 'GET', path: '/volumes' })).Volumes ?? [];
    version += 1;
  }

  function sync(): Promise<void> {
    const one = readAll().finally(() => syncing.delete(one));
    syncing.add(one);
    return one;
  }
  const settled = (): Promise<void> | undefined => (syncing.size === 0 ? undefined : Promise.all(syncing).then(() => undefined));

  const host = (): HostView => ({
    name,
    record: { name, address: '127.0.0.1', gateway: '', labels: {}, availability: 'active', joinedAtMs: 0 },
    facts: {
      name,
      address: '127.0.0.1',
      gateway: '',
      labels: {},
      overlay: 'none',
      agentVersion: '0',
      version: versionInfo,
      info,
      apiVersion: versionInfo.ApiVersion,
      minApiVersion: versionInfo.MinAPIVersion,
      os: 'linux',
      arch: 'amd64',
      cpus: 2,
      memoryBytes: 2 ** 30,
      routes: [],
    },
    load: undefined,
    state: 'alive',
    why: undefined,
    images,
    volumes,
  });

  const container = (reference: string): ContainerView => {
    const plain = reference.replace(/^\//, '');
    const found = [...views.values()].filter((view) => view.name === plain || view.id.startsWith(plain));
    if (found.length !== 1 || found[0] === undefined) throw new ArpanetError('not-found', `No such container: ${reference}`);
    return found[0];
  };

  const cluster = givenRoles<Cluster>('plainCluster', {
    leader: {
      ready: async () => undefined,
      frozen: () => undefined,
      about: () => ({ name: 'plain', epoch: 1, clusterId: 'plain', strategy: 'spread', schedulers: ['plain'] }),
    },
    view: {
      version: () => version,
      settled,
      refresh: sync,
      containersBy: containersByOf(() => [...views.values()]),
      replicas: { accept: (_req, socket) => socket.destroy(), execMade: () => undefined },
    },
    hosts: { list: () => [host()], one: (wanted) => (wanted === name ? host() : undefined) },
    containers: {
      list: () => [...views.values()],
      one: container,
      async create({ name: wanted, request }) {
        const path = `/containers/create${wanted === undefined ? '' : `?name=${wanted}`}`;
        const made = await engineJson<{ Id: string; Warnings: string[] | null }>(target, { method: 'POST', path, body: request });
        await sync();
        return { id: made.Id, warnings: made.Warnings ?? [] };
      },
      awaitCreate: async () => false,
      verdict: () => ({ kind: 'none' }),
      abandonCreate: async () => false,
      withdrawn: (_container, act) => act(),
      release: async () => undefined,
      rename: (_container, _name, act) => act(),
    },
    networks: { list: () => networks([...views.values()]), starting: (_container, act) => act(), claimPorts: () => () => undefined },
    volumes: { list: () => volumes.map((summary) => ({ record: undefined, name: summary.Name, host: name, summary })) },
    images: {
      find(reference) {
        const tag = reference.includes(':') ? reference : `${reference}:latest`;
        const found = images.find(
          (image) => image.RepoTags?.includes(tag) || image.Id === reference || image.Id.startsWith(`sha256:${reference}`),
        );
        return found === undefined ? undefined : { id: found.Id, holders: new Set([name]), hosts: [name] };
      },
      tags: () => new Map(images.flatMap((image) => (image.RepoTags ?? []).map((tag) => [tag, image.Id] as const))),
      builder: () => name,
    },
    engines: { endpoint: () => engine },
    events: {
      recent: () => [],
      shown: shownEvent,
      listen(listener, until) {
        listeners.add(listener);
        until.addEventListener('abort', () => listeners.delete(listener));
      },
    },
    replicas: {
      creating: (_request, act) => act(),
      touching: (_container, _call, act) => act(),
      joined: async () => undefined,
      pruning: (act) => act(),
    },
  });

  await readAll();
  void (async () => {
    for await (const item of engineEvents({ target, signal })) {
      if (item.kind !== 'event') continue;
      if (item.event.Type !== 'container' || ['die', 'destroy', 'create', 'start'].includes(item.event.Action))
        await sync().catch(() => undefined);
      for (const listener of listeners) listener({ host: name, event: item.event });
    }
  })();
  signal.addEventListener('abort', () => agent.destroy());

  return cluster;
}
