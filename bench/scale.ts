/**
 * How a leader's work grows with the cluster: a real scheduler process with its embedded store, and simulated hosts that speak the real protocol over real
 * sockets, with real tunnels to Engines of plain data. The containers that are there before are in the store as creates leave them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDhcp } from '../src/dhcp/index.ts';
import { keys } from '../src/model/index.ts';
import { openEmbedded, openLedger } from '../src/store/index.ts';
import { quietLog } from '../test/support/cluster/lab.ts';
import { until } from '../test/support/cluster/cluster.ts';
import { type FakeAgent, startFakeAgent } from '../test/support/fakes/fake-agent.ts';
import { BUSYBOX } from '../test/support/fakes/fake-cluster.ts';
import { hex } from '../test/support/fakes/fake-engine.ts';
import { holdSeeded, type Seed, seedContainers } from '../test/support/fakes/seeded-cluster.ts';
import { JOIN_TOKEN } from '../test/support/fakes/small-scheduler.ts';
import { placementsPerSecond } from './placements.ts';
import type { BenchRow } from './row.ts';

const EACH = 30;
/** `SCALE_HOSTS=3,5000`: other sizes, by hand. */
const SIZES = (process.env['SCALE_HOSTS'] ?? '3,100,1000').split(',').map(Number);
const CREATES = 60;
const CLIENTS = 32;
const READS = 30;
const DIALS = 60;

