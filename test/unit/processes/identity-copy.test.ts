/** The copy of what a cluster is known by, beside the cluster key: when it is written again; and what does not wait for it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { keys } from '../../../src/model/index.ts';
import { createIdentityCopy } from '../../../src/processes/identity/identity-copy.ts';
import { createMembership } from '../../../src/processes/identity/membership.ts';
import { readmitHost, revokeHost } from '../../../src/processes/identity/revocation.ts';
import { type ClusterKeyFile, identityCopiesOf, openClusterKeyFile, readIdentityCopy } from '../../../src/security/index.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { until } from '../../support/fakes/fake-cluster.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

describe('the copy of what a cluster is known by', () => {
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-identity-copy-'));
  after(() => rmSync(dir, { recursive: true, force: true }));
  let count = 0;
  let file: ClusterKeyFile;
  let ledger: LiteralLedger;
  let isAway: boolean;
  let refused: number;
  let index: number;
  const lists: string[] = [];

  beforeEach(() => {
    count += 1;
    file = openClusterKeyFile(join(dir, `cluster-${count}.key`));
    ledger = new LiteralLedger();
    ledger.apply([
      { kind: 'put', key: keys.ca, value: { authorities: [] } },
      { kind: 'put', key: keys.labelKey, value: 'label-key' },
      { kind: 'put', key: keys.clusterId, value: `cluster-${count}-and-more` },
      { kind: 'put', key: keys.certificate('db-1'), value: { host: 'db-1', serials: ['01'], untilMs: 1 } },
    ]);
    isAway = false;
    refused = 0;
    index = 1;
    lists.length = 0;
  });
  const reached = (): void => {
    if (!isAway) return;
    refused += 1;
    throw new Error('the store is away');
  };
  const entry = (key: string, value: unknown) => ({ key, value, modifyIndex: 1 });
  const store = {
    kind: 'consul' as const,
    get: async (key: string) => {
      reached();
      const value = ledger.get(key);
      return value === undefined ? undefined : entry(key, value);
    },
    list: async (prefix: string) => {
      reached();
      lists.push(prefix);
      return ledger.list(prefix).map(([key, value]) => entry(key, value));
    },
    async *watch(_prefix: string, signal: AbortSignal) {
      // the CA does not change
      yield [];
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
    changeIndex: async (_prefix: string, signal?: AbortSignal, known?: number) => {
      await until(() => signal?.aborted === true || index !== known, 'it changes');
      signal?.throwIfAborted();
      return index;
    },
  };
  const copyOf = (againMs = 1) => createIdentityCopy({ store, file, log: quietLog, againMs });
  const path = () => identityCopiesOf(file.path)[0] ?? '';
  const revoked = () => readIdentityCopy(path(), file)?.some(([key]) => key === keys.certificate('db-1'));
  const revoke = () => {
    ledger.apply([{ kind: 'put', key: keys.certificate('db-1'), value: { host: 'db-1', serials: [], untilMs: 1, revokedMs: 2 } }]);
    index += 1;
  };

  it('has what another scheduler has revoked, also where the store could not be read at first, and is not written where nothing changed', async () => {
    const stop = new AbortController();
    const following = copyOf().follow(stop.signal);
    await until(() => path() !== '', 'it is written');
    assert.equal(revoked(), false);
    const text = readFileSync(path(), 'utf8');
    for (const reads of [2, 3]) {
      index += 1;
      await until(() => lists.length >= reads, 'it is read');
    }
    assert.equal(readFileSync(path(), 'utf8'), text);
    isAway = true;
    revoke();
    await until(() => refused > 0, 'it cannot be read');
    isAway = false;
    await until(() => revoked() === true, 'the revocation is in it');
    assert.notEqual(readFileSync(path(), 'utf8'), text);
    stop.abort();
    await following;
  });

  it('is sealed again with the key that seals now, and by one writer at a time', async () => {
    const copy = copyOf();
    copy.keep();
    await copy[Symbol.asyncDispose]();
    const sealedWith = () => (JSON.parse(readFileSync(path(), 'utf8')) as { readonly key: string }).key;
    const [before] = file.ids;
    assert.equal(sealedWith(), before);
    const text = readFileSync(path(), 'utf8');
    copy.sealAgain();
    copy.keep();
    await copy[Symbol.asyncDispose]();
    assert.equal(readFileSync(path(), 'utf8'), text, 'the same records, the same key');
    const id = file.prepare();
    file.promote(id);
    copy.sealAgain();
    await copy[Symbol.asyncDispose]();
    assert.equal(sealedWith(), id);
    lists.length = 0;
    for (let i = 0; i < 5; i += 1) copy.keep();
    await copy[Symbol.asyncDispose]();
    assert.equal(lists.length, 2, 'one under way, and one for all who asked meanwhile');
  });

  it('is not waited for by a revocation: the host is cut off, also when the store fails behind the record', async () => {
    const done: string[] = [];
    const agents = {
      disconnect: (host: string, why: string) => void done.push(`${host}: ${why}`),
      pushSettings: () => void done.push('pushed'),
    };
    const membership = createMembership(ledger, undefined, () => 5, quietLog);
    const copy = copyOf();
    isAway = true;
    await revokeHost('db-1', { membership, agents, copy });
    await copy[Symbol.asyncDispose]();
    assert.match(done.join(), /^db-1: host db-1 was revoked at .*,pushed$/);
    // the answer of the first was lost: the second is refused, and cuts it off all the same
    await assert.rejects(revokeHost('db-1', { membership, agents, copy }), { kind: 'conflict' });
    assert.equal(done.length, 4);
    await readmitHost('db-1', { membership, copy });
    await assert.rejects(revokeHost('db-9', { membership, agents, copy }), { kind: 'not-found' });
    assert.equal(done.length, 4);
    assert.equal(path(), '');
    await copy[Symbol.asyncDispose]();
  });
});
