/** A container's record in the store: less than a kilobyte, and a template that its service's instances share, which goes with the last of them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type ContainerRecord, type CreateRequest, type Decision, keys } from '../../../src/model/index.ts';
import { keptDecision, place } from '../../../src/scheduler/placement/index.ts';
import { clusterKeys } from '../../../src/security/seal.ts';
import type { Operation, StateStore } from '../../../src/store/index.ts';
import { partsIn, pieceKeys } from '../../../src/store/large/fold.ts';
import { withLargeRecords } from '../../../src/store/large/large-records.ts';
import { withSealedRecords } from '../../../src/store/sealed-records.ts';
import { hostSnapshot, placementWish, seededRandom } from '../../support/fakes/literal-placement.ts';
import { memoryStore, type When } from '../../support/fakes/memory-store.ts';

const FENCE = { key: keys.leader, session: 's' };
/** As every transaction of a ledger has it. */
const BARRIER: Operation = { op: 'check', key: keys.barrier, modifyIndex: 0 };
const GiB = 2 ** 30;
const hex = (): string => randomBytes(32).toString('hex');

type Rows = ReturnType<typeof memoryStore>['rows'];
const parts = (rows: Rows): readonly string[] => [...rows.keys()].filter((key) => key.startsWith(keys.parts));
const bytesAt = (rows: Rows, key: string): number => rows.get(key)?.json.length ?? 0;

/** As compose v2 sends it. */
function request(service: string, number: number): CreateRequest {
  const name = `shop-${service}-${number}`;
  return {
    Hostname: '',
    Env: Array.from({ length: 30 }, (_, i) => `SETTING_${i}=value-${i}-of-${service}`),
    Image: `registry.example.com/shop/${service}:1.2.3`,
    Labels: {
      'com.docker.compose.project': 'shop',
      'com.docker.compose.service': service,
      'com.docker.compose.container-number': String(number),
      'com.docker.compose.config-hash': 'c'.repeat(64),
      'com.docker.compose.depends_on': 'db:service_healthy:false,cache:service_started:false',
      'com.docker.compose.image': `sha256:${'d'.repeat(64)}`,
      'com.docker.compose.oneoff': 'False',
      'com.docker.compose.project.config_files': '/srv/shop/compose.yaml',
      'com.docker.compose.project.working_dir': '/srv/shop',
    },
    HostConfig: { NetworkMode: 'shop_default', RestartPolicy: { Name: 'always' }, Memory: 4 * GiB },
    NetworkingConfig: { EndpointsConfig: { shop_default: { Aliases: [name, service] } } },
  };
}

/** Of a create that a third of the hosts refuse by what they lack, and another third by a constraint. */
function decisionAmong(hosts: number): Decision {
  const random = seededRandom(3);
  const all = Array.from({ length: hosts }, (_, i) =>
    hostSnapshot(`worker-${i}.dc1`, {
      memoryBytes: (i % 3 === 0 ? 2 : 16) * GiB,
      labels: { zone: `z${i % 3}` },
      load: { cpu: random() / 2, memoryUsedBytes: random() * 8 * GiB, atMs: 1_000 },
    }),
  );
  const constraints = [{ key: 'zone', value: 'z2', operator: '!=' as const, soft: false }];
  const placement = place(placementWish({ reservedMemoryBytes: 4 * GiB, constraints }), all, { strategy: 'spread', nowMs: 1_000, random });
  return placement.kind === 'placed' ? keptDecision(placement.decision) : assert.fail(placement.message);
}

function recordOf(service: string, number: number, decision: Decision, network = hex()): ContainerRecord {
  const name = `shop-${service}-${number}`;
  return {
    name,
    id: hex(),
    host: decision.host,
    deployment: 'shop',
    service,
    number,
    addresses: { [network]: '10.32.117.212' },
    aliases: { [network]: [name, service] },
    links: [],
    request: request(service, number),
    decision,
    createdAtMs: 1_780_000_000_000,
    requestId: hex().slice(0, 36),
    nonce: hex(),
  };
}

/** As a leader opens it. `isSealed`: with a cluster key. */
async function opened(memory: ReturnType<typeof memoryStore>, isSealed = false): Promise<StateStore> {
  const store = withLargeRecords(withSealedRecords(memory.store, isSealed ? clusterKeys([KEY]) : undefined));
  await store.list(keys.root);
  return store;
}

const KEY = randomBytes(32);

/** With the schema that has templates. */
async function fresh(isSealed = false) {
  const memory = memoryStore();
  const store = await opened(memory, isSealed);
  await store.transact([{ op: 'set', key: keys.schema, value: 2 }, BARRIER], FENCE);
  return { ...memory, store };
}

