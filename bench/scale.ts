/**
 * How a leader's work grows with the cluster: a real scheduler process with a real Consul, and simulated hosts that speak the real protocol over real
 * sockets, with real tunnels to Engines of plain data. The containers of before are in the store as creates leave them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDhcp } from '../src/dhcp/index.ts';
import { keys, STORE_SCHEMA } from '../src/model/index.ts';
import { openConsul, openEmbedded, openLedger, type StateStore } from '../src/store/index.ts';
import { quietLog } from '../test/support/cluster/lab.ts';
import { until } from '../test/support/cluster/cluster.ts';
import { type FakeAgent, startFakeAgent } from '../test/support/fakes/fake-agent.ts';
import { BUSYBOX } from '../test/support/fakes/fake-cluster.ts';
import { hex } from '../test/support/fakes/fake-engine.ts';
import { holdSeeded, type Seed, seedContainers } from '../test/support/fakes/seeded-cluster.ts';
import { JOIN_TOKEN, type startSmallScheduler } from '../test/support/fakes/small-scheduler.ts';
import { startConsul } from '../test/support/servers/consul.ts';
import { placementsPerSecond } from './placements.ts';
import type { BenchRow } from './row.ts';
import { openDb } from '../src/store/embedded/db.ts';
import { type Curve, picture } from './scale-picture.ts';

/** `SCALE_EACH=3`: with other numbers of containers on a host, by hand. */
const EACH = Number(process.env['SCALE_EACH'] ?? 30);
/** `SCALE_HOSTS=3,5000`: other sizes, by hand. */
const SIZES = (process.env['SCALE_HOSTS'] ?? '3,100,1000').split(',').map(Number);
/** `SCALE_PROF=DIR`: profiles of the leader's CPU, one for each part (`.cpuprofile`). */
const PROFILES = process.env['SCALE_PROF'];
/** `SCALE_STORE=embedded`: without Consul. */
const STORE = process.env['SCALE_STORE'] === 'embedded' ? 'embedded' : 'consul';
const CREATES = 60;
const CLIENTS = 32;
const READS = 30;
/** How long reads are counted. */
const READING_MS = 5_000;
const PROJECT = `/containers/json?filters=${encodeURIComponent('{"label":["com.docker.compose.project=app0"]}')}`;
/** Shown in docs/performance.md. */
const PICTURE = join(import.meta.dirname, '..', 'docs', 'scale.svg');
const DIALS = 60;
const DEATHS = 30;
/** The longest wait for a leader that has no more to do than it always has. */
const CALM_MS = 120_000;

interface Usage {
  readonly cpuMs: number;
  readonly rssBytes: number;
}

