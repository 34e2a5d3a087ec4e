/** An Engine of plain data for tests of the scheduler: containers, networks, volumes, images in Maps behind the few routes that a create needs. What it lacks answers with its name. */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import type { ContainerFacts, CreateRequest, ImageSummary, MaterialisedNetwork, VolumeSummary } from '../../../src/model/index.ts';

interface Held {
  readonly id: string;
  name: string;
  readonly request: CreateRequest;
  status: 'created' | 'running' | 'exited';
  exitCode?: number;
  readonly networks: Map<string, string>;
  /** Driver options of its endpoints, by network. */
  readonly driverOptions: Map<string, Readonly<Record<string, string>>>;
}

export interface Asked {
  /** `POST /containers/abc/stop`, without version and query. */
  readonly route: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface Answered {
  readonly status: number;
  readonly body?: unknown;
}

export interface FakeEngine {
  readonly containers: Map<string, Held>;
  readonly networks: Map<string, MaterialisedNetwork & { readonly name: string }>;
  readonly images: ImageSummary[];
  readonly volumes: VolumeSummary[];
  /** `POST /containers/create` and the like, in order. */
  readonly asked: string[];
  /** The queries of what removed containers. */
  readonly removals: string[];
  /** Runs before a create is done; what it throws is the Engine's refusal. */
  beforeCreate: (name: string) => Promise<void>;
  /** Runs when the container is there and the answer is not yet written. */
  afterCreate: (name: string, request: http.IncomingMessage) => Promise<void>;
  /** Nothing is answered before this settles. */
  held: Promise<void> | undefined;
  /** What a container has said, by its name: a line each, which begins with its time. */
  readonly logs: Map<string, string[]>;
  /** What it answers instead, by route such as `GET /system/df`. */
  readonly answers: Map<string, unknown>;
  /** Answers the routes that are not here. */
  otherwise: ((asked: Asked) => Answered | Promise<Answered>) | undefined;
  readonly server: http.Server;
  facts(id: string): ContainerFacts | undefined;
}

export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const hex = (): string => randomBytes(32).toString('hex');

export function image(tag: string, id = `sha256:${hex()}`, created = 1_700_000_000): ImageSummary {
  return { Id: id, RepoTags: [tag], RepoDigests: [], Created: created, Size: 1 };
}

export function fakeEngine(): FakeEngine {
  const engine: FakeEngine = {
    containers: new Map(),
    networks: new Map(),
    images: [],
    volumes: [],
    asked: [],
    removals: [],
    beforeCreate: async () => undefined,
    afterCreate: async () => undefined,
    held: undefined,
    logs: new Map(),
    answers: new Map(),
    otherwise: undefined,
    server: http.createServer((request, response) => {
      if (sendLog(engine, request, response)) return;
      answer(engine, request).then(
        ({ status, body }) =>
          response.writeHead(status, { 'Content-Type': 'application/json' }).end(body === undefined ? '' : JSON.stringify(body)),
        (error: unknown) => {
          const status = error instanceof Refusal ? error.status : 501;
          response.writeHead(status, { 'Content-Type': 'application/json' });
          response.end(JSON.stringify({ message: error instanceof Error ? error.message : String(error) }));
        },
      );
    }),
    facts(id) {
      const held = engine.containers.get(id);
      return held && factsOf(held);
    },
  };
  return engine;
}

/** In frames, as an Engine sends it (Docker API, containers/{id}/logs); one that is followed does not end. False: something else is asked for, or it has said nothing. */
function sendLog(engine: FakeEngine, { url = '' }: http.IncomingMessage, response: http.ServerResponse): boolean {
  const [, id = ''] = /\/containers\/([^/]+)\/logs\?/.exec(url) ?? [];
  const said = engine.logs.get(engine.containers.get(id)?.name ?? '');
  if (said === undefined) return false;
  const tail = Number(/[?&]tail=(\d+)/.exec(url)?.[1] ?? said.length);
  response.writeHead(200, { 'Content-Type': 'application/vnd.docker.multiplexed-stream' });
  for (const line of said.slice(-tail)) {
    const text = Buffer.from(`${line}\n`);
    const head = Buffer.alloc(8);
    head[0] = 1;
    head.writeUInt32BE(text.length, 4);
    response.write(Buffer.concat([head, text]));
  }
  if (!url.includes('follow=1')) response.end();
  return true;
}

async function answer(engine: FakeEngine, request: http.IncomingMessage): Promise<Answered> {
  const url = new URL(request.url ?? '', 'http://docker');
  const path = url.pathname.replace(/^\/v[\d.]+/, '');
  const route = `${request.method} ${path}`;
  engine.asked.push(route);
  await engine.held;
  const said = await text(request);
  const body = readJson(said);
  const id = decodeURIComponent(/^\/containers\/([^/]+)/.exec(path)?.[1] ?? '');
  const held = [...engine.containers.values()].find((one) => one.id === id || one.name === id);
  if (engine.answers.has(route)) return { status: 200, body: engine.answers.get(route) };
  if (route === 'GET /containers/json') return { status: 200, body: [...engine.containers.values()].map((one) => factsOf(one).summary) };
  if (route === 'GET /images/json') return { status: 200, body: engine.images };
  if (route === 'GET /system/df') {
    const Containers = [...engine.containers.values()].map((one) => factsOf(one).summary);
    return { status: 200, body: { LayersSize: 1, Images: engine.images, Containers, Volumes: engine.volumes, BuildCache: [] } };
  }
  if (route === 'POST /containers/create') {
    const name = url.searchParams.get('name') ?? '';
    if (engine.otherwise !== undefined && name === NO_NAME) return engine.otherwise({ route, query: url.searchParams, body: said });
    await engine.beforeCreate(name);
    if ([...engine.containers.values()].some((one) => one.name === name))
      throw new Refusal(409, `Conflict. The container name "/${name}" is already in use`);
    const networks = new Map<string, string>();
    for (const [network, endpoint] of Object.entries((body as CreateRequest).NetworkingConfig?.EndpointsConfig ?? {})) {
      if (![...engine.networks.values()].some((one) => one.name === network)) throw new Refusal(404, `network ${network} not found`);
      networks.set(network, endpoint?.IPAMConfig?.IPv4Address ?? '');
    }
    for (const volume of volumesIn((body as CreateRequest).HostConfig)) {
      if (!engine.volumes.some((one) => one.Name === volume)) engine.volumes.push({ Name: volume, Driver: 'local' });
    }
    const made: Held = { id: hex(), name, request: body as CreateRequest, status: 'created', networks, driverOptions: new Map() };
    engine.containers.set(made.id, made);
    await engine.afterCreate(name, request);
    return { status: 201, body: { Id: made.id, Warnings: [] } };
  }
  if (route === 'POST /volumes/create') {
    engine.volumes.push({ Name: body.Name, Driver: body.Driver, Labels: body.Labels, Options: body.DriverOpts });
    return { status: 201, body };
  }
  if (path.startsWith('/containers/')) {
    if (held === undefined) throw new Refusal(404, `No such container: ${id}`);
    if (route.endsWith('/json')) return { status: 200, body: factsOf(held).inspect };
    if (request.method === 'DELETE') {
      engine.containers.delete(held.id);
      engine.removals.push(url.searchParams.toString());
      return { status: 204 };
    }
    if (route.endsWith('/start')) {
      held.status = 'running';
      return { status: 204 };
    }
    if (route.endsWith('/stop')) {
      held.status = 'exited';
      return { status: 204 };
    }
    if (route.endsWith('/rename')) {
      held.name = url.searchParams.get('name') ?? '';
      return { status: 204 };
    }
  }
  const attach = /^POST \/networks\/([^/]+)\/(connect|disconnect)$/.exec(route);
  if (attach !== null) {
    const network = [...engine.networks.values()].find((one) => one.engineId === attach[1] || one.name === attach[1]);
    const member = engine.containers.get(body.Container);
    if (network === undefined || member === undefined) throw new Refusal(404, `no network or container in ${route}`);
    member.networks.delete(network.name);
    member.driverOptions.delete(network.name);
    if (attach[2] === 'connect') {
      member.networks.set(network.name, body.EndpointConfig?.IPAMConfig?.IPv4Address ?? '');
      member.driverOptions.set(network.name, body.EndpointConfig?.DriverOpts ?? {});
    }
    return { status: 200 };
  }
  if (engine.otherwise !== undefined) return engine.otherwise({ route, query: url.searchParams, body: said });
  throw new Error(`fake-engine: ${route} is not here`);
}

/** Of binds and mounts. What it cannot read it refuses, as Engines do in other words: a volume of that name would be in its lists for ever. */
function volumesIn(host: CreateRequest['HostConfig']): readonly string[] {
  const bound = (host?.Binds ?? []).flatMap((bind) => {
    const read = /^(?:(?<source>[^:]+):)?\/[^:]*(?::[\w,]*)?$/.exec(bind);
    if (read === null) throw new Refusal(500, `fake-engine: the bind ${JSON.stringify(bind)} is not here`);
    const { source = '/' } = read.groups ?? {};
    return source.startsWith('/') ? [] : [source];
  });
  const mounted = (host?.Mounts ?? []).flatMap(({ Type, Source = '', Target = '' }) => {
    if (!Target.startsWith('/')) throw new Refusal(500, `fake-engine: the mount at ${JSON.stringify(Target)} is not here`);
    return Type === 'volume' && Source !== '' ? [Source] : [];
  });
  const volumes = [...bound, ...mounted];
  const bad = volumes.find((name) => !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name));
  if (bad !== undefined) throw new Refusal(500, `fake-engine: the volume ${JSON.stringify(bad)} is not here`);
  return volumes;
}

