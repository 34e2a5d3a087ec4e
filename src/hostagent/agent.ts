/**
 * Effects: the host agent: engine gateway, inventory, overlay, DNS addresses, load, and the stream to the leader, wired together.
 * Stopping it leaves containers and networks as they are.
 */
import { setMaxListeners } from 'node:events';
import { mkdirSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostFacts, HostObservation, NetworkPlan } from '../model/facts.ts';
import type { NameTable } from '../model/name-table.ts';
import type { AgentCall, AgentMessage, StoreReplica } from '../model/wire.ts';
import { type EngineTarget, engineTarget } from '../engine/request.ts';
import { splitHostPort } from '../engine/tunnel.ts';
import type { Logger } from '../telemetry/log.ts';
import { dial } from './gateway/dial.ts';
import { watchEngine } from './inventory/engine-health.ts';
import { openEpoch } from './gateway/epoch.ts';
import { readFacts } from './inventory/host-facts.ts';
import { createFence } from './overlay/fence.ts';
import { startGateway } from './gateway/gateway.ts';
import { createImageCopier } from './images/images.ts';
import { startInventory } from './inventory/inventory.ts';
import { openJsonFile } from './json-file.ts';
import { startLoadMeter } from './load/load.ts';
import { movedNetworks } from './overlay/moved-addresses.ts';
import { createOverlay } from './overlay/apply.ts';
import { observe } from './overlay/observe.ts';
import { isOurVxlan } from './overlay/plan.ts';
import { type DnsFigures, metricsText } from './load/metrics.ts';
import { missingPaths } from './bind-paths.ts';
import { startStream } from './stream/stream.ts';
import { createUsage } from './load/usage.ts';

export interface AgentOptions {
  readonly name: string;
  /** This host's own address: other hosts reach it there, and the overlay starts there. */
  readonly address: string;
  /** `ADDR:PORT` of the engine gateway. */
  readonly listen: string;
  /** URLs of schedulers. */
  readonly join: readonly string[];
  readonly token: string;
  /** `unix:///…` or `tcp://…`. */
  readonly engine: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly overlay: 'vxlan' | 'none';
  readonly dataDir: string;
  readonly version: string;
  /** 1 s unless told. */
  readonly beatMs?: number;
  /** JSON with `{cpu?, memoryUsedBytes?}` said instead of this machine's load. For labs. */
  readonly loadFile?: string;
  /** How often networks are looked after without cause; 10 s unless told. */
  readonly reconcileMs?: number;
}

/** The agent's DNS, port 53. */
export interface DnsServer {
  /** Idempotent. */
  listen(address: string): Promise<void>;
  unlisten(address: string): Promise<void>;
  table(table: NameTable): void;
  stats(): DnsFigures;
}

export interface AgentDeps {
  readonly log: Logger;
  /** What ops set for the whole cluster; null: as we were started. */
  readonly setLogLevel?: (level: string | null) => void;
  readonly dns: DnsServer;
}

export interface Running extends AsyncDisposable {
  readonly done: Promise<void>;
  /** `host:port` of the engine gateway. */
  readonly gateway: string;
}

