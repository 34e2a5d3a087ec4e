/**
 * Effects: the host agent: engine gateway, inventory, overlay, load and the stream to the leader, built and connected by name.
 * Stopping it leaves containers and networks as they are.
 */
import { setMaxListeners } from 'node:events';
import http from 'node:http';
import { join } from 'node:path';
import { ArpanetError } from '../model/errors.ts';
import { HTTP_HOP_PORT } from '../model/http.ts';
import { PROTOCOL } from '../model/skew.ts';
import { type EngineTarget, engineTarget } from '../engine/request.ts';
import { splitHostPort } from '../engine/tunnel.ts';
import { urlPort } from '../text/host-port.ts';
import { faultTotal, guarded, inBackground, processFaults } from '../telemetry/faults.ts';
import { leftOutNow, leftOutTotal } from '../telemetry/left-out.ts';
import { readJoinToken } from '../security/index.ts';
import { leftOutSentences } from './inventory/left-out-sentences.ts';
import type { Logger } from '../telemetry/log.ts';
import { exposition, measured } from '../telemetry/metrics.ts';
import { processFamilies } from '../telemetry/process-figures.ts';
import type { AgentOptions } from './agent-options.ts';
import { agentCommands } from './agent-commands.ts';
import { createChecks } from './checks/checks.ts';
import { openAgentFiles } from './agent-files.ts';
import type { DnsServer } from './dns-server.ts';
import { startGateway } from './gateway/gateway.ts';
import { createHostIdentity } from './identity/host-identity.ts';
import { createImageArchives, createImageCopier, createImageLayers } from './images/images.ts';
import { createThinArchives } from './images/thin-archive.ts';
import { watchEngine } from './inventory/engine-health.ts';
import { createFactsReader } from './inventory/host-facts.ts';
import { createHostNames } from './names/host-names.ts';
import { createInventory } from './inventory/inventory.ts';
import { startLoadMeter } from './load/load.ts';
import { agentFamilies } from './load/metrics.ts';
import { createUsage } from './load/usage.ts';
import { createHttp } from './http/http.ts';
import { createIngress } from './ingress/ingress.ts';
import { createClosedPorts } from './isolation/closed.ts';
import { ownPortsOf, schedulersOf } from './isolation/closed-plan.ts';
import { createGuards } from './isolation/guards.ts';
import { createAllow } from './allow/allow.ts';
import { createVips } from './vip/vips.ts';
import { createOverlay } from './overlay/apply.ts';
import { createPathAnswers } from './overlay/path-answers.ts';
import { createFence } from './overlay/fence.ts';
import { createTunnel } from './overlay/tunnel.ts';
import { endShells, run } from './overlay/run.ts';
import { reconcileRegularly } from './reconcile-regularly.ts';
import { createSelfUpgrade, upgradesItself } from './release/self-upgrade.ts';
import { createConsulQuestions } from './stream/consul-questions.ts';
import { leaderMessages } from './stream/leader-messages.ts';
import { createStateSender } from './stream/state-sender.ts';
import { createStream } from './stream/stream.ts';

export interface AgentDeps {
  readonly log: Logger;
  /** An operator's choice for the whole cluster; null: the level that this agent was started with. */
  readonly setLogLevel: (level: string | null) => void;
  readonly dns: DnsServer;
}

export interface RunningAgent extends AsyncDisposable {
  readonly done: Promise<void>;
  /** `host:port` of the engine gateway. */
  readonly gateway: string;
}

/** A leader has sent the ports by then, if there is one. */
const LEADER_WITHIN_MS = 5_000;
/** An Engine that takes requests and answers no list for so long after the agent's start is called unreachable. */
const READ_WITHIN_MS = 10_000;

/**
 * Resolves when the gateway listens; joining the cluster and reading the Engine go on in the background.
 * Throws `invalid` for a wrong Engine address, and Node's error when the gateway cannot listen.
 */
