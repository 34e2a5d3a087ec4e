/** The Docker API through arpanet beside the Engine itself: lists, inspect, info, the life of a container, logs and copies; and memory. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type Cluster, must, runProgram, startCluster, until } from '../test/support/cluster/cluster.ts';
import type { BenchRow } from './row.ts';
import { inTurns, requestsPerSecond } from './wrk.ts';

const PORT = 2375;
const OWN_NETWORK = 'own';
const BULK_MB = 200;

export async function* run(): AsyncGenerator<BenchRow> {
  await using cluster = await startCluster({
    store: 'consul',
    mixed: false,
    engineArgs: ['-H', `tcp://0.0.0.0:${PORT}`],
    logLevel: 'warn',
  });
  const engine = `http://${cluster.lab.hosts[0]?.address}:${PORT}`;
  const row = async (
    work: string,
    reach: string,
    unit: string,
    measure: (base: string) => Promise<number>,
    rounds = 5,
  ): Promise<BenchRow> => ({
    work,
    beside: 'engine direct',
    unit,
    reach,
    ...(await inTurns(rounds, { ours: () => measure(cluster.url), theirs: () => measure(engine) })),
  });
  const reads = (work: string, path: string, connections: number, reach: string) =>
    row(`${work}, ${connections} connection${connections === 1 ? '' : 's'}`, reach, 'requests/s', (base) =>
      requestsPerSecond(base + path, connections),
    );
  await call('POST', `${engine}/v1.41/networks/create`, { Name: OWN_NETWORK });
  /** Beside both: the Engine's default bridge, where nobody has a name, and a network of its own, as compose makes. */
  const lives = async function* (when: string) {
    for (const [how, width, count, rounds, reach] of [
      ['one at a time', 1, 6, 5, '≥ 0.92×'],
      ['eight at once', 8, 16, 4, '≥ 1.05×'],
    ] as const) {
      const { ours, bridge, own } = await inTurns(rounds, {
        ours: () => cycles(cluster.url, width, count),
        bridge: () => cycles(engine, width, count),
        own: () => cycles(engine, width, count, OWN_NETWORK),
      });
      const life = { work: `create+start+rm, ${how}, ${when}`, unit: 'cycles/s', ours, reach };
      yield { ...life, beside: 'engine direct, a network of its own', theirs: own };
      yield { ...life, beside: 'engine direct, its default bridge', theirs: bridge };
    }
  };

  // each host builds the network for its first container
  await cycles(cluster.url, 3, 6);
  await cycles(engine, 3, 6);
  yield* lives('fresh');
  yield await row('create, p50 added', '≤ 15 ms added', 'ms', createP50, 3);

  // the Engine lists its own: all on one host, so that both answer with the same
  await fill(cluster, 30);
  yield await reads('GET /containers/json, 30 containers', '/v1.41/containers/json', 1, '–');
  yield await reads('GET /containers/json, 30 containers', '/v1.41/containers/json', 32, '≥ 20×');
  yield await reads('GET /info', '/v1.41/info', 32, '≥ 60×');
  const id = (await must(cluster.docker('ps', '-q', '--no-trunc', '-n', '1'))).trim();
  yield await reads('GET /containers/{id}/json', `/v1.41/containers/${id}/json`, 1, '≥ 0.5×');
  yield await reads('GET /containers/{id}/json', `/v1.41/containers/${id}/json`, 32, '≥ 0.5×');
  yield* lives('right after the reads');

  await onFirst(cluster, 'talker', `yes ${'0123456789'.repeat(10)} | head -c ${BULK_MB}000000`);
  await must(cluster.docker('wait', 'talker'));
  const logs = '/v1.41/containers/talker/logs?stdout=1';
  yield await row('docker logs of 200 MB', '≥ 0.95×', 'MB/s', (base) => bulk(BULK_MB, base + logs), 3);
  await onFirst(cluster, 'files', `dd if=/dev/urandom of=/big bs=1000000 count=${BULK_MB} 2>/dev/null; echo made; sleep 3600`);
  await until('the file is made', async () => (await must(cluster.docker('logs', 'files'))).includes('made'), 60_000);
  const archive = (path: string) => `/v1.41/containers/files/archive?path=${path}`;
  yield await row('docker cp out, 200 MB', '≥ 0.8×', 'MB/s', (base) => bulk(BULK_MB, base + archive('/big')));
  const tar = join(cluster.lab.dir, 'big.tar');
  await must(runProgram('curl', ['-sS', '--fail', '-o', tar, engine + archive('/big')]));
  const put = ['-T', tar, '-H', 'Content-Type: application/x-tar', '-H', 'Expect:'];
  yield await row('docker cp in, 200 MB', '≥ 0.85×', 'MB/s', (base) => bulk(BULK_MB, base + archive('/tmp'), ...put));
  await must(cluster.docker('rm', '-fv', 'talker', 'files'));

  await fill(cluster, 300);
  yield await reads('GET /containers/json, 300 containers', '/v1.41/containers/json', 32, '≥ 40×');
  const memory = { beside: '–', unit: 'MB', theirs: [] };
  const [scheduler] = cluster.schedulers;
  yield {
    work: 'resident memory of the scheduler, 300 containers',
    reach: '≤ 120 MB',
    ours: [residentMegabytes(scheduler?.process.pid)],
    ...memory,
  };
  yield {
    work: 'resident memory of an agent, 300 containers',
    reach: '≤ 100 MB',
    ours: [residentMegabytes(cluster.agents.get('h1')?.pid)],
    ...memory,
  };
}

