/** Records over a transaction's 512 KB: their large fields are kept apart, compressed and in pieces; every interruption leaves the old record or the new one. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { keys } from '../../../src/model/index.ts';
import type { Operation } from '../../../src/store/index.ts';
import { fold, partsIn, pieceKeys, unfold } from '../../../src/store/large/fold.ts';
import { withLargeRecords } from '../../../src/store/large/large-records.ts';
import { encodeAll } from '../../../src/store/limits.ts';
import { memoryStore, type When } from '../../support/fakes/memory-store.ts';

const FENCE = { key: keys.leader, session: 's' };
/** As every transaction of a ledger has it. */
const BARRIER: Operation = { op: 'check', key: keys.barrier, modifyIndex: 0 };
/** As little as can be compressed. */
const noise = (bytes: number): string => randomBytes(bytes).toString('base64');
const range = Array.from({ length: 10_001 }, (_, i) => 10_000 + i);
const request = (env: readonly string[], name: string) => ({
  name,
  request: {
    Image: 'busybox',
    Env: env,
    Labels: { 'com.docker.compose.container-number': name },
    ExposedPorts: Object.fromEntries(range.map((port) => [`${port}/udp`, {}])),
    HostConfig: {
      NetworkMode: 'net',
      PortBindings: Object.fromEntries(range.map((port) => [`${port}/udp`, [{ HostPort: String(port) }]])),
    },
  },
});

/** Without a difference of megabytes in the message. */
const assertSame = (found: unknown, wanted: unknown): void =>
  assert.ok(JSON.stringify(found) === JSON.stringify(wanted), 'it is another value');

const parts = (rows: ReadonlyMap<string, unknown>): readonly string[] => [...rows.keys()].filter((key) => key.startsWith(keys.parts));

