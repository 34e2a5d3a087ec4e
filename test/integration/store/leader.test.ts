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
import { startConsul } from '../../support/servers/consul.ts';
import { promisedMs } from '../../support/promised.ts';

const log = pino({ level: 'silent' });
const TTL_MS = 10_000;
/** Nobody waits until it has passed. */
const LONG_TTL_MS = 120_000;
const inTime = () => AbortSignal.timeout(60_000);
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
  /** It has read which cluster the store holds. */
  hasSeenCluster = false;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(store: StateStore, url: string, probe: Probe, witnesses?: Witnesses) {
    const lead = async (term: Term) => {
      this.terms.push(term);
      if (!term.lost.aborted) await new Promise((resolve) => term.lost.addEventListener('abort', resolve, { once: true }));
    };
    const get: StateStore['get'] = async (key, signal) => {
      const entry = await store.get(key, signal);
      if (key === keys.clusterId && entry !== undefined) this.hasSeenCluster = true;
      return entry;
    };
    this.#done = campaign(
      { store: { ...store, get }, log, url, name: url, ttlMs: TTL_MS, probe, ...(witnesses && { witnesses }) },
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

/** How long it took, in ms. */
async function until(what: string, holds: () => boolean, withinMs = 30_000): Promise<number> {
  const startedMs = performance.now();
  while (!holds()) {
    const tookMs = performance.now() - startedMs;
    if (tookMs > promisedMs(withinMs)) assert.fail(`after ${Math.round(tookMs)} ms still not: ${what}`);
    await sleep(10);
  }
  return performance.now() - startedMs;
}

/** What is promised within so many ms is so in one of some tries: a busy machine slows single ones, and a mistake of ours all of them. */
async function soon(promiseMs: number, attempt: (round: number) => Promise<number>): Promise<void> {
  const tookMs: number[] = [];
  while (tookMs.length < 4 && !tookMs.some((ms) => ms < promisedMs(promiseMs))) tookMs.push(await attempt(tookMs.length));
  assert.ok(Math.min(...tookMs) < promisedMs(promiseMs), `${tookMs.map(Math.round).join(', ')} ms`);
}

for (const [name, start] of Object.entries(places)) {
  describe(`elections over ${name}`, { timeout: 600_000 }, () => {
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
      const tookMs = await until('second leads', () => second.isLeading);
      assert.equal(second.terms[0]?.epoch, (first.terms[0]?.epoch ?? 0) + 1);
      assert.deepEqual((await stores[2]?.get(keys.leader))?.value, { url: 'http://1', name: 'http://1', epoch: second.terms[0]?.epoch });
      assert.equal((await stores[2]?.get(keys.epoch))?.value, second.terms[0]?.epoch);
      let last = second;
      await soon(1_000, async (round) => {
        if (round === 0) return tookMs;
        const next = candidate((round + 1) % 2);
        await until('it has heard of the leader', () => next.heard.at(-1) !== undefined);
        await last.stop();
        last = next;
        return until('the next leads', () => next.isLeading);
      });
    });

    it('a leader whose address refuses connections is replaced within two seconds', async () => {
      await soon(2_000, async () => {
        const crashed = await stores[2]?.lock(keys.leader, dead, { ttlMs: LONG_TTL_MS, name: 'dead' }, inTime());
        const next = candidate(0, async (url) => (url === dead.url ? 'refused' : 'alive'));
        const tookMs = await until('next leads', () => next.isLeading);
        await until('the crashed one knows', () => crashed?.lost.aborted === true);
        await next.stop();
        return tookMs;
      });
    });

    it('a leader that answers neither its followers nor any host is replaced before its session ends; while one host hears from it, it keeps the lead', async () => {
      const frozen = await stores[2]?.lock(keys.leader, dead, { ttlMs: LONG_TTL_MS, name: 'dead' }, inTime());
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
      await until('the hosts are asked', () => asked >= 2);
      assert.equal(frozen?.lost.aborted, false);
      said = 'silent';
      await until('next leads', () => next.isLeading);
      await until('the frozen one would know', () => frozen?.lost.aborted ?? false);
    });

    it('a leader that cannot be reached, but does not refuse, keeps the lead', async () => {
      const away = await stores[2]?.lock(keys.leader, dead, { ttlMs: LONG_TTL_MS, name: 'dead' }, inTime());
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
      await until('both have looked', () => first.hasSeenCluster && second.hasSeenCluster);
      await sleep(100); // and know it
      const leading = first.isLeading ? first : second;
      for (const lost of [
        { op: 'delete', key: keys.clusterId } as const,
        { op: 'set', key: keys.clusterId, value: 'cluster-two' } as const,
      ]) {
        const holder = await store.holder(keys.leader);
        await store.transact([lost]);
        if (holder !== undefined) await store.evict(keys.leader, holder.session);
        await until('the leader is gone', () => !first.isLeading && !second.isLeading);
        const terms = first.terms.length + second.terms.length;
        await sleep(2_500);
        assert.equal(first.terms.length + second.terms.length, terms, 'nobody founds another cluster');
        await store.transact([{ op: 'set', key: keys.clusterId, value: 'cluster-one' }]);
        await until('one leads again', () => first.isLeading || second.isLeading);
      }
      assert.ok(leading.terms.length >= 1);
    });

    it('an epoch or a leader’s record that makes no sense stops nobody', async () => {
      const store = stores[2] ?? assert.fail();
      for (const value of [null, 'x', -1, 2 ** 60, { a: 1 }]) {
        await store.transact([{ op: 'set', key: keys.epoch, value }]);
        const lock = await store.lock(keys.leader, value, { ttlMs: LONG_TTL_MS, name: 'odd' }, inTime());
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
      await soon(1_000, async () => {
        await stores[2]?.lock(keys.leader, former, { ttlMs: LONG_TTL_MS, name: 'former' }, inTime());
        const again = candidate(0);
        const tookMs = await until('it leads', () => again.isLeading);
        assert.equal(
          again.heard.find((leader) => leader !== undefined),
          undefined,
        );
        await again.stop();
        return tookMs;
      });
    });

    it('one that loses the lock is notified, can write no more, and is a candidate again', async () => {
      const first = candidate(0);
      await until('first leads', () => first.isLeading);
      const [term] = first.terms;
      await stores[2]?.evict(keys.leader, term?.fence.session ?? '');
      await until('it is told', () => term?.lost.aborted === true);
      await assert.rejects(stores[0]?.transact([{ op: 'set', key: 'k', value: 1 }], term?.fence) ?? assert.fail(), (error) =>
        isKind(error, 'not-leader'),
      );
      await until('it leads again', () => first.isLeading);
      assert.ok((first.terms.at(-1)?.epoch ?? 0) > (term?.epoch ?? 0));
    });

    it('never two of three lead in one epoch, and their terms do not share a fence, while leaders come and go', async () => {
      const candidates = [candidate(0), candidate(1), candidate(2)];
      for (let round = 0; round < 5; round += 1) {
        await until('someone leads', () => candidates.some((each) => each.isLeading));
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
