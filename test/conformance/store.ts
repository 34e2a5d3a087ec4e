/** What every StateStore does. Run by store-embedded.test.ts and store-consul.test.ts. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKind } from '../../src/model/index.ts';
import type { Entry, Fence, Holder, Operation, StateStore } from '../../src/store/index.ts';
import { promisedMs } from '../support/promised.ts';

export interface StoreUnderTest {
  /** Another handle on the same store. */
  open(): Promise<StateStore>;
  /** Takes the store away for a moment and gives it back, state and all. Only where the store has outages of its own. */
  outage?(): Promise<void>;
  close(): Promise<void>;
}

const TTL_MS = 10_000;
const kindIs =
  (...kinds: Parameters<typeof isKind>[1][]) =>
  (error: unknown) =>
    isKind(error, ...kinds);

export function describeStore(name: string, hasOutages: boolean, start: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a state store`, { timeout: 120_000 }, () => {
    let under: StoreUnderTest;
    let store: StateStore;
    let other: StateStore;
    let serial = 0;
    /** A prefix nobody used before. */
    const fresh = () => `test/${(serial += 1)}/`;
    const lock = (from: StateStore, key: string, value: unknown = name) =>
      from.lock(key, value, { ttlMs: TTL_MS, name: 'test' }, AbortSignal.timeout(20_000));

    before(async () => {
      under = await start();
      store = await under.open();
      other = await under.open();
    });
    after(async () => {
      await other?.[Symbol.asyncDispose]();
      await store?.[Symbol.asyncDispose]();
      await under?.close();
    });

    describe('keys', () => {
      it('keeps any JSON under any key, seen by every handle', async () => {
        const at = fresh();
        const values = [0, '', null, false, [1, [2]], { a: { b: 'ü€😀' } }, 'x'.repeat(10_000)];
        for (const [i, value] of values.entries()) await store.transact([{ op: 'set', key: `${at}k ${i}/%ü+?#.`, value }]);
        for (const [i, value] of values.entries()) assert.deepEqual((await other.get(`${at}k ${i}/%ü+?#.`))?.value, value);
      });

      it('says undefined of what is absent', async () => {
        assert.equal(await store.get(`${fresh()}absent`), undefined);
        assert.deepEqual(await store.list(fresh()), []);
      });

      it('has another change index after each change below a prefix, whoever makes it, and the same while there is none', async () => {
        const at = fresh();
        const seen: number[] = [];
        for (const operation of [
          { op: 'set', key: `${at}kept`, value: 1 },
          { op: 'set', key: `${at}a/b`, value: 1 },
          { op: 'set', key: `${at}a/b`, value: 2 },
          { op: 'delete', key: `${at}a/b` },
        ] as const) {
          await (seen.length % 2 === 0 ? other : store).transact([operation]);
          const [index, again] = [await store.changeIndex(at), await other.changeIndex(at)];
          assert.equal(index, again);
          assert.ok(!seen.includes(index), `${index} after ${seen.join(', ')}`);
          seen.push(index);
        }
      });

      it('waits for another change index than one that is known; after a transaction it is the modify index of what that wrote', async () => {
        const at = fresh();
        const first = (await commit(store, { op: 'set', key: `${at}a`, value: 1 })).get(`${at}a`) ?? 0;
        assert.equal(await other.changeIndex(at), first);
        assert.equal(await other.changeIndex(at, undefined, first - 1), first, 'it is another one already');
        const ended = new AbortController();
        const waiting = other.changeIndex(at, ended.signal, first);
        const second = (await commit(store, { op: 'delete', key: `${at}a` }, { op: 'set', key: `${at}b`, value: 1 })).get(`${at}b`);
        assert.equal(await waiting, second);
        const aborted = other.changeIndex(at, ended.signal, second);
        ended.abort();
        await assert.rejects(aborted);
      });

      it('gives the modify index of each key that starts with the prefix, and of no other', async () => {
        const at = fresh();
        const written = await commit(store, ...['a', 'a/b', 'c'].map((leaf): Operation => ({ op: 'set', key: at + leaf, value: leaf })));
        await commit(store, { op: 'set', key: `${at}c`, value: 2 });
        assert.deepEqual(
          await other.indexes(`${at}a`),
          new Map([`${at}a`, `${at}a/b`].map((key) => [key, written.get(key) ?? 0] as const)),
        );
        assert.equal((await other.indexes(at)).get(`${at}c`), (await other.get(`${at}c`))?.modifyIndex);
        assert.equal((await other.indexes(fresh())).size, 0);
      });

      it('lists by key what starts with the prefix, and nothing else', async () => {
        const at = fresh();
        const names = ['b', 'a/z', 'a/b/c', 'ab', 'a', 'a.b'];
        await commit(store, ...names.map((leaf): Operation => ({ op: 'set', key: at + leaf, value: leaf })));
        const leaves = async (prefix: string) => (await other.list(at + prefix)).map(({ key }) => key.slice(at.length));
        assert.deepEqual(await leaves(''), ['a', 'a.b', 'a/b/c', 'a/z', 'ab', 'b']);
        assert.deepEqual(await leaves('a/'), ['a/b/c', 'a/z']);
        assert.deepEqual(await leaves('a'), ['a', 'a.b', 'a/b/c', 'a/z', 'ab']);
      });

      it('raises the modify index with every change, and returns it', async () => {
        const key = `${fresh()}k`;
        let last = 0;
        for (const value of [1, 2, 3]) {
          const indexes = await commit(store, { op: 'set', key, value });
          assert.equal((await store.get(key))?.modifyIndex, indexes.get(key));
          assert.ok((indexes.get(key) ?? 0) > last);
          last = indexes.get(key) ?? 0;
        }
      });
    });

    describe('transactions', () => {
      it('create only what is absent', async () => {
        const key = `${fresh()}k`;
        const create: Operation = { op: 'cas', key, value: 1, modifyIndex: 0 };
        await commit(store, create);
        assert.deepEqual(await store.transact([create]), { kind: 'conflict', failed: [0] });
      });

      it('refuse a CAS whose modify index is stale', async () => {
        const key = `${fresh()}k`;
        const index = (await commit(store, { op: 'set', key, value: 1 })).get(key) ?? 0;
        await commit(other, { op: 'cas', key, value: 2, modifyIndex: index });
        assert.equal((await store.transact([{ op: 'cas', key, value: 3, modifyIndex: index }])).kind, 'conflict');
        assert.equal((await store.get(key))?.value, 2);
      });

      it('hold as a whole or do nothing, and name what failed by position', async () => {
        const at = fresh();
        const index = (await commit(store, { op: 'set', key: `${at}there`, value: 1 })).get(`${at}there`) ?? 0;
        const result = await store.transact([
          { op: 'set', key: `${at}new`, value: 1 },
          { op: 'cas', key: `${at}there`, value: 2, modifyIndex: 0 },
          { op: 'check', key: `${at}there`, modifyIndex: index },
          { op: 'check', key: `${at}there`, modifyIndex: 0 },
          { op: 'check', key: `${at}absent`, modifyIndex: 0 },
          { op: 'check', key: `${at}absent`, modifyIndex: index },
          { op: 'delete-cas', key: `${at}there`, modifyIndex: index + 1 },
          { op: 'delete', key: `${at}there` },
        ]);
        assert.deepEqual(result, { kind: 'conflict', failed: [1, 3, 5, 6] });
        assert.deepEqual(await other.list(at), [{ key: `${at}there`, value: 1, modifyIndex: index }]);
      });

      it('delete, and say index 0 of what they deleted', async () => {
        const at = fresh();
        const index =
          (await commit(store, { op: 'set', key: `${at}a`, value: 1 }, { op: 'set', key: `${at}b`, value: 1 })).get(`${at}a`) ?? 0;
        const indexes = await commit(
          store,
          { op: 'delete-cas', key: `${at}a`, modifyIndex: index },
          { op: 'delete', key: `${at}b` },
          { op: 'delete', key: `${at}absent` },
          { op: 'delete-cas', key: `${at}absent too`, modifyIndex: index },
          { op: 'set', key: `${at}c`, value: 1 },
        );
        assert.equal(indexes.get(`${at}a`), 0);
        assert.equal(indexes.get(`${at}b`), 0);
        assert.deepEqual(
          (await other.list(at)).map(({ key }) => key.slice(at.length)),
          ['c'],
        );
      });

      it('see, operation after operation, what the ones before did', async () => {
        const key = `${fresh()}k`;
        assert.deepEqual(
          await store.transact([
            { op: 'set', key, value: 1 },
            { op: 'cas', key, value: 2, modifyIndex: 0 },
          ]),
          {
            kind: 'conflict',
            failed: [1],
          },
        );
        await commit(store, { op: 'set', key, value: 1 }, { op: 'delete', key }, { op: 'cas', key, value: 2, modifyIndex: 0 });
        assert.equal((await store.get(key))?.value, 2);
      });

      it('let exactly one of many racing creators win', async () => {
        const key = `${fresh()}k`;
        const results = await Promise.all(
          Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? store : other).transact([{ op: 'cas', key, value: i, modifyIndex: 0 }])),
        );
        assert.equal(results.filter(({ kind }) => kind === 'committed').length, 1);
      });

      it('take 64 operations, or 512 KB, and not more', async () => {
        const at = fresh();
        const sets = (count: number, value: unknown): Operation[] =>
          Array.from({ length: count }, (_, i) => ({ op: 'set', key: `${at}${i}`, value }));
        await commit(store, ...sets(64, 1));
        await assert.rejects(store.transact(sets(65, 1)), kindIs('too-large'));
        await commit(store, ...sets(1, 'x'.repeat(390_000)));
        await commit(store, ...sets(60, 'x'.repeat(6_000)));
        await assert.rejects(store.transact(sets(1, 'x'.repeat(400_000))), kindIs('too-large'));
        await assert.rejects(store.transact(sets(63, 'x'.repeat(8_000))), kindIs('too-large'));
      });

      it('refuse what is no JSON', async () => {
        await assert.rejects(store.transact([{ op: 'set', key: fresh(), value: undefined }]), kindIs('invalid'));
      });
    });

    describe('watches', () => {
      it('yield what is there, and then every change under the prefix', async () => {
        const at = fresh();
        await commit(store, { op: 'set', key: `${at}a`, value: 1 });
        const seen = new Seen(other.watch(at, AbortSignal.timeout(30_000)));
        await seen.until((last) => values(last).join() === '1');
        await commit(store, { op: 'set', key: `${at}b`, value: 2 }, { op: 'set', key: `${at}a`, value: 3 });
        await seen.until((last) => values(last).join() === '3,2', 1000);
        await commit(store, { op: 'delete', key: `${at}a` });
        await seen.until((last) => values(last).join() === '2', 1000);
        await commit(store, { op: 'delete', key: `${at}b` });
        await seen.until((last) => last.length === 0, 1000);
        await seen.stop();
      });

      it('stay silent about what changes elsewhere', async () => {
        const at = fresh();
        const seen = new Seen(store.watch(`${at}in/`, AbortSignal.timeout(30_000)));
        await seen.until((last) => last.length === 0);
        for (let i = 0; i < 5; i += 1) await commit(store, { op: 'set', key: `${at}out/${i}`, value: i });
        await commit(store, { op: 'set', key: `${at}in/x`, value: 1 });
        await seen.until((last) => last.length === 1);
        assert.equal(seen.count, 2);
        await seen.stop();
      });

      it('end promptly, without an error, when the signal aborts', async () => {
        const controller = new AbortController();
        const seen = new Seen(store.watch(fresh(), controller.signal));
        await seen.until(() => true);
        await sleep(50);
        const startedMs = performance.now();
        controller.abort();
        await seen.ended;
        assert.ok(performance.now() - startedMs < promisedMs(200));
      });

      if (hasOutages)
        it('resume after an outage of the store, with what changed meanwhile', async () => {
          const at = fresh();
          await commit(store, { op: 'set', key: `${at}a`, value: 1 });
          const seen = new Seen(other.watch(at, AbortSignal.timeout(60_000)));
          await seen.until((last) => last.length === 1);
          await under.outage?.();
          await commit(store, { op: 'set', key: `${at}b`, value: 2 });
          await seen.until((last) => last.length === 2, 5000);
          await seen.stop();
        });
    });

    describe('locks', () => {
      it('are held by one at a time, and go to the next within a second of release', async () => {
        const key = `${fresh()}lock`;
        const first = await lock(store, key, { me: 1 });
        let releasedMs = 0;
        const second = lock(other, key, { me: 2 });
        await sleep(300);
        assert.deepEqual((await other.holder(key))?.value, { me: 1 });
        assert.equal((await other.holder(key))?.session, first.fence.session);
        releasedMs = performance.now();
        await first.release();
        await first.release();
        const taken = await second;
        assert.ok(performance.now() - releasedMs < promisedMs(1000));
        assert.deepEqual(await store.holder(key), { session: taken.fence.session, value: { me: 2 } });
        assert.equal(taken.lost.aborted, false);
        await taken.release();
        assert.equal(await store.holder(key), undefined);
      });

      it('refuse a transaction under a fence that is lost, and do nothing of it', async () => {
        const at = fresh();
        const held = await lock(store, `${at}lock`);
        await commit(store, { op: 'set', key: `${at}k`, value: 1 }, held.fence);
        await held.release();
        await assert.rejects(store.transact([{ op: 'set', key: `${at}k`, value: 2 }], held.fence), kindIs('not-leader'));
        const next = await lock(other, `${at}lock`);
        await assert.rejects(store.transact([{ op: 'set', key: `${at}k`, value: 2 }], held.fence), kindIs('not-leader'));
        await assert.rejects(store.transact([], held.fence), kindIs('not-leader'));
        assert.equal((await store.get(`${at}k`))?.value, 1);
        await next.release();
      });

      it('say conflict, not not-leader, when the fence holds and a CAS does not', async () => {
        const at = fresh();
        const held = await lock(store, `${at}lock`);
        const operations: Operation[] = [
          { op: 'set', key: `${at}a`, value: 1 },
          { op: 'cas', key: `${at}b`, value: 1, modifyIndex: 7 },
        ];
        assert.deepEqual(await store.transact(operations, held.fence), { kind: 'conflict', failed: [1] });
        const sets = Array.from({ length: 64 }, (_, i): Operation => ({ op: 'set', key: `${at}${i}`, value: 1 }));
        await assert.rejects(store.transact(sets, held.fence), kindIs('too-large'));
        assert.equal((await store.transact(sets.slice(1), held.fence)).kind, 'committed');
        await held.release();
      });

      it('stay held when the holder writes another value at the key', async () => {
        const key = `${fresh()}lock`;
        const held = await lock(store, key, 'before');
        await commit(store, { op: 'set', key, value: 'after' }, held.fence);
        assert.deepEqual(await other.holder(key), { session: held.fence.session, value: 'after' });
        await held.release();
      });

      it('are lost at once by eviction, which frees them for the next', async () => {
        const key = `${fresh()}lock`;
        const held = await lock(store, key);
        const lost = new Promise<void>((resolve) => held.lost.addEventListener('abort', () => resolve(), { once: true }));
        const next = lock(other, key);
        const startedMs = performance.now();
        await other.evict(key, held.fence.session);
        await Promise.all([lost, next]);
        assert.ok(performance.now() - startedMs < promisedMs(1500));
        await assert.rejects(store.transact([], held.fence), kindIs('not-leader'));
        await other.evict(key, held.fence.session);
        assert.equal((await next).lost.aborted, false);
        await (await next).release();
      });

      it('can be waited for no longer than the signal allows', async () => {
        const key = `${fresh()}lock`;
        const held = await lock(store, key);
        const controller = new AbortController();
        const waiting = other.lock(key, 2, { ttlMs: TTL_MS, name: 'test' }, controller.signal);
        setTimeout(() => controller.abort(new Error('enough')), 100);
        await assert.rejects(waiting, /enough/);
        assert.equal(held.lost.aborted, false);
        await held.release();
      });

      it('are renewed: held past their time to live', async () => {
        const key = `${fresh()}lock`;
        const held = await lock(store, key);
        await sleep(TTL_MS * 2.2);
        assert.equal(held.lost.aborted, false);
        await commit(store, { op: 'set', key: `${key}-k`, value: 1 }, held.fence);
        await held.release();
      });

      it('go with the handle that is closed', async () => {
        const key = `${fresh()}lock`;
        const closing = await under.open();
        const held = await lock(closing, key);
        await closing[Symbol.asyncDispose]();
        assert.equal(held.lost.aborted, true);
        assert.equal(await store.holder(key), undefined);
        await assert.rejects(closing.get(key), kindIs('unavailable'));
      });

      it('are sent to those who watch: the new leader, or none', async () => {
        const key = `${fresh()}lock`;
        const seen = new Seen<Holder | undefined>(other.watchHolder(key, AbortSignal.timeout(30_000)));
        await seen.until((last) => last === undefined);
        const held = await lock(store, key, 1);
        await seen.until((last) => last?.session === held.fence.session && last.value === 1, 1000);
        await commit(store, { op: 'set', key, value: 2 }, held.fence);
        await seen.until((last) => last?.value === 2, 1000);
        await held.release();
        await seen.until((last) => last === undefined, 1000);
        await seen.stop();
      });
    });
  });
}

