import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKind } from '../../../src/model/index.ts';
import type { Operation } from '../../../src/store/index.ts';
import { encodeAll } from '../../../src/store/limits.ts';

const sets = (count: number, value: unknown = 1) =>
  Array.from({ length: count }, (_, i): Operation => ({ op: 'set', key: `k${i}`, value }));
const tooLarge = (error: unknown) => isKind(error, 'too-large');

describe('the limits of a transaction', () => {
  it('are 64 operations, of which a fence takes one', () => {
    assert.equal(encodeAll(sets(64), false).length, 64);
    assert.equal(encodeAll(sets(63), true).length, 63);
    assert.throws(() => encodeAll(sets(65), false), tooLarge);
    assert.throws(() => encodeAll(sets(64), true), tooLarge);
  });

  it('are 512 KB as Consul counts them: in base64', () => {
    assert.equal(encodeAll(sets(1, 'x'.repeat(390_000)), false).length, 1);
    assert.throws(() => encodeAll(sets(1, 'x'.repeat(394_000)), false), tooLarge);
    assert.throws(() => encodeAll(sets(1, 'ü'.repeat(197_000)), false), tooLarge);
  });

  it('are 1,024 bytes of a key, without a NUL: LMDB fails on others as if the disk were full, and nothing is written any more', () => {
    const invalid = (error: unknown) => isKind(error, 'invalid');
    const set = (key: string) => encodeAll([{ op: 'set', key, value: 1 }], false);
    assert.equal(set('k'.repeat(1_024)).length, 1);
    assert.throws(() => set('k'.repeat(1_025)), invalid);
    assert.throws(() => set('ü'.repeat(513)), invalid);
    assert.throws(() => set('a\0b'), invalid);
  });

  it('let values through that are JSON and nothing else', () => {
    assert.deepEqual(encodeAll([{ op: 'set', key: 'k', value: null }], false)[0]?.json, 'null');
    assert.throws(
      () => encodeAll([{ op: 'set', key: 'k', value: undefined }], false),
      (error) => isKind(error, 'invalid'),
    );
  });
});
