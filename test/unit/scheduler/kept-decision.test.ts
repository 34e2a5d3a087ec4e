/** What is kept of a decision does not grow with the cluster. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainText } from '../../../src/cli/output/explain.ts';
import type { Decision } from '../../../src/model/index.ts';
import { keptDecision } from '../../../src/scheduler/placement/kept-decision.ts';

/** One host in four fits, one in a hundred is drained, the others lack memory. */
function decisionOf(hosts: number): Decision {
  const named = Array.from({ length: hosts }, (_, index) => `host-${String(index).padStart(5, '0')}`);
  return {
    host: named[0] ?? '',
    strategy: 'spread',
    atMs: 1_790_000_000_000,
    scored: named
      .filter((_, index) => index % 4 === 0)
      .map((host, place) => ({ host, score: -place, figures: { cpu: 0.5, memory: 0.25, image: 1 } })),
    refused: named.flatMap((host, index) =>
      index % 4 === 0
        ? []
        : [
            index % 100 === 1
              ? { host, rule: 'availability', why: 'drained' }
              : { host, rule: 'memory', why: 'needs 512 MiB, 100 MiB of 2 GiB unreserved' },
          ],
    ),
  };
}

const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

describe('what is kept of a decision', () => {
  it('is all of it in a small cluster', () => {
    const decision = decisionOf(10);
    assert.equal(keptDecision(decision), decision);
  });

  it('has the five best hosts, some refused ones with each rule among them, and the numbers', () => {
    const kept = keptDecision(decisionOf(1_000));
    assert.deepEqual(
      kept.scored.map(({ host }) => host),
      ['host-00000', 'host-00004', 'host-00008', 'host-00012', 'host-00016'],
    );
    assert.deepEqual(kept.counts, { fit: 250, refused: { availability: 10, memory: 740 } });
    assert.equal(kept.refused.length, 10);
    assert.deepEqual([...new Set(kept.refused.map(({ rule }) => rule))].sort(), ['availability', 'memory']);
  });

  it('has the chosen host, though others scored more', () => {
    const kept = keptDecision({ ...decisionOf(1_000), host: 'host-00400' });
    assert.equal(kept.scored.at(-1)?.host, 'host-00400');
  });

  it('is as large at 10,000 hosts as at 1,000', () => {
    const [few, many] = [bytes(keptDecision(decisionOf(1_000))), bytes(keptDecision(decisionOf(10_000)))];
    assert.ok(Math.abs(many - few) < 20, `${few} and ${many} bytes`);
    assert.ok(many < 2_048, `${many} bytes`);
  });

  it('is explained with the numbers of all', () => {
    const text = explainText('abc-web-1', keptDecision(decisionOf(1_000)));
    assert.match(text, /abc-web-1 is on host-00000: chosen .* by spread, from 250 of 1000 hosts that fit/);
    assert.match(text, /\(and 245 more that fitted, of a lower score\)/);
    assert.match(text, /\(examples of 750: 10 by availability, 740 by memory\)/);
    assert.equal(text.split('\n').length < 30, true);
  });
});
