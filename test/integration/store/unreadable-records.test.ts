/** Records that cannot be read: each is set aside alone, is named, can be deleted, and is never written by us. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isKind, keys } from '../../../src/model/index.ts';
import { openEmbedded, openLedger } from '../../../src/store/index.ts';
import { recordProblem } from '../../../src/store/ledger/record-check.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { GOOD_RECORDS, GOOD_SERVICE, nested } from '../../support/fakes/good-records.ts';

/** Each field of a record, wrong in each way. */
function* damaged(record: Readonly<Record<string, unknown>>): Generator<readonly [what: string, value: unknown]> {
  for (const whole of [null, 5, 'x', [], {}, JSON.parse('{"__proto__":{"name":"x"}}')]) yield [JSON.stringify(whole), whole];
  yield ['deep', { ...record, extra: nested(500) }];
  for (const field of Object.keys(record)) {
    for (const value of [null, [null], { a: [] }, true, JSON.parse('{"__proto__":5}')])
      yield [`${field}=${JSON.stringify(value)}`, { ...record, [field]: value }];
    const { [field]: _, ...rest } = record;
    yield [`${field} is missing`, rest];
  }
}

/** Optional fields may be missing or null; of an object of any keys an empty one is right. */
const isStillGood = (key: string, value: unknown): boolean => recordProblem(key, value) === undefined;

describe('a record in the store', () => {
  it('of each kind is read as it is written', () => {
    for (const [key, value] of Object.entries(GOOD_RECORDS)) assert.equal(recordProblem(key, value), undefined, key);
    assert.equal(recordProblem('arpanet/config/join-token', 5), undefined);
  });

  it('that is wrong deep inside is named down to its field', () => {
    const key = keys.service('abc', 'web');
    const withRequest = (request: object) => ({ ...GOOD_SERVICE, template: { ...GOOD_SERVICE.template, request } });
    assert.equal(recordProblem(key, withRequest({ Env: 'abc' })), 'template.request.Env: is a string and not []string');
    assert.match(
      recordProblem(key, withRequest({ HostConfig: { Ulimits: [null] } })) ?? '',
      /^template\.request\.HostConfig\.Ulimits\.0: is null/,
    );
    assert.match(recordProblem(key, { ...GOOD_SERVICE, spec: { UpdateConfig: 5 } }) ?? '', /^spec\.UpdateConfig: is a number/);
    assert.match(recordProblem(key, { ...GOOD_SERVICE, createdAtMs: 1e300 }) ?? '', /^createdAtMs/);
    assert.equal(recordProblem(keys.service('abc', 'db'), GOOD_SERVICE), 'is the record of arpanet/services/abc/web');
  });

  it('that cannot be read is set aside alone, whatever is wrong with it; it is never written, and can be deleted, replaced or mended', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'arpanet-unreadable-'));
    const store = await openEmbedded(dir, quietLog);
    const lock = await store.lock(keys.leader, {}, { ttlMs: 600_000, name: 'test' }, AbortSignal.timeout(60_000));
    try {
      for (const [key, good] of Object.entries(GOOD_RECORDS)) {
        const neighbours = Object.entries(GOOD_RECORDS).filter(([other]) => other !== key);
        for (const [other, value] of neighbours) await store.transact([{ op: 'set', key: other, value }]);
        const bad = [...damaged(good)].filter(([, value]) => !isStillGood(key, value));
        assert.ok(bad.length > 10, `${key}: ${bad.length}`);
        for (const [what, value] of some(bad)) {
          await store.transact([{ op: 'set', key, value }]);
          const ledger = await openLedger(store, lock.fence, quietLog);
          assert.deepEqual(
            ledger.unreadable().map((one) => one.key),
            [key],
            what,
          );
          assert.equal(ledger.get(key), undefined, what);
          assert.equal(ledger.list(keys.root).filter(([one]) => GOOD_RECORDS[one] !== undefined).length, neighbours.length, what);
          await assert.rejects(ledger.commit([{ kind: 'put', key, value }]), (error) => isKind(error, 'invalid'), what);
          await ledger.commit([{ kind: 'delete', key }]);
          assert.deepEqual(ledger.unreadable(), []);
          assert.equal(await store.get(key), undefined, what);
          await ledger[Symbol.asyncDispose]();
        }
        await store.transact([{ op: 'set', key, value: bad[0]?.[1] }]);
        const ledger = await openLedger(store, lock.fence, quietLog);
        // mended or deleted by hand: nothing is put back
        await store.transact([{ op: 'set', key, value: good }]);
        assert.deepEqual(await ledger.compare(true), [key]);
        assert.deepEqual([ledger.unreadable(), ledger.get(key)], [[], good]);
        await ledger[Symbol.asyncDispose]();
      }
    } finally {
      await store[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    }
  });
});

/** Some of each kind's many, so that the test takes seconds. */
const some = <T>(all: readonly T[]): readonly T[] => all.filter((_, i) => i < 8 || i % 7 === 0);
