import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { KeyTree } from '../../../src/store/ledger/key-tree.ts';

describe('the key tree', () => {
  it('lists exactly what a scan of all keys would find, in the order of the keys, whatever was set and deleted before', () => {
    const key = fc.array(fc.constantFrom('a', 'b', 'ab', 'a.b', ''), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const steps = fc.array(fc.record({ key, value: fc.option(fc.nat()), prefix: key }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (all) => {
        const tree = new KeyTree<number>();
        const plain = new Map<string, number>();
        for (const { key, value, prefix } of all) {
          if (value === null) {
            tree.delete(key);
            plain.delete(key);
          } else {
            tree.set(key, value);
            plain.set(key, value);
          }
          for (const asked of [prefix, `${prefix}/`, '']) {
            const scanned = [...plain].filter(([each]) => each.startsWith(asked)).sort(([a], [b]) => (a < b ? -1 : 1));
            assert.deepEqual(tree.list(asked), scanned);
          }
          assert.equal(tree.get(key), plain.get(key));
          assert.equal(tree.has(key), plain.has(key));
        }
      }),
    );
  });

  it('answers the same question with the same list until something there changes', () => {
    const tree = new KeyTree<number>();
    tree.set('a/x', 1);
    tree.set('b/x', 1);
    const listed = tree.list('a/');
    tree.set('b/y', 1);
    assert.equal(tree.list('a/'), listed);
    tree.set('a/x', 2);
    assert.deepEqual(tree.list('a/'), [['a/x', 2]]);
    assert.deepEqual(listed, [['a/x', 1]]);
  });
});
