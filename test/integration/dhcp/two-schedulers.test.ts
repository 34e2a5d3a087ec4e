/** Two schedulers that both believe they lead, under one fence, on one store: the worst that could be, and no address is given twice. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import type { Allocator } from '../../../src/contracts/index.ts';
import { createDhcp } from '../../../src/dhcp/index.ts';
import { isKind, keys, type LeaseRecord, type NetworkRecord, type SubnetRecord } from '../../../src/model/index.ts';
import { type Change, type Fence, type Ledger, openEmbedded, openLedger, type StateStore } from '../../../src/store/index.ts';

const log = pino({ level: 'silent' });
const over = new AbortController();

interface Scheduler {
  readonly ledger: Ledger;
  readonly dhcp: Allocator;
  conflicts: number;
}

/** Plans and commits, with no await in between, until the commit holds. */
async function settle<T extends { readonly changes: readonly Change[] }>(scheduler: Scheduler, plan: (dhcp: Allocator) => T): Promise<T> {
  for (;;) {
    const planned = plan(scheduler.dhcp);
    try {
      await scheduler.ledger.commit(planned.changes);
      return planned;
    } catch (error) {
      if (!isKind(error, 'conflict')) throw error;
      scheduler.conflicts++;
    }
  }
}

async function atOnce(total: number, width: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let i = next++; i < total; i = next++) await work(i);
    }),
  );
}

function wish(name: string) {
  return {
    name,
    deployment: name,
    labels: {},
    options: {},
    internal: false,
    attachable: false,
    implicit: true,
    routes: [],
    createdAtMs: Date.now(),
  };
}

describe('two schedulers at once', () => {
  let dir: string;
  let store: StateStore;
  let fence: Fence;
  const ledgers: Ledger[] = [];

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-dhcp-'));
    store = await openEmbedded(dir, log);
    fence = (await store.lock(keys.leader, {}, { ttlMs: 120_000, name: 'both' }, over.signal)).fence;
  });
  after(async () => {
    over.abort();
    for (const ledger of ledgers) await ledger[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  async function schedulerNow(): Promise<Scheduler> {
    const ledger = await openLedger(store, fence, log);
    ledgers.push(ledger);
    const newId = () => randomBytes(32).toString('hex');
    const dhcp = createDhcp({
      ledger,
      pool: '10.32.0.0/16',
      defaultPrefix: 22,
      restMs: 60_000,
      epoch: 1,
      now: Date.now,
      newId,
    });
    return { ledger, dhcp, conflicts: 0 };
  }

  it('give a thousand instances a thousand addresses', async () => {
    const first = await schedulerNow();
    const { record } = await settle(first, (dhcp) => dhcp.networks.plan(wish('abc')));
    const both = [first, await schedulerNow()];
    const given: string[] = [];
    await Promise.all(
      both.map((scheduler, who) =>
        atOnce(500, 25, async (i) => {
          given.push((await settle(scheduler, (dhcp) => dhcp.leases.planOffer(record.id, { owner: `c${who}-${i}`, host: `h${who}` }))).ip);
        }),
      ),
    );
    assert.equal(new Set(given).size, 1000);
    assert.ok(
      both.some(({ conflicts }) => conflicts > 0),
      'they did meet',
    );
    const stored = (await store.list(keys.leasesOf(record.id)))
      .map(({ value }) => value as LeaseRecord)
      .filter(({ kind }) => kind === 'instance');
    assert.deepEqual(stored.map(({ ip }) => ip).sort(), given.sort());
    assert.equal(new Set(stored.map(({ owner }) => owner)).size, 1000);
  });

  it('cut sixty subnets that do not overlap', async () => {
    const both = [await schedulerNow(), await schedulerNow()];
    const made: NetworkRecord[] = [];
    await Promise.all(
      both.map((scheduler, who) =>
        atOnce(30, 5, async (i) => {
          made.push((await settle(scheduler, (dhcp) => dhcp.networks.plan(wish(`d${who}-${i}`)))).record);
        }),
      ),
    );
    assert.equal(new Set(made.map(({ cidr }) => cidr)).size, 60);
    assert.equal(new Set(made.map(({ vni }) => vni)).size, 60);
    const owners = new Map(
      (await store.list(keys.subnets)).map(({ value }) => [(value as SubnetRecord).cidr, (value as SubnetRecord).network]),
    );
    for (const { cidr, id } of made) assert.equal(owners.get(cidr), id);
  });
});
