/** What is kept of a decision does not grow with the cluster. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RehearsedCreate } from '../../../src/contracts/index.ts';
import { explained } from '../../../src/operator-api/reports/explained.ts';
import { explainText, timingText } from '../../../src/cli/output/explain.ts';
import type { Decision, Placement } from '../../../src/model/index.ts';
import { keptDecision } from '../../../src/scheduler/placement/kept-decision.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';

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

  it('is explained in a terminal of 80 characters without the figures that are 0 for all hosts', () => {
    const lines = (width?: number) => explainText('abc-web-1', keptDecision(decisionOf(1_000)), width).split('\n');
    const heading = (width?: number) => lines(width).find((line) => line.startsWith('FITS')) ?? '';
    assert.match(heading(), /PREFERENCES .* CONTAINERS/);
    assert.match(heading(80), /^FITS +SCORE +CPU +MEMORY +IMAGE$/);
    assert.equal(heading(200), heading());
  });

  it('is explained with the rest made again from what was kept, and says so', () => {
    const record = { ...literalRecord('abc-web-1'), decision: keptDecision({ ...decisionOf(40), among: 1_000 }) };
    const asked: (readonly RehearsedCreate[])[] = [];
    const rehearse = (creates: readonly RehearsedCreate[]): readonly Placement[] => {
      asked.push(creates);
      return [{ kind: 'placed', decision: { ...decisionOf(1_000), host: 'host-00004' } }];
    };
    const text = explainText('abc-web-1', explained(record, rehearse));
    assert.match(text, /abc-web-1 is on host-00000: chosen .* from 10 of 40 hosts \(a sample of 1000\) that fit/);
    assert.match(text, /Only this was kept of the decision\. Made again from the request that was kept, with all hosts as they are now:/);
    assert.match(text, /it would go to host-00004/);
    assert.ok(text.includes('host-00996') && text.includes('host-00999'), 'each host that fits and each that is refused');
    assert.deepEqual(asked, [[{ name: 'abc-web-1', request: record.request, isReplacement: true }]]);
    const refused = () => [{ kind: 'refused', message: 'no host fits: h1: is being drained', refused: [] } as const];
    assert.match(
      explainText('abc-web-1', explained(record, refused)),
      /no host fits now, without itself: no host fits: h1: is being drained/,
    );
    const whole = { ...record, decision: decisionOf(4) };
    assert.deepEqual(
      explained(whole, () => assert.fail('all of it was kept')),
      { ...whole.decision, made: { atMs: whole.createdAtMs } },
    );
  });

  it('is explained with how long each stage of the create took, where that was kept', () => {
    const refuse = () => assert.fail('all of it was kept');
    const record = { ...literalRecord('abc-web-1'), decision: decisionOf(4) };
    const timed = { ...record, requestId: 'r-1', stagesMs: { engine: 150, claim: 10, before: 0, prepare: 40, later: 0 } };
    const text = timingText('abc-web-1', explained(timed, refuse));
    assert.match(text, /^abc-web-1 was created on host-00000 .* in 200 ms for request r-1\n/);
    assert.deepEqual(
      [...text.matchAll(/^(\w+) +(\d+) +(\d+%)/gm)].map(([, name, took, share]) => `${name} ${took} ${share}`),
      ['before 0 0%', 'claim 10 5%', 'prepare 40 20%', 'engine 150 75%', 'later 0 0%'],
    );
    assert.match(timingText('abc-web-1', explained(record, refuse)), /its times were not kept/);
    assert.match(timingText('abc-web-1', decisionOf(4)), /was not created/);
  });
});