/** Resolves when the gateway listens; joining the cluster and reading the Engine go on by themselves. Throws when it cannot listen. */
export async function startAgent(options: AgentOptions, deps: AgentDeps, signal: AbortSignal): Promise<Running> {
  const { log, dns } = deps;
  mkdirSync(options.dataDir, { recursive: true });
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // as many as there are calls to the Engine under way
  const onAbort = (): void => stop.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) stop.abort();

  const place = engineTarget(options.engine);
  const pool = new http.Agent({ keepAlive: true, maxFreeSockets: 16, timeout: 20_000 });
  const engine: EngineTarget = { ...place, agent: pool };
  const epoch = openEpoch(options.dataDir, log);
  const keptNames = openJsonFile<NameTable>(join(options.dataDir, 'names.json'), log);
  const keptPlans = openJsonFile<readonly NetworkPlan[]>(join(options.dataDir, 'plans.json'), log);
  const keptState = openJsonFile<StoreReplica>(join(options.dataDir, 'kept.json'), log);
  let state = keptState.load();
  let names = keptNames.load();
  if (names !== undefined) dns.table(names);
  const fence = createFence(options.overlay, join(options.dataDir, 'fence.json'), log);
  await fence.restore().catch((err: unknown) => log.error({ err }, 'overlay packets of lost hosts are not kept out'));

  const gateway = await startGateway({
    ...splitHostPort(options.listen),
    token: options.token,
    engine: place,
    epoch,
    log,
    onLeader: (url) => (leaderUrl = url),
    metrics: () =>
      metricsText({
        epoch: epoch.current(),
        isJoined: stream.isJoined(),
        isEngineThere: inventory.current() !== undefined,
        networks: overlay.networks().length,
        namesAgeMs: names === undefined ? undefined : Math.max(0, Date.now() - names.atMs),
        dns: dns.stats(),
      }),
    kept: () => ({
      host: { name: options.name, address: options.address, gateway: gatewayUrl, labels: options.labels },
      epoch: epoch.current(),
      clusterId: epoch.cluster(),
      plans: overlay.plans(),
      state,
    }),
  });
  const { host } = splitHostPort(options.listen);
  const gatewayUrl = `${host === '0.0.0.0' || host === '' || host === '::' ? options.address : host}:${gateway.port}`;
  const load = startLoadMeter(options.loadFile);
  let told: HostFacts | undefined;
  /** Epoch of the leader that our stream leads to. */
  let streamEpoch = 0;
  /** Where the leader that just raised the epoch says it is. */
  let leaderUrl: string | undefined;

  const inventory = startInventory(
    {
      engine,
      log,
      emit: (message) => stream.send(message),
      onAlive: () => void becomeAlive(),
      onLost(why) {
        log.warn({ why }, 'the Engine is away');
        stream.send({ type: 'engine', alive: false, why });
      },
      onNetworksTouched: () => void overlay.reconcile(),
    },
    stop.signal,
  );
  const overlay = createOverlay(
    {
      engine,
      overlay: options.overlay,
      address: options.address,
      log,
      dns,
      usersOf: (network) => inventory.usersOf(network),
      onChange: (networks) => stream.send({ type: 'networks', networks }),
      nowMs: performance.now.bind(performance),
    },
    stop.signal,
  );
  overlay.restorePlans(keptPlans.load() ?? []);
  const usage = createUsage(
    engine,
    () => (inventory.current()?.containers ?? []).flatMap(({ inspect }) => (inspect.State.Running ? [inspect.Id] : [])),
    stop.signal,
  );
  const copyImage = createImageCopier({ engine, token: options.token, epoch: () => epoch.current(), log }, stop.signal);

  const snapshot = (): readonly AgentMessage[] => {
    const copy = inventory.current();
    if (copy === undefined) return [{ type: 'engine', alive: false, why: 'the Engine does not answer' }];
    return [
      { type: 'engine', alive: true, why: '' },
      { type: 'snapshot', snapshot: { ...copy, networks: overlay.networks() } },
    ];
  };
  const readHost = (): Promise<HostFacts> => readFacts({ ...options, gateway: gatewayUrl, engine }, stop.signal);
  /** Facts of before will do while the Engine is away; without any, the host cannot join yet. */
  const facts = async (): Promise<HostFacts> => {
    const now = await readHost().catch((error: unknown) => told ?? Promise.reject(error as Error));
    told = now;
    return now;
  };
  const becomeAlive = async (): Promise<void> => {
    log.info('the Engine is there');
    for (const message of snapshot()) stream.send(message);
    void overlay.reconcile();
    const now = await readHost().catch(() => undefined);
    if (told !== undefined && now !== undefined && JSON.stringify(now.version) !== JSON.stringify(told.version))
      stream.restart('the Engine has another version now');
  };

  const look = async (): Promise<HostObservation> => {
    const { networks, vxlans } = await observe(engine, stop.signal, options.overlay);
    return { networks, vxlans: vxlans.filter(({ device }) => isOurVxlan(device)), names: names?.instances ?? [] };
  };
  const call = async (request: AgentCall): Promise<unknown> => {
    if (request.method === 'sync') return inventory.sync(request);
    if (request.method === 'copy-image') return copyImage(request);
    if (request.method === 'look') return look();
    if (request.method === 'usage') return usage();
    if (request.method === 'dial') return dial(request.address, request.port);
    if (request.method === 'missing-paths') return missingPaths(request.paths);
    if (request.method === 'fence') return fence.set(request.addresses);
    const result = request.method === 'materialise' ? overlay.materialise(request.plan) : overlay.dematerialise(request.network);
    return result.finally(() => keptPlans.save(overlay.plans()));
  };

  const stream = startStream(
    {
      join: options.join,
      token: options.token,
      beatMs: options.beatMs ?? 1_000,
      log,
      facts,
      opening: (host) => [
        { type: 'hello', facts: host, epoch: epoch.current(), clusterId: epoch.cluster(), networks: overlay.plans().length },
        ...snapshot(),
      ],
      load: () => load.read(),
      welcome(message) {
        epoch.belongTo(message.clusterId);
        streamEpoch = message.epoch;
        return epoch.admit(message.epoch);
      },
      plans({ plans, fenced = [] }) {
        fence.set(fenced).catch((err: unknown) => log.error({ err }, 'overlay packets of lost hosts are not kept out'));
        overlay.setPlans(plans);
        keptPlans.save(overlay.plans());
        void overlay.reconcile();
      },
      // Its addresses are others' by now: what still runs here must not be heard there.
      removed() {
        overlay.setPlans(overlay.plans().map((plan) => ({ ...plan, peers: [] })));
        keptPlans.save(overlay.plans());
        void overlay.reconcile();
      },
      names({ table: sent }) {
        // Its age is told by this host's clock, which need not agree with the leader's.
        const table = { ...sent, atMs: Date.now() };
        for (const network of movedNetworks(names, table))
          overlay.flush(network).catch((err: unknown) => log.warn({ network, err }, 'could not flush'));
        names = table;
        dns.table(table);
        keptNames.save(table);
      },
      settings({ logLevel }) {
        deps.setLogLevel?.(logLevel);
        log.debug({ logLevel }, 'settings of the cluster taken up');
      },
      keep({ kept }) {
        state = kept;
        keptState.save(kept);
      },
      call,
      nowMs: performance.now.bind(performance),
      random: Math.random,
    },
    stop.signal,
  );
  epoch.onRaise((raised) => {
    log.info({ epoch: raised }, 'a new epoch');
    if (raised > streamEpoch) stream.restart('another leads now', leaderUrl);
    leaderUrl = undefined;
  });

  const lookAfter = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await overlay.reconcile();
      await sleep(options.reconcileMs ?? 10_000, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };
  const tellOfEngine = (answers: boolean): void => {
    // one that is away says so through its event feed
    if (inventory.current() !== undefined) stream.send({ type: 'engine', alive: true, why: answers ? '' : 'its Engine hangs' });
  };
  const done = Promise.all([inventory.done, stream.done, lookAfter(), watchEngine(engine, tellOfEngine, stop.signal)]).then(async () => {
    signal.removeEventListener('abort', onAbort);
    load[Symbol.dispose]();
    pool.destroy();
    await gateway[Symbol.asyncDispose]();
  });
  log.info({ name: options.name, gateway: gatewayUrl }, 'agent up');
  return {
    done,
    gateway: gatewayUrl,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}
