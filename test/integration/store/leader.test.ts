/** Elections over both stores: who leads, who hears of it, and how long it takes when a leader goes. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { isKind, keys, type LeaderRecord } from '../../../src/model/index.ts';
import { campaign, openConsul, openEmbedded, type StateStore, type Term } from '../../../src/store/index.ts';
import { startConsul } from '../../support/cluster/consul.ts';
import { promisedMs } from '../../support/promised.ts';

const log = pino({ level: 'silent' });
const TTL_MS = 10_000;
const dead = { url: 'http://127.0.0.1:1', name: 'dead', epoch: 1 };

interface Place {
  open(): Promise<StateStore>;
  close(): Promise<void>;
}
const places: Readonly<Record<string, () => Promise<Place>>> = {
  'the embedded store': async () => {
    const dir = await mkdtemp(join(tmpdir(), 'arpanet-leader-'));
    return { open: () => openEmbedded(dir, log), close: () => rm(dir, { recursive: true, force: true }) };
  },
  Consul: async () => {
    const consul = await startConsul();
    return { open: () => openConsul(consul.http, { log }), close: () => consul.stop() };
  },
};

type Probe = (url: string) => Promise<'alive' | 'refused' | 'unknown'>;
type Witnesses = (epoch: number) => Promise<'alive' | 'silent' | 'unknown'>;

/** A scheduler as far as elections go. */
class Candidate {
  readonly terms: Term[] = [];
  readonly heard: (LeaderRecord | undefined)[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(store: StateStore, url: string, probe: Probe, witnesses?: Witnesses) {
    const lead = async (term: Term) => {
      this.terms.push(term);
      if (!term.lost.aborted) await new Promise((resolve) => term.lost.addEventListener('abort', resolve, { once: true }));
    };
    this.#done = campaign(
      { store, log, url, name: url, ttlMs: TTL_MS, probe, ...(witnesses && { witnesses }) },
      this.#stop.signal,
      lead,
      (leader) => this.heard.push(leader),
    );
  }
  get isLeading(): boolean {
    return this.terms.at(-1)?.lost.aborted === false;
  }
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}

async function until(what: string, holds: () => boolean, withinMs = 3000): Promise<number> {
  const startedMs = performance.now();
  while (!holds()) {
    if (performance.now() - startedMs > promisedMs(withinMs)) assert.fail(`after ${withinMs} ms still not: ${what}`);
    await sleep(10);
  }
  return performance.now() - startedMs;
}

