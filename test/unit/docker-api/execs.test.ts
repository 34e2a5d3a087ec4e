import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExecs } from '../../../src/docker-api/containers/execs.ts';

describe('the memory of execs', () => {
  it('has a bound, and forgets those first that were used longest ago', () => {
    const execs = createExecs(2);
    for (const id of ['a', 'b']) execs.set(id, { host: 'h1', container: id });
    assert.equal(execs.get('a')?.container, 'a');
    execs.set('c', { host: 'h2', container: 'c' });
    assert.deepEqual(
      ['a', 'b', 'c'].map((id) => execs.get(id)?.host),
      ['h1', undefined, 'h2'],
    );
  });
});
