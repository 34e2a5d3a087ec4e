/** A whole cluster of real parts: engines in namespaces, Consul or the embedded store, schedulers and agents as their own processes. */
import { type ChildProcess, execFile } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { type RunningConsul, startConsul, startConsulServers } from '../servers/consul.ts';
import { freePort } from './free-ports.ts';
import { keepLog } from './kept-logs.ts';
import { type Lab, legacyTables, startLab } from './lab.ts';
import { rerunWhereLost } from './lost-output.ts';
import { spawnMortal } from './mortal.ts';
import { repository, tools } from './paths.ts';
import { promisedMs } from '../promised.ts';
import { type Relay, startRelay } from './relay.ts';

/** As the packages' script gives them to what runs for long. */
const NODE_FLAGS = ['--max-semi-space-size=4'];
export const main = process.env['ARPANET_MAIN'] ?? join(repository, 'dist', 'cli', 'main.js');
export const testToken = 'a-token-for-tests';
export const shop = join(repository, 'examples', 'shop');

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Cluster extends AsyncDisposable {
  readonly lab: Lab;
  readonly schedulers: readonly {
    readonly name: string;
    readonly url: string;
    readonly endpoint: string;
    readonly process: ChildProcess;
  }[];
  readonly agents: ReadonlyMap<string, ChildProcess>;
  /** `tcp://…` of the first scheduler. */
  readonly endpoint: string;
  readonly url: string;
  /** HTTP and DNS of Consul, with the Consul store. */
  readonly consul: { readonly http: string; readonly dns: number; stop(): Promise<void> } | undefined;
  /** All Consul servers; scheduler i talks to the one at i, if there are as many. */
  readonly consuls: readonly RunningConsul[];
  /** With `relayed`: each scheduler's lines to Consul and from the agents. */
  readonly lines: readonly { readonly consul: Relay; readonly agents: Relay }[];
  /** Port of the scheduler's own DNS, with the embedded store. */
  readonly dnsPort: number | undefined;
  docker(...args: string[]): Promise<Output>;
  /** docker-compose 1.29.2 and `docker compose` v2, in a folder. */
  composeV1(cwd: string, ...args: string[]): Promise<Output>;
  composeV2(cwd: string, ...args: string[]): Promise<Output>;
  arpanet(...args: string[]): Promise<Output>;
  /** Of another build, if its main.js is given; with more words on its command line. */
  startAgent(host: string, build?: string, more?: readonly string[]): Promise<void>;
  /** `program`: words for node that start another program than `arpanet scheduler`, which takes the same flags. */
  startScheduler(index: number, program?: readonly string[]): Promise<void>;
  /** The engine of a host, asked directly. */
  engine(host: string, ...args: string[]): Promise<Output>;
}

export interface ClusterOptions {
  readonly store: 'consul' | 'embedded';
  readonly schedulers?: number;
  readonly hosts?: number;
  readonly mixed?: boolean;
  /** All hosts run Docker 26.1. */
  readonly newer?: boolean;
  /** One host, or all of them, run the newest Engine that can be had. */
  readonly newest?: 'h2' | 'all';
  /** More words for every dockerd. */
  readonly engineArgs?: readonly string[];
  /** The iptables of Engines and agents have the legacy backend. */
  readonly legacyTables?: boolean;
  /** h3 has cgroup v2 (`LabOptions`). */
  readonly unified?: boolean;
  /** More words on the schedulers' command lines. */
  readonly schedulerArgs?: readonly string[];
  readonly logLevel?: string;
  /** More in the environment of schedulers and agents. */
  readonly env?: NodeJS.ProcessEnv;
  /** 1 by default. */
  readonly consulServers?: number;
  /** Lines that can be cut between each scheduler and Consul, and between agents and each scheduler. */
  readonly relayed?: boolean;
}

/** Longer than anything takes on a machine that is busy: only what hangs takes it. */
const PROGRAM_MS = 240_000;

/** Runs a program to its end; never throws for an exit code. Killed after `timeoutMs` (four minutes). */
export function runProgram(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string; timeoutMs?: number } = {},
): Promise<Output> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...args],
      {
        cwd: options.cwd,
        env: options.env ?? process.env,
        timeout: options.timeoutMs ?? PROGRAM_MS,
        killSignal: 'SIGKILL',
        maxBuffer: 1 << 28,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({
          code,
          stdout,
          stderr: error?.killed === true ? `${stderr}\n(killed: took over ${options.timeoutMs ?? PROGRAM_MS} ms)` : stderr,
        });
      },
    );
    // a program that ends without reading its input is none of our concern
    child.stdin?.on('error', () => undefined).end(options.input ?? '');
  });
}

