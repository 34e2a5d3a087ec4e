/** Bodies of any size that are made while they are sent, and what schedulers and agents hold meanwhile. */
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { address, type Endpoint, request } from '../../conformance/replay/wire.ts';
import type { Cluster } from './cluster.ts';

const BLOCK = 512;
const ZEROS = Buffer.alloc(1 << 20);

/** A tar header of a plain file (POSIX ustar; sizes over 8 GiB are not for us). */
function tarHeader(name: string, bytes: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** One file of zeros after these small ones. */
function* tarOf(small: Readonly<Record<string, string>>, name: string, bytes: number): Generator<Buffer> {
  for (const [path, text] of Object.entries(small)) {
    yield tarHeader(path, Buffer.byteLength(text));
    yield Buffer.concat([Buffer.from(text), Buffer.alloc((BLOCK - (Buffer.byteLength(text) % BLOCK)) % BLOCK)]);
  }
  yield tarHeader(name, bytes);
  for (let left = bytes; left > 0; left -= ZEROS.length) yield left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS;
  yield Buffer.alloc(((BLOCK - (bytes % BLOCK)) % BLOCK) + 2 * BLOCK);
}

/** Streams a body up, at the other side's pace; gives the answer, unread. */
function upload(endpoint: Endpoint, method: string, path: string, body: Iterable<Buffer> | Readable): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/x-tar', 'Transfer-Encoding': 'chunked' };
    const sent = http.request({ ...address(endpoint), method, path, headers, agent: false }, resolve);
    sent.once('error', reject);
    const stream = body instanceof Readable ? body : Readable.from(body, { objectMode: false, highWaterMark: 1 << 20 });
    pipeline(stream, sent).catch(reject);
  });
}

function download(endpoint: Endpoint, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    http.get({ ...address(endpoint), path, agent: false }, resolve).once('error', reject);
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) text = (text + String(chunk)).slice(-4_096);
  return text;
}

/** Reads all, with a rest now and then; gives the count of bytes. */
async function readSlowly(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  let rested = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // ten rests of half a second, early on, when most is still to come
    if (bytes > rested * (4 << 20) && rested < 10) {
      rested += 1;
      await sleep(500);
    }
  }
  return bytes;
}

interface Moved {
  readonly what: string;
  readonly bytes: number;
  readonly seconds: number;
  /** Resident memory at its highest, over what it was before. */
  readonly grownMiB: Readonly<Record<string, number>>;
  /** What another client waited for a list, at the longest. */
  readonly slowestListMs: number;
}

const residentMiB = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

/** Runs it while another client lists containers ten times a second. */
async function watching(cluster: Cluster, what: string, run: () => Promise<number>): Promise<Moved> {
  const processes = new Map<string, number>();
  for (const { name, process } of cluster.schedulers) processes.set(name, process.pid ?? 0);
  for (const [name, { pid }] of cluster.agents) processes.set(`agent ${name}`, pid ?? 0);
  const before = new Map([...processes].map(([who, pid]) => [who, residentMiB(pid)]));
  const grown: Record<string, number> = {};
  let slowestListMs = 0;
  const over = new AbortController();
  const watch = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const began = performance.now();
      await request(cluster.endpoint, 'GET', '/containers/json?all=1');
      slowestListMs = Math.max(slowestListMs, performance.now() - began);
      for (const [who, pid] of processes) grown[who] = Math.max(grown[who] ?? 0, residentMiB(pid) - (before.get(who) ?? 0));
      await sleep(100);
    }
  };
  const watched = watch();
  const began = performance.now();
  try {
    const bytes = await run();
    return { what, bytes, seconds: (performance.now() - began) / 1_000, grownMiB: grown, slowestListMs };
  } finally {
    over.abort();
    await watched;
  }
}

const DOCKERFILE = 'FROM busybox\nCOPY small /small\n';

/** All ways to transfer gigabytes, one after the other, each reported at its end. It removes what it creates. */
export async function bulk(cluster: Cluster, megabytes: number, tell: (moved: Moved) => void): Promise<void> {
  const { endpoint } = cluster;
  const bytes = megabytes * 1_000_000;
  const pass = async (what: string, run: () => Promise<number>): Promise<void> => tell(await watching(cluster, what, run));
  await pass('build context', async () => {
    const context = tarOf({ Dockerfile: DOCKERFILE, small: 'x' }, 'large', bytes);
    const said = await textOf(await upload(endpoint, 'POST', '/build?t=bulk-small', context));
    if (!said.includes('Successfully tagged')) throw new Error(said);
    return bytes;
  });
  await pass('import', async () => {
    const said = await textOf(
      await upload(endpoint, 'POST', '/images/create?fromSrc=-&repo=bulk&tag=1', tarOf({ a: 'a' }, 'large', bytes)),
    );
    if (said.includes('error')) throw new Error(said);
    return bytes;
  });
  let saved = 0;
  await pass('save, to a slow reader', async () => (saved = await readSlowly(await download(endpoint, '/images/bulk:1/get'))));
  if (saved < bytes) throw new Error(`saved only ${saved} bytes`);
  await pass('load, of what is saved meanwhile', async () => {
    const loaded = await upload(endpoint, 'POST', '/images/load?quiet=1', await download(endpoint, '/images/bulk:1/get'));
    const said = await textOf(loaded);
    if (!said.includes('Loaded image')) throw new Error(said);
    return saved;
  });
  const made = await request(endpoint, 'POST', '/containers/create?name=bulk', { body: { Image: 'bulk:1', Cmd: ['none'] } });
  if (made.status !== 201) throw new Error(made.body.toString());
  await pass('export, to a slow reader', async () => await readSlowly(await download(endpoint, '/containers/bulk/export')));
  await pass('cp, to a slow reader', async () => await readSlowly(await download(endpoint, '/containers/bulk/archive?path=/large')));
  await request(endpoint, 'DELETE', '/containers/bulk?force=1', { timeoutMs: 120_000 });
  for (const image of ['bulk:1', 'bulk-small']) await request(endpoint, 'DELETE', `/images/${image}?force=1`, { timeoutMs: 120_000 });
}