export async function* run(): AsyncGenerator<BenchRow> {
  const perCreate = new Map<number, number>();
  const figures = new Map<string, { readonly hosts: number; readonly value: number }[]>();
  for (const hosts of SIZES) {
    await using cluster = await startSimulated(hosts);
    const at = `${hosts} hosts, ${hosts * EACH} containers`;
    const row = (work: string, unit: string, reach: string, figure: number): BenchRow => {
      figures.set(work, [...(figures.get(work) ?? []), { hosts, value: figure }]);
      return { work: `${work}, ${at}`, beside: '–', ours: [figure], theirs: [], unit, reach };
    };
    yield row('placement alone', '/s of CPU', '≥ 5000 /s at 1000', placementsPerSecond(hosts, EACH));
    yield row('time until a new leader is ready', 's', '< 10 s at 1000', cluster.readyMs / 1000);
    await lives(cluster, 10, 1);
    const one = await measured(cluster, 'one', () => lives(cluster, CREATES, 1));
    perCreate.set(hosts, one.cpuMs / CREATES);
    yield row("leader's CPU of a create and start", 'ms of CPU', '–', one.cpuMs / CREATES);
    yield row('create, p50', 'ms each', '–', percentile(one.result, 0.5));
    yield row('create, p99', 'ms each', '–', percentile(one.result, 0.99));
    const wide = await measured(cluster, 'wide', () => lives(cluster, CREATES * 4, CLIENTS));
    yield row(`creates and starts, ${CLIENTS} clients`, '/s', '≥ 150 /s at 1000', (CREATES * 4) / (wide.tookMs / 1000));
    for (const [what, path, reach] of [
      ['docker ps of one project', PROJECT, '< 50 ms'],
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
    yield row(`docker ps of one project, ${CLIENTS} clients, 1 scheduler`, '/s', '–', await reads([cluster.url]));
    const spread = await cluster.withFollowers(2, (urls) => reads([cluster.url, ...urls]));
    yield row(`docker ps of one project, ${CLIENTS} clients, 3 schedulers`, '/s', 'more than of 1', spread);
    const idle = await measured(cluster, 'idle', () => sleep(10_000));
    yield row("idle leader's CPU", '% of a core', '≤ 3 % at 1000', (idle.cpuMs / idle.tookMs) * 100);
    const heapBytes = await cluster.heapBytes();
    yield row("leader's heap for a container", 'KB', '≤ 4 KB', heapBytes / 1024 / (hosts * EACH));
    yield row(
      'names of a container that ends leave the DNS of its peers, p99',
      'ms each',
      '< 1000 ms',
      percentile(await cluster.deaths(), 0.99),
    );
    const [records, all] = [await cluster.stored(keys.containers), await cluster.stored(keys.root)];
    yield row("a container's record in the store", 'bytes', '< 1024', records.bytes / records.entries);
    yield row('all that the store holds, for a container', 'bytes', '–', all.bytes / records.entries);
    yield row('time until another leader is ready after a kill -9', 's', '< 10 s at 1000', (await cluster.failover()) / 1000);
    yield row('time until a dead host is called down', 's', '10 to 12 s', (await cluster.notice()) / 1000);
  }
  const curve = (work: string, title: string, unit: string, target?: Curve['target']): Curve => ({
    title,
    unit,
    ...(target && { target }),
    points: figures.get(work) ?? [],
  });
  await writeFile(
    PICTURE,
    picture([
      curve("leader's CPU of a create and start", 'create and start: CPU of the leader', 'ms'),
      curve(`creates and starts, ${CLIENTS} clients`, `creates and starts, ${CLIENTS} clients`, '/s', { value: 150, text: 'at least 150' }),
      curve('create, p99', 'create, p99', 'ms'),
      curve('docker ps of one project, p99', 'docker ps of one project, p99', 'ms', { value: 50, text: 'at most 50' }),
      curve('docker ps, p99', 'docker ps of all, p99', 'ms', { value: 360, text: 'at most 360' }),
      curve('time until another leader is ready after a kill -9', 'another leader is ready', 's', { value: 10, text: 'at most 10' }),
      curve("idle leader's CPU", "idle leader's CPU, % of a core", '%', { value: 3, text: 'at most 3' }),
      curve("leader's heap for a container", "leader's heap for a container", 'KB', { value: 4, text: 'at most 4' }),
      curve('time until a dead host is called down', 'a dead host is called down', 's', { value: 12, text: 'at most 12' }),
    ]),
  );
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
  readonly agents: readonly FakeAgent[];
  readonly readyMs: number;
  /** Milliseconds of each of some containers' ends, until an agent beside it has heard of it. */
  readonly deaths: () => Promise<readonly number[]>;
  readonly stored: Place['stored'];
  /** Ends the leader, which has a follower; milliseconds until that answers for all hosts. */
  readonly failover: () => Promise<number>;
  /** Takes the cable of a host; milliseconds until it is called down. The last thing to be measured. */
  readonly notice: () => Promise<number>;
  readonly usage: () => Promise<Usage>;
  /** Of the leader, once its garbage is collected. */
  readonly heapBytes: () => Promise<number>;
  /** While so many others follow the leader, each with a copy of its view. */
  readonly withFollowers: <T>(count: number, work: (urls: readonly string[]) => Promise<T>) => Promise<T>;
  readonly profile: (part: string) => Promise<void>;
}

type StoreSettings = Parameters<typeof startSmallScheduler>[1];

interface Place extends AsyncDisposable {
  readonly settings: StoreSettings;
  readonly open: () => Promise<StateStore>;
  /** Below the prefix, keys included, as it is stored. */
  readonly stored: (prefix: string) => Promise<{ readonly bytes: number; readonly entries: number }>;
}

async function startStore(kind: 'consul' | 'embedded'): Promise<Place> {
  if (kind === 'consul') {
    const consul = await startConsul();
    return {
      settings: { kind: 'consul', address: consul.http },
      open: () => openConsul(consul.http, { log: quietLog }),
      async stored(prefix) {
        const pairs = (await (await fetch(`http://${consul.http}/v1/kv/${prefix}?recurse`)).json()) as {
          Key: string;
          Value: string | null;
        }[];
        const bytes = pairs.reduce((sum, { Key, Value }) => sum + Key.length + Buffer.byteLength(Value ?? '', 'base64'), 0);
        return { bytes, entries: pairs.length };
      },
      [Symbol.asyncDispose]: () => consul.stop(),
    };
  }
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-scale-'));
  return {
    settings: { kind: 'embedded', dir },
    open: () => openEmbedded(dir, quietLog),
    async stored(prefix) {
      const db = await openDb(dir);
      const entries = db.list(prefix);
      await db.close();
      return {
        bytes: entries.reduce((all, { key, value }) => all + key.length + JSON.stringify(value).length, 0),
        entries: entries.length,
      };
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

interface Scheduler {
  readonly process: ChildProcess;
  readonly url: string;
}

async function startScheduler(name: string, { settings }: Place): Promise<Scheduler> {
  const started = fork(join(import.meta.dirname, 'scale-leader.ts'), [name, JSON.stringify(settings)], {
    execArgv: ['--expose-gc', '--import', join(import.meta.dirname, '..', 'scripts', 'typescript.mjs')],
  });
  const [{ url }] = (await once(started, 'message')) as [{ readonly url: string }];
  return { process: started, url };
}

/** `hosts` of them with 30 containers each, and their leader, a process. */
export async function startSimulated(hosts: number, store: 'consul' | 'embedded' = STORE): Promise<Simulated> {
  const place = await startStore(store);
  const seed = await seeded(place, hosts);
  const agents: FakeAgent[] = [];
  for (let i = 0; i < hosts; i++) {
    const address = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
    const agent = await startFakeAgent({ name: `h${i + 1}`, token: JOIN_TOKEN, address, beatEveryMs: 1_000 });
    agent.program = { ...agent.program, takesNameChanges: true };
    agent.engine.images.push(BUSYBOX);
    holdSeeded(agent, seed);
    agents.push(agent);
  }
  const beganMs = performance.now();
  let leader = await startScheduler('s1', place);
  await joined(leader, agents, hosts);
  const readyMs = performance.now() - beganMs;
  await profiled(leader.process, `${hosts}-ready`);
  await calm(leader.process);
  await profiled(leader.process, `${hosts}-calm`);
  const isTold = (agent: FakeAgent): boolean => agent.told.some(({ type }) => type === 'names' || type === 'names-change');
  return {
    agents,
    get url() {
      return leader.url;
    },
    readyMs,
    usage: () => usageOf(leader.process),
    async heapBytes() {
      const answered = once(leader.process, 'message');
      leader.process.send('heap');
      const [bytes] = (await answered) as [number];
      return bytes;
    },
    async withFollowers(count, work) {
      const followers = await Promise.all(Array.from({ length: count }, (_, i) => startScheduler(`follower-${i}`, place)));
      try {
        for (const one of followers) await until('it answers from its copy', () => isCopied(one), 120_000);
        return await work(followers.map(({ url }) => url));
      } finally {
        for (const one of followers) {
          one.process.send('end');
          await once(one.process, 'exit');
        }
      }
    },
    profile: (part) => profiled(leader.process, `${hosts}-${part}`),
    stored: (prefix) => place.stored(prefix),
    async deaths() {
      const times: number[] = [];
      for (let i = 0; i < DEATHS; i++) {
        const agent = agents[(i * 37) % agents.length];
        const [id = '', held] = [...(agent?.engine.containers ?? [])].find(([, { status }]) => status === 'running') ?? [];
        if (agent === undefined || held === undefined) continue;
        agent.told.length = 0;
        held.status = 'exited';
        const facts = agent.engine.facts(id);
        times.push(
          await timed(async () => {
            agent.say({ type: 'containers', upserts: facts === undefined ? [] : [facts], removes: [] });
            while (!isTold(agent)) await sleep(1);
          }),
        );
      }
      return times;
    },
    async failover() {
      const next = await startScheduler('s2', place);
      // it follows: it has asked for the lock
      await sleep(3_000);
      const killedMs = performance.now();
      leader.process.kill('SIGKILL');
      leader = next;
      await joined(next, agents, hosts);
      return performance.now() - killedMs;
    },
    async notice() {
      const isDown = async () => aliveIn((await call(leader, 'GET', '/arpanet/v1/hosts')).body) === hosts - 1;
      agents[0]?.freeze();
      return await timed(async () => {
        while (!(await isDown())) await sleep(100);
      });
    },
    async [Symbol.asyncDispose]() {
      leader.process.send('end');
      await once(leader.process, 'exit');
      for (const agent of agents) await agent[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** Once all hosts are known to it with what they have. */
async function joined(to: Scheduler, agents: readonly FakeAgent[], hosts: number): Promise<void> {
  await until('the leader leads', async () => (await call(to, 'GET', '/arpanet/v1/status')).status === 200, 120_000);
  const wide = 32;
  await Promise.all(
    Array.from({ length: wide }, async (_, turn) => {
      for (let i = turn; i < agents.length; i += wide) await dial(agents[i], to.url);
    }),
  );
  await until('all hosts are alive', async () => aliveIn((await call(to, 'GET', '/arpanet/v1/hosts')).body) === hosts, 120_000);
}

const aliveIn = (body: string): number =>
  (JSON.parse(body) as readonly { readonly state: string }[]).filter(({ state }) => state === 'alive').length;

/** Reads of one project in a second, by clients spread over the schedulers. */
async function reads(urls: readonly string[]): Promise<number> {
  const endMs = performance.now() + READING_MS;
  let done = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const url = urls[i % urls.length] ?? '';
      while (performance.now() < endMs) {
        const { status, body } = await call({ url }, 'GET', PROJECT);
        if (status !== 200) throw new Error(body);
        done += 1;
      }
    }),
  );
  return done / (READING_MS / 1_000);
}

async function isCopied(follower: Scheduler): Promise<boolean> {
  await call(follower, 'GET', PROJECT);
  return /^arpanet_follower_reads_total\{by="copy"\} [1-9]/m.test((await call(follower, 'GET', '/metrics')).body);
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

/** As an earlier leader left it. */
async function seeded(place: Place, hosts: number): Promise<Seed> {
  const store = await place.open();
  const over = new AbortController();
  const lock = await store.lock(keys.leader, { epoch: 1 }, { ttlMs: 600_000, name: 'seed' }, over.signal);
  const ledger = await openLedger(store, lock.fence, quietLog);
  await ledger.commit([{ kind: 'put', key: keys.schema, value: STORE_SCHEMA }]);
  const dhcp = createDhcp({ ledger, pool: '10.32.0.0/12', defaultPrefix: 24, restMs: 1, epoch: 1, now: Date.now, newId: hex });
  const seed = await seedContainers(ledger, dhcp, hosts, EACH);
  await ledger[Symbol.asyncDispose]();
  await lock.release();
  over.abort();
  await store[Symbol.asyncDispose]();
  return seed;
}

/** Until it has written what a first leader writes: Consul's catalog, for one. */
async function calm(leader: ChildProcess): Promise<void> {
  const endMs = performance.now() + CALM_MS;
  const shares: number[] = [];
  const isSteady = (): boolean => shares.length >= 3 && Math.max(...shares.slice(-3)) < Math.min(...shares.slice(-3)) * 1.2 + 0.02;
  for (let before = await usageOf(leader); !isSteady() && performance.now() < endMs; ) {
    await sleep(3_000);
    const now = await usageOf(leader);
    shares.push((now.cpuMs - before.cpuMs) / 3_000);
    before = now;
  }
}

async function profiled(process: ChildProcess, part: string): Promise<void> {
  if (PROFILES === undefined) return;
  const written = once(process, 'message');
  process.send(`profile ${join(PROFILES, `${part}.cpuprofile`)}`);
  await written;
}

async function usageOf(process: ChildProcess): Promise<Usage> {
  const answered = once(process, 'message');
  process.send('usage');
  const [usage] = (await answered) as [Usage];
  return usage;
}

async function measured<T>(
  cluster: Simulated,
  part: string,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpuMs: number; readonly tookMs: number }> {
  await cluster.profile(`before-${part}`);
  const before = await cluster.usage();
  const beganMs = performance.now();
  const result = await work();
  const tookMs = performance.now() - beganMs;
  const after = await cluster.usage();
  await cluster.profile(part);
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
            const answer = await asked(cluster, `/containers/create?name=${name}`, body);
            if (answer.status !== 201) throw new Error(answer.body);
            id = (JSON.parse(answer.body) as { readonly Id: string }).Id;
          }),
        );
        const started = await asked(cluster, `/containers/${id}/start`);
        if (started.status !== 204 && started.status !== 304) throw new Error(started.body);
      }
    }),
  );
  return times;
}

/** Simulated hosts, and Consul, share the machine with their leader, and may be late: asked again, as a client does, within the same measured time. */
async function asked(cluster: Pick<Simulated, 'url'>, path: string, body?: object): ReturnType<typeof call> {
  let answer = await call(cluster, 'POST', path, body);
  for (let tries = 3; answer.status >= 500 && tries > 0; tries--) answer = await call(cluster, 'POST', path, body);
  return answer;
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