/** Runs it; throws with its output unless the exit code is 0. */
export async function must(output: Promise<Output>): Promise<string> {
  const { code, stdout, stderr } = await output;
  if (code !== 0) throw new Error(`exit ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/**
 * Waits until `check` returns a truthy value. On a timeout the message has its last error or value. A test of a promise shorter than 30 s passes
 * that time; on a busy machine the limit grows with the load. A slow check runs less often, because what it waits for needs the processor, too; and so
 * does each after a long wait, by an eighth of it. The last check is at the limit.
 */
export async function until<T>(what: string, check: () => Promise<T> | T, timeoutMs = 30_000): Promise<NonNullable<T>> {
  const startedAt = Date.now();
  let last: unknown;
  for (let leftMs = 1; leftMs > 0; ) {
    const askedAt = Date.now();
    leftMs = promisedMs(timeoutMs) - (askedAt - startedAt);
    try {
      const value = await check();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    const pauseMs = Math.min(2_000, Math.max(60, 5 * (Date.now() - askedAt), (askedAt - startedAt) / 8));
    if (leftMs > 0) await sleep(Math.max(10, Math.min(pauseMs, leftMs)));
  }
  throw new Error(`timed out after ${Date.now() - startedAt} ms waiting for: ${what}; last value: ${inspect(last)}`);
}

/**
 * By hand, what a file shows can be shown on another combination: `ARPANET_TEST_ON` is a list of `consul` or `embedded` (the store), `26.1` or `20.10` (all
 * Engines), `follower` (clients speak to a scheduler that does not lead), `binpack` (on one host, what may be).
 */
function onCombination(options: ClusterOptions, words: readonly string[]): ClusterOptions {
  const unknown = words.find((word) => !['consul', 'embedded', '26.1', '20.10', 'follower', 'binpack'].includes(word));
  if (unknown !== undefined) throw new Error(`ARPANET_TEST_ON: ${unknown}`);
  return {
    ...options,
    ...(words.includes('consul') && { store: 'consul' }),
    ...(words.includes('embedded') && { store: 'embedded' }),
    ...(words.includes('26.1') && { newer: true }),
    ...(words.includes('20.10') && { newer: false, mixed: false }),
    ...(words.includes('binpack') && { schedulerArgs: [...(options.schedulerArgs ?? []), '--strategy', 'binpack'] }),
    ...(words.includes('follower') && { schedulers: Math.max(2, options.schedulers ?? 1) }),
  };
}

export async function startCluster(asked: ClusterOptions): Promise<Cluster> {
  const combination = (process.env['ARPANET_TEST_ON'] ?? '').split(',').filter(Boolean);
  const options = onCombination(asked, combination);
  await using stack = new AsyncDisposableStackLike();
  const lab = stack.use(
    await startLab({
      count: options.hosts ?? 3,
      mixed: options.mixed ?? true,
      newer: options.newer ?? false,
      ...(options.newest !== undefined && { newest: options.newest }),
      engineArgs: options.engineArgs ?? [],
      legacyTables: options.legacyTables ?? false,
      unified: options.unified ?? false,
    }),
  );
  const servers = options.consulServers ?? 1;
  const consuls = options.store !== 'consul' ? [] : servers === 1 ? [await startConsul()] : await startConsulServers(servers);
  stack.defer(() => Promise.all(consuls.map((one) => one.stop())));
  const [consul] = consuls;
  const dnsPort = consul === undefined ? await freePort() : undefined;
  const env = {
    ...process.env,
    ...options.env,
    ...(options.legacyTables === true && { PATH: `${legacyTables(lab.dir)}:${process.env['PATH'] ?? ''}` }),
    ARPANET_JOIN_TOKEN: testToken,
    ARPANET_INSECURE: 'true',
    ARPANET_LOG_LEVEL: options.logLevel ?? process.env['ARPANET_TEST_LOG'] ?? 'debug',
  };
  const ports = await Promise.all(Array.from({ length: options.schedulers ?? 1 }, () => freePort(lab.gateway)));
  const lines: { consul: Relay; agents: Relay }[] = [];
  if (options.relayed === true) {
    for (const [index, port] of ports.entries()) {
      const [host = '', consulPort] = (consuls[index % servers]?.http ?? '127.0.0.1:1').split(':');
      const toConsul = stack.use(await startRelay('127.0.0.1', { host, port: Number(consulPort) }));
      lines.push({ consul: toConsul, agents: stack.use(await startRelay(lab.gateway, { host: lab.gateway, port })) });
    }
  }
  const storeOf = (index: number) => {
    if (consul === undefined) return `embedded:${join(lab.dir, 'store')}`;
    const line = lines[index]?.consul.port;
    return line === undefined ? `consul://${consuls[index % servers]?.http}` : `consul://127.0.0.1:${line}`;
  };
  const schedulers: { name: string; url: string; endpoint: string; process: ChildProcess }[] = [];
  const agents = new Map<string, ChildProcess>();
  stack.defer(() => Promise.all([...agents.values(), ...schedulers.map((s) => s.process)].map(endProcess)));

  const startScheduler = async (index: number, program: readonly string[] = [main, 'scheduler']) => {
    const url = `http://${lab.gateway}:${ports[index]}`;
    const name = `s${index + 1}`;
    const args = [
      ...program,
      '--listen',
      `tcp://${lab.gateway}:${ports[index]}`,
      '--advertise',
      url,
      '--name',
      name,
      '--store',
      storeOf(index),
    ];
    if (dnsPort !== undefined) args.push('--dns-listen', index === 0 ? `127.0.0.1:${dnsPort}` : 'none');
    const logFile = join(lab.dir, `${name}.log`);
    keepLog(logFile, lab.dir);
    const started = startNode([...args, ...(options.schedulerArgs ?? [])], env, logFile);
    schedulers[index] = { name, url, endpoint: url.replace('http:', 'tcp:'), process: started };
    await until(
      `scheduler ${name} answers`,
      async () => (await fetch(`${url}/arpanet/v1/health`, { signal: AbortSignal.timeout(2000) })).ok,
      45_000,
    );
  };
  const startAgent = async (hostName: string, build = main, more: readonly string[] = []) => {
    const host = lab.hosts.find((h) => h.name === hostName);
    if (host === undefined) throw new Error(`no host ${hostName}`);
    const data = join(host.dir, 'agent');
    mkdirSync(data, { recursive: true });
    const schedulersToJoin = ports.map((port, index) => `http://${lab.gateway}:${lines[index]?.agents.port ?? port}`).join(',');
    const args = ['agent', '--join', schedulersToJoin, '--name', hostName, '--address', host.address, '--listen', `${host.address}:2376`];
    args.push('--engine', `unix://${host.socket}`, '--data', data, '--label', `rack=${hostName}`, ...more);
    agents.set(
      hostName,
      lab.spawnIn(host, process.execPath, [...NODE_FLAGS, build, ...args], { env, logFile: join(host.dir, 'agent.log') }),
    );
  };
  // the first leads
  await startScheduler(0);
  await Promise.all(
    [...ports.keys()]
      .slice(1)
      .map((index) => startScheduler(index))
      .concat(lab.hosts.map((host) => startAgent(host.name))),
  );
  const first = schedulers[0];
  if (first === undefined) throw new Error('a cluster needs a scheduler');
  const allAlive = async (): Promise<boolean> => {
    const hosts = (await (await fetch(`${first.url}/arpanet/v1/hosts`)).json()) as { state: string }[];
    return hosts.filter((host) => host.state === 'alive').length === lab.hosts.length;
  };
  // no figure of anything: five processes begin at once
  await until('all hosts are alive', allAlive, 60_000);
  const asksOf = combination.includes('follower') ? (schedulers[1] ?? first) : first;
  const dockerConfig = join(lab.dir, 'docker-config');
  mkdirSync(dockerConfig, { recursive: true });
  writeFileSync(join(dockerConfig, 'config.json'), JSON.stringify({ cliPluginsExtraDirs: [dirname(tools.composeV2())] }));
  const clientEnv = {
    ...process.env,
    DOCKER_HOST: asksOf.endpoint,
    DOCKER_CONFIG: dockerConfig,
    COMPOSE_INTERACTIVE_NO_CLI: '1',
    DOCKER_SCAN_SUGGEST: 'false',
  };
  const dispose = stack.move();
  return {
    lab,
    schedulers,
    agents,
    endpoint: asksOf.endpoint,
    url: asksOf.url,
    consul,
    consuls,
    lines,
    dnsPort,
    docker: rerunWhereLost(lab, (...args) => runProgram('docker', args, { env: clientEnv })),
    composeV1: (cwd, ...args) => runProgram('docker-compose', args, { cwd, env: clientEnv }),
    composeV2: (cwd, ...args) => runProgram('docker', ['compose', ...args], { cwd, env: clientEnv }),
    arpanet: (...args) => runProgram(process.execPath, [main, ...args], { env: { ...clientEnv, ARPANET_ENDPOINT: asksOf.url } }),
    startAgent,
    startScheduler,
    engine: (hostName, ...args) => runProgram('docker', ['-H', `unix://${lab.hosts.find((h) => h.name === hostName)?.socket}`, ...args]),
    [Symbol.asyncDispose]: dispose,
  };
}

