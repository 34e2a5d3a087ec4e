/** How many machines a host lets try their way to it at once; that it answers is shown in overlay.test.ts. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createPathAnswers } from '../../../src/hostagent/overlay/path-answers.ts';

it('a host answers four machines at once, also of those that ask in the same moment, and others once these are done', async () => {
  // 192.0.2.1 is of no machine (RFC 5737): each trial ends where the link is looked for
  const answer = createPathAnswers('vxlan', '192.0.2.1', new AbortController().signal);
  const trial = { peer: '192.0.2.9', vni: 0xf1_00_00, own: '169.254.77.1', theirs: '169.254.77.254', mtu: 1500 };
  const kinds = async (): Promise<readonly string[]> => {
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => answer(trial)));
    return results.map((one) => (one.status === 'rejected' ? (one.reason as { readonly kind: string }).kind : 'answers'));
  };
  const expected = ['invalid', 'invalid', 'invalid', 'invalid', 'exhausted', 'exhausted'];
  assert.deepEqual(await kinds(), expected);
  assert.deepEqual(await kinds(), expected, 'their places are free again');
});
