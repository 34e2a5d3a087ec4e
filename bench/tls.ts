/** The Docker API with TLS and a client certificate beside the same scheduler without: lists, the life of a container, logs and copies. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
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
    answersOnKept(way, certificates, '/v1.41/containers/json', 32),
  );
  // As the docker command does it: no process of it knows the session of another. Each is a handshake with two certificates; what arpanet adds to it is seen beside a server that adds nothing.
  const onNew = (base: string, more: tls.ConnectionOptions = {}): Promise<number> =>
    answersPerSecond({ base, words: [], agent: new https.Agent({ ...once, ...certificates, ...more }) }, '/v1.41/containers/json', 8);
  const bare = https.createServer({ ...certificates, requestCert: true }, (_request, response) => void response.end('[]'));
  await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve));
  const { port } = bare.address() as net.AddressInfo;
  // its certificate is a client's: it is verified all the same, but what is wrong with it ends nothing
  const theirs = () => onNew(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  yield {
    work: 'GET /containers/json, 8 at once, a new connection each, by TLS',
    beside: 'a bare TLS server of Node',
    unit: 'requests/s',
    reach: '≥ 0.85×',
    ...(await inTurns(5, { ours: () => onNew(secure.base), theirs })),
  };
  bare.closeAllConnections();
  bare.close();
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

/** wrk has no client certificates. This client reads no HTTP but the length of the first answer, which all have, so that most of what is measured is the scheduler. */
async function answersOnKept({ base }: Way, certificates: tls.ConnectionOptions, path: string, connections: number): Promise<number> {
  const { hostname: host, port, protocol } = new URL(base);
  const at = { host, port: Number(port) };
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  let count = 0;
  let isOver = false;
  const ended = Array.from({ length: connections }, async () => {
    const isTls = protocol === 'https:';
    const socket = isTls ? tls.connect({ ...at, ...certificates }) : net.connect(at);
    let begun = '';
    let length = 0;
    let missing = 0;
    socket.on(isTls ? 'secureConnect' : 'connect', () => socket.write(request));
    const isWhole = (data: Buffer): boolean => {
      if (length > 0) return (missing -= data.length) <= 0;
      begun += data.toString('latin1');
      const head = begun.indexOf('\r\n\r\n');
      const [, body] = /^content-length: (\d+)/im.exec(begun) ?? [];
      if (head < 0) return false;
      if (!begun.startsWith('HTTP/1.1 200 ') || body === undefined) socket.destroy(new Error(`${path}: ${begun.slice(0, 200)}`));
      length = head + 4 + Number(body);
      return (missing = length - begun.length) <= 0;
    };
    socket.on('data', (data: Buffer) => {
      if (!isWhole(data)) return;
      count += 1;
      missing = length;
      if (isOver) socket.destroy();
      else socket.write(request);
    });
    await new Promise<void>((resolve, reject) => socket.once('close', resolve).once('error', reject));
  });
  await new Promise((wake) => setTimeout(wake, 1_000));
  const before = count;
  const began = performance.now();
  await new Promise((wake) => setTimeout(wake, 2_000));
  const rate = ((count - before) * 1000) / (performance.now() - began);
  isOver = true;
  await Promise.all(ended);
  return rate;
}

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
