/** When a store gets records that an older release cannot read. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keys } from '../../../src/model/index.ts';
import { createStoreSchema, type StoreSchemaDeps } from '../../../src/processes/identity/store-schema.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

const LABEL = 'arpanet/records/old';

describe('the schema of a store of an older release', () => {
  const of = (given: Partial<StoreSchemaDeps> = {}, ours = 3) => {
    const ledger = new LiteralLedger();
    ledger.apply([{ kind: 'put', key: LABEL, value: { name: 'old' } }]);
    const deps = { ledger, withoutSchema: () => [], isSettled: () => true, log: quietLog, ...given };
    const schema = createStoreSchema(deps, ours, { 3: () => [{ kind: 'put', key: LABEL, value: { name: 'new' } }] });
    return { ledger, schema };
  };

  it('stays as it is until it is confirmed; then records are converted before it says so', async () => {
    const { ledger, schema } = of();
    assert.deepEqual(schema.report(), { schema: 1, newest: 3 });
    assert.deepEqual(ledger.get(LABEL), { name: 'old' });
    assert.deepEqual(await schema.confirm(), { schema: 3, newest: 3 });
    assert.deepEqual(ledger.get(LABEL), { name: 'new' });
    assert.equal(ledger.get(keys.schema), 3);
    assert.deepEqual(schema.report(), { schema: 3, newest: 3 });
  });

  it('is not confirmed while a scheduler cannot read it, or may not have said so yet', async () => {
    const older = of({ withoutSchema: (schema) => (schema === 3 ? ['s2'] : []) });
    assert.match(older.schema.report().waitsFor ?? '', /records of schema 3: upgrade s2 first/);
    await assert.rejects(older.schema.confirm(), { kind: 'conflict', message: /upgrade s2 first/ });
    const fresh = of({ isSettled: () => false });
    await assert.rejects(fresh.schema.confirm(), { kind: 'unavailable' });
    for (const { ledger } of [older, fresh]) assert.deepEqual([ledger.get(keys.schema), ledger.get(LABEL)], [undefined, { name: 'old' }]);
  });

  it('is confirmed once: again it changes nothing, and a store of a newer one is left alone', async () => {
    const { ledger, schema } = of();
    await schema.confirm();
    ledger.apply([{ kind: 'put', key: LABEL, value: { name: 'mine' } }]);
    await schema.confirm();
    assert.deepEqual(ledger.get(LABEL), { name: 'mine' });
  });
});
