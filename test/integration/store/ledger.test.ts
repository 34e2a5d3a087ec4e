/** The ledger on a real embedded store, with and without faults in between. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { pino } from 'pino';
import { isKind, keys } from '../../../src/model/index.ts';
import { type Change, type Ledger, type Lock, openEmbedded, openLedger, type StateStore } from '../../../src/store/index.ts';
import { type Fault, type UnreliableStore, unreliable } from '../../support/fakes/unreliable-store.ts';
import { promisedMs } from '../../support/promised.ts';

const log = pino({ level: 'silent' });
const put = (key: string, value: unknown): Change => ({ kind: 'put', key: keys.root + key, value });
const create = (key: string, value: unknown): Change => ({ kind: 'create', key: keys.root + key, value });
const remove = (key: string): Change => ({ kind: 'delete', key: keys.root + key });

interface Bench {
  readonly direct: StateStore;
  readonly store: UnreliableStore;
  readonly lock: Lock;
  readonly ledger: Ledger;
  close(): Promise<void>;
}

async function bench(): Promise<Bench> {
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-ledger-'));
  const direct = await openEmbedded(dir, log);
  const store = unreliable(direct);
  const lock = await direct.lock(keys.leader, {}, { ttlMs: 120_000, name: 'test' }, AbortSignal.timeout(60_000));
  await direct.transact([{ op: 'set', key: `${keys.root}before`, value: 1 }]);
  const ledger = await openLedger(store, lock.fence, log);
  return {
    direct,
    store,
    lock,
    ledger,
    async close() {
      await ledger[Symbol.asyncDispose]();
      await direct[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** What the store holds of what the ledger shows. */
async function held(store: StateStore): Promise<readonly (readonly [string, unknown])[]> {
  const entries = await store.list(keys.root);
  return entries.filter(({ key }) => key !== keys.leader && key !== keys.barrier).map(({ key, value }) => [key, value] as const);
}