export async function startAgent(options: AgentOptions, deps: AgentDeps, signal: AbortSignal): Promise<RunningAgent> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // one for each call to the Engine under way
  const onAbort = (): void => stop.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) stop.abort();

  const agent = await build(options, deps, stop.signal);
  const done = agent.run().finally(() => signal.removeEventListener('abort', onAbort));
  deps.log.info({ name: options.name, gateway: agent.gateway }, 'agent started');
  return {
    done,
    gateway: agent.gateway,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}

/** Makes the parts, each from those above it. Only the gateway is at work before `run`. */
async function build(options: AgentOptions, { log, dns, setLogLevel }: AgentDeps, signal: AbortSignal) {
  const { name, address, labels, overlay: mode } = options;
  const nowMs = performance.now.bind(performance);
  const engineAddress = engineTarget(options.engine);
  const pool = new http.Agent({ keepAlive: true, maxFreeSockets: 16, timeout: 20_000 });
  const engine: EngineTarget = { ...engineAddress, agent: pool };

  const files = openAgentFiles(options.dataDir, log);
  const { epoch } = files;
  const fence = createFence(mode, files.fencePath, log);
  const isTls = options.join.every((url) => url.startsWith('https:'));
  if (!isTls && options.join.some((url) => url.startsWith('https:')))
    throw new ArpanetError('invalid', 'the schedulers of --join are all https://, or all http://');
  const { secret } = readJoinToken(options.token);
  const identity = createHostIdentity({ dataDir: options.dataDir, name, token: options.token, now: Date.now, log });
  const stream = createStream({
    join: options.join,
    token: secret,
    identity,
    log,
    nowMs,
    random: Math.random,
  });
  const consul = createConsulQuestions(stream);
  const emit: typeof stream.send = (message) => {
    if (message.type !== 'containers') return stream.send(message);
    checks.gone(message.removes);
    teller.changed(message);
    stream.send({ ...message, upserts: checks.seen(message.upserts) });
    inBackground(log, 'containers that have just started', overlay.containersChanged());
    inBackground(log, 'addresses of containers', guards.changed(message.upserts, message.removes));
    for (const one of [vips, allow, closed]) one.changed(message.upserts, message.removes);
  };
  const isOnWire = (network: string): boolean => overlay.plans().some((plan) => plan.name === network && plan.driver !== undefined);
  const checks = createChecks(
    {
      log,
      now: Date.now,
      kept: files.checks,
      isOnWire,
      changed(facts) {
        const message = { type: 'containers', upserts: [facts], removes: [] } as const;
        teller.changed(message);
        stream.send(message);
      },
    },
    signal,
  );
  const inventory = createInventory({ engine, log, emit }, signal);
  const onChange: Parameters<typeof createOverlay>[0]['onChange'] = (networks) => {
    stream.send({ type: 'networks', networks });
  };
  const tunnel = createTunnel({
    overlay: mode,
    address,
    dataDir: options.dataDir,
    log,
    nowMs: Date.now,
    onKeys: (ends) => stream.send({ type: 'tunnel', ends }),
  });
  const overlay = createOverlay(
    { engine, overlay: mode, address, log, dns, tunnel, usersOf: inventory.usersOf, pidsOf: inventory.pidsOf, onChange, nowMs },
    signal,
  );
  const vips = createVips(mode, name, log, LEADER_WITHIN_MS);
  const allow = createAllow(mode, name, log, LEADER_WITHIN_MS);
  dns.services?.(vips);
  const names = createHostNames({
    file: files.names,
    dns,
    followers: [vips, allow],
    heard() {
      for (const one of [vips, allow]) one.heard();
    },
    moved(network) {
      overlay.flush(network).catch((err: unknown) => log.warn({ network, err }, 'cannot flush learned addresses'));
    },
    now: Date.now,
  });
  const guards = createGuards(mode, log);
  /** As the leader names them. */
  let schedulers: readonly string[] = [];
  const closedTo = (now: readonly string[]): void => {
    if (now.join() === schedulers.join()) return;
    schedulers = now;
    inBackground(log, 'ports closed to containers', closed.reconcile());
  };
  const closed = createClosedPorts({
    overlay: mode,
    ownPorts: ownPortsOf(splitHostPort(options.listen).port, engineAddress),
    isOnWire,
    schedulers: () => schedulersOf([...options.join, ...schedulers]),
    log,
  });
  const httpPorts = [HTTP_HOP_PORT, ...[options.http?.port, options.http?.tlsPort].filter((one) => one !== undefined)];
  const ingress = createIngress({
    overlay: mode,
    host: name,
    file: files.ingress,
    patienceMs: LEADER_WITHIN_MS,
    subnets: () => overlay.plans().flatMap(({ cidr, ipv6 }) => [cidr, ...(ipv6?.isEnabled === true ? [ipv6.cidr] : [])]),
    apis: () => [
      splitHostPort(options.listen).port,
      ...httpPorts,
      ...[...options.join, ...schedulers].flatMap((url) => urlPort(url) ?? []),
    ],
    log,
  });
  const httpNames = createHttp({ host: name, address, listen: options.http, dataDir: options.dataDir, file: files.http, log }, signal);
  const readUsage = createUsage(engine, inventory.running, signal);
  const copyImage = createImageCopier({ engine, token: secret, toHost: identity.toHost, epoch: epoch.current, log }, signal);
  const imageArchive = createImageArchives(engine, createThinArchives(join(options.dataDir, 'copies')));

  const { host: listenHost, port: listenPort } = splitHostPort(options.listen);
  const reachable = (port: number): string => `${isAnyAddress(listenHost) ? address : listenHost}:${port}`;
  const gateway = await startGateway({
    host: listenHost,
    port: listenPort,
    token: secret,
    tls: isTls ? identity : undefined,
    engine: engineAddress,
    epoch,
    imageArchive,
    imageLayers: createImageLayers(engine),
    log,
    metrics: () =>
      exposition([
        ...agentFamilies({
          epoch: epoch.current(),
          isJoined: stream.isJoined(),
          isEngineConnected: inventory.current() !== undefined,
          networks: overlay.networks().length,
          namesAgeMs: names.ageMs(),
          unreadableContainers: inventory.unreadable().length,
          refusedMessages: stream.refusedMessages(),
          faults: faultTotal(),
          leftOut: leftOutTotal(),
          dns: dns.stats(),
        }),
        ...measured(),
        ...processFamilies(),
      ]),
    leaderHeard: () => stream.leaderHeard(),
    recoveryFacts: (port) => ({
      host: { name, address, gateway: reachable(port), labels },
      epoch: epoch.current(),
      clusterId: epoch.cluster(),
      plans: overlay.plans(),
      state: files.replica.value(),
    }),
  });
  const load = startLoadMeter(log);
  const isAble = isTls && upgradesItself(process.execPath);
  const facts = createFactsReader(
    {
      ...options,
      hasTls: isTls,
      tunnel: tunnel.facts,
      upgradesItself: isAble,
      http: httpNames.kind,
      httpPorts,
      gateway: reachable(gateway.port),
      engine,
      onDns: (ofEngine) => dns.ofEngine?.(ofEngine),
    },
    signal,
  );
  const commands = agentCommands({
    inventory,
    overlay,
    kept: [fence, closed, guards, ingress, httpNames, vips, allow],
    settling: [ingress, httpNames, vips],
    closing: allow.settle,
    fence,
    copyImage,
    httpFigures: httpNames.figures,
    readUsage,
    names,
    plans: files.plans,
    answerPath: createPathAnswers(mode, address, signal),
    upgrade: createSelfUpgrade({ dataDir: options.dataDir, identity, isAble, run, log }, signal),
  });

  /** Undefined: it can be reached, or has not been read yet since this process began. */
  let engineTrouble: string | undefined;
  const teller = createStateSender({
    state() {
      const copy = inventory.current();
      return copy && { ...copy, containers: checks.all(copy.containers), networks: overlay.networks() };
    },
    trouble: () => engineTrouble,
    isJoined: () => stream.isJoined(),
    send: stream.send,
    flushed: () => stream.flushed(),
  });
  const onEngineConnected = async (): Promise<void> => {
    log.info('Docker Engine connected');
    engineTrouble = undefined;
    teller.again();
    // before other hosts reach them again: their links are made again after a reboot
    await allow.all(inventory.current()?.containers ?? []);
    inBackground(log, 'networks of this host', overlay.reconcile());
    inBackground(log, 'addresses of containers', guards.all(inventory.current()?.containers ?? []));
    for (const one of [vips, closed]) one.all(inventory.current()?.containers ?? []);
    if (await facts.isEngineReplaced()) stream.restart('the Docker Engine has another version now, or other DNS settings');
  };
  const onEngineLost = (reason: string): void => {
    log.warn({ reason }, 'Docker Engine unreachable');
    engineTrouble = reason;
    stream.send({ type: 'engine', alive: false, why: reason });
  };
  const onEngineAnswers = (answers: boolean): void => {
    // An Engine that is unreachable is reported by the inventory.
    if (inventory.current() !== undefined) stream.send({ type: 'engine', alive: true, why: answers ? '' : 'the Docker Engine hangs' });
  };
  epoch.onRaise((raised, leaderUrl) => {
    log.info({ epoch: raised }, 'a leader with a higher epoch was elected');
    if (raised > stream.epoch()) stream.restart('another scheduler leads now', leaderUrl);
  });

  overlay.restorePlans(files.plans.value() ?? []);

  return {
    gateway: reachable(gateway.port),
    /** Until the signal aborts. */
    async run(): Promise<void> {
      const unread = setTimeout(() => {
        if (inventory.current() === undefined && engineTrouble === undefined) onEngineLost('it has not been read since the agent started');
      }, READ_WITHIN_MS).unref();
      signal.addEventListener('abort', () => clearTimeout(unread), { once: true });
      await fence.restore().catch((err: unknown) => log.error({ err }, 'cannot drop the overlay packets of lost hosts'));
      await Promise.all([
        inventory.follow({
          onAlive: guarded(log, 'a connected Engine', onEngineConnected),
          onLost: guarded(log, 'a lost Engine', onEngineLost),
          onNetworkTouched: guarded(log, 'a changed network', overlay.touched),
        }),
        watchEngine(engine, guarded(log, 'a ping of the Engine', onEngineAnswers), signal),
        reconcileRegularly(
          [
            overlay.reconcile,
            fence.reconcile,
            closed.reconcile,
            guards.reconcile,
            ingress.reconcile,
            httpNames.reconcile,
            vips.reconcile,
            allow.reconcile,
            facts.look,
            () => identity.renewDue(signal),
          ],
          signal,
        ),
        stream.run(
          {
            facts: facts.read,
            hello: (host) => ({
              type: 'hello',
              facts: host,
              epoch: epoch.current(),
              protocol: PROTOCOL,
              clusterId: epoch.cluster(),
              networks: overlay.plans().length,
            }),
            joined: teller.joined,
            held: teller.held,
            load: load.read,
            lastHour: load.lastHour,
            leftOut: () => [...leftOutSentences(inventory.unreadable(), leftOutNow()), ...ingress.trouble(), ...httpNames.trouble()],
            routes: facts.routes,
            faults: () => processFaults(stream.refusedMessages(), Date.now()),
            call: commands,
            ...leaderMessages({
              epoch,
              files,
              fence,
              overlay,
              ingress,
              http: httpNames,
              dns,
              names,
              consul,
              identity,
              setLogLevel,
              closedTo,
              closed,
              log,
            }),
          },
          signal,
        ),
      ]);
      load[Symbol.dispose]();
      endShells();
      pool.destroy();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

const isAnyAddress = (host: string): boolean => ['', '0.0.0.0', '::'].includes(host);