const put = (record: ContainerRecord): Operation => ({ op: 'set', key: keys.container(record.name), value: record });
const assertSame = (found: unknown, wanted: unknown): void => assert.equal(JSON.stringify(found), JSON.stringify(wanted));

describe("a container's record", () => {
  for (const hosts of [10, 1_000])
    it(`takes less than a kilobyte of the store, sealed or not, among ${hosts} hosts; its template is there once for its service`, async () => {
      for (const isSealed of [false, true]) {
        const { store, rows } = await fresh(isSealed);
        const decision = decisionAmong(hosts);
        const records = Array.from({ length: 30 }, (_, i) => recordOf('web', i + 1, decision));
        assert.ok(JSON.stringify(records[0]).length > 3_000, 'it is a record of a real create');
        for (const record of records) await store.transact([put(record), BARRIER], FENCE);
        for (const record of records) {
          const bytes = bytesAt(rows, keys.container(record.name));
          assert.ok(bytes > 0 && bytes < 1024, `${bytes} bytes`);
          assertSame((await store.get(keys.container(record.name)))?.value, record);
        }
        assert.equal(parts(rows).length, 1);
        const listed = (await (await opened({ store: memoryStore(rows).store, rows }, isSealed)).list(keys.containers)).map(
          ({ value }) => value,
        );
        assertSame(
          listed,
          records.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        );
        const [first, second] = listed as readonly ContainerRecord[];
        assert.equal(first?.request.Env, second?.request.Env, 'in memory they share it as well');
        assert.notEqual(
          first?.request.Labels?.['com.docker.compose.container-number'],
          second?.request.Labels?.['com.docker.compose.container-number'],
        );
      }
    });

  it('takes one transaction, with its template; that goes in the transaction in which the last of its service goes', async () => {
    const memory = memoryStore();
    let transactions = 0;
    const counted = {
      ...memory.store,
      transact: async (...of: Parameters<StateStore['transact']>) => (++transactions, memory.store.transact(...of)),
    };
    const store = await opened({ ...memory, store: counted });
    await store.transact([{ op: 'set', key: keys.schema, value: 2 }, BARRIER], FENCE);
    const [one, two] = [recordOf('web', 1, decisionAmong(3)), recordOf('web', 2, decisionAmong(3))];
    transactions = 0;
    for (const record of [one, two, { ...one, id: hex() }]) await store.transact([put(record), BARRIER], FENCE);
    const remove = ({ name }: ContainerRecord): Operation => ({ op: 'delete', key: keys.container(name) });
    await store.transact([remove(one), BARRIER], FENCE);
    assert.equal(parts(memory.rows).length, 1);
    await store.transact([remove(two), BARRIER], FENCE);
    assert.deepEqual(parts(memory.rows), []);
    assert.equal(transactions, 5);
  });

  it('and many others go into as many operations and bytes as a transaction takes, with all their templates', async () => {
    const { store, rows } = await fresh();
    const decision = decisionAmong(3);
    const records = Array.from({ length: 62 }, (_, i) => recordOf(`service${i}`, 1, decision));
    const before = Math.max(...[...rows.values()].map(({ modifyIndex }) => modifyIndex));
    await store.transact([...records.map(put), BARRIER], FENCE);
    assert.equal(parts(rows).length, 62);
    assert.equal(
      new Set([...rows.values()].flatMap(({ modifyIndex }) => (modifyIndex > before ? [modifyIndex] : []))).size,
      2,
      'transactions',
    );
    for (const record of records) assertSame((await store.get(keys.container(record.name)))?.value, record);
  });

  it('is whole while the store has the schema before, and then until it is written again; a store that gets that schema back has no templates', async () => {
    const { rows, store: plain } = memoryStore();
    const store = await opened({ store: plain, rows });
    const record = recordOf('web', 1, decisionAmong(3));
    await store.transact([put(record), BARRIER], FENCE);
    assertSame(JSON.parse(rows.get(keys.container(record.name))?.json ?? ''), record);
    await store.transact([{ op: 'set', key: keys.schema, value: 2 }, BARRIER], FENCE);
    assertSame((await store.get(keys.container(record.name)))?.value, record);
    const next = await opened({ store: plain, rows });
    await next.transact([put({ ...record, number: 5 }), BARRIER], FENCE);
    assert.equal(parts(rows).length, 1);
    await next.transact([{ op: 'delete', key: keys.schema }, put(record), BARRIER], FENCE);
    assertSame(JSON.parse(rows.get(keys.container(record.name))?.json ?? ''), record);
    assert.deepEqual(parts(rows), []);
  });

  it('whose template is lost or damaged is set aside with its service, and nothing else; the error says so', async () => {
    const { store, rows } = await fresh();
    const [web, db] = [recordOf('web', 1, decisionAmong(3)), recordOf('db', 1, decisionAmong(3))];
    await store.transact([put(web), put(db), BARRIER], FENCE);
    const [template = ''] = (partsIn(JSON.parse(rows.get(keys.container(web.name))?.json ?? '')) ?? []).flatMap(pieceKeys);
    for (const spoil of [
      () => rows.delete(template),
      () => rows.set(template, { json: '"x"', modifyIndex: 1 }),
      () => rows.set(template, { json: '7', modifyIndex: 1 }),
    ]) {
      spoil();
      const found = new Map((await store.list(keys.containers)).map((entry) => [entry.key, entry]));
      assertSame(found.get(keys.container(db.name))?.value, db);
      const lost = found.get(keys.container(web.name));
      assert.equal(lost?.value, undefined);
      assert.match(
        lost?.fault ?? '',
        /^the template that it shares with its service's other instances is missing or damaged \(arpanet\/parts\/[0-9a-f]{64}\)$/,
      );
      // from the leader's memory
      await store.transact([put(web), BARRIER], FENCE);
      assertSame((await store.get(keys.container(web.name)))?.value, web);
    }
    for (const own of ['', 'AAAA', '%%%', 5, null, Buffer.from('[]').toString('base64')]) {
      rows.set(keys.container(web.name), { json: JSON.stringify({ folded: 2, template: 'a'.repeat(64), own }), modifyIndex: 1 });
      const entry = await store.get(keys.container(web.name));
      // what is no such record at all is for the ledger to refuse
      if (typeof own === 'string') assert.match(entry?.fault ?? '', /what is its own beside its template is damaged/);
      assertSame((await store.get(keys.container(db.name)))?.value, db);
    }
  });

  it('is as it was, whatever its request holds', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    const word = fc.oneof(
      text,
      fc.constantFrom('Labels', 'Hostname', 'MacAddress', 'NetworkingConfig', 'com.docker.compose.container-number', '__proto__'),
    );
    const tree = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(word, tie('value'), { maxKeys: 6, noNullPrototype: true }),
      ),
    })).value;
    const { store } = await fresh();
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(word, tree, { maxKeys: 8, noNullPrototype: true }),
        fc.dictionary(word, tree, { maxKeys: 4 }),
        async (held, more) => {
          const record = JSON.parse(JSON.stringify({ ...more, name: 'x', request: held })) as ContainerRecord;
          await store.transact([{ op: 'set', key: keys.container('x'), value: record }, BARRIER], FENCE);
          assertSame((await store.get(keys.container('x')))?.value, record);
          assertSame((await store.list(keys.containers))[0]?.value, record);
        },
      ),
      { seed: 11, numRuns: 200 },
    );
  });

  it('is the old one or the new one after every interruption, and the next leader removes templates that nobody uses', async () => {
    const decision = decisionAmong(3);
    const network = hex();
    const step = fc.record({
      number: fc.integer({ min: 1, max: 3 }),
      service: fc.constantFrom('web', 'db'),
      isRemoval: fc.boolean(),
      when: fc.array(fc.constantFrom<When>('never', 'before', 'after'), { maxLength: 2 }),
      isNext: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const { rows } = memoryStore();
        let when: When[] = [];
        const open = () => opened(memoryStore(rows, () => when.shift() ?? 'never'));
        let store = await open();
        await store.transact([{ op: 'set', key: keys.schema, value: 2 }, BARRIER], FENCE);
        const possible = new Map<string, unknown[]>();
        for (const [i, one] of steps.entries()) {
          const record = { ...recordOf(one.service, 1, decision, network), name: `c${one.number}`, createdAtMs: i };
          const key = keys.container(record.name);
          when = [...one.when];
          const value = one.isRemoval ? undefined : record;
          const isDone = await store.transact([value === undefined ? { op: 'delete', key } : put(record), BARRIER], FENCE).then(
            () => true,
            () => false,
          );
          when = [];
          possible.set(key, isDone ? [value] : [...(possible.get(key) ?? [undefined]), value]);
          // what a ledger does after an unknown outcome, and a leader when it begins
          if (one.isNext) store = await open();
          else if (!isDone) await store.get(key);
          for (const [known, values] of possible) {
            const found = await (await open()).get(known);
            assert.equal(found?.fault, undefined);
            const match = values.filter((wanted) => JSON.stringify(wanted) === JSON.stringify(found?.value));
            assert.ok(match.length > 0, `${known} is neither as it was nor as it became`);
            possible.set(known, match.slice(0, 1));
          }
        }
        await (await open()).transact([{ op: 'set', key: keys.host('h1'), value: {} }, BARRIER], FENCE);
        const used = new Set([...rows.values()].flatMap(({ json }) => partsIn(JSON.parse(json)) ?? []).flatMap(pieceKeys));
        assert.deepEqual(parts(rows).toSorted(), [...used].toSorted());
      }),
      { seed: 5, numRuns: 60 },
    );
  });
});
