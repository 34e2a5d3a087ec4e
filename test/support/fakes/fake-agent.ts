/** A host agent of plain data: speaks model/wire.ts over a real socket and lets tunnels through to a fake Engine. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { lines, openUpgrade } from '../../../src/engine/index.ts';
import type {
  AgentCall,
  AgentMessage,
  EngineSnapshot,
  HostFacts,
  HttpFigures,
  HostObservation,
  LeaderHeard,
  LeaderMessage,
  MaterialisedNetwork,
  NetworkPlan,
  UpgradeOrder,
  UpgradeState,
} from '../../../src/model/index.ts';
import { createStateSender } from '../../../src/hostagent/stream/state-sender.ts';
import { realPaths } from '../../../src/hostagent/bind-paths.ts';
import { type FakeEngine, fakeEngine } from './fake-engine.ts';

export interface FakeAgent extends AsyncDisposable {
  readonly name: string;
  readonly engine: FakeEngine;
  /** The leader's messages in order, without calls. */
  readonly told: LeaderMessage[];
  readonly calls: AgentCall[];
  /** Of clients, for which the leader called. */
  readonly requestIds: string[];
  plans: readonly NetworkPlan[];
  /** What it says of its program when it dials. */
  program: Pick<HostFacts, 'agentVersion' | 'upgradesItself' | 'http' | 'takesNameChanges'>;
  /** What its proxy has counted. */
  httpFigures: readonly HttpFigures[];
  /** Answers to orders for another release, and to the question how far that is. */
  upgrade: (order?: UpgradeOrder) => UpgradeState;
  /** Types of the messages that were sent, in order. */
  readonly said: string[];
  /** Sends a message to the leader. */
  say(message: AgentMessage): void;
  /** Runs before a call is answered; what it throws is the answer. */
  beforeCall: (request: AgentCall) => Promise<void>;
  /** Its stream stands. */
  isConnected(): boolean;
  /** Of which leader it heard last, and how long ago. */
  heard(): LeaderHeard | undefined;
  /** Hangs up; comes back only by `dial`. */
  hangUp(): void;
  /** As hangUp, and every way to the Engine through it is cut, too. */
  die(): void;
  /** A cut cable: nothing is heard of it any more, nothing is answered, and no connection ends. For good. */
  freeze(): void;
  /** The Engine's connections are cut, new ones refused, until `startEngine`. `isTold`: whether the leader learns of it. */
  killEngine(isTold?: boolean): void;
  /** What ran has exited, as after a restart without live-restore. */
  startEngine(): void;
  dial(url: string): Promise<void>;
}

export interface FakeAgentOptions {
  readonly name: string;
  readonly token: string;
  readonly address?: string;
  readonly apiVersion?: string;
  /** `GET /version` of its Engine; default: nothing. */
  readonly version?: HostFacts['version'];
  /** Which messages it says that it understands; default: it says nothing, as agents of 0.1.0. */
  readonly protocol?: number;
  readonly epoch?: number;
  readonly routes?: readonly string[];
  /** Default: it sends one heartbeat when it dials, and no more. */
  readonly beatEveryMs?: number;
  /** Default: amd64. */
  readonly arch?: string;
  /** Its gateway says of which leader it hears. */
  readonly isWitness?: boolean;
}