interface Usage {
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

export async function* run(): AsyncGenerator<BenchRow> {
  const perCreate = new Map<number, number>();
  for (const hosts of SIZES) {
    await using cluster = await startSimulated(hosts);
    const at = `${hosts} hosts, ${hosts * EACH} containers`;
    const row = (work: string, unit: string, reach: string, ...ours: number[]): BenchRow => ({
      work: `${work}, ${at}`,
      beside: '–',
      ours,
      theirs: [],
      unit,
      reach,
    });
    yield row('placement alone', '/s of CPU', '≥ 5000 /s at 1000', placementsPerSecond(hosts, EACH));
    yield row('time until a new leader is ready', 's', '< 10 s at 1000', cluster.readyMs / 1000);
    await lives(cluster, 10, 1);
    const one = await measured(cluster, () => lives(cluster, CREATES, 1));
    perCreate.set(hosts, one.cpuMs / CREATES);
    yield row("leader's CPU of a create and start", 'ms of CPU', '–', one.cpuMs / CREATES);
    yield row('create, p50', 'ms each', '–', percentile(one.result, 0.5));
    yield row('create, p99', 'ms each', '–', percentile(one.result, 0.99));
    const wide = await measured(cluster, () => lives(cluster, CREATES * 4, CLIENTS));
    yield row(`creates and starts, ${CLIENTS} clients`, '/s', '≥ 150 /s at 1000', (CREATES * 4) / (wide.tookMs / 1000));
    for (const [what, path, reach] of [
      [
        'docker ps of one project',
        `/containers/json?filters=${encodeURIComponent('{"label":["com.docker.compose.project=app0"]}')}`,
        '< 50 ms',
      ],
      ['docker ps', '/containers/json', '< 360 ms'],
    ] as const) {
      const times: number[] = [];
      for (let i = 0; i < READS; i++) {
        // what is ready from before is no answer
        await lives(cluster, 1, 1);
        times.push(await timed(() => call(cluster, 'GET', path)));
      }
      yield row(`${what}, p99`, 'ms each', reach, percentile(times, 0.99));
    }
    const idle = await measured(cluster, () => sleep(10_000));
    yield row("idle leader's CPU", '% of a core', '≤ 3 % at 1000', (idle.cpuMs / idle.tookMs) * 100);
    const { heapBytes } = await cluster.usage();
    yield row("leader's heap for a container", 'KB', '≤ 4 KB', heapBytes / 1024 / (hosts * EACH));
  }
  const [least = 0] = SIZES;
  for (const hosts of SIZES.slice(1))
    yield {
      work: `leader's CPU of a create and start: growth from ${least} to ${hosts} hosts`,
      beside: '–',
      ours: [(perCreate.get(hosts) ?? 0) / (perCreate.get(least) ?? 1)],
      theirs: [],
      unit: '×',
      reach: '≤ 1.5× to 1000',
    };
}

interface Simulated extends AsyncDisposable {
  readonly url: string;
  readonly readyMs: number;
  readonly usage: () => Promise<Usage>;
}

async function startSimulated(hosts: number): Promise<Simulated> {
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-scale-'));
  const seed = await seeded(dir, hosts);
  const agents: FakeAgent[] = [];
  for (let i = 0; i < hosts; i++) {
    const address = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
    const agent = await startFakeAgent({ name: `h${i + 1}`, token: JOIN_TOKEN, address, beatEveryMs: 5_000 });
    agent.engine.images.push(BUSYBOX);
    holdSeeded(agent, seed);
    agents.push(agent);
  }
  const process = fork(join(import.meta.dirname, 'scale-leader.ts'), [dir], {
    execArgv: [
      '--import',
      join(import.meta.dirname, '..', 'scripts', 'typescript.mjs'),
      ...(globalThis.process.env['SCALE_PROF'] ? ['--cpu-prof', '--cpu-prof-dir', globalThis.process.env['SCALE_PROF']] : []),
    ],
  });
  const beganMs = performance.now();
  const [{ url }] = (await once(process, 'message')) as [{ readonly url: string }];
  const cluster = { url };
  await until('the leader leads', async () => (await call(cluster, 'GET', '/arpanet/v1/status')).status === 200, 120_000);
  const wide = 32;
  await Promise.all(
    Array.from({ length: wide }, async (_, turn) => {
      for (let i = turn; i < agents.length; i += wide) await dial(agents[i], url);
    }),
  );
  await until(
    'all hosts are alive',
    async () => JSON.parse((await call(cluster, 'GET', '/containers/json')).body).length >= hosts * EACH,
    120_000,
  );
  const readyMs = performance.now() - beganMs;
  await sleep(3_000);
  return {
    url,
    readyMs,
    usage: () => usageOf(process),
    async [Symbol.asyncDispose]() {
      process.send('end');
      await once(process, 'exit');
      for (const agent of agents) await agent[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** As an agent does: until the leader takes it. */
async function dial(agent: FakeAgent | undefined, url: string): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      return await agent?.dial(url);
    } catch (error) {
      if (failures === DIALS) throw error;
      await sleep(1_000);
    }
  }
}

/** A store as an earlier leader left it. */
async function seeded(dir: string, hosts: number): Promise<Seed> {
  const store = await openEmbedded(dir, quietLog);
  const over = new AbortController();
  const lock = await store.lock(keys.leader, { epoch: 1 }, { ttlMs: 600_000, name: 'seed' }, over.signal);
  const ledger = await openLedger(store, lock.fence, quietLog);
  const dhcp = createDhcp({ ledger, pool: '10.32.0.0/12', defaultPrefix: 24, restMs: 1, epoch: 1, now: Date.now, newId: hex });
  const seed = await seedContainers(ledger, dhcp, hosts, EACH);
  await ledger[Symbol.asyncDispose]();
  await lock.release();
  over.abort();
  await store[Symbol.asyncDispose]();
  return seed;
}

async function usageOf(process: ChildProcess): Promise<Usage> {
  const answered = once(process, 'message');
  process.send('usage');
  const [usage] = (await answered) as [Usage];
  return usage;
}

async function measured<T>(
  cluster: Simulated,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpuMs: number; readonly tookMs: number }> {
  const before = await cluster.usage();
  const beganMs = performance.now();
  const result = await work();
  const tookMs = performance.now() - beganMs;
  const after = await cluster.usage();
  return { result, tookMs, cpuMs: after.cpuMs - before.cpuMs };
}

let made = 0;

/** The milliseconds of each create. */
async function lives(cluster: Pick<Simulated, 'url'>, count: number, width: number): Promise<readonly number[]> {
  const times: number[] = [];
  let left = count;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left-- > 0) {
        const name = `bench-${made++}`;
        const body = { Image: 'busybox', Cmd: ['sleep', '3600'], Labels: { 'com.docker.compose.project': `bench${made % 10}` } };
        let id = '';
        times.push(
          await timed(async () => {
            const answer = await call(cluster, 'POST', `/containers/create?name=${name}`, body);
            if (answer.status !== 201) throw new Error(answer.body);
            id = (JSON.parse(answer.body) as { readonly Id: string }).Id;
          }),
        );
        const started = await call(cluster, 'POST', `/containers/${id}/start`);
        if (started.status !== 204) throw new Error(started.body);
      }
    }),
  );
  return times;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}

const percentile = (times: readonly number[], part: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * part)] ?? NaN;

const agent = new Agent({ keepAlive: true });

async function call(
  { url }: { readonly url: string },
  method: string,
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly body: string }> {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${JOIN_TOKEN}` };
  const req = request(url + path, { method, headers, agent });
  req.end(body === undefined ? undefined : JSON.stringify(body));
  const [answer] = await once(req, 'response');
  return { status: answer.statusCode as number, body: await text(answer) };
}
