/** A real, single Consul server on free ports of 127.0.0.1. Effects: a process and a directory; `stop` removes both. */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../cluster/free-ports.ts';
import { spawnMortal } from '../cluster/mortal.ts';
import { tools } from '../cluster/paths.ts';

export interface RunningConsul {
  /** HOST:PORT. */
  readonly http: string;
  /** HOST:PORT where it speaks TLS, if it does. */
  readonly https: string | undefined;
  /** Port of its DNS. */
  readonly dns: number;
  readonly pid: number;
  /** SIGKILL; what is on its disk stays, unless it is in dev mode. */
  kill(): Promise<void>;
  /** After kill: the same ports, the same disk. Waits for a leader. */
  revive(): Promise<void>;
  stop(): Promise<void>;
}

export interface ConsulOptions {
  /** Keeps its state on a disk instead of in memory: slower, but it survives kill and revive. */
  readonly persistent?: boolean;
  /** ACLs are on, and nobody may do anything without a token; this one may do everything. */
  readonly masterToken?: string;
  /** A directory as makeCertificates makes it: Consul speaks TLS as well, and wants a certificate of the same CA. */
  readonly certificates?: string;
  /** One of this many servers; they find each other at these ports. Persistent. */
  readonly peers?: { readonly count: number; readonly own: number; readonly lanPorts: readonly number[] };
}

/** Several servers that elect a leader among themselves. */
export async function startConsulServers(count: number): Promise<readonly RunningConsul[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startTogether(count);
    } catch (error) {
      if (attempt === 3) throw error; // somebody else took a port that was free a moment ago
    }
  }
}

async function startTogether(count: number): Promise<readonly RunningConsul[]> {
  const lanPorts = await freePorts(count);
  const started = await Promise.allSettled(lanPorts.map((_port, own) => startConsul({ peers: { count, own, lanPorts } })));
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = started.find((one) => one.status === 'rejected');
  if (failed === undefined) return servers;
  await Promise.all(servers.map((server) => server.stop()));
  throw failed.reason;
}

export async function startConsul({ persistent = false, peers, masterToken, certificates }: ConsulOptions = {}): Promise<RunningConsul> {
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-consul-'));
  const [http = 0, dns = 0, server = 0, freeLan = 0, wan = 0, https = 0] = await freePorts(6);
  const lan = peers?.lanPorts[peers.own] ?? freeLan;
  const address = `127.0.0.1:${http}`;
  const ports = { http, dns, server, 'serf-lan': lan, 'serf-wan': wan, grpc: -1 };
  const args = [
    'agent',
    ...(persistent || peers !== undefined
      ? ['-server', `-bootstrap-expect=${peers?.count ?? 1}`, `-data-dir=${join(dir, 'data')}`]
      : ['-dev']),
    ...(peers?.lanPorts ?? []).map((port) => `-retry-join=127.0.0.1:${port}`),
    ...(peers === undefined ? [] : ['-retry-interval=1s']),
    `-node=consul-server${peers === undefined ? '' : `-${peers.own + 1}`}`,
    '-bind=127.0.0.1',
    '-client=127.0.0.1',
    '-log-level=warn',
    `-hcl=performance { raft_multiplier = ${peers === undefined ? 1 : 3} }`,
    '-hcl=disable_update_check = true',
    ...(masterToken === undefined
      ? []
      : [`-hcl=acl { enabled = true default_policy = "deny" tokens { master = "${masterToken}" agent = "${masterToken}" } }`]),
    ...(certificates === undefined
      ? []
      : [
          `-https-port=${https}`,
          `-hcl=ca_file = "${certificates}/ca.pem" cert_file = "${certificates}/server-cert.pem" key_file = "${certificates}/server-key.pem" verify_incoming_https = true`,
        ]),
    ...Object.entries(ports).map(([name, port]) => `-${name}-port=${port}`),
  ];
  let child: ChildProcess | undefined;

  async function run(): Promise<void> {
    const log = await open(join(dir, 'log'), 'a');
    const started = spawnMortal(tools.consul(), args, { stdio: ['ignore', log.fd, log.fd] });
    child = started;
    await log.close();
    const endMs = Date.now() + (peers === undefined ? 30_000 : 20_000);
    while (Date.now() < endMs) {
      if (started.exitCode !== null) break;
      if (await hasLeader(address, masterToken)) return;
      await sleep(100);
    }
    started.kill('SIGKILL');
    throw new Error(`consul has no leader:\n${await readFile(join(dir, 'log'), 'utf8')}`);
  }
  async function kill(): Promise<void> {
    const running = child;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await gone;
  }
  // A test that ends without stop would leave it behind.
  const killAtExit = () => void child?.kill('SIGKILL');
  process.once('exit', killAtExit);
  async function stop(): Promise<void> {
    await kill();
    process.off('exit', killAtExit);
    await rm(dir, { recursive: true, force: true });
  }
  await run().catch(async (error: unknown) => {
    await rm(dir, { recursive: true, force: true });
    throw error;
  });
  return {
    http: address,
    https: certificates === undefined ? undefined : `127.0.0.1:${https}`,
    dns,
    get pid() {
      return child?.pid ?? 0;
    },
    kill,
    revive: run,
    stop,
  };
}

/** It leads, can be written, and has registered itself: sessions need its node. */
async function hasLeader(address: string, token: string | undefined): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(1000);
    const body = JSON.stringify({ TTL: '10s', NodeChecks: [] });
    const headers = token === undefined ? {} : { 'X-Consul-Token': token };
    const made = await fetch(`http://${address}/v1/session/create`, { method: 'PUT', body, headers, signal });
    if (!made.ok) return false;
    const { ID } = (await made.json()) as { ID: string };
    return (await fetch(`http://${address}/v1/session/destroy/${ID}`, { method: 'PUT', headers, signal })).ok;
  } catch {
    return false;
  }
}