/** A create under it is a question, and makes nothing. */
const NO_NAME = '-';

/** Undefined: it is none. */
function readJson(text: string) {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function factsOf(held: Held): ContainerFacts {
  const networks = Object.fromEntries(
    [...held.networks].map(([name, ip]) => {
      const DriverOpts = held.driverOptions.get(name) ?? null;
      return [name, { IPAMConfig: { IPv4Address: ip }, NetworkID: `engine-${name}`, IPAddress: ip, DriverOpts }];
    }),
  );
  const created = '2026-01-01T00:00:00Z';
  return {
    summary: {
      Id: held.id,
      Names: [`/${held.name}`],
      Image: held.request.Image ?? '',
      ImageID: '',
      Created: 0,
      State: held.status,
      Status: held.status,
      Labels: held.request.Labels ?? {},
    },
    inspect: {
      Id: held.id,
      Name: `/${held.name}`,
      Created: created,
      Image: '',
      State: {
        Status: held.status,
        Running: held.status === 'running',
        Paused: false,
        Restarting: false,
        Dead: false,
        ExitCode: held.exitCode ?? 0,
        StartedAt: '',
        FinishedAt: '',
      },
      Config: { ...held.request, Labels: held.request.Labels ?? {} },
      HostConfig: held.request.HostConfig ?? {},
      NetworkSettings: { Networks: networks },
    },
  };
}
