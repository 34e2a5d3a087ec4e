/** The fault lab's checker finds each bug that was planted in a history, and none in a sound one; a seed gives the same faults again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type History, type Observation, type Operation, violations } from '../../faults/checker.ts';
import { ALL_KINDS, faultsOf } from '../../faults/schedule.ts';

const operation = (changes: Partial<Operation>): Operation => ({
  kind: 'create',
  name: 'a',
  startedMs: 1_000,
  endedMs: 1_500,
  status: 201,
  retryAfter: false,
  ...changes,
});
const a = { host: 'h1', name: 'a', running: true, addresses: ['n1/10.32.0.5'] };
const b = { host: 'h2', name: 'b', running: true, addresses: ['n1/10.32.0.6'] };
const observation = (changes: Partial<Observation>): Observation => ({
  atMs: 10_000,
  settled: true,
  containers: [a, b],
  epochs: { store: 3, h1: 3, h2: 3 },
  dns: { h1: ['10.32.0.5', '10.32.0.6'], h2: ['10.32.0.6', '10.32.0.5'] },
  shouldResolve: ['10.32.0.5', '10.32.0.6'],
  findings: [],
  ...changes,
});
const sound: History = { operations: [operation({}), operation({ name: 'b' })], observations: [observation({})] };
const withSeen = (...seen: Partial<Observation>[]): History => ({ ...sound, observations: seen.map(observation) });
const withDone = (...done: Partial<Operation>[]): History => ({ ...sound, operations: done.map(operation) });

describe('the checker', () => {
  it('finds nothing in a sound history', () => assert.deepEqual(violations(sound), []));

  const planted: readonly (readonly [string, History, RegExp])[] = [
    [
      'two leaders',
      withSeen({ epochs: { store: 4, h1: 4 } }, { atMs: 11_000, epochs: { store: 4, h1: 3 } }),
      /two leaders: h1 went from epoch 4 back to 3/,
    ],
    [
      'a double lease',
      withSeen({ settled: false, containers: [a, { ...b, addresses: a.addresses }] }),
      /address held by two live containers: n1\/10.32.0.5 \(a, b\)/,
    ],
    ['a twin', withSeen({ settled: false, containers: [a, { ...a, host: 'h2', addresses: [] }] }), /name twice: a \(h1, h2\)/],
    [
      'a stale name',
      withSeen({ dns: { h1: ['10.32.0.5', '10.32.0.6', '10.32.0.7'] } }),
      /stale name: the DNS of h1 answers with 10.32.0.7/,
    ],
    ['a missing name', withSeen({ dns: { h1: ['10.32.0.5'] } }), /missing name: the DNS of h1 lacks 10.32.0.6/],
    ['a lost release', withSeen({ findings: ['lease 10.32.0.9 is held for gone'] }), /audit: lease 10.32.0.9/],
    ['a leaked network', withSeen({ leftovers: ['h1: network f_default'] }), /leaked: h1: network f_default/],
    ['a lost create', withSeen({ containers: [b] }), /lost: a was acknowledged/],
    [
      'a removed one that comes back',
      withDone({}, { kind: 'remove', startedMs: 2_000, endedMs: 2_500, status: 404 }, { name: 'b' }),
      /came back: a is there at 10 s, after its remove was answered 404/,
    ],
    ['a refused create that is there', withDone({ status: 409 }, { name: 'b' }), /came back: a .* its create was answered 409/],
    ['a hang', withDone({ endedMs: 40_000 }, { name: 'b' }), /hang: create a/],
    ['a refusal without Retry-After', withDone({ status: 503 }), /503 without Retry-After/],
    ['an internal error', withDone({ status: 500 }), /internal error/],
    ['a second leader', withSeen({ leading: ['s1', 's2'] }), /two leaders: s1 and s2 both lead/],
    [
      'a 500 of ours behind an Engine that was killed',
      { ...withDone({ status: 500, message: 'arpanet failed on this request' }), engineFaults: [{ startedMs: 0, endedMs: 1_000 }] },
      /internal error/,
    ],
    [
      'a held instance that is gone',
      { ...withSeen({ containers: [a] }), held: [{ name: 'b', address: '10.32.0.6' }] },
      /held instance b does not run/,
    ],
    [
      'a log that fills the disk',
      withSeen(
        { atMs: 0, logs: { s1: 0, s2: 0 } },
        { atMs: 30_000, logs: { s1: 60_000, s2: 60_000 } },
        { atMs: 60_000, logs: { s1: 160_000, s2: 90_000 } },
      ),
      /loud log: s1 wrote 160000 bytes in the minute before 60 s, with 2 requests/,
    ],
    ['a held instance with another address', { ...sound, held: [{ name: 'b', address: '10.32.0.9' }] }, /held instance b lost its address/],
  ];
  for (const [bug, history, found] of planted) {
    it(`finds ${bug}`, () => {
      const all = violations(history);
      assert.ok(
        all.some((text) => found.test(text)),
        all.join('\n') || 'found nothing',
      );
    });
  }

  it('takes what no peer can hear for nobody’s, and an Engine’s own refusal after it was killed for its own', () => {
    assert.deepEqual(violations(withSeen({ settled: false, containers: [a, { ...a, host: 'h2' }], isolated: ['h2'] })), []);
    const refused = withDone({}, { name: 'b' }, { kind: 'start', status: 500, message: 'task: already exists', endedMs: 20_000 });
    assert.deepEqual(violations({ ...refused, engineFaults: [{ startedMs: 1_000, endedMs: 2_000 }] }), []);
  });

  it('lets a log grow with what is done, and slowly without', () => {
    const minutes = Array.from({ length: 10 }, (_, minute) => ({ atMs: minute * 60_000, logs: { s1: minute * 90_000 } }));
    assert.deepEqual(violations(withSeen(...minutes)), []);
    const busy = Array.from({ length: 100 }, (_, n) => operation({ kind: 'list', name: `${n}`, status: 200 }));
    const seen = [
      observation({ atMs: 0, containers: [], dns: {}, logs: { s1: 0 } }),
      observation({ atMs: 60_000, containers: [], dns: {}, logs: { s1: 290_000 } }),
    ];
    assert.deepEqual(
      violations({ operations: busy, observations: seen }).filter((text) => text.startsWith('loud')),
      [],
    );
  });

  it('lets a name stand twice for a moment where neither runs, and an acknowledged container be removed', () => {
    const stopped = { ...a, running: false };
    assert.deepEqual(violations(withSeen({ settled: false, containers: [stopped, { ...stopped, host: 'h2' }] })), []);
    const removed = [operation({}), operation({ kind: 'remove', startedMs: 5_000, status: 204 })];
    assert.deepEqual(violations({ operations: removed, observations: [observation({ containers: [b] })] }), []);
  });
});

describe('the schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(faultsOf(7, 0, { roundMs: 60_000, everyMs: 4_000 }), faultsOf(7, 0, { roundMs: 60_000, everyMs: 4_000 }));
    assert.notDeepEqual(faultsOf(7, 0, { roundMs: 60_000, everyMs: 4_000 }), faultsOf(8, 0, { roundMs: 60_000, everyMs: 4_000 }));
  });
  it('strikes every kind of part in twenty minutes, and no other than those asked for', () => {
    const kinds = new Set(faultsOf(1, 0, { roundMs: 1_200_000, everyMs: 4_000 }).map((fault) => fault.kind));
    assert.deepEqual([...kinds].toSorted(), [...ALL_KINDS].toSorted());
    const some = faultsOf(1, 0, { roundMs: 60_000, everyMs: 4_000, kinds: ['host-power'] });
    assert.deepEqual([...new Set(some.map(({ kind }) => kind))], ['host-power']);
  });
});
