/**
 * Several Docker hosts on one machine: a network namespace and a real dockerd for each, on one bridge. Effects: processes, namespaces, files.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ArpanetError } from '../model/index.ts';
import type { Logger } from '../telemetry/log.ts';
import { teardownScript } from './teardown.ts';

const run = promisify(execFile);

export interface LocalHost {
  /** `h1`, `h2`, … */
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly socket: string;
  readonly dir: string;
}

export interface LocalHostsOptions {
  /** Holds everything; removed at the end unless `keep`. */
  readonly dir: string;
  readonly count: number;
  /** Folders put first on PATH for the dockerd of host i (0-based): another engine version. */
  readonly enginePath?: (index: number) => readonly string[];
  /** More arguments for every dockerd. */
  readonly engineArgs?: readonly string[];
  /** Reach the outside world from the hosts (masquerade), to pull images. */
  readonly nat: boolean;
  readonly keep: boolean;
  readonly log: Logger;
}

/** Running Engines, each in its own network namespace of this machine. Disposing of it ends them and removes namespaces, bridge and folder. */
export interface LocalHosts extends AsyncDisposable {
  readonly hosts: readonly LocalHost[];
  /** The address of this machine as the hosts see it. */
  readonly gateway: string;
  /** Runs a program inside a host's network namespace. The caller ends it. */
  spawnIn(host: LocalHost, command: string, args: readonly string[], options?: { env?: NodeJS.ProcessEnv; logFile?: string }): ChildProcess;
  startEngine(host: LocalHost): Promise<void>;
  /** Ends the engine with a signal and waits until it is gone. */
  stopEngine(host: LocalHost, signal?: NodeJS.Signals): Promise<void>;
  enginePid(host: LocalHost): number;
  cut(host: LocalHost): Promise<void>;
  heal(host: LocalHost): Promise<void>;
}

