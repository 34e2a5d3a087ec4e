/** How long is waited before something is tried again. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { growingPause } from '../../../src/async/growing-pause.ts';

it('a pause doubles up to its bound, and is short again after a success', () => {
  const pause = growingPause(500, 3_000);
  assert.deepEqual(
    Array.from({ length: 5 }, () => pause.next()),
    [500, 1_000, 2_000, 3_000, 3_000],
  );
  pause.reset();
  assert.equal(pause.next(), 500);
});