export const start = (args: readonly string[], env: NodeJS.ProcessEnv, logFile: string): ChildProcess =>
  startNode([main, ...args], env, logFile);

function startNode(args: readonly string[], env: NodeJS.ProcessEnv, logFile: string): ChildProcess {
  const out = openSync(logFile, 'a');
  try {
    return spawnMortal(process.execPath, [...NODE_FLAGS, ...args], { env, stdio: ['ignore', out, out] });
  } finally {
    closeSync(out);
  }
}

/** SIGTERM, and after half a minute SIGKILL; resolves when it has ended. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  await gone;
  clearTimeout(timer);
}

/** The few lines of AsyncDisposableStack that are needed; Node 20 does not have it. */
class AsyncDisposableStackLike implements AsyncDisposable {
  private readonly steps: (() => unknown)[] = [];
  use<T extends AsyncDisposable>(value: T): T {
    this.steps.push(() => value[Symbol.asyncDispose]());
    return value;
  }
  defer(step: () => unknown): void {
    this.steps.push(step);
  }
  move(): () => Promise<void> {
    const steps = this.steps.splice(0);
    return () => undo(steps);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await undo(this.steps.splice(0));
  }
}

async function undo(steps: readonly (() => unknown)[]): Promise<void> {
  for (const step of steps.toReversed()) await step();
}
