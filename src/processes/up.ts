/**
 * `arpanet up`: a cluster on this machine: one scheduler, one agent a host, embedded store; on the engine that runs here, or on engines of our
 * own in network namespaces. Effects: processes, namespaces, files below the data folder. All of it is removed at the end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { mkdtemp, rm, rmdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalHosts, provideImages, reapStale, startLocalHosts } from '../local-hosts/index.ts';
import { dockerFor } from '../engine/index.ts';
import { ArpanetError, type ContainerRecord, keys, labels } from '../model/index.ts';
import type { HostReport } from '../operator-api/index.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Logging } from './logger.ts';
import { isSigned } from '../scheduler/index.ts';
import { keyFileOf, openEmbedded } from '../store/index.ts';
import { aborted } from './aborted.ts';
import { nextSteps, programsHere } from './next-steps.ts';
import { runScheduler } from './scheduler.ts';
import type { SchedulerSettings } from './scheduler-settings.ts';
import { formatHostPort } from '../text/host-port.ts';

export interface UpSettings {
  /** Number of Engines to start; undefined: none if one runs on this machine, else one. */
  readonly hosts: number | undefined;
  readonly listen: { readonly host: string; readonly port: number };
  readonly alsoListen: SchedulerSettings['alsoListen'];
  /** The engine that runs here, used when `hosts` is not given. */
  readonly engine: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  /** Folder of the cluster's state, kept between runs; undefined: a temporary folder, removed at the end with everything that the cluster created. */
  readonly data: string | undefined;
  readonly scheduler: Omit<
    SchedulerSettings,
    'listen' | 'alsoListen' | 'advertise' | 'store' | 'clusterKey' | 'joinToken' | 'name' | 'onDnsTrouble'
  >;
  /** Published ports answer at the endpoint's address; on engines of our own alone, for the one that runs here has them itself. */
  readonly isPublishing: boolean;
  readonly logLevel: string;
}

interface Host {
  readonly name: string;
  readonly address: string;
  readonly engine: string;
  readonly dir: string;
  spawn(args: readonly string[], env: NodeJS.ProcessEnv, logFile: string): ChildProcess;
}

/**
 * Runs a cluster on this machine until the signal aborts, then removes it. Errors: `unavailable`, `timeout` or `unsupported`, with the log file or
 * the missing program in the message.
 */
export async function runUp(settings: UpSettings, logging: Logging, signal: AbortSignal, say: (line: string) => void): Promise<void> {
  const { log } = logging;
  const base = join(tmpdir(), 'arpanet-up');
  await reapStale(base);
  mkdirSync(base, { recursive: true });
  const engineUrl = 'socketPath' in settings.engine ? `unix://${settings.engine.socketPath}` : `tcp://${formatHostPort(settings.engine)}`;
  const engineHere = settings.hosts === undefined && (await answers(settings.engine));
  const hostsDir = join(base, `hosts-${randomBytes(4).toString('hex')}`);
  const local = engineHere ? undefined : await localHosts(settings.hosts ?? 1, hostsDir, log, say);
  // In the folder of the hosts, so that after a kill both are removed together.
  const data = settings.data ?? (local === undefined ? await mkdtemp(join(base, 'data-')) : join(hostsDir, 'cluster'));
  mkdirSync(data, { recursive: true });
  const agents: ChildProcess[] = [];
  const ending = new AbortController();
  signal.addEventListener('abort', () => ending.abort(), { once: true });
  let served: Promise<void> | undefined;
  try {
    const hosts =
      local === undefined
        ? [hereAsHost(data, engineUrl)]
        : local.hosts.map(
            (host): Host => ({
              ...host,
              engine: `unix://${host.socket}`,
              spawn: (args, env, logFile) => local.spawnIn(host, process.execPath, args, { env, logFile }),
            }),
          );
    const token = randomBytes(24).toString('base64url');
    const inner = local === undefined ? [] : [{ host: local.gateway, port: settings.listen.port }];
    const advertise = `http://${formatHostPort({ ...settings.listen, host: local?.gateway ?? settings.listen.host })}`;
    const store = { kind: 'embedded', dir: join(data, 'store') } as const;
    await new Promise<void>((resolve, reject) => {
      served = runScheduler(
        {
          ...settings.scheduler,
          publishAt: publishAt(settings, local !== undefined),
          name: 'up',
          listen: settings.listen,
          alsoListen: [...settings.alsoListen, ...inner],
          advertise,
          store,
          clusterKey: keyFileOf(store.dir),
          joinToken: token,
          // A Consul of the developer's own may have the port; containers do not need this one.
          onDnsTrouble: (error) => say(`note: ${error instanceof Error ? error.message : String(error)} (--dns-listen ADDR:PORT or none)`),
        },
        logging,
        ending.signal,
        { ready: resolve },
      );
      served.catch(reject);
    });
    const images = local === undefined ? undefined : loadImages(local, log, say);
    say(`starting ${hosts.length === 1 ? 'the agent' : `${hosts.length} agents`}`);
    for (const host of hosts) agents.push(startAgent(host, advertise, token, settings.logLevel, local === undefined));
    await joined(`http://${formatHostPort(settings.listen)}`, hosts, agents, ending.signal);
    await images;
    say(nextSteps(`tcp://${formatHostPort(settings.listen)}`, hosts.length, await programsHere(process.env, process.argv[1] ?? '')));
    await aborted(ending.signal);
    say('\nstopping the cluster');
  } finally {
    await Promise.all(agents.map(end));
    ending.abort();
    await served?.catch(() => undefined);
    if (local === undefined && settings.data === undefined) await removeOurs(settings.engine, join(data, 'store'), log);
    await local?.[Symbol.asyncDispose]();
    if (settings.data === undefined) await rm(data, { recursive: true, force: true });
    await rmdir(base).catch(() => undefined); // not empty: another cluster is up
  }
}

