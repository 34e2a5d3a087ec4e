/** What somebody else has written to the store is found: at once where the store's change index shows it, and otherwise by comparing all records a slice at a time. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { keys } from '../../../src/model/index.ts';
import { openLedger, type Ledger, type StateStore } from '../../../src/store/index.ts';
import { beginningWith, foreignUnder, slicesOf, watchForeign } from '../../../src/store/ledger/foreign.ts';
import { withLargeRecords } from '../../../src/store/large/large-records.ts';
import { until } from '../../support/cluster/cluster.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { GOOD_RECORDS } from '../../support/fakes/good-records.ts';
import { memoryStore } from '../../support/fakes/memory-store.ts';

const FENCE = { key: keys.leader, session: 's' };

describe('slices of the keys', () => {
  it('have all keys between them, each in one of them, and none has too many', () => {
    const part = fc.stringMatching(/^[ab/]{0,6}$/);
    fc.assert(
      fc.property(fc.uniqueArray(part, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (names, most) => {
        const all = names.map((name) => keys.root + name).sort();
        const slices = slicesOf(keys.root, all, most);
        for (const key of all) assert.notEqual(slices.filter((prefix) => key.startsWith(prefix)).length, 0, key);
        for (const prefix of slices) {
          const held = all.filter((key) => key.startsWith(prefix));
          assert.deepEqual(beginningWith(prefix, all), held);
          // of a key that is the beginning of others, those are in it as well
          assert.ok(held.length <= most || all.includes(prefix), `${held.length} at ${prefix}`);
        }
      }),
    );
  });

  it('are one where there are few', () => assert.deepEqual(slicesOf(keys.root, ['arpanet/a', 'arpanet/b'], 2), [keys.root]));
});

describe('a guard of the store', () => {
  let over = new AbortController();
  afterEach(() => over.abort());

  /** Counts what is read: answers of one number, and indexes of entries. */
  function counted(store: StateStore) {
    const read = { questions: 0, entries: 0, slices: 0, lists: 0 };
    const seen: StateStore = {
      ...store,
      async changeIndex(prefix, signal, after) {
        read.questions += 1;
        for (;;) {
          const now = await store.changeIndex(prefix);
          if (now !== after || signal?.aborted === true) return now;
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      },
      async indexes(prefix) {
        const found = await store.indexes(prefix);
        read.entries += found.size;
        read.slices += 1;
        return found;
      },
    };
    return { store: seen, read };
  }

  /** A ledger with so many records, and what watches it. */
  async function guarded(records: number, pauses: { readonly pauseMs: number; readonly roundMs: number }) {
    over = new AbortController();
    const seeded = Array.from(
      { length: records },
      (_, i) => [`${keys.root}records/n${i}`, { json: JSON.stringify(record(i)), modifyIndex: 1 }] as const,
    );
    const memory = memoryStore(new Map(seeded));
    const { store, read } = counted(memory.store);
    const ledger = await openLedger(store, FENCE, quietLog);
    const indexes = new Map([...memory.rows].map(([key, { modifyIndex }]) => [key, modifyIndex]));
    const own = new Set<number>();
    const found: string[] = [];
    const write = async (i: number): Promise<void> => {
      await ledger.commit([{ kind: 'put', key: `${keys.root}records/n${i}`, value: record(i) }]);
      const index = memory.rows.get(`${keys.root}records/n${i}`)?.modifyIndex ?? 0;
      indexes.set(`${keys.root}records/n${i}`, index);
      own.add(index);
    };
    const watching = watchForeign(
      {
        store,
        known: (prefix) => (read.lists++, [...indexes.keys()].filter((key) => key.startsWith(prefix)).sort()),
        indexOf: (key) => indexes.get(key) ?? 0,
        isOwn: (index) => own.has(index),
        idle: async () => undefined,
        found: async (changed) => {
          for (const key of changed) {
            found.push(key);
            const index = memory.rows.get(key)?.modifyIndex;
            if (index === undefined) indexes.delete(key);
            else indexes.set(key, index);
          }
        },
        log: quietLog,
        slice: 50,
        pauses: { askMs: 1, shortMs: 0, ...pauses },
      },
      over.signal,
    );
    await until('it listens', () => read.questions > 1);
    return { ...memory, ledger, write, found, read, watching };
  }
  const record = (i: number) => ({ name: `n${i}`, entries: [] });
  const NEVER = { pauseMs: 600_000, roundMs: 600_000 };

  it('reads a number for each change of its own, with ten records and with a thousand', async () => {
    for (const records of [10, 1_000]) {
      const { write, read, found } = await guarded(records, NEVER);
      read.questions = 0;
      for (let i = 0; i < 5; i++) {
        const before = read.questions;
        await write(i);
        await until('it has looked', () => read.questions > before);
      }
      assert.deepEqual([read.entries, found], [0, []]);
      assert.ok(read.questions <= 10, `${read.questions} questions`);
      over.abort();
    }
  });

  it('finds at once what somebody else has written, deleted or added', async () => {
    const { rows, found, store } = await guarded(300, NEVER);
    const at = (name: string) => `${keys.root}records/${name}`;
    for (const [key, act] of [
      [at('n7'), () => store.transact([{ op: 'set', key: at('n7'), value: record(8) }])],
      [at('n250'), () => store.transact([{ op: 'delete', key: at('n250') }])],
      [at('n9added'), () => store.transact([{ op: 'set', key: at('n9added'), value: record(9) }])],
    ] as const) {
      await act();
      await until(`${key} is found`, () => found.includes(key), 20_000);
    }
    assert.equal(found.length, 3);
    assert.equal(rows.has(at('n250')), false);
  });

  it('finds what a write of its own hides, by comparing all in slices', async () => {
    const { rows, write, found, read } = await guarded(300, { pauseMs: 0, roundMs: 0 });
    const key = `${keys.root}records/n5`;
    // as if ours had come in the same moment: the change index is ours
    rows.set(key, { json: '{}', modifyIndex: 1_000_000 });
    await write(1);
    await until('it is found', () => found.includes(key));
    assert.deepEqual(found, [key]);
    assert.ok(read.slices > (read.lists - 1) * 6, 'all keys are listed once a round');
  });

  it('restores the previous values through a ledger, and names a template that is lost by the records that share it', async () => {
    over = new AbortController();
    const memory = memoryStore();
    const store = withLargeRecords(memory.store);
    const ledger: Ledger = await openLedger(store, FENCE, quietLog);
    const [key, value] = Object.entries(GOOD_RECORDS).find(([name]) => name.startsWith(keys.containers)) ?? assert.fail();
    await ledger.commit([{ kind: 'put', key: keys.schema, value: 2 }]);
    await ledger.commit([{ kind: 'put', key, value }]);
    const deps = {
      store,
      known: (prefix: string) => ledger.list(prefix).map(([known]) => known),
      indexOf: (known: string) => memory.rows.get(known)?.modifyIndex ?? 0,
      idle: async () => undefined,
    };
    assert.deepEqual(await foreignUnder(keys.root, deps), []);
    const [template = ''] = [...memory.rows.keys()].filter((known) => known.startsWith(keys.parts));
    const held = memory.rows.get(template);
    for (const spoiled of [undefined, { json: '"x"', modifyIndex: 900_000 }]) {
      if (spoiled === undefined) memory.rows.delete(template);
      else memory.rows.set(template, spoiled);
      assert.deepEqual(await foreignUnder(keys.parts, deps), [key]);
      await ledger.compare(true);
      assert.equal(memory.rows.get(template)?.json, held?.json);
      assert.deepEqual(await foreignUnder(keys.parts, deps), []);
    }
    await ledger[Symbol.asyncDispose]();
  });
});
