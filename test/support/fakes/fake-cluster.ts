/** A leader's scheduler with real streams, real tunnels, a real embedded store and ledger; only the hosts are fakes. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDhcp } from '../../../src/dhcp/index.ts';
import type { Scheduler } from '../../../src/contracts/index.ts';
import { keys, noFailpoint } from '../../../src/model/index.ts';
import { startScheduler } from '../../../src/scheduler/index.ts';
import { type Ledger, openEmbedded, openLedger } from '../../../src/store/index.ts';
import { type FakeAgent, startFakeAgent } from './fake-agent.ts';
import { image } from './fake-engine.ts';
import { holdSeeded, type Seed, seedContainers } from './seeded-cluster.ts';
import { quietLog } from '../cluster/lab.ts';
import { promisedMs } from '../promised.ts';

export const TOKEN = 'join-me';
export const LABEL_KEY = 'the-key-of-the-store';
export const BUSYBOX = image('busybox:latest', `sha256:${'b'.repeat(64)}`);

export interface FakeCluster extends AsyncDisposable {
  scheduler: Scheduler;
  ledger: Ledger;
  readonly url: string;
  readonly agents: readonly FakeAgent[];
  /** What is in the store beside hosts and settings. */
  state(): readonly string[];
  /** The next leader, on the same store; the old one loses. The agents have to dial again. `labelKey`: another one than before. */
  nextLeader(labelKey?: string): Promise<void>;
}

export async function startFakeCluster(
  hosts: number,
  options: {
    /** Given: agents beat ten times as often, so that only those go down that do not. By default they say what they are once, and never go down. */
    hostDownMs?: number;
    /** For how long the next leader waits for hosts. By default as long as `leader.ready` does: give less where one stays away. */
    graceMs?: number;
    apiVersion?: string;
    encryptsAll?: boolean;
    publishMode?: 'host' | 'ingress';
    lingerMs?: number;
    restMs?: number;
    archs?: readonly string[];
    beatEveryMs?: number;
    /** Containers that each host has from an earlier leader. */
    seeded?: number;
  } = {},
): Promise<FakeCluster> {
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-fake-'));
  const store = await openEmbedded(dir, quietLog);
  const closing = new AbortController();
  let lost = new AbortController();
  let epoch = 0;
  let seed: Seed | undefined;
  const server = http.createServer();
  server.on('upgrade', (request, socket, head) => cluster.scheduler.agents.accept(request, socket, head));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const lead = async (labelKey = LABEL_KEY): Promise<{ scheduler: Scheduler; ledger: Ledger }> => {
    lost = new AbortController();
    epoch += 1;
    const lock = await store.lock(keys.leader, { epoch }, { ttlMs: 60_000, name: 'test' }, closing.signal);
    lost.signal.addEventListener('abort', () => void lock.release());
    const ledger = await openLedger(store, lock.fence, quietLog);
    const newId = (): string => randomBytes(32).toString('hex');
    const dhcp = createDhcp({
      ledger,
      pool: '10.32.0.0/12',
      defaultPrefix: 22,
      restMs: options.restMs ?? 30_000,
      epoch,
      now: Date.now,
      newId,
    });
    if (epoch === 1 && options.seeded !== undefined) seed = await seedContainers(ledger, dhcp, hosts, options.seeded);
    const scheduler = await startScheduler(
      {
        ledger,
        dhcp,
        log: quietLog,
        now: Date.now,
        newId,
        random: Math.random,
        leader: {
          name: 's1',
          url,
          epoch,
          clusterId: 'c1',
          labelKey,
          token: TOKEN,
          certificates: NO_CERTIFICATES,
          schedulers: () => ['s1'],
          frozen: () => undefined,
          superseded: () => undefined,
        },
        settings: {
          strategy: 'spread',
          isPublishing: false,
          overcommit: { cpus: 1, memory: 1 },
          encryptsAll: options.encryptsAll === true,
          publishMode: options.publishMode ?? 'host',
          drainMs: 0,
          hostDownMs: options.hostDownMs ?? 3_600_000,
          agentSettings: () => ({ logLevel: null }),
          graceMs: options.graceMs ?? 9_000,
          lingerMs: options.lingerMs ?? 0,
        },
        flushNames: async () => undefined,
        failpoint: noFailpoint,
      },
      lost.signal,
    );
    return { scheduler, ledger };
  };

  const agents: FakeAgent[] = [];
  const cluster: FakeCluster = {
    ...(await lead()),
    url,
    agents,
    state: () =>
      cluster.ledger
        .list(keys.root)
        .filter(([key]) => !key.startsWith(keys.hosts) && !key.startsWith('arpanet/config'))
        .map(([key]) => key),
    async nextLeader(labelKey) {
      lost.abort();
      await cluster.ledger[Symbol.asyncDispose]();
      Object.assign(cluster, await lead(labelKey));
    },
    async [Symbol.asyncDispose]() {
      lost.abort();
      closing.abort();
      for (const agent of agents) await agent[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
      await cluster.ledger[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
  const beatEveryMs = options.beatEveryMs ?? (options.hostDownMs === undefined ? undefined : options.hostDownMs / 10);
  for (let i = 1; i <= hosts; i++) {
    const agent = await startFakeAgent({
      name: `h${i}`,
      token: TOKEN,
      address: `10.0.${i >> 8}.${i & 255}`,
      ...(options.apiVersion && { apiVersion: options.apiVersion }),
      ...(beatEveryMs !== undefined && { beatEveryMs }),
      ...(options.archs?.[i - 1] && { arch: options.archs[i - 1] }),
    });
    agent.engine.images.push(BUSYBOX);
    if (seed !== undefined) holdSeeded(agent, seed);
    agents.push(agent);
    await agent.dial(cluster.url);
  }
  await until(() => cluster.scheduler.hosts.list().filter((host) => host.state === 'alive').length === hosts, 'all hosts alive');
  return cluster;
}

/** Waits for a state. The bound is far more than it takes, and grows with the load: how long something may take is asserted by itself. */
export async function until(holds: () => boolean, what: string, withinMs = 30_000): Promise<void> {
  const startedMs = Date.now();
  while (!holds()) {
    if (Date.now() - startedMs > promisedMs(withinMs)) throw new Error(`not within ${Date.now() - startedMs} ms: ${what}`);
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

/** A cluster without TLS. */
const NO_CERTIFICATES = {
  dial: (): never => {
    throw new Error('no certificate');
  },
  refusal: () => 'no certificate is known here',
  isCertified: () => false,
  whyRevoked: () => undefined,
};
