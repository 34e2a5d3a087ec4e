import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { oneMeant } from '../../../src/docker-api/swarm/references.ts';

describe('a reference in the swarm API', () => {
  it('to several objects is refused with their count, as a manager does; to one or none it is not', () => {
    const all = [
      { id: 'ab1', name: 'x' },
      { id: 'ab2', name: 'y' },
    ];
    const of = (reference: string) => oneMeant('node', reference, all, (one) => one)?.id;
    assert.throws(() => of('ab'), { kind: 'invalid', message: 'node ab is ambiguous (2 matches found)' });
    assert.deepEqual([of('ab2'), of('x'), of('z')], ['ab2', 'ab1', undefined]);
  });
});
