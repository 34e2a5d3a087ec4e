/** Three schedulers that all believe they lead race for 5,000 addresses of one network, over a real Consul: none is given twice, none is lost. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { createDhcp } from '../../../src/dhcp/index.ts';
import { isKind, keys, type LeaseRecord } from '../../../src/model/index.ts';
import { type Fence, type Ledger, openConsul, openLedger, type StateStore } from '../../../src/store/index.ts';
import { type RunningConsul, startConsul } from '../../support/servers/consul.ts';
import { quietLog } from '../../support/cluster/lab.ts';

const LEASES = 5_000;
const RACERS = 3;
/** Creates under way at each. */
const WIDTH = 40;

describe('three schedulers at once, over Consul', { timeout: 600_000 }, () => {
  let consul: RunningConsul;
  let store: StateStore;
  let fence: Fence;
  const over = new AbortController();
  const ledgers: Ledger[] = [];
  before(async () => {
    consul = await startConsul();
    store = await openConsul(consul.http, { log: quietLog });
    fence = (await store.lock(keys.leader, {}, { ttlMs: 120_000, name: 'all' }, over.signal)).fence;
  });
  after(async () => {
    over.abort();
    for (const ledger of ledgers) await ledger[Symbol.asyncDispose]();
    await store?.[Symbol.asyncDispose]();
    await consul?.stop();
  });

  async function racer() {
    const ledger = await openLedger(store, fence, quietLog);
    ledgers.push(ledger);
    const newId = () => randomBytes(32).toString('hex');
    const dhcp = createDhcp({
      ledger,
      pool: '10.32.0.0/12',
      defaultPrefix: 19,
      restMs: 60_000,
      epoch: 1,
      now: Date.now,
      newId,
    });
    return { ledger, dhcp };
  }

  it('give out 5,000 addresses, each once', async () => {
    const first = await racer();
    const wish = {
      name: 'n',
      deployment: 'n',
      labels: {},
      options: {},
      internal: false,
      attachable: false,
      implicit: true,
      routes: [],
      createdAtMs: 0,
    };
    const { record, changes } = first.dhcp.networks.plan(wish);
    await first.ledger.commit(changes);
    const racers = [first];
    while (racers.length < RACERS) racers.push(await racer());
    const given: string[] = [];
    let conflicts = 0;
    let next = 0;
    const beganMs = performance.now();
    const create = async ({ ledger, dhcp }: (typeof racers)[number], owner: string): Promise<void> => {
      for (;;) {
        const offer = dhcp.leases.planOffer(record.id, { owner, host: 'h1' });
        try {
          await ledger.commit(offer.changes);
          given.push(offer.ip);
          return;
        } catch (error) {
          if (!isKind(error, 'conflict')) throw error;
          conflicts++;
        }
      }
    };
    await Promise.all(
      racers.flatMap((one) =>
        Array.from({ length: WIDTH }, async () => {
          while (next < LEASES) await create(one, `c${next++}`);
        }),
      ),
    );
    console.log(`# ${LEASES} leases by ${RACERS} in ${Math.round(performance.now() - beganMs)} ms, ${conflicts} races lost and run again`);
    assert.ok(conflicts > 0, 'they did meet');
    assert.equal(new Set(given).size, LEASES);
    const stored = (await store.list(keys.leasesOf(record.id)))
      .map(({ value }) => value as LeaseRecord)
      .filter(({ kind }) => kind === 'instance');
    assert.deepEqual(stored.map(({ ip }) => ip).sort(), given.sort());
    assert.equal(new Set(stored.map(({ owner }) => owner)).size, LEASES);
  });
});
