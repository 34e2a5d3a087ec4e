/** What the first leader of a cluster makes, and what later ones find and change. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keys, STORE_SCHEMA } from '../../../src/model/index.ts';
import { identityOf } from '../../../src/processes/identity/cluster-identity.ts';
import { rotateJoinSecret } from '../../../src/processes/identity/join-secret.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

describe('the identity of a cluster', () => {
  const of = (ledger: LiteralLedger) => identityOf(ledger, undefined, () => 'fresh', quietLog);

  it('is made by its first leader, and found by the next', async () => {
    const ledger = new LiteralLedger();
    const first = await of(ledger);
    assert.equal(first.clusterId, 'fresh');
    assert.match(first.labelKey, /^[\w-]{43}$/, '256 random bits');
    assert.notEqual(first.labelKey, first.token);
    assert.deepEqual(await of(ledger), first);
    assert.equal(ledger.get(keys.labelKey), first.labelKey);
    assert.equal(ledger.get(keys.schema), STORE_SCHEMA, 'nobody has to read an older one');
  });

  it('is not read from a store of a newer release: the message says which one to run', async () => {
    const ledger = new LiteralLedger();
    const first = await of(ledger);
    ledger.apply([{ kind: 'delete', key: keys.schema }]);
    assert.deepEqual(await of(ledger), first);
    assert.equal(ledger.get(keys.schema), undefined, 'one of before stays as an older release can read it');
    ledger.apply([{ kind: 'put', key: keys.schema, value: STORE_SCHEMA + 1 }]);
    await assert.rejects(of(ledger), /records of schema 3, and this release reads schemas up to 2: run the newer release/);
    ledger.apply([{ kind: 'put', key: keys.schema, value: 'two' }]);
    await assert.rejects(of(ledger), /the key arpanet\/config\/schema is damaged/);
  });

  it('gets a key for labels when it has none or a damaged one, and is led on', async () => {
    const ledger = new LiteralLedger();
    const first = await of(ledger);
    for (const damaged of [undefined, '', 5, {}]) {
      ledger.apply([damaged === undefined ? { kind: 'delete', key: keys.labelKey } : { kind: 'put', key: keys.labelKey, value: damaged }]);
      const { labelKey, ...others } = await of(ledger);
      assert.deepEqual(others, { token: first.token, clusterId: first.clusterId });
      assert.match(labelKey, /^[\w-]{43}$/);
      assert.equal(ledger.get(keys.labelKey), labelKey);
    }
  });

  it('has another join token once that is rotated; a scheduler started with an old one does not bring it back', async () => {
    const ledger = new LiteralLedger();
    const startedWith = async (token: string | undefined) => (await identityOf(ledger, token, () => 'fresh', quietLog)).token;
    await startedWith('join-me');
    const first = await rotateJoinSecret(ledger, 'join-me', quietLog);
    const second = await rotateJoinSecret(ledger, first, quietLog);
    assert.match(second, /^[\w-]{32}$/);
    for (const token of ['join-me', first, undefined]) assert.equal(await startedWith(token), second, token);
    assert.equal(await startedWith('another that was chosen'), 'another that was chosen');
    assert.doesNotMatch(JSON.stringify(ledger.get(keys.replacedTokens)), new RegExp(`join-me|${first}`), 'not kept as it was');
    // a damaged record counts as none, and keeps nobody from leading
    ledger.apply([{ kind: 'put', key: keys.replacedTokens, value: { not: 'a list' } }]);
    assert.equal(await startedWith('join-me'), 'join-me');
    assert.match(await rotateJoinSecret(ledger, 'join-me', quietLog), /^[\w-]{32}$/);
  });

  it('keeps its join token while hosts without TLS are in: it is all that they are known by', async () => {
    const ledger = new LiteralLedger();
    const { token } = await of(ledger);
    const put = (name: string, hasTls?: true) => ({ kind: 'put' as const, key: keys.host(name), value: { name, hasTls } });
    ledger.apply([put('db-1', true), ...['h3', 'h1', 'h2', 'h7', 'h6', 'h5', 'h4'].map((name) => put(name))]);
    await assert.rejects(rotateJoinSecret(ledger, token, quietLog), {
      kind: 'conflict',
      message: /without TLS .* would be cut off: h1, h2, h3, h4, h5 and 2 more; let them join by https/,
    });
    assert.equal(ledger.get(keys.joinToken), token);
    assert.equal(ledger.get(keys.replacedTokens), undefined);
  });

  it('is not made again in place of a damaged one: the message names the key, what would be lost, and what repairs it', async () => {
    const words =
      /^the key arpanet\/config\/[\w-]+ of the state store is damaged \(.+\), and hosts would refuse a cluster with a new one: write its value back, or run "arpanet restore" or "arpanet recover"$/;
    for (const key of [keys.clusterId, keys.joinToken]) {
      const ledger = new LiteralLedger();
      await of(ledger);
      for (const damaged of ['', 5, null, {}, ['x']]) {
        ledger.apply([{ kind: 'put', key, value: damaged }]);
        await assert.rejects(of(ledger), (error: Error) => words.test(error.message) && error.message.includes(key));
        assert.deepEqual(ledger.get(key), damaged, 'nothing is written over it');
      }
      ledger.apply([{ kind: 'delete', key }]);
      ledger.unreadable = () => [{ key, why: 'not JSON: "garbage"', name: undefined }];
      await assert.rejects(of(ledger), (error: Error) => words.test(error.message) && error.message.includes('not JSON: "garbage"'));
    }
  });
});