describe('the ledger', { timeout: 600_000 }, () => {
  let at: Bench;
  beforeEach(async () => {
    at = await bench();
  });
  afterEach(() => at.close());
  it('names what was changed, removed or forged by others, and restores it', async () => {
    await at.ledger.commit([put('kept', 1), put('changed', 1), put('removed', 1)]);
    await at.direct.transact([
      { op: 'set', key: `${keys.root}changed`, value: 'forged' },
      { op: 'delete', key: `${keys.root}removed` },
      { op: 'set', key: `${keys.root}added`, value: 'forged' },
    ]);
    const names = ['added', 'changed', 'removed'].map((name) => keys.root + name);
    assert.deepEqual(await at.ledger.compare(false), names);
    assert.deepEqual(await at.ledger.compare(true), names);
    assert.deepEqual(await at.ledger.compare(false), []);
    assert.deepEqual([await stored('changed'), await stored('removed'), await stored('added')], [1, 1, undefined]);
  });

  it('compares nothing while nobody has written since all was as it should be', async (t) => {
    assert.deepEqual(await at.ledger.compare(true), []);
    const { mock } = t.mock.method(at.store, 'list');
    for (let i = 0; i < 3; i++) assert.deepEqual(await at.ledger.compare(true), []);
    assert.equal(mock.callCount(), 0);
    await at.direct.transact([{ op: 'set', key: `${keys.root}added`, value: 'forged' }]);
    assert.deepEqual(await at.ledger.compare(true), [`${keys.root}added`]);
    assert.notEqual(mock.callCount(), 0);
  });

  const value = (key: string) => at.ledger.get(keys.root + key);
  const stored = async (key: string) => (await at.direct.get(keys.root + key))?.value;
  const rejectsAs = (promise: Promise<void>, kind: 'conflict' | 'unavailable' | 'not-leader' | 'too-large' | 'invalid') =>
    assert.rejects(promise, (error) => isKind(error, kind));

  it('loads what is there, but neither lock nor barrier', () => {
    assert.deepEqual(at.ledger.list(''), [[`${keys.root}before`, 1]]);
  });

  it('shows a commit at once and acknowledges it when the store has it', async () => {
    const done = at.ledger.commit([put('a', 1), create('b/c', 2), remove('before')]);
    assert.equal(value('a'), 1);
    assert.equal(value('before'), undefined);
    await done;
    assert.equal(await stored('b/c'), 2);
    assert.deepEqual(await held(at.direct), at.ledger.list(keys.root));
  });

  it('refuses to create what exists, in the store, under way, or in the same commit', async () => {
    await rejectsAs(at.ledger.commit([put('x', 1), create('before', 2)]), 'conflict');
    assert.equal(value('x'), undefined);
    const first = at.ledger.commit([create('new', 1)]);
    await rejectsAs(at.ledger.commit([create('new', 2)]), 'conflict');
    await first;
    await rejectsAs(at.ledger.commit([create('twice', 1), create('twice', 2)]), 'conflict');
    await at.ledger.commit([remove('new'), create('new', 3)]);
    assert.equal(await stored('new'), 3);
  });

  it('carries many commits in few transactions, in order', async () => {
    const before = (await at.direct.get(`${keys.root}before`))?.modifyIndex ?? 0;
    await Promise.all(Array.from({ length: 100 }, (_, i) => at.ledger.commit([put('last', i), put(`each/${i}`, i)])));
    assert.equal(await stored('last'), 99);
    assert.equal((await at.direct.list(`${keys.root}each/`)).length, 100);
    assert.ok(((await at.direct.get(`${keys.root}last`))?.modifyIndex ?? 0) - before <= 4);
  });

  it('refuses a commit that no transaction holds, and what is no JSON', async () => {
    await rejectsAs(at.ledger.commit(Array.from({ length: 63 }, (_, i) => put(`${i}`, i))), 'too-large');
    await rejectsAs(at.ledger.commit([put('big', 'x'.repeat(400_000))]), 'too-large');
    await rejectsAs(at.ledger.commit([put('none', undefined)]), 'invalid');
    await at.ledger.commit(Array.from({ length: 62 }, (_, i) => put(`${i}`, i)));
    assert.equal(value('none'), undefined);
  });

  it('fails, upon a write by someone else, what stood upon that key and nothing more', async () => {
    await at.ledger.commit([put('mine', 1), put('shared', 1)]);
    await at.direct.transact([{ op: 'set', key: `${keys.root}shared`, value: 'theirs' }]);
    const results = await Promise.allSettled([
      at.ledger.commit([put('shared', 2), put('with', 2)]),
      at.ledger.commit([put('mine', 2)]),
      at.ledger.commit([put('with', 3)]),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'fulfilled', 'rejected'],
    );
    assert.equal(value('shared'), 'theirs');
    assert.equal(value('with'), undefined);
    await at.ledger.commit([put('shared', 3)]);
    assert.deepEqual(await held(at.direct), at.ledger.list(keys.root));
  });

  it('takes everything under way back when the store goes away, and goes on when it returns', async () => {
    at.store.faults.push('refuse');
    const first = at.ledger.commit([create('a', 1)]);
    const second = at.ledger.commit([put('a', 2), put('b', 1)]);
    await Promise.all([rejectsAs(first, 'unavailable'), rejectsAs(second, 'unavailable')]);
    assert.deepEqual(at.ledger.list(''), [[`${keys.root}before`, 1]]);
    await at.ledger.commit([create('a', 3)]);
    assert.deepEqual(await held(at.direct), at.ledger.list(keys.root));
  });

  for (const fault of ['lose', 'delay'] as const) {
    it(`undoes in the store what it reported as failed (${fault})`, async () => {
      at.store.faults.push(fault);
      await rejectsAs(at.ledger.commit([create('a', 1), put('before', 2)]), 'unavailable');
      await at.ledger.commit([put('other', 1)]);
      await at.store.deliver();
      assert.equal(await stored('a'), undefined);
      assert.equal(await stored('before'), 1);
    });
  }

  it('undoes it without being asked to write again', async () => {
    at.store.faults.push('lose', 'refuse', 'deaf');
    await rejectsAs(at.ledger.commit([create('a', 1)]), 'unavailable');
    for (let left = 100; left > 0 && (await stored('a')) !== undefined; left -= 1) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(await stored('a'), undefined);
  });

  it('writes nothing once the lock is lost, and says not-leader from then on', async () => {
    await at.lock.release();
    await rejectsAs(at.ledger.commit([put('a', 1)]), 'not-leader');
    await rejectsAs(at.ledger.commit([put('a', 1)]), 'not-leader');
    assert.equal(value('a'), undefined);
    assert.equal(value('before'), 1);
    assert.equal(await stored('a'), undefined);
  });

  it('lists ten thousand leases of one network, and one of another, in time in proportion', async () => {
    await at.ledger.commit([put(`leases/small/${address(1)}`, lease('small', 1))]);
    /** The shortest of some rounds, in ms: a busy machine slows single ones. */
    const listingMs = (): number => {
      const rounds = Array.from({ length: 5 }, () => {
        const startedMs = performance.now();
        for (let i = 0; i < 10_000; i += 1) assert.equal(at.ledger.list(`${keys.leases}small/`).length, 1);
        return performance.now() - startedMs;
      });
      return Math.min(...rounds);
    };
    const aloneMs = listingMs();
    for (let i = 0; i < 10_000; i += 50) {
      await at.ledger.commit(Array.from({ length: 50 }, (_, j) => put(`leases/big/${address(i + j)}`, lease('big', i + j))));
    }
    const tookMs = listingMs();
    assert.ok(tookMs < Math.max(promisedMs(200), 10 * aloneMs), `${tookMs} ms, and ${aloneMs} ms without the others`);
    assert.equal(at.ledger.list(keys.leases).length, 10_001);
  });
});