export async function startFakeAgent(options: FakeAgentOptions): Promise<FakeAgent> {
  const engine = fakeEngine();
  const sockets = new Set<Socket>();
  const gateway = http.createServer(({ url }, response) => {
    const heard = options.isWitness === true && url === '/leader' ? agent.heard() : undefined;
    if (heard !== undefined) response.writeHead(200).end(JSON.stringify(heard));
    else response.writeHead(501).end('fake-agent: no such route');
  });
  gateway.on('upgrade', (request, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    sockets.add(socket);
    if (request.headers.authorization !== `Bearer ${options.token}`) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
    if (isFrozen) return undefined;
    if (!isEngineUp) return socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\n\r\n');
    engine.server.emit('connection', socket);
    return undefined;
  });
  gateway.listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const port = (gateway.address() as AddressInfo).port;
  let stream: Socket | undefined;
  let welcomed: { readonly epoch: number } | undefined;
  let heardAtMs = 0;
  let isEngineUp = true;
  let isFrozen = false;
  const beat = (): void => agent.say({ type: 'beat', load: { cpu: 0.1, memoryUsedBytes: 1e9, memoryTotalBytes: 8e9 } });
  const beats = options.beatEveryMs === undefined ? undefined : setInterval(beat, options.beatEveryMs);

  const networks = (): readonly MaterialisedNetwork[] =>
    [...engine.networks.values()].map(({ network, engineId, gateway }) => ({ network, engineId, gateway }));
  const snapshot = (): EngineSnapshot => ({
    containers: [...engine.containers.keys()].flatMap((id) => engine.facts(id) ?? []),
    images: engine.images,
    volumes: engine.volumes,
    networks: networks(),
  });

  const sender = createStateSender({
    state: () => (isEngineUp ? snapshot() : undefined),
    trouble: () => 'connect ECONNREFUSED',
    isJoined: () => true,
    send: (message) => agent.say(message),
    flushed: async () => stream?.destroyed === false,
  });

  const observation = (): HostObservation => ({
    networks: [...engine.networks.values()].map(({ network, name, gateway }) => ({ network, name, gateway, bridge: `br-${name}` })),
    vxlans: [],
    names: agent.told.flatMap((message) => (message.type === 'names' ? [message.table] : [])).at(-1)?.instances ?? [],
  });

  const act = async (request: AgentCall): Promise<unknown> => {
    if (isFrozen) return new Promise(() => undefined);
    if (request.method === 'echo') return undefined;
    agent.calls.push(request);
    await agent.beforeCall(request);
    if (request.method === 'sync') {
      const ids = request.containers ?? [];
      const upserts = ids.flatMap((id) => engine.facts(id) ?? []);
      agent.say({ type: 'containers', upserts, removes: ids.filter((id) => !engine.containers.has(id)) });
      if (request.images) agent.say({ type: 'images', images: engine.images });
      if (request.volumes) agent.say({ type: 'volumes', volumes: [...engine.volumes] });
      return undefined;
    }
    if (request.method === 'materialise') {
      const { network, name, gateway: address } = request.plan;
      engine.networks.set(network, { network, name, engineId: `engine-${name}`, gateway: address });
      agent.say({ type: 'networks', networks: networks() });
      return { network, engineId: `engine-${name}`, gateway: address };
    }
    if (request.method === 'dematerialise') {
      engine.networks.delete(request.network);
      agent.say({ type: 'networks', networks: networks() });
      return undefined;
    }
    if (['fence', 'copy-image', 'settle'].includes(request.method)) return undefined;
    if (request.method === 'upgrade') return agent.upgrade(request.order);
    if (request.method === 'http-figures') return agent.httpFigures;
    if (request.method === 'look') return observation();
    // its files are this machine's
    if (request.method === 'real-paths') return await realPaths(request.paths);
    throw new Error(`fake-agent: ${request.method} is not here`);
  };

  const listen = async (socket: Socket): Promise<void> => {
    for await (const line of lines(socket)) {
      const message = JSON.parse(line) as LeaderMessage;
      heardAtMs = performance.now();
      if (message.type === 'welcome') welcomed = message;
      if (message.type === 'plans') agent.plans = message.plans;
      if (message.type === 'welcome' && !isFrozen) {
        sender.joined(message);
      }
      if (message.type === 'held') await sender.held(message);
      if (message.type !== 'call') {
        agent.told.push(message);
        continue;
      }
      if (message.requestId !== undefined) agent.requestIds.push(message.requestId);
      act(message.request).then(
        (result) => agent.say({ type: 'done', call: message.call, result }),
        (error: Error & { kind?: string }) =>
          agent.say({ type: 'done', call: message.call, error: { kind: error.kind ?? 'unavailable', message: error.message } }),
      );
    }
  };

  const agent: FakeAgent = {
    name: options.name,
    engine,
    told: [],
    calls: [],
    requestIds: [],
    plans: [],
    program: { agentVersion: 'fake' },
    httpFigures: [],
    upgrade: () => ({ state: 'none', said: '' }),
    beforeCall: async () => undefined,
    said: [],
    say(message) {
      if (isFrozen) return;
      agent.said.push(typeof message === 'object' && message !== null ? message.type : 'nonsense');
      stream?.write(`${JSON.stringify(message)}\n`);
    },
    isConnected: () => stream?.destroyed === false,
    heard: () => welcomed && { epoch: welcomed.epoch, heardMsAgo: Math.round(performance.now() - heardAtMs) },
    hangUp: () => stream?.destroy(),
    die() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    freeze() {
      isFrozen = true;
      engine.held = new Promise(() => undefined);
    },
    killEngine(isTold = true) {
      isEngineUp = false;
      engine.server.closeAllConnections();
      for (const socket of sockets) if (socket !== stream) socket.destroy();
      if (isTold) agent.say({ type: 'engine', alive: false, why: 'connect ECONNREFUSED' });
    },
    startEngine() {
      isEngineUp = true;
      // 255: as dockerd says of what it did not see exit
      for (const held of engine.containers.values())
        if (held.status === 'running') Object.assign(held, { status: 'exited', exitCode: 255 });
      agent.say({ type: 'engine', alive: true, why: '' });
      agent.say({ type: 'snapshot', snapshot: snapshot() });
    },
    async dial(url) {
      const { hostname, port: at } = new URL(url);
      const socket = await openUpgrade({
        host: hostname,
        port: Number(at),
        path: '/arpanet/v1/agent',
        protocol: 'arpanet',
        headers: { Authorization: `Bearer ${options.token}` },
        what: 'the leader under test',
        // an agent would dial again
        timeoutMs: 60_000,
      });
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      stream = socket;
      const apiVersion = options.apiVersion ?? '1.41';
      const facts = {
        name: options.name,
        address: options.address ?? '10.0.0.1',
        gateway: `127.0.0.1:${port}`,
        labels: {},
        overlay: 'none' as const,
        ...agent.program,
        version: options.version ?? {},
        info: {},
        apiVersion,
        minApiVersion: '1.12',
        os: 'linux',
        arch: options.arch ?? 'amd64',
        cpus: 4,
        memoryBytes: 8e9,
        routes: options.routes ?? [],
      };
      agent.say({
        type: 'hello',
        facts,
        epoch: options.epoch ?? 0,
        ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
      });
      beat();
      void listen(socket).catch(() => undefined);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(beats);
      for (const socket of sockets) socket.destroy();
      engine.server.closeAllConnections();
      gateway.closeAllConnections();
      gateway.close();
    },
  };
  return agent;
}
