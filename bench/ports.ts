/**
 * Ports that every host answers for. What a change of one service's instances costs where 1,000 services of ten have one, beside loading the whole table, as kube-proxy's first
 * nft mode did; and calls of a port at another host than the instance's, beside a plain userland proxy there (`docker-proxy`), on the same Engines.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ingressRules } from '../src/hostagent/ingress/rules.ts';
import { type Cluster, must, runProgram, startCluster, until } from '../test/support/cluster/cluster.ts';
import { INSTANCES, servicePort, SERVICES } from './ports-tables.ts';
import type { BenchRow } from './row.ts';
import { inTurns } from './wrk.ts';

const CHANGES = 7;
const ROUNDS = 5;

export async function* run(): AsyncGenerator<BenchRow> {
  yield await changes();
  yield* calls();
}

/** Each figure of ours is the slowest of five, by what an agent itself does, while it looks at its rules; of theirs nft alone. */
async function changes(): Promise<BenchRow> {
  const space = `arpbench${process.pid}`;
  const inside = [`--net=/run/netns/${space}`];
  const ports = Array.from({ length: SERVICES }, (_, index) => servicePort(index, INSTANCES));
  const whole = ingressRules({ family: 4, host: 'h1', hosts: [], subnets: ['10.32.0.0/22'], version: 'whole', ports });
  await ended('ip', ['netns', 'add', space]);
  const program = ['--import', './scripts/typescript.mjs', 'bench/ports-agent.ts'];
  const agent = spawn('nsenter', [...inside, process.execPath, ...program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const figures = createInterface({ input: agent.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<number> => {
    const { value, done } = await figures.next();
    if (done === true) throw new Error('the agent of the bench ended');
    return Number(value);
  };
  try {
    await ended('nsenter', [...inside, 'ip', 'link', 'set', 'lo', 'up']);
    await next();
    const rounds = await inTurns(CHANGES, {
      ours: () => {
        agent.stdin.write('\n');
        return next();
      },
      theirs: async () => {
        const began = performance.now();
        await ended('nsenter', [...inside, 'nft', '-f', '-'], whole.replaceAll('arpanet-ingress', 'whole'));
        return performance.now() - began;
      },
    });
    return {
      work: `a service’s instances change, ${SERVICES} ports of ${INSTANCES} instances, slowest of five`,
      beside: 'the whole table at once',
      unit: 'ms',
      reach: '≤ 100 ms',
      ...rounds,
    };
  } finally {
    const over = once(agent, 'exit');
    agent.stdin.end();
    await over;
    await ended('ip', ['netns', 'del', space]);
  }
}

async function ended(command: string, args: readonly string[], input = ''): Promise<void> {
  const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(input);
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code}`);
}

/** On all addresses: what answers in the instance's namespace is the same for both sides. */
const HAPROXY = `global
  maxconn 4000
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend web
  bind :80
  http-request return status 200 content-type text/plain string hello
`;
const PORTS = { ours: { web: 8_090, bulk: 8_091 }, theirs: { web: 8_095, bulk: 8_096 }, host: { web: 8_092, bulk: 8_093 } } as const;
type Side = 'ours' | 'theirs';

async function* calls(): AsyncGenerator<BenchRow> {
  await using cluster = await startCluster({ store: 'embedded', hosts: 2, mixed: false, logLevel: 'warn' });
  const [h1, h2] = cluster.lab.hosts;
  if (h1 === undefined || h2 === undefined) throw new Error('two hosts');
  const published = [
    `published=${PORTS.ours.web},target=80`,
    `published=${PORTS.ours.bulk},target=5201`,
    `mode=host,published=${PORTS.host.web},target=80`,
    `mode=host,published=${PORTS.host.bulk},target=5201`,
  ].flatMap((one) => ['-p', one]);
  const there = ['--constraint', 'node.hostname==h1', '--name', 'web', '-d', '--no-resolve-image'];
  await must(cluster.docker('service', 'create', ...there, ...published, 'busybox', 'sleep', '3600'));
  const id = await until('it runs', async () => (await must(cluster.docker('ps', '-q', '--filter', 'name=web-'))).trim());
  const pid = (await must(cluster.docker('inspect', '-f', '{{.State.Pid}}', id))).trim();
  const config = join(cluster.lab.dir, 'haproxy.cfg');
  writeFileSync(config, HAPROXY);
  const inInstance = (...words: string[]): ChildProcess => spawn('nsenter', [`--net=/proc/${pid}/ns/net`, ...words], { stdio: 'ignore' });
  const proxy = (from: number, to: number): ChildProcess => {
    const words = ['-proto', 'tcp', '-host-ip', h2.address, '-host-port', String(from), '-container-ip', h1.address];
    // it says on its descriptor 3 that it listens
    return cluster.lab.spawnIn(h2, 'sh', ['-c', 'exec docker-proxy "$@" 3>/dev/null', 'sh', ...words, '-container-port', String(to)]);
  };
  const servers = [
    inInstance('haproxy', '-f', config),
    inInstance('iperf3', '-s'),
    proxy(PORTS.theirs.web, PORTS.host.web),
    proxy(PORTS.theirs.bulk, PORTS.host.bulk),
  ];
  try {
    for (const side of ['ours', 'theirs'] as const)
      await until(`${side} answers`, async () => (await (await fetch(`http://${h2.address}:${PORTS[side].web}/`)).text()) === 'hello');
    const beside = 'docker-proxy';
    for (const isKept of [true, false]) {
      const p99: Record<Side, number[]> = { ours: [], theirs: [] };
      const cpu: Record<Side, number[]> = { ours: [], theirs: [] };
      const measure = (side: Side) => async () => {
        const seen = await wrk(`http://${h2.address}:${PORTS[side].web}/`, isKept);
        p99[side].push(seen.p99);
        cpu[side].push(seen.cpu);
        return seen.rate;
      };
      const rates = await inTurns(ROUNDS, { ours: measure('ours'), theirs: measure('theirs') });
      const work = `a port at another host, 32 at once, ${isKept ? 'connections that stay' : 'a connection each'}`;
      yield { work, beside, unit: 'requests/s', reach: '', ...rates };
      yield { work: `${work}, p99`, beside, unit: 'ms', reach: '', ...p99 };
      yield { work: `${work}, CPU of all`, beside, unit: 'µs/request', reach: '', ...cpu };
    }
    const bulk = (side: Side) => () => gigabits(cluster, h2.address, PORTS[side].bulk);
    yield {
      work: 'a port at another host, one stream',
      beside,
      unit: 'Gbit/s',
      reach: '',
      ...(await inTurns(ROUNDS, { ours: bulk('ours'), theirs: bulk('theirs') })),
    };
    const first = (side: Side) => () => slowestFirstByte(h2.address, PORTS[side].web);
    yield {
      work: 'a port at another host, first byte of a new connection, slowest of 50',
      beside,
      unit: 'ms',
      reach: '< 50 ms',
      ...(await inTurns(ROUNDS, { ours: first('ours'), theirs: first('theirs') })),
    };
  } finally {
    for (const one of servers) one.kill('SIGKILL');
  }
}

/** Requests a second, their p99 in milliseconds, and microseconds of CPU of the whole machine for each: the client's and the server's among them. */
async function wrk(url: string, isKept: boolean): Promise<{ readonly rate: number; readonly p99: number; readonly cpu: number }> {
  const before = busyMs();
  const words = ['-t', '1', '-c', '32', '-d', '3s', '--latency', '--timeout', '10s', ...(isKept ? [] : ['-H', 'Connection: close'])];
  const out = await must(runProgram('wrk', [...words, url]));
  const busy = busyMs() - before;
  const [, rate] = /Requests\/sec:\s+([\d.]+)/.exec(out) ?? [];
  const [, requests] = /(\d+) requests in/.exec(out) ?? [];
  const [, figure, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(out) ?? [];
  if (rate === undefined || requests === undefined || figure === undefined || /Socket errors|Non-2xx/.test(out))
    throw new Error(`wrk on ${url}: ${out}`);
  const inMs = { us: 0.001, ms: 1, s: 1_000 }[unit as 'us' | 'ms' | 's'];
  return { rate: Number(rate), p99: Number(figure) * inMs, cpu: (busy * 1_000) / Number(requests) };
}

/** Of all processors, with interrupts: what the kernel does for packets is no process's. Source: proc(5), `/proc/stat`, in hundredths of a second. */
function busyMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
    .split(/\s+/)
    .slice(1, 8)
    .map(Number);
  return (user + nice + system + irq + softirq) * 10;
}

async function gigabits({ lab }: Cluster, address: string, number: number): Promise<number> {
  const out = await must(runProgram('iperf3', ['-c', address, '-p', String(number), '-t', '3', '-J'], { cwd: lab.dir }));
  const { end, error } = JSON.parse(out) as { end: { sum_received?: { bits_per_second: number } }; error?: string };
  if (end.sum_received === undefined) throw new Error(`iperf3: ${error ?? out}`);
  return end.sum_received.bits_per_second / 1e9;
}

async function slowestFirstByte(address: string, number: number): Promise<number> {
  let slowest = 0;
  for (let times = 0; times < 50; times++) slowest = Math.max(slowest, await firstByte(address, number));
  return slowest;
}

/** Milliseconds from the first packet of a new connection. */
function firstByte(address: string, number: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const socket = connect(number, address, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.once('error', reject).once('data', () => {
      resolve(performance.now() - began);
      socket.destroy();
    });
  });
}
