/**
 * What DNS settings the Engine gives to containers whose user names none. It tells nobody by its API, so its own sources are read: dockerd's flags,
 * its daemon.json, and resolv.conf. Effects: reads /proc and these files.
 */
import { readFile, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineTarget } from '../../engine/request.ts';
import type { HostDns } from '../../model/facts.ts';
import { afterScheme } from '../../text/host-port.ts';

export interface EngineDnsSources {
  /** dockerd's command line. */
  readonly args: readonly string[];
  /** Its daemon.json, parsed. */
  readonly config: unknown;
  readonly resolvConf: string;
}

const DEFAULT_SOCKET = '/var/run/docker.sock';
const DEFAULT_CONFIG = '/etc/docker/daemon.json';

/** The settings that follow from these sources: as moby's daemon/container_operations.go, flags and daemon.json before resolv.conf, of which the last `search` and `options` count. Pure. */
export function engineDns({ args, config, resolvConf }: EngineDnsSources): HostDns {
  const servers = [...flagValues(args, '--dns'), ...listIn(config, 'dns')];
  const search = [...flagValues(args, '--dns-search'), ...listIn(config, 'dns-search')];
  const options = [...flagValues(args, '--dns-opt'), ...listIn(config, 'dns-opts')];
  const ofHost = (key: string) => [...resolvConf.matchAll(new RegExp(`^\\s*${key}\\s+(.+)$`, 'gm'))].at(-1)?.[1]?.trim().split(/\s+/) ?? [];
  return {
    servers,
    search: (search.length > 0 ? search : ofHost('search')).filter((domain) => domain !== '.'),
    options: options.length > 0 ? options : ofHost('options'),
  };
}

/** Never throws: what cannot be read says nothing. */
export async function readEngineDns(engine: EngineTarget): Promise<HostDns> {
  const [daemon, resolvConf] = await Promise.all([findDaemon(engine), readText('/etc/resolv.conf')]);
  return engineDns({ ...daemon, resolvConf });
}

async function findDaemon(engine: EngineTarget): Promise<Pick<EngineDnsSources, 'args' | 'config'>> {
  const daemons = await Promise.all((await daemonPids()).map(readDaemon));
  const socket = 'socketPath' in engine && engine.socketPath ? await real(engine.socketPath) : undefined;
  for (const daemon of daemons) {
    const sockets = await Promise.all(socketsOf(daemon).map(real));
    if (socket !== undefined && sockets.includes(socket)) return daemon;
  }
  // An agent in a container sees no dockerd; a file that is mounted there speaks for it.
  const [only = { args: [], config: await readJson(DEFAULT_CONFIG) }, ...others] = daemons;
  return others.length === 0 ? only : { args: [], config: undefined };
}

async function daemonPids(): Promise<readonly string[]> {
  const pids = (await readdir('/proc').catch((): string[] => [])).filter((leaf) => /^\d+$/.test(leaf));
  const names = await Promise.all(pids.map((pid) => readText(`/proc/${pid}/comm`)));
  return pids.filter((_pid, index) => names[index]?.trim() === 'dockerd');
}

async function readDaemon(pid: string): Promise<Pick<EngineDnsSources, 'args' | 'config'>> {
  const args = (await readText(`/proc/${pid}/cmdline`)).split('\0').filter(Boolean);
  const file = flagValues(args, '--config-file')[0] ?? DEFAULT_CONFIG;
  return { args, config: await readJson(join(`/proc/${pid}/root`, file)) };
}

/** Paths that a dockerd listens on. */
function socketsOf({ args, config }: Pick<EngineDnsSources, 'args' | 'config'>): readonly string[] {
  const hosts = [...flagValues(args, '-H'), ...flagValues(args, '--host'), ...listIn(config, 'hosts')];
  const paths = hosts.flatMap((host) => afterScheme(host, 'unix') ?? []);
  return hosts.length === 0 || hosts.some((host) => host.startsWith('fd:')) ? [...paths, DEFAULT_SOCKET] : paths;
}

/** `--dns 1.1.1.1 --dns=8.8.8.8` */
function flagValues(args: readonly string[], flag: string): readonly string[] {
  return args.flatMap((arg, index) => {
    if (arg === flag) return args[index + 1] ?? [];
    return arg.startsWith(`${flag}=`) ? arg.slice(flag.length + 1) : [];
  });
}

function listIn(config: unknown, key: string): readonly string[] {
  const list = typeof config === 'object' && config !== null && key in config ? (config as Record<string, unknown>)[key] : undefined;
  return Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : [];
}

const real = (path: string): Promise<string> => realpath(path).catch(() => path);
const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readText(path)) as unknown;
  } catch {
    return undefined;
  }
}
