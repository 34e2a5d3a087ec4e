/** What others feel of clients that mean no good: `docker ps` while 2,000 connections are held open, send slowly and read nothing, beside `docker ps` without them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { must, startCluster } from '../test/support/cluster/cluster.ts';
import { freePort } from '../test/support/cluster/free-ports.ts';
import { repository } from '../test/support/cluster/paths.ts';
import type { BenchRow } from './row.ts';
import { inTurns } from './wrk.ts';

const CONNECTIONS = 2_000;
const ASKED = 400;
const ROUNDS = 3;
const CONTAINERS = 10;
/** Longer than any answer here: what is not there by then never comes. */
const PATIENCE_MS = 60_000;

export async function* run(): AsyncGenerator<BenchRow> {
  // The hostile ones come by loopback, where they are one client that may have all of these; who is measured comes by another address, and is another.
  const port = await freePort('127.0.0.1');
  const schedulerArgs = ['--listen', `tcp://127.0.0.1:${port}`];
  await using cluster = await startCluster({ store: 'embedded', hosts: 1, mixed: false, schedulerArgs, logLevel: 'warn' });
  for (let i = 0; i < CONTAINERS; i++) await must(cluster.docker('create', '--name', `c${i}`, 'busybox', 'true'));
  await p99(cluster.url);
  for (const kind of ['idle', 'slow heads', 'slow bodies', 'slow readers', 'mixed'])
    yield {
      work: `docker ps on a new connection, p99, with 2,000 hostile connections: ${kind}`,
      beside: 'without them',
      unit: 'ms p99',
      reach: '≤ 3×',
      ...(await inTurns(ROUNDS, { ours: () => besides(kind, port, () => p99(cluster.url)), theirs: () => p99(cluster.url) })),
    };
}

async function besides(kind: string, port: number, measure: () => Promise<number>): Promise<number> {
  const child = spawn(process.execPath, [join(repository, 'bench', 'hostile.mjs'), kind, String(CONNECTIONS), String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  try {
    await once(child.stdout, 'data', { signal: AbortSignal.timeout(PATIENCE_MS) });
    const measured = await measure();
    if (child.exitCode !== null) throw new Error(`the hostile client (${kind}) ended by itself`);
    return measured;
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** In ms, of requests one after the other, each on a connection of its own as the docker command has it. */
async function p99(base: string): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < ASKED; i++) {
    const began = performance.now();
    const asked = http.get(`${base}/v1.41/containers/json?all=1`, { agent: false, signal: AbortSignal.timeout(PATIENCE_MS) });
    const [answer] = (await once(asked, 'response')) as [http.IncomingMessage];
    await text(answer);
    if (answer.statusCode !== 200) throw new Error(`ps: ${answer.statusCode}`);
    took.push(performance.now() - began);
  }
  return took.toSorted((a, b) => a - b)[Math.floor(ASKED * 0.99)] ?? NaN;
}