/** Throws `unsupported` with the command that brings what is missing. */
export async function startLocalHosts(options: LocalHostsOptions): Promise<LocalHosts> {
  if (process.getuid?.() !== 0) throw new ArpanetError('unsupported', 'hosts in network namespaces need root: run again with sudo');
  for (const [program, bringer] of [
    ['dockerd', 'apt-get install docker.io'],
    ['ip', 'apt-get install iproute2'],
    ['iptables', 'apt-get install iptables'],
  ] as const) {
    await run('which', [program]).catch(() => {
      throw new ArpanetError('unsupported', `${program} is missing: ${bringer}`);
    });
  }
  await mkdir(options.dir, { recursive: true });
  const { name, subnet } = await claimBridge();
  await writeFile(join(options.dir, 'owner'), JSON.stringify({ pid: process.pid, name, subnet, startedAt: processStart(process.pid) }));
  const reaper = spawn('sh', ['-c', teardownScript, 'arpanet-teardown', options.dir, name, subnet, options.keep ? 'keep' : 'remove'], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  reaper.unref();
  let down: Promise<void> | undefined;
  const dispose = () =>
    (down ??= new Promise<void>((resolve) => {
      reaper.ref();
      reaper.once('exit', () => resolve());
      reaper.stdin.end();
    }));
  try {
    return await build(options, name, subnet, dispose);
  } catch (cause) {
    await dispose();
    throw cause;
  }
}

async function build(options: LocalHostsOptions, name: string, subnet: string, dispose: () => Promise<void>): Promise<LocalHosts> {
  // Shared, as / is under systemd: on a private mount a dockerd binds its data root on itself, and what was mounted below before is out of its reach.
  await run('mount', ['--bind', options.dir, options.dir]);
  await run('mount', ['--make-shared', options.dir]);
  await run('ip', ['addr', 'add', `${subnet}.1/24`, 'dev', name]);
  await run('ip', ['link', 'set', name, 'up']);
  await run('iptables', ['-I', 'FORWARD', '-i', name, '-o', name, '-j', 'ACCEPT']);
  if (options.nat) {
    await writeFile(join(options.dir, 'ip_forward'), readFileSync('/proc/sys/net/ipv4/ip_forward'));
    await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
    await run('iptables', ['-t', 'nat', '-A', 'POSTROUTING', '-s', `${subnet}.0/24`, '!', '-o', name, '-j', 'MASQUERADE']);
    await run('iptables', ['-I', 'FORWARD', '-i', name, '-j', 'ACCEPT']);
    await run('iptables', ['-I', 'FORWARD', '-o', name, '-j', 'ACCEPT']);
  }
  const hosts: LocalHost[] = [];
  for (let i = 1; i <= options.count; i++) {
    const dir = join(options.dir, `h${i}`);
    await mkdir(dir, { recursive: true });
    const host = { name: `h${i}`, namespace: `${name}-h${i}`, address: `${subnet}.${10 + i}`, socket: join(dir, 'docker.sock'), dir };
    const ns = host.namespace;
    await run('ip', ['netns', 'add', ns]);
    // The bridge's name is ours alone: such a link is of a lab that died, whose namespace something held on to.
    await run('ip', ['link', 'del', `${name}v${i}`]).catch(() => undefined);
    await run('ip', ['link', 'add', `${name}v${i}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ns]);
    await run('ip', ['link', 'set', `${name}v${i}`, 'master', name, 'up']);
    await run('ip', ['-n', ns, 'addr', 'add', `${host.address}/24`, 'dev', 'eth0']);
    await run('ip', ['-n', ns, 'link', 'set', 'eth0', 'up']);
    await run('ip', ['-n', ns, 'link', 'set', 'lo', 'up']);
    await run('ip', ['-n', ns, 'route', 'add', 'default', 'via', `${subnet}.1`]);
    await run('nsenter', [
      `--net=/run/netns/${ns}`,
      'sh',
      '-c',
      `echo '${portsOf(i, options.count)}' > /proc/sys/net/ipv4/ip_local_port_range`,
    ]);
    hosts.push(host);
  }
  const link = (host: LocalHost) => `${name}v${host.name.slice(1)}`;
  const enginePid = (host: LocalHost) => Number(readFileSync(join(host.dir, 'engine.pid'), 'utf8'));

  const spawnIn: LocalHosts['spawnIn'] = (host, command, args, more = {}) => {
    const out = more.logFile === undefined ? 'ignore' : openSync(more.logFile, 'a');
    try {
      // nsenter, not `ip netns exec`: the latter remounts /sys and hides the cgroup controllers from dockerd
      return spawn('nsenter', [`--net=/run/netns/${host.namespace}`, command, ...args], {
        stdio: ['ignore', out, out],
        env: more.env ?? process.env,
      });
    } finally {
      if (typeof out === 'number') closeSync(out);
    }
  };

  const startEngine = async (host: LocalHost) => {
    const extra = options.enginePath?.(hosts.indexOf(host)) ?? [];
    const env = { ...process.env, PATH: [...extra, '/usr/sbin', '/usr/bin', '/sbin', '/bin', process.env['PATH'] ?? ''].join(':') };
    const d = (leaf: string) => join(host.dir, leaf);
    const args = [
      '-H',
      `unix://${host.socket}`,
      '--data-root',
      d('data'),
      '--exec-root',
      d('exec'),
      '--pidfile',
      d('engine.pid'),
      ...(options.engineArgs ?? []),
    ];
    await rm(d('engine.pid'), { force: true });
    await forgetDead(containerdPid(host));
    const child = spawnIn(host, 'dockerd', args, { env, logFile: d('engine.log') });
    child.unref();
    for (let tries = 0; tries < 240; tries++) {
      if (child.exitCode !== null)
        throw new ArpanetError('unavailable', `dockerd of ${host.name} ended at its start: see ${d('engine.log')}`);
      if (existsSync(host.socket) && (await run('docker', ['-H', `unix://${host.socket}`, 'version']).catch(() => undefined))) return;
      await sleep(200);
    }
    throw new ArpanetError('timeout', `dockerd of ${host.name} did not answer within 48 s: see ${d('engine.log')}`);
  };

  const stopEngine = async (host: LocalHost, signal: NodeJS.Signals = 'SIGTERM') => {
    const pid = enginePid(host);
    const containerd = readPid(containerdPid(host));
    process.kill(pid, signal);
    await untilGone(pid, 20_000);
    // It follows its dockerd a moment later; one that is started meanwhile would take it for alive.
    if (containerd > 0) await untilGone(containerd, 3_000);
  };

  await Promise.all(hosts.map(startEngine));
  return {
    hosts,
    gateway: `${subnet}.1`,
    spawnIn,
    startEngine,
    stopEngine,
    enginePid,
    async cut(host) {
      await run('ip', ['link', 'set', link(host), 'down']);
    },
    heal: async (host) => {
      await run('ip', ['link', 'set', link(host), 'up']);
      await run('ip', ['-n', host.namespace, 'route', 'replace', 'default', 'via', `${subnet}.1`]);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** Takes down what killed owners left below `base` (one folder each). */
export async function reapStale(base: string): Promise<void> {
  if (!existsSync(base)) return;
  for (const leaf of readdirSync(base)) {
    const dir = join(base, leaf);
    const owner = readOwner(dir);
    if (owner === undefined || (isAlive(owner.pid) && processStart(owner.pid) === owner.startedAt)) continue;
    const child = spawn('sh', ['-c', teardownScript, 'arpanet-teardown', dir, owner.name, owner.subnet, 'remove'], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    await new Promise<void>((resolve) => child.once('exit', () => resolve()));
  }
}

function readOwner(dir: string): { pid: number; name: string; subnet: string; startedAt: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, 'owner'), 'utf8')) as ReturnType<typeof readOwner>;
  } catch {
    return undefined;
  }
}

/** The first bridge name `arl<k>` that is free, made; several sets of local hosts can live side by side. */
async function claimBridge(): Promise<{ name: string; subnet: string }> {
  for (let k = 0; k < 100; k++) {
    const name = `arl${k}`;
    const made = await run('ip', ['link', 'add', name, 'type', 'bridge']).then(
      () => true,
      (error: Error) => {
        if (/exists/.test(error.message)) return false;
        throw new ArpanetError('unsupported', 'this machine cannot make network bridges', { cause: error });
      },
    );
    if (made) return { name, subnet: `10.77.${k}` };
  }
  throw new ArpanetError('exhausted', 'a hundred sets of local hosts exist already (bridges arl0 to arl99): end some');
}

/** Below those from which Linux takes the ports of this machine's own connections: such a port could not be answered here. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_767;

/** Engines choose published ports from this range: with one each they never choose the same, and one address can answer for all of them. */
function portsOf(number: number, count: number): string {
  const size = Math.floor((LAST_PORT + 1 - FIRST_PORT) / count);
  const first = FIRST_PORT + (number - 1) * size;
  return `${first} ${first + size - 1}`;
}

const containerdPid = (host: LocalHost): string => join(host.dir, 'exec', 'containerd', 'containerd.pid');

/** 0: none. */
const readPid = (file: string): number => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);

async function untilGone(pid: number, boundMs: number): Promise<void> {
  for (let leftMs = boundMs; leftMs > 0 && isAlive(pid); leftMs -= 100) await sleep(100);
}

/** A dockerd that finds the pid file of a containerd that has ended would wait for it and then fail. */
async function forgetDead(pidFile: string): Promise<void> {
  const pid = readPid(pidFile);
  if (pid > 0 && !isAlive(pid)) await rm(pidFile, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Start time in clock ticks, from /proc: tells a process from a later one with the same pid. */
function processStart(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
