import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isIdPrefix, isReferenceTo, meantBy } from '../../../src/text/references.ts';

const ALL = [
  { id: 'abc1', name: 'web' },
  { id: 'abc2', name: 'abc1' },
  { id: 'def3', name: 'db' },
];
const meant = (reference: string): readonly string[] => meantBy(reference, ALL, (one) => one).map(({ id }) => id);

describe('a reference', () => {
  it('is an id before it is a name, and a name before it is the beginning of an id', () => {
    assert.deepEqual(meant('abc1'), ['abc1']);
    assert.deepEqual(meant('web'), ['abc1']);
    assert.deepEqual(meant('d'), ['def3']);
    assert.deepEqual(
      meantBy('ab', [...ALL, { id: 'x', name: 'ab' }], (one) => one).map(({ id }) => id),
      ['x'],
    );
  });

  it('is ambiguous when several ids begin so, and means nothing when none does or when it is empty', () => {
    assert.deepEqual(meant('abc'), ['abc1', 'abc2']);
    assert.deepEqual(meant('e'), []);
    assert.deepEqual(meant(''), []);
  });

  it('may have to have a length to be the beginning of an id, but not to be an id or a name', () => {
    assert.equal(isIdPrefix('abcdef', 'abcdef0123456789', 6), true);
    assert.equal(isIdPrefix('abcde', 'abcdef0123456789', 6), false);
    assert.equal(isIdPrefix('', 'abc'), false);
    const one = { id: 'abc', name: 'x' };
    assert.deepEqual(
      ['abc', 'x', 'ab', ''].map((reference) => isReferenceTo(reference, one, 3)),
      [true, true, false, false],
    );
  });
});