describe('a large record', () => {
  it('is kept small: its large fields are compressed and cut into pieces, each of which fits into a transaction', async () => {
    const { store, rows } = memoryStore();
    const large = withLargeRecords(store);
    const record = request([`A=${noise(600_000)}`], 'web');
    assert.throws(() => encodeAll([{ op: 'set', key: keys.container('web'), value: record }], true), { kind: 'too-large' });
    const result = await large.transact([{ op: 'cas', key: keys.container('web'), value: record, modifyIndex: 0 }, BARRIER], FENCE);
    assert.equal(result.kind, 'committed');
    assert.ok((rows.get(keys.container('web'))?.json.length ?? 0) < 2_000);
    assert.ok(parts(rows).length > 3, 'the environment alone has several pieces');
    // 10,001 ports twice: over a megabyte
    const ports = fold(keys.container('web'), record).parts.filter(({ at }) => /Ports$|PortBindings$/.test(String(at.at(-1))));
    assert.equal(ports.length, 2);
    assert.ok(ports.every(({ pieces }) => pieces === 1));
    assertSame((await large.get(keys.container('web')))?.value, record);
    assertSame(
      (await large.list(keys.containers)).map(({ value }) => value),
      [record],
    );
    assert.deepEqual(
      (await large.list(keys.root)).map(({ key }) => key),
      [keys.container('web')],
    );
  });

  it('shares what it has in common with another, and what nobody has any more is removed', async () => {
    const { store, rows } = memoryStore();
    const large = withLargeRecords(store);
    const env = [`A=${noise(100_000)}`];
    const write = (name: string, value: unknown) => large.transact([{ op: 'set', key: keys.container(name), value }, BARRIER], FENCE);
    await write('web-1', request(env, '1'));
    const before = parts(rows).toSorted();
    await write('web-2', request(env, '2'));
    await write('web-1', { ...request(env, '1'), id: 'x' });
    assert.deepEqual(parts(rows).toSorted(), before);
    await write('web-1', request(['A=1'], '1'));
    assert.deepEqual(parts(rows).toSorted(), before);
    await large.transact([{ op: 'delete', key: keys.container('web-2') }, BARRIER], FENCE);
    assert.ok(parts(rows).length < before.length && parts(rows).length > 0);
    await write('web-1', { name: '1' });
    assert.deepEqual(parts(rows), []);
    assert.deepEqual(
      (await large.list(keys.root)).map(({ value }) => value),
      [{ name: '1' }],
    );
  });

  it('is as it was, whatever it holds; small ones, secrets and keys of others stay as they are', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constant('x'.repeat(9_000)),
    );
    const tree = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('value'), { maxLength: 12 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), tie('value'), { maxKeys: 12, noNullPrototype: true }),
      ),
    })).value;
    let large = 0;
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 12 }), (values) => {
        const whole = JSON.parse(JSON.stringify({ values })) as object;
        const { value, parts: made } = fold(keys.service('a', 'b'), whole);
        if (made.length > 0) large += 1;
        const stored = JSON.parse(JSON.stringify(value)) as unknown;
        const pieces = new Map(made.flatMap((part) => pieceKeys(part).map((key, i) => [key, part.texts()[i]] as const)));
        assert.equal(JSON.stringify(unfold(stored, (key) => pieces.get(key))), JSON.stringify(whole));
      }),
      { seed: 7, numRuns: 20 },
    );
    assert.ok(large > 3, `${large} of them were large`);
    const record = request(['A=1'], 'web');
    for (const key of [keys.secret('secret', 's'), keys.secret('config', 'c'), 'other/x']) assert.equal(fold(key, record).value, record);
    const small = { name: 'x', Env: ['x'.repeat(60_000)] };
    assert.equal(fold(keys.container('x'), small).value, small);
    assert.equal(partsIn({ folded: 1, value: {}, parts: 'x' }), undefined);
  });

  it('of which a piece is lost or damaged costs itself alone, says which, and is whole again once it is written again', async () => {
    const { store, rows } = memoryStore();
    const large = withLargeRecords(store);
    const record = request([`A=${noise(300_000)}`], 'web');
    const write = (): Promise<unknown> => large.transact([{ op: 'set', key: keys.container('web'), value: record }, BARRIER], FENCE);
    await write();
    await large.transact([{ op: 'set', key: keys.container('other'), value: { name: 'other' } }, BARRIER], FENCE);
    for (const spoil of [() => rows.delete(parts(rows)[0] ?? ''), () => rows.set(parts(rows)[0] ?? '', { json: '"x"', modifyIndex: 1 })]) {
      spoil();
      const [other, web] = await large.list(keys.root);
      assert.deepEqual([other?.value, web?.value], [{ name: 'other' }, undefined]);
      assert.match(web?.fault ?? '', /^its part request\.\S+ is missing or damaged \(arpanet\/parts\//);
      await write();
      assertSame((await large.get(keys.container('web')))?.value, record);
    }
    rows.delete(parts(rows)[0] ?? '');
    await withLargeRecords(store).list(keys.root);
    await large.transact([{ op: 'delete', key: keys.container('web') }, BARRIER], FENCE);
    const next = withLargeRecords(store);
    await next.list(keys.root);
    await next.transact([{ op: 'set', key: keys.host('h1'), value: {} }, BARRIER], FENCE);
    assert.deepEqual(parts(rows), []);
  });

  it('is the old one or the new one after every interruption, for whichever leader comes next, which removes the rest', async () => {
    const shared = noise(40_000);
    const name = fc.constantFrom('a', 'b');
    const envs = ['', shared, noise(40_000), noise(250_000)];
    const env = fc.nat(envs.length - 1);
    const step = fc.record({
      name,
      env,
      isRemoval: fc.boolean(),
      when: fc.array(fc.constantFrom<When>('never', 'before', 'after'), { maxLength: 4 }),
      isNext: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
        const { rows } = memoryStore();
        let when: When[] = [];
        const open = () => withLargeRecords(memoryStore(rows, () => when.shift() ?? 'never').store);
        let large = open();
        const possible = new Map<string, unknown[]>();
        for (const [i, one] of steps.entries()) {
          const key = keys.container(one.name);
          const value = one.isRemoval
            ? undefined
            : { name: one.name, i, Env: [envs[one.env]], Cmd: [shared, envs[one.env]], pad: 'x'.repeat(70_000) };
          const change: Operation = value === undefined ? { op: 'delete', key } : { op: 'set', key, value };
          when = [...one.when];
          const isDone = await large.transact([change, BARRIER], FENCE).then(
            () => true,
            () => false,
          );
          when = [];
          possible.set(key, isDone ? [value] : [...(possible.get(key) ?? [undefined]), value]);
          if (one.isNext) large = open();
          // what a ledger does after an unknown outcome, and a leader when it begins
          if (one.isNext) await large.list(keys.root);
          else if (!isDone) await large.get(key);
          for (const [known, values] of possible) {
            const found = await open().get(known);
            assert.equal(found?.fault, undefined);
            const match = values.filter((wanted) => JSON.stringify(wanted) === JSON.stringify(found?.value));
            assert.ok(match.length > 0, `${known} is neither as it was nor as it became`);
            possible.set(known, match.slice(0, 1));
          }
        }
        const last = open();
        const all = await last.list(keys.root);
        await last.transact([{ op: 'set', key: keys.host('h1'), value: {} }, BARRIER], FENCE);
        const used = new Set([...rows.values()].flatMap(({ json }) => partsIn(JSON.parse(json)) ?? []).flatMap(pieceKeys));
        assert.deepEqual(parts(rows).toSorted(), [...used].toSorted());
        assert.deepEqual(
          (await open().list(keys.containers)).map(({ value }) => JSON.stringify(value)),
          all.filter(({ key }) => key.startsWith(keys.containers)).map(({ value }) => JSON.stringify(value)),
        );
      }),
      { seed: 5, numRuns: 40 },
    );
  });
});
