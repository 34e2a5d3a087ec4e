/** Records that cannot be read: each is set aside alone, is named, can be deleted, and is never written by us. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isKind, keys, UPDATE_DEFAULTS } from '../../../src/model/index.ts';
import { openEmbedded, openLedger } from '../../../src/store/index.ts';
import { recordProblem } from '../../../src/store/ledger/record-check.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';
import { literalHost, literalNetwork } from '../../support/fakes/literal-cluster.ts';

const template = {
  name: 'abc-web-1',
  number: 1,
  request: { Image: 'web', Env: ['A=1'], HostConfig: { Memory: 1, Mounts: [{ Type: 'volume' }] } },
};
const service = {
  deployment: 'abc',
  service: 'web',
  origin: 'api',
  desired: 2,
  countedAtMs: 0,
  template,
  update: UPDATE_DEFAULTS,
  labels: { a: 'b' },
  spec: { Name: 'abc_web', TaskTemplate: { ContainerSpec: { Image: 'web' } }, UpdateConfig: null },
  stopped: [],
  version: 1,
  createdAtMs: 0,
  updatedAtMs: 0,
};
/** One good record of each kind. */
const GOOD: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  [keys.host('h1')]: { ...literalHost('h1').record },
  [keys.admission('h2')]: { name: 'h2', kind: 'expected', atMs: 0, setLabels: { a: null } },
  [keys.migration('abc', 'web')]: {
    deployment: 'abc',
    service: 'web',
    from: 'x',
    name: 'abc-web-1',
    host: 'h1',
    number: 2,
    startedAtMs: 0,
  },
  [keys.network('n1')]: { ...literalNetwork('n1', 'abc_default') },
  [keys.subnet('10.0.0.0/24')]: { cidr: '10.0.0.0/24', network: 'n1' },
  [keys.lease('n1', '10.0.0.2')]: {
    ip: '10.0.0.2',
    network: 'n1',
    kind: 'instance',
    owner: 'web',
    host: 'h1',
    state: 'bound',
    sinceMs: 0,
    epoch: 1,
  },
  [keys.container('abc_web_1')]: { ...literalRecord('abc_web_1') },
  [keys.lostContainer('x')]: { id: 'x', name: 'web', host: 'h1', addresses: {}, isReplaced: true, sinceMs: 0 },
  [keys.service('abc', 'web')]: service,
  [keys.secret('secret', 's1')]: {
    kind: 'secret',
    id: 's1',
    name: 'key',
    labels: {},
    data: 'QQ==',
    version: 1,
    createdAtMs: 0,
    updatedAtMs: 0,
  },
  [keys.tag('web:latest')]: { tag: 'web:latest', id: 'sha256:1', sinceMs: 0 },
  [keys.volume('data')]: { name: 'data', driver: 'local', createdAtMs: 0 },
  [keys.record('x.abc')]: { name: 'x.abc', entries: [{ type: 'A', value: '10.0.0.9' }] },
};

const deep = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);

/** Each field of a record, wrong in each way. */
function* damaged(record: Readonly<Record<string, unknown>>): Generator<readonly [what: string, value: unknown]> {
  for (const whole of [null, 5, 'x', [], {}, JSON.parse('{"__proto__":{"name":"x"}}')]) yield [JSON.stringify(whole), whole];
  yield ['deep', { ...record, extra: deep(500) }];
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
    for (const [key, value] of Object.entries(GOOD)) assert.equal(recordProblem(key, value), undefined, key);
    assert.equal(recordProblem('arpanet/config/join-token', 5), undefined);
  });

  it('that is wrong deep inside is named down to its field', () => {
    const key = keys.service('abc', 'web');
    const withRequest = (request: object) => ({ ...service, template: { ...template, request } });
    assert.equal(recordProblem(key, withRequest({ Env: 'abc' })), 'template.request.Env: is a string and not []string');
    assert.match(
      recordProblem(key, withRequest({ HostConfig: { Ulimits: [null] } })) ?? '',
      /^template\.request\.HostConfig\.Ulimits\.0: is null/,
    );
    assert.match(recordProblem(key, { ...service, spec: { UpdateConfig: 5 } }) ?? '', /^spec\.UpdateConfig: is a number/);
    assert.match(recordProblem(key, { ...service, createdAtMs: 1e300 }) ?? '', /^createdAtMs/);
    assert.equal(recordProblem(keys.service('abc', 'db'), service), 'is the record of arpanet/services/abc/web');
  });

  it('that cannot be read is set aside alone, whatever is wrong with it; it is never written, and can be deleted, replaced or mended', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'arpanet-unreadable-'));
    const store = await openEmbedded(dir, quietLog);
    const lock = await store.lock(keys.leader, {}, { ttlMs: 60_000, name: 'test' }, AbortSignal.timeout(5_000));
    try {
      for (const [key, good] of Object.entries(GOOD)) {
        const neighbours = Object.entries(GOOD).filter(([other]) => other !== key);
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
          assert.equal(ledger.list(keys.root).filter(([one]) => GOOD[one] !== undefined).length, neighbours.length, what);
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
