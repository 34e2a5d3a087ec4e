/** Leases given per second over a real Consul, beside bare `PUT ?cas=0` writes of the same bytes to the same Consul. */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { createDhcp } from '../src/dhcp/index.ts';
import { keys, type LeaseRecord } from '../src/model/index.ts';
import { openConsul, openLedger } from '../src/store/index.ts';
import { startConsul } from '../test/support/servers/consul.ts';
import { PLAIN } from '../test/support/fakes/dhcp-world.ts';
import type { BenchRow } from './row.ts';
import { inTurns } from './wrk.ts';

const ROUNDS = 7;
const LOADS = [
  { width: 1, writes: 1500, reach: '≥ 0.6×' },
  { width: 32, writes: 8000, reach: '≥ 1× (batched txn)' },
] as const;

export async function run(): Promise<readonly BenchRow[]> {
  const log = pino({ level: 'silent' });
  const over = new AbortController();
  const consul = await startConsul();
  const store = await openConsul(consul.http, { log });
  const lock = await store.lock(keys.leader, {}, { ttlMs: 10_000, name: 'bench' }, over.signal);
  const ledger = await openLedger(store, lock.fence, log);
  try {
    const newId = () => randomBytes(32).toString('hex');
    const dhcp = createDhcp({
      ledger,
      pool: '10.0.0.0/8',
      defaultPrefix: 10,
      restMs: 1,
      epoch: 1,
      now: Date.now,
      newId,
    });
    const { record, changes } = dhcp.networks.plan({ ...PLAIN, name: 'bench', deployment: 'bench', createdAtMs: 1 });
    await ledger.commit(changes);
    const lease = (i: number) => ledger.commit(dhcp.leases.planOffer(record.id, { owner: `c${i}`, host: 'h1' }).changes);

    const rows: BenchRow[] = [];
    for (const { width, writes, reach } of LOADS) {
      const writer = bareWriter(consul.http, width);
      const figures = await inTurns(ROUNDS, {
        ours: () => perSecond(writes, width, lease),
        theirs: () => perSecond(writes, width, writer.write),
      });
      writer.close();
      rows.push({ work: `leases, ${width} at once`, beside: 'bare cas writes to Consul', unit: '/s', reach, ...figures });
    }
    return rows;
  } finally {
    over.abort();
    await ledger[Symbol.asyncDispose]();
    await lock.release();
    await store[Symbol.asyncDispose]();
    await consul.stop();
  }
}

/** What a program does that keeps one key for each lease by itself, on connections kept open. */
function bareWriter(address: string, width: number): { readonly write: (i: number) => Promise<void>; readonly close: () => void } {
  const agent = new http.Agent({ keepAlive: true, maxSockets: width });
  const network = randomBytes(32).toString('hex');
  let made = 0;
  const write = (i: number): Promise<void> => {
    const ip = `10.${(++made >>> 16) & 255}.${(made >>> 8) & 255}.${made & 255}`;
    const value: LeaseRecord = {
      ip,
      network,
      kind: 'instance',
      owner: `c${i}`,
      host: 'h1',
      state: 'offered',
      sinceMs: Date.now(),
      epoch: 1,
    };
    return put(agent, `http://${address}/v1/kv/${keys.lease(network, ip).replace(keys.root, 'bare/')}?cas=0`, JSON.stringify(value));
  };
  return { write, close: () => agent.destroy() };
}

function put(agent: http.Agent, url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: 'PUT', agent, headers: { 'content-length': Buffer.byteLength(body) } }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => (text.trim() === 'true' ? resolve() : reject(new Error(`PUT ${url}: ${response.statusCode} ${text}`))));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function perSecond(total: number, width: number, work: (i: number) => Promise<void>): Promise<number> {
  const began = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < total; i = next++) await work(i);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return (total / (performance.now() - began)) * 1000;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const row of await run()) process.stdout.write(`${JSON.stringify(row)}\n`);
}