/** Commits or fails the test. */
async function commit(store: StateStore, ...parts: readonly (Operation | Fence)[]): Promise<ReadonlyMap<string, number>> {
  const operations = parts.filter((part) => 'op' in part);
  const result = await store.transact(
    operations,
    parts.find((part) => 'session' in part),
  );
  if (result.kind !== 'committed') assert.fail(`conflict at ${result.failed.join()}`);
  return result.indexes;
}

const values = (entries: readonly Entry[]) => entries.map(({ value }) => value);

/** Follows a watch and waits for states of it, with a bound. */
class Seen<T = readonly Entry[]> {
  count = 0;
  readonly ended: Promise<void>;
  #last: { readonly value: T } | undefined;
  #stopped = false;
  readonly #source: AsyncIterator<T>;

  constructor(source: AsyncIterable<T>) {
    this.#source = source[Symbol.asyncIterator]();
    this.ended = this.#follow();
  }
  async #follow(): Promise<void> {
    for (;;) {
      const next = await this.#source.next();
      if (next.done === true || this.#stopped) return;
      this.count += 1;
      this.#last = { value: next.value };
    }
  }
  async until(holds: (last: T) => boolean, withinMs = 5000): Promise<void> {
    for (const startMs = performance.now(); performance.now() - startMs < promisedMs(withinMs); ) {
      if (this.#last !== undefined && holds(this.#last.value)) return;
      await sleep(10);
    }
    assert.fail(`after ${withinMs} ms the watch says ${JSON.stringify(this.#last?.value)}`);
  }
  /** Without waiting for the end of a question under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    void this.#source.return?.();
  }
}