const address = (number: number) => `10.0.${number >> 8}.${number & 255}`;
const lease = (network: string, number: number) => ({
  ip: address(number),
  network,
  kind: 'instance',
  owner: 'web',
  host: 'h1',
  state: 'bound',
  sinceMs: 0,
  epoch: 1,
});

/** What happens between commits. */
type Step =
  | { readonly do: 'commit'; readonly changes: readonly Change[]; readonly wait: boolean }
  | { readonly do: 'meddle'; readonly key: string }
  | { readonly do: 'deliver' }
  | { readonly do: 'fault'; readonly faults: readonly Fault[] };

const key = fc.constantFrom('a', 'b', 'n/a', 'n/b');
const change = fc.oneof(
  fc.record({ kind: fc.constantFrom('put' as const, 'create' as const), key, value: fc.nat(99) }),
  fc.record({ kind: fc.constant('delete' as const), key }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('commit' as const), changes: fc.array(change, { maxLength: 4 }), wait: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('meddle' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deliver' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      faults: fc.array(fc.constantFrom<Fault>('none', 'refuse', 'lose', 'delay', 'deaf'), { maxLength: 4 }),
    }),
  },
);

describe('after any interleaving of commits and faults', { timeout: 600_000 }, () => {
  it('memory is what the store holds, with every acknowledged commit and no refused one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const at = await bench();
        try {
          // Each commit carries a mark of its own: the mark is there if and only if the commit was acknowledged.
          const outcomes: Promise<boolean>[] = [];
          for (const each of steps) {
            if (each.do === 'fault') at.store.faults.push(...each.faults);
            else if (each.do === 'deliver') await at.store.deliver();
            else if (each.do === 'meddle') await at.direct.transact([{ op: 'set', key: keys.root + each.key, value: 'meddled' }]);
            else {
              const changes = each.changes.map((one) => ({ ...one, key: keys.root + one.key }));
              const done = at.ledger.commit([put(`marks/${outcomes.length}`, true), ...changes]);
              outcomes.push(
                done.then(
                  () => true,
                  () => false,
                ),
              );
              if (each.wait) await outcomes.at(-1);
            }
          }
          const results = await Promise.all(outcomes);
          at.store.faults.length = 0;
          await at.store.deliver();
          // Makes sure that what is in doubt is repaired; a meddler may cost it a conflict.
          for (let tries = 0; tries < 10; tries += 1) {
            const all = [...at.ledger.list<unknown>(''), ...['a', 'b', 'n/a', 'n/b'].map((name) => [keys.root + name] as const)];
            const touch = [...new Set(all.map(([name]) => name))].map((name): Change => {
              const now = at.ledger.get(name);
              return now === undefined ? { kind: 'delete', key: name } : { kind: 'put', key: name, value: now };
            });
            if (
              await at.ledger.commit([...touch, put('final', tries)]).then(
                () => true,
                () => false,
              )
            )
              break;
            await sleep(20);
          }
          await at.store.deliver();
          const visible = at.ledger.list<unknown>(keys.root);
          const absentElsewhere = (await held(at.direct)).filter(([name]) => name.includes('/marks/') || at.ledger.get(name) !== undefined);
          assert.deepEqual(absentElsewhere, visible);
          for (const [i, acknowledged] of results.entries())
            assert.equal(at.ledger.get(`${keys.root}marks/${i}`) === true, acknowledged, `commit ${i}`);
        } finally {
          await at.close();
        }
      }),
      { numRuns: 200 },
    );
  });
});