const ON_FIRST = { 'arpanet.constraints': '["node.hostname==h1"]' };

/** Runs a shell command in a container on the first host. */
async function onFirst(cluster: Cluster, name: string, command: string): Promise<void> {
  const id = await create(cluster.url, { name, Cmd: ['sh', '-c', command], Labels: ON_FIRST });
  await call('POST', `${cluster.url}/v1.41/containers/${id}/start`);
}

/** Brings the number of running containers on the first host up to `count`. */
async function fill(cluster: Cluster, count: number): Promise<void> {
  const there = (await must(cluster.docker('ps', '-q'))).split('\n').filter(Boolean).length;
  const pending = Array.from({ length: Math.max(0, count - there) }, (_, i) => there + i);
  const worker = async (): Promise<void> => {
    for (let n = pending.pop(); n !== undefined; n = pending.pop()) await onFirst(cluster, `fill${n}`, 'exec sleep 100000');
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

/** `count` containers made, started and removed, `width` at a time; cycles per second. */
async function cycles(base: string, width: number, count: number, network = 'default'): Promise<number> {
  const started = performance.now();
  let left = count;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left-- > 0) {
        const id = await create(base, { HostConfig: { NetworkMode: network } });
        await call('POST', `${base}/v1.41/containers/${id}/start`);
        await call('DELETE', `${base}/v1.41/containers/${id}?force=1`);
      }
    }),
  );
  return (count * 1000) / (performance.now() - started);
}

async function create(
  base: string,
  more: { readonly name?: string; readonly Cmd?: readonly string[]; readonly Labels?: object; readonly HostConfig?: object } = {},
): Promise<string> {
  const { name, ...settings } = more;
  const query = name === undefined ? '' : `?name=${name}`;
  const answer = await call('POST', `${base}/v1.41/containers/create${query}`, { Image: 'busybox', Cmd: ['sleep', '1000'], ...settings });
  return (JSON.parse(answer) as { Id: string }).Id;
}

async function createP50(base: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 21; i++) {
    const started = performance.now();
    const id = await create(base);
    times.push(performance.now() - started);
    await call('DELETE', `${base}/v1.41/containers/${id}?force=1`);
  }
  return times.sort((a, b) => a - b)[10] ?? 0;
}

function call(method: string, url: string, body?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: body === undefined ? {} : { 'Content-Type': 'application/json' } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (data: string) => (text += data));
      answer.on('end', () =>
        (answer.statusCode ?? 500) < 400 ? resolve(text) : reject(new Error(`${method} ${url}: ${answer.statusCode} ${text}`)),
      );
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Megabytes per second, by curl: it costs less CPU than any client of ours would. */
async function bulk(megabytes: number, url: string, ...more: readonly string[]): Promise<number> {
  const out = await must(runProgram('curl', ['-sS', '--fail', '-o', '/dev/null', '-w', '%{time_total}', ...more, url]));
  return megabytes / Number(out);
}

function residentMegabytes(pid: number | undefined): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