function publishAt({ scheduler, listen, isPublishing }: UpSettings, onOurOwn: boolean): string | undefined {
  return scheduler.publishAt ?? (isPublishing && onOurOwn ? listen.host : undefined);
}

async function localHosts(count: number, dir: string, log: Logger, say: (line: string) => void): Promise<LocalHosts> {
  say(`starting ${count} Docker ${count === 1 ? 'Engine in a network namespace' : 'Engines in network namespaces'}`);
  return startLocalHosts({ dir, count, nat: true, keep: false, log });
}

/** Never rejects. */
async function loadImages(local: LocalHosts, log: Logger, say: (line: string) => void): Promise<void> {
  say('loading the images busybox and redis into the engines');
  const sockets = local.hosts.map((host) => host.socket);
  await provideImages(sockets, imageCache()).catch((error: unknown) => {
    log.warn({ err: error }, 'could not provide the images busybox and redis: pull the images you need');
  });
}

/** Made once for this user: an image's id must be the same at the next start. */
function imageCache(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'arpanet', 'images');
}

/** The machine itself, with the engine that runs on it. */
function hereAsHost(data: string, engine: string): Host {
  return {
    name: HERE,
    address: '127.0.0.1',
    engine,
    dir: data,
    spawn: (args, env, logFile) => {
      const out = openSync(logFile, 'a');
      try {
        return spawn(process.execPath, [...args], { env, stdio: ['ignore', out, out] });
      } finally {
        closeSync(out);
      }
    },
  };
}

function startAgent(host: Host, join_: string, token: string, logLevel: string, isAlone: boolean): ChildProcess {
  const data = join(host.dir, 'agent');
  mkdirSync(data, { recursive: true });
  const main = process.argv[1] ?? '';
  const args = [
    'agent',
    '--join',
    join_,
    '--name',
    host.name,
    '--address',
    host.address,
    '--listen',
    `${host.address}:2376`,
    '--engine',
    host.engine,
  ];
  args.push('--data', data, '--overlay', isAlone ? 'none' : 'vxlan');
  return host.spawn(
    // Node's flags as this process has them
    [...process.execArgv, main, ...args],
    { ...process.env, ARPANET_JOIN_TOKEN: token, ARPANET_LOG_LEVEL: logLevel },
    join(host.dir, 'agent.log'),
  );
}

async function joined(url: string, hosts: readonly Host[], agents: readonly ChildProcess[], signal: AbortSignal): Promise<void> {
  for (let tries = 0; tries < 300 && !signal.aborted; tries++) {
    const dead = agents.findIndex((agent) => agent.exitCode !== null);
    if (dead >= 0) throw new ArpanetError('unavailable', `the agent of ${hosts[dead]?.name} ended: see ${hosts[dead]?.dir}/agent.log`);
    const seen = await fetch(`${url}/arpanet/v1/hosts`, { signal }).then(
      async (answer) => (answer.ok ? ((await answer.json()) as readonly HostReport[]) : []),
      () => [],
    );
    if (seen.filter((host) => host.state === 'alive').length >= hosts.length) return;
    await sleep(100);
  }
  if (!signal.aborted)
    throw new ArpanetError('timeout', `not all hosts joined within 30 s: see ${hosts.map((host) => `${host.dir}/agent.log`).join(', ')}`);
}

/** On the developer's own engine: what the cluster's store knows and what carries its MAC, and nothing else. */
async function removeOurs(engine: UpSettings['engine'], dir: string, log: Logger): Promise<void> {
  const records = new Map<string, unknown>();
  try {
    await using store = await openEmbedded(dir, log);
    for (const { key, value } of await store.list(keys.root)) records.set(key, value);
  } catch (error) {
    log.warn({ err: error }, 'could not read the store of the cluster: what it created on the engine is left there');
  }
  const labelKey = records.get(keys.labelKey);
  if (typeof labelKey !== 'string') return;
  const signer = { clusterId: String(records.get(keys.clusterId)), labelKey };
  const ids = new Set(
    [...records].map(([at, value]) => (at.startsWith(keys.containers) ? (value as Partial<ContainerRecord>).id : undefined)),
  );
  const docker = await dockerFor(engine);
  const containers = await docker.listContainers({ all: true, filters: { label: [labels.instance] } }).catch(() => []);
  await Promise.all(
    containers
      .filter(({ Id, Labels }) => ids.has(Id) || isSigned(signer, HERE, Labels))
      .map(({ Id }) =>
        docker
          .getContainer(Id)
          .remove({ force: true, v: true })
          .catch(() => undefined),
      ),
  );
  const networks = await docker.listNetworks({ filters: { label: [labels.network] } }).catch(() => []);
  await Promise.all(
    networks.map(({ Id }) =>
      docker
        .getNetwork(Id)
        .remove()
        .catch(() => undefined),
    ),
  );
}

/** The name of the machine itself as a host. */
const HERE = 'local';

function answers(engine: UpSettings['engine']): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = 'socketPath' in engine ? connect(engine.socketPath) : connect(engine.port, engine.host);
    connection.once('connect', () => resolve(true)).once('error', () => resolve(false));
    connection.once('close', () => resolve(false));
    connection.setTimeout(2000, () => connection.destroy());
    connection.once('connect', () => connection.destroy());
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(timer);
}
