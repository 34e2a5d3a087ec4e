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

  it('let values through that are JSON and nothing else', () => {
    assert.deepEqual(encodeAll([{ op: 'set', key: 'k', value: null }], false)[0]?.json, 'null');
    assert.throws(
      () => encodeAll([{ op: 'set', key: 'k', value: undefined }], false),
      (error) => isKind(error, 'invalid'),
    );
  });
});