for (const [name, start] of Object.entries(places)) {
  describe(`elections over ${name}`, { timeout: 120_000 }, () => {
    let place: Place;
    let stores: StateStore[];
    let running: Candidate[] = [];
    const candidate = (index: number, probe: Probe = async () => 'alive', witnesses?: Witnesses) => {
      const store = stores[index] ?? assert.fail('no such store');
      running.push(new Candidate(store, `http://${index}`, probe, witnesses));
      return running.at(-1) ?? assert.fail();
    };
    before(async () => {
      place = await start();
      stores = await Promise.all([place.open(), place.open(), place.open()]);
    });
    afterEach(async () => {
      await Promise.all(running.map((each) => each.stop()));
      running = [];
    });
    after(async () => {
      for (const store of stores) await store[Symbol.asyncDispose]();
      await place.close();
    });

    it('one leads, the others hear of it, and a clean stop hands over within a second, at a higher epoch', async () => {
      const first = candidate(0);
      await until('first leads', () => first.isLeading);
      const second = candidate(1);
      await until('second heard', () => second.heard.at(-1)?.url === 'http://0');
      assert.equal(second.heard.at(-1)?.epoch, first.terms[0]?.epoch);
      assert.equal(second.isLeading, false);
      await first.stop();
      assert.ok((await until('second leads', () => second.isLeading)) < 1000);
      assert.equal(second.terms[0]?.epoch, (first.terms[0]?.epoch ?? 0) + 1);
      assert.deepEqual((await stores[2]?.get(keys.leader))?.value, { url: 'http://1', name: 'http://1', epoch: second.terms[0]?.epoch });
      assert.equal((await stores[2]?.get(keys.epoch))?.value, second.terms[0]?.epoch);
    });

    it('a leader whose address refuses connections is replaced within two seconds', async () => {
      const crashed = await stores[2]?.lock(keys.leader, dead, { ttlMs: TTL_MS, name: 'dead' }, AbortSignal.timeout(5000));
      const next = candidate(0, async (url) => (url === dead.url ? 'refused' : 'alive'));
      assert.ok((await until('next leads', () => next.isLeading)) < 2000);
      await until('the crashed one knows', () => crashed?.lost.aborted === true);
    });

    it('a leader that answers neither its followers nor any host is replaced before its session ends; while one host hears from it, it keeps the lead', async () => {
      const frozen = await stores[2]?.lock(keys.leader, dead, { ttlMs: 60_000, name: 'dead' }, AbortSignal.timeout(5000));
      let asked = 0;
      let said: Awaited<ReturnType<Witnesses>> = 'alive';
      const next = candidate(
        0,
        async () => 'unknown',
        async (epoch) => {
          assert.equal(epoch, dead.epoch);
          asked += 1;
          return said;
        },
      );
      await until('the hosts are asked', () => asked >= 2, 10_000);
      assert.equal(frozen?.lost.aborted, false);
      said = 'silent';
      await until('next leads', () => next.isLeading, 10_000);
      await until('the frozen one would know', () => frozen?.lost.aborted ?? false);
    });

    it('a leader that cannot be reached, but does not refuse, keeps the lead', async () => {
      const away = await stores[2]?.lock(keys.leader, dead, { ttlMs: TTL_MS, name: 'dead' }, AbortSignal.timeout(5000));
      const follower = candidate(0, async () => 'unknown');
      await until('it is heard of', () => follower.heard.at(-1)?.url === dead.url);
      await sleep(2500);
      assert.equal(away?.lost.aborted, false);
      assert.equal(follower.isLeading, false);
      await away?.release();
      await until('the follower leads', () => follower.isLeading);
    });

    it('who has seen a cluster in the store leads on no other, and on none when it was emptied', async () => {
      const store = stores[2] ?? assert.fail();
      await store.transact([{ op: 'set', key: keys.clusterId, value: 'cluster-one' }]);
      const first = candidate(0);
      const second = candidate(1);
      await until('one leads', () => first.isLeading || second.isLeading);
      await sleep(1_200); // both have looked
      const leading = first.isLeading ? first : second;
      for (const lost of [
        { op: 'delete', key: keys.clusterId } as const,
        { op: 'set', key: keys.clusterId, value: 'cluster-two' } as const,
      ]) {
        const holder = await store.holder(keys.leader);
        await store.transact([lost]);
        if (holder !== undefined) await store.evict(keys.leader, holder.session);
        await until('the leader is gone', () => !first.isLeading && !second.isLeading, 15_000);
        const terms = first.terms.length + second.terms.length;
        await sleep(2_500);
        assert.equal(first.terms.length + second.terms.length, terms, 'nobody founds another cluster');
        await store.transact([{ op: 'set', key: keys.clusterId, value: 'cluster-one' }]);
        await until('one leads again', () => first.isLeading || second.isLeading, 15_000);
      }
      assert.ok(leading.terms.length >= 1);
    });

    it('an epoch or a leader’s record that makes no sense stops nobody', async () => {
      const store = stores[2] ?? assert.fail();
      for (const value of [null, 'x', -1, 2 ** 60, { a: 1 }]) {
        await store.transact([{ op: 'set', key: keys.epoch, value }]);
        const lock = await store.lock(keys.leader, value, { ttlMs: TTL_MS, name: 'odd' }, AbortSignal.timeout(5_000));
        const next = candidate(0);
        await sleep(700);
        await lock.release();
        await until(`it leads: ${JSON.stringify(value)}`, () => next.isLeading);
        assert.ok(Number.isSafeInteger(next.terms[0]?.epoch));
        await next.stop();
        running = [];
      }
      await store.transact([{ op: 'delete', key: keys.clusterId }]);
    });

    it('one that starts again after a crash leads at once, though its own address answers', async () => {
      const former: LeaderRecord = { url: 'http://0', name: 'http://0', epoch: 1 };
      await stores[2]?.lock(keys.leader, former, { ttlMs: TTL_MS, name: 'former' }, AbortSignal.timeout(5000));
      const again = candidate(0);
      assert.ok((await until('it leads', () => again.isLeading)) < 1000);
      assert.equal(
        again.heard.find((leader) => leader !== undefined),
        undefined,
      );
    });

    it('one that loses the lock is notified, can write no more, and is a candidate again', async () => {
      const first = candidate(0);
      await until('first leads', () => first.isLeading);
      const [term] = first.terms;
      await stores[2]?.evict(keys.leader, term?.fence.session ?? '');
      await until('it is told', () => term?.lost.aborted === true, 1000);
      await assert.rejects(stores[0]?.transact([{ op: 'set', key: 'k', value: 1 }], term?.fence) ?? assert.fail(), (error) =>
        isKind(error, 'not-leader'),
      );
      await until('it leads again', () => first.isLeading);
      assert.ok((first.terms.at(-1)?.epoch ?? 0) > (term?.epoch ?? 0));
    });

    it('never two of three lead in one epoch, and their terms do not share a fence, while leaders come and go', async () => {
      const candidates = [candidate(0), candidate(1), candidate(2)];
      for (let round = 0; round < 5; round += 1) {
        await until('someone leads', () => candidates.some((each) => each.isLeading), 5000);
        assert.equal(candidates.filter((each) => each.isLeading).length, 1);
        const leading = candidates.find((each) => each.isLeading)?.terms.at(-1);
        await stores[round % 3]?.evict(keys.leader, leading?.fence.session ?? '');
        await until('it has noticed', () => leading?.lost.aborted === true);
      }
      const terms = candidates.flatMap((each) => each.terms);
      assert.equal(new Set(terms.map(({ epoch }) => epoch)).size, terms.length);
      assert.equal(new Set(terms.map(({ fence }) => fence.session)).size, terms.length);
    });
  });
}
