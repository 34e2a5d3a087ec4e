/** The Docker API with TLS and a client certificate beside the same scheduler without: lists, the life of a container, logs and copies. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { type Cluster, must, runProgram, startCluster, until } from '../test/support/cluster/cluster.ts';
import { freePort } from '../test/support/cluster/free-ports.ts';
import type { BenchRow } from './row.ts';
import { inTurns } from './wrk.ts';

const BULK_MB = 200;

interface Way {
  readonly base: string;
  readonly agent: http.Agent;
  /** For curl. */
  readonly words: readonly string[];
}

export async function* run(): AsyncGenerator<BenchRow> {
  const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
  const schedulerArgs = ['--listen', `tls://${address}`];
  await using cluster = await startCluster({ store: 'embedded', hosts: 1, mixed: false, schedulerArgs, logLevel: 'warn' });
  const dir = join(cluster.lab.dir, 'ada');
  await must(cluster.arpanet('user', 'add', 'ada', '--role', 'admin', '--host', address, '--out', dir));
  const [ca = '', cert = '', key = ''] = ['ca.pem', 'cert.pem', 'key.pem'].map((leaf) => join(dir, leaf));
  const read = (path: string) => readFileSync(path, 'utf8');
  const keepAlive = { keepAlive: true, maxSockets: 32 };
  const once = { keepAlive: false, maxCachedSessions: 0 };
  const certificates = { ca: read(ca), cert: read(cert), key: read(key) };
  const secure: Way = {
    base: `https://${address}`,
    agent: new https.Agent({ ...keepAlive, ...certificates }),
    words: ['--cacert', ca, '--cert', cert, '--key', key],
  };
  const plain: Way = { base: cluster.url, agent: new http.Agent(keepAlive), words: [] };
  const row = async (work: string, unit: string, measure: (way: Way) => Promise<number>, rounds = 5): Promise<BenchRow> => ({
    work: `${work}, by TLS`,
    beside: 'arpanet without TLS',
    unit,
    reach: '≥ 0.85×',
    ...(await inTurns(rounds, { ours: () => measure(secure), theirs: () => measure(plain) })),
  });

  await lives(plain, 3);
  yield await row('GET /containers/json, 32 connections that are kept', 'requests/s', (way) =>
    answersPerSecond(way, '/v1.41/containers/json', 32),
  );
  // as the docker command does it: no process of it knows the session of another
  const onNew = (way: Way): Way => ({
    ...way,
    agent: way === secure ? new https.Agent({ ...once, ...certificates }) : new http.Agent(once),
  });
  yield await row('GET /containers/json, 8 at once, a new connection each', 'requests/s', (way) =>
    answersPerSecond(onNew(way), '/v1.41/containers/json', 8),
  );
  yield await row('create+start+rm, one at a time', 'cycles/s', (way) => lives(way, 6));
  const talker = await create(plain, `yes ${'0123456789'.repeat(10)} | head -c ${BULK_MB}000000`);
  await call(plain, 'POST', `/v1.41/containers/${talker}/start`);
  await call(plain, 'POST', `/v1.41/containers/${talker}/wait`);
  yield await row('docker logs of 200 MB', 'MB/s', (way) => bulk(way, `/v1.41/containers/${talker}/logs?stdout=1`), 3);
  const files = await filled(cluster, plain);
  yield await row('docker cp out, 200 MB', 'MB/s', (way) => bulk(way, `/v1.41/containers/${files}/archive?path=/big`), 3);
}

/** A container with a large file. */
async function filled(cluster: Cluster, way: Way): Promise<string> {
  const id = await create(way, `dd if=/dev/urandom of=/big bs=1000000 count=${BULK_MB} 2>/dev/null; echo made; sleep 3600`);
  await call(way, 'POST', `/v1.41/containers/${id}/start`);
  await until('the file is made', async () => (await must(cluster.docker('logs', id))).includes('made'), 60_000);
  return id;
}

async function create(way: Way, command: string): Promise<string> {
  const answer = await call(way, 'POST', '/v1.41/containers/create', { Image: 'busybox', Cmd: ['sh', '-c', command] });
  return (JSON.parse(answer) as { Id: string }).Id;
}

/** Cycles per second. */
async function lives(way: Way, count: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < count; i++) {
    const id = await create(way, 'exec sleep 1000');
    await call(way, 'POST', `/v1.41/containers/${id}/start`);
    await call(way, 'DELETE', `/v1.41/containers/${id}?force=1`);
  }
  return (count * 1000) / (performance.now() - started);
}

/** wrk has no client certificates: this client costs more, and the same for both. */
async function answersPerSecond(way: Way, path: string, connections: number, seconds = 2): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let count = 0;
  const ask = async (): Promise<void> => {
    for (; performance.now() < until; count++) await call(way, 'GET', path);
  };
  await Promise.all(Array.from({ length: connections }, ask));
  return count / seconds;
}

/** Megabytes per second, by curl. */
async function bulk({ base, words }: Way, path: string): Promise<number> {
  const out = await must(runProgram('curl', ['-sS', '--fail', '-o', '/dev/null', '-w', '%{time_total}', ...words, base + path]));
  return BULK_MB / Number(out);
}

function call({ base, agent }: Way, method: string, path: string, body?: object): Promise<string> {
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
  return new Promise((resolve, reject) => {
    const { request } = base.startsWith('https:') ? https : http;
    const sent = request(base + path, { method, headers, agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (data: string) => (text += data));
      answer.on('end', () =>
        (answer.statusCode ?? 500) < 400 ? resolve(text) : reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`)),
      );
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
