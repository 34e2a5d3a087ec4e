/** The long script of client calls beside one bare engine of the same version: what docs/divergence.md does not list is a defect. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describe } from '../../conformance/replay/compare.ts';
import { replay } from '../../conformance/replay/run.ts';

it('a cluster answers as one engine does, but for what docs/divergence.md lists', async (t) => {
  const { unlisted, unseen, steps } = await replay({ engine: '20.10', say: (line) => t.diagnostic(line), soak: 0 });
  assert.deepEqual(unlisted.map(describe), []);
  // a row that explains nothing any more goes
  assert.deepEqual(
    unseen.map(({ what }) => what),
    [],
  );
  assert.ok(steps > 1_000, `${steps} steps were compared`);
});
