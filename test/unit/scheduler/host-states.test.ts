/** The state machine of a host: every state and every event, what the events are made of, and the rule for mass loss. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { setImmediate as anyTurn } from 'node:timers/promises';
import { type HostRecord, type HostState, isUnreachable } from '../../../src/model/index.ts';
import { type HostEvent, hostEvent, type Signs, TRANSITIONS } from '../../../src/scheduler/loss/host-states.ts';
import { startLiveness } from '../../../src/scheduler/loss/liveness.ts';
import { withinOf } from '../../../src/scheduler/loss/same-time.ts';
import { createTriggers } from '../../../src/scheduler/triggers.ts';
import { massLoss } from '../../../src/scheduler/loss/mass-loss.ts';
import { createView } from '../../../src/scheduler/view/view.ts';

/** What a connection's end sets off has run, too. */
const turn = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await anyTurn();
};

type State = HostState | 'removed';
const STATES: readonly State[] = ['joining', 'alive', 'suspect', 'down', 'removed'];
/** What an event makes of a host; `removed` hosts are another matter. */
const MAKES: Readonly<Record<Exclude<HostEvent, 'admitted'>, State>> = {
  connected: 'joining',
  reported: 'alive',
  'engine-unreachable': 'down',
  silent: 'down',
  'silent-with-many': 'suspect',
  removed: 'removed',
};

describe('the states of a host', () => {
  it('are those of the table, and each of them takes every event', () => {
    assert.deepEqual(Object.keys(TRANSITIONS).toSorted(), STATES.toSorted());
    for (const state of STATES)
      assert.deepEqual(Object.keys(TRANSITIONS[state]).toSorted(), [...Object.keys(MAKES), 'admitted'].toSorted());
  });

  for (const state of STATES)
    for (const event of [...(Object.keys(MAKES) as (keyof typeof MAKES)[]), 'admitted'] as const) {
      const next = state === 'removed' ? (event === 'admitted' ? 'joining' : 'removed') : event === 'admitted' ? state : MAKES[event];
      it(`${state}, ${event}: ${next}`, () => assert.equal(TRANSITIONS[state][event], next));
    }

  it('can all be reached from joining, and left again', () => {
    const reached = new Set<State>(['joining']);
    for (const state of reached) for (const next of Object.values(TRANSITIONS[state])) reached.add(next);
    assert.deepEqual([...reached].toSorted(), STATES.toSorted());
    for (const state of STATES)
      assert.ok(
        Object.values(TRANSITIONS[state]).some((next) => next !== state),
        state,
      );
  });

  it('are unreachable when they are suspect or down', () => {
    const unreachable = STATES.filter((state) => state !== 'removed' && isUnreachable(state));
    assert.deepEqual(unreachable, ['suspect', 'down']);
  });
});

describe('what happens to a host', () => {
  const signs: Signs = {
    nowMs: 100_000,
    electedAtMs: 0,
    heardMs: 99_000,
    hasReported: true,
    engineError: undefined,
    engineStall: undefined,
    isMassLoss: false,
    hostDownMs: 10_000,
    graceMs: 5_000,
  };
  const event = (more: Partial<Signs>) => hostEvent({ ...signs, ...more });

  it('is reported while it sends heartbeats and has sent what runs there', () =>
    assert.deepEqual(event({}), { event: 'reported', why: undefined }));
  it('is reported with a warning when heartbeats are missing, or its Engine stalls', () => {
    assert.deepEqual(event({ heardMs: signs.nowMs - 4_000 }), { event: 'reported', why: 'no heartbeat for some seconds' });
    assert.deepEqual(event({ engineStall: 'its Engine hangs' }), { event: 'reported', why: 'its Engine hangs' });
  });
  it('is connected until it has sent what runs there', () => assert.equal(event({ hasReported: false })?.event, 'connected'));
  it('is silent without a heartbeat', () =>
    assert.deepEqual(event({ heardMs: 90_000 }), { event: 'silent', why: 'no heartbeat for 10 s or more' }));
  it('is silent with many when over a third of the hosts is lost with it', () => {
    assert.equal(event({ heardMs: 90_000, isMassLoss: true })?.event, 'silent-with-many');
    assert.equal(event({ heardMs: 91_000, isMassLoss: true })?.event, 'reported', 'not before its own time is over');
    assert.equal(event({ heardMs: undefined, isMassLoss: true })?.event, 'silent-with-many');
  });
  it('is an unreachable Engine when its agent says so', () =>
    assert.deepEqual(event({ engineError: 'refused' }), { event: 'engine-unreachable', why: 'Docker Engine unreachable: refused' }));
  it('has as long as a heartbeat may take to connect to a new leader', () => {
    assert.equal(event({ heardMs: undefined, nowMs: 9_999 }), undefined);
    assert.deepEqual(event({ heardMs: undefined, nowMs: 10_000 }), { event: 'silent', why: 'not connected since the election 10 s ago' });
    assert.equal(event({ heardMs: undefined, nowMs: 10_000, graceMs: 15_000 }), undefined);
  });
});

describe('a mass loss', () => {
  const none: ReadonlyMap<string, number> = new Map();
  const after = (heardMs: readonly number[], nowMs: number, before = none) =>
    massLoss(
      heardMs.map((ms, index) => ({ name: `h${index + 1}`, heardMs: ms })),
      nowMs,
      10_000,
      before,
    );
  const suspects = (heardMs: readonly number[], nowMs: number) => [...after(heardMs, nowMs).keys()];

  it('is over a third of the hosts at the same time, and not one by one', () => {
    assert.deepEqual(suspects([100_000, 89_000, 100_000], 100_000), []);
    assert.deepEqual(suspects([100_000, 89_000, 89_500], 100_000), ['h2', 'h3']);
  });
  it('is never one host alone, nor a third of many', () => {
    assert.deepEqual(suspects([89_000], 100_000), []);
    assert.deepEqual(suspects([89_000, 89_000, 100_000, 100_000, 100_000, 100_000], 100_000), []);
    assert.deepEqual(suspects([89_000, 89_000, 89_000, 100_000, 100_000, 100_000], 100_000), ['h1', 'h2', 'h3']);
  });
  it('is one before the first of them is down', () => assert.deepEqual(suspects([100_000, 93_900, 92_000], 100_000), ['h2', 'h3']));
  it('is none when one host was lost a minute before', () => assert.deepEqual(suspects([160_000, 100_000, 145_000], 160_000), []));
  it('lasts for a while after the first of them is back, and then the rest is down', () => {
    const both = after([120_000, 100_000, 100_000], 120_000);
    const rest = after([125_000, 125_000, 100_000], 125_000, both);
    assert.deepEqual([...rest], [['h3', 120_000]]);
    assert.deepEqual([...after([130_000, 130_000, 100_000], 130_000, rest)], []);
    assert.deepEqual([...after([125_000, 125_000, 124_000], 125_000, both)], []);
  });

  it('counts hosts that are lost at the same time as a look from each at all the others does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 })), fc.integer({ min: 0, max: 200 }), (moments, asked) => {
        const near = moments.filter((one) => Math.abs(one - asked) <= 30).length;
        assert.equal(withinOf(moments, 30)(asked), near);
      }),
    );
  });
});

describe('liveness', () => {
  const snapshot = { type: 'snapshot', snapshot: { containers: [], images: [], volumes: [], networks: [] } } as const;
  const beat = { type: 'beat' } as never;

  function world(names: readonly string[]) {
    const clock = { ms: 0 };
    const seen: string[] = [];
    const view = createView(() => false);
    for (const name of names) view.hosts.add({ name, gateway: name } as HostRecord);
    /** Hosts whose kernels answer. */
    const reached = new Set(names);
    const log = Object.fromEntries(['error', 'warn', 'info'].map((level) => [level, () => undefined])) as never;
    const over = new AbortController();
    const triggers = createTriggers().on('host-silent', (host) => void seen.push(`${host} cut`));
    const liveness = startLiveness(
      {
        deps: { log, now: () => clock.ms, settings: { graceMs: 5_000, hostDownMs: 10_000 } },
        view: view.read,
        members: view.hosts,
        isReached: (gateway) => Promise.resolve(reached.has(gateway)),
        feed: {
          node: (host, { warning, ...states }) => void seen.push(`${host} ${warning === undefined ? states['state.new'] : 'warning'}`),
        },
        triggers,
      },
      over.signal,
    );
    const states = () => view.read.hosts().map(({ state }) => state);
    const at = (ms: number, ...heard: string[]) => {
      for (; clock.ms < ms; clock.ms += 1_000) {
        for (const host of heard) liveness.heard(host, beat);
        liveness.judge();
      }
    };
    const joins = (host: string) => {
      liveness.connected(host);
      liveness.heard(host, snapshot);
    };
    const cutOff = () => view.read.hosts().flatMap(({ name, isCutOff }) => (isCutOff === true ? [name] : []));
    return { clock, seen, reached, cutOff, view, liveness, states, at, joins, [Symbol.dispose]: () => over.abort() };
  }

  it('makes a host alive with the message that reports what runs there, before that is applied', () => {
    using hosts = world(['h1']);
    hosts.liveness.connected('h1');
    assert.equal(hosts.liveness.heard('h1', beat), true);
    assert.deepEqual(hosts.states(), ['joining']);
    hosts.liveness.heard('h1', snapshot);
    assert.deepEqual(hosts.states(), ['alive']);
  });

  it('takes no message of a host that is not a member', () => {
    using hosts = world(['h1']);
    assert.equal(hosts.liveness.heard('h2', snapshot), false);
    hosts.liveness.connected('h1');
    hosts.liveness.forget('h1');
    hosts.view.hosts.remove('h1');
    assert.equal(hosts.liveness.heard('h1', snapshot), false);
    assert.deepEqual(hosts.states(), []);
  });

  it('calls one silent host down, cuts what waits for its Engine, and remembers since when', () => {
    using hosts = world(['h1', 'h2', 'h3']);
    for (const host of ['h1', 'h2', 'h3']) hosts.joins(host);
    hosts.seen.length = 0;
    hosts.at(20_000, 'h1', 'h3');
    assert.deepEqual(hosts.states(), ['alive', 'down', 'alive']);
    assert.deepEqual([hosts.seen, hosts.view.read.host('h2')?.unreachableSinceMs], [['h2 cut', 'h2 down'], 10_000]);
    hosts.joins('h2');
    assert.deepEqual([hosts.states(), hosts.view.read.host('h2')?.unreachableSinceMs], [['alive', 'alive', 'alive'], undefined]);
  });

  it('says of a host whose stream the leader has closed why, until it is connected again', () => {
    using hosts = world(['h1']);
    hosts.joins('h1');
    hosts.liveness.cut('h1', 'message beat: no load');
    hosts.liveness.judge();
    const why = () => hosts.view.read.host('h1')?.why;
    assert.deepEqual([hosts.states(), why()], [['alive'], 'its agent is refused: message beat: no load']);
    hosts.at(20_000);
    assert.deepEqual([hosts.states(), why()], [['down'], 'its agent is refused: message beat: no load']);
    hosts.joins('h1');
    assert.deepEqual([hosts.states(), why()], [['alive'], undefined]);
    hosts.liveness.cut('h2', 'no member');
    hosts.liveness.cut('h1', undefined);
    hosts.liveness.judge();
    assert.equal(why(), undefined, 'a stream that ended by itself has no reason');
  });

  it('calls hosts suspect that are lost together, and the last of them down once the others are back for a while', () => {
    using hosts = world(['h1', 'h2', 'h3']);
    for (const host of ['h1', 'h2', 'h3']) hosts.joins(host);
    hosts.seen.length = 0;
    hosts.at(60_000, 'h1');
    assert.deepEqual(hosts.states(), ['alive', 'suspect', 'suspect']);
    assert.deepEqual(hosts.seen, ['h2 warning', 'h3 warning', 'h2 cut', 'h2 suspect', 'h3 cut', 'h3 suspect']);
    hosts.joins('h2');
    hosts.at(65_000, 'h1', 'h2');
    assert.deepEqual(hosts.states(), ['alive', 'alive', 'suspect']);
    hosts.at(75_000, 'h1', 'h2');
    assert.deepEqual(hosts.states(), ['alive', 'alive', 'down']);
    assert.equal(hosts.view.read.host('h3')?.unreachableSinceMs, 10_000, 'what ran there need not wait anew');
  });

  it('takes the names of a host out of DNS that nothing reaches, long before it is down; the next message brings them back', async () => {
    using hosts = world(['h1', 'h2', 'h3']);
    for (const host of ['h1', 'h2', 'h3']) hosts.joins(host);
    hosts.reached.delete('h2');
    hosts.at(2_000, 'h1', 'h3');
    await turn();
    assert.deepEqual(hosts.cutOff(), [], 'it may be slow');
    hosts.at(4_000, 'h1', 'h3');
    await turn();
    assert.deepEqual([hosts.states(), hosts.cutOff()], [['alive', 'alive', 'alive'], ['h2']]);
    hosts.liveness.heard('h2', beat);
    assert.deepEqual(hosts.cutOff(), []);
  });

  it('does not take a host for cut off whose kernel answers, nor one of many that fall quiet together', async () => {
    using hosts = world(['h1', 'h2', 'h3']);
    for (const host of ['h1', 'h2', 'h3']) hosts.joins(host);
    for (const ms of [2_000, 4_000, 6_000]) {
      hosts.at(ms, 'h1', 'h3');
      await turn();
      assert.deepEqual(hosts.cutOff(), []);
    }
    for (const host of ['h2', 'h3']) hosts.reached.delete(host);
    hosts.liveness.heard('h2', beat);
    for (const ms of [8_000, 10_000, 12_000]) {
      hosts.at(ms, 'h1');
      await turn();
      assert.deepEqual(hosts.cutOff(), []);
    }
  });

  it('takes none of many that are lost together for cut off, though one of them is called suspect before the other', async () => {
    using hosts = world(['h1', 'h2', 'h3']);
    for (const host of ['h1', 'h2', 'h3']) hosts.joins(host);
    for (const host of ['h2', 'h3']) hosts.reached.delete(host);
    hosts.at(2_000, 'h1', 'h3');
    const seen = new Set<string>();
    for (let ms = 3_000; ms <= 20_000; ms += 1_000) {
      hosts.at(ms, 'h1');
      await turn();
      seen.add(hosts.states().join(' '));
      assert.deepEqual(hosts.cutOff(), [], `after ${ms} ms`);
    }
    assert.ok(seen.has('alive suspect suspect'), [...seen].join('; '));
  });

  it('takes a host for cut off whose names are of no use, though the agent of another hangs: that one has its kernel to answer for it', async () => {
    using hosts = world(['h1', 'h2', 'h3']);
    for (const host of ['h1', 'h2', 'h3']) hosts.joins(host);
    hosts.reached.delete('h3');
    const seen: string[] = [];
    for (let ms = 1_000; ms <= 20_000; ms += 1_000) {
      hosts.at(ms, 'h1');
      await turn();
      seen.push(`${hosts.states()[2]} ${hosts.cutOff().join()}`);
    }
    assert.deepEqual([...new Set(seen)], ['alive ', 'alive h3', 'suspect h3']);
    hosts.liveness.heard('h3', beat);
    assert.deepEqual(hosts.cutOff(), []);
  });

  it('leaves the names of a host that was down out of DNS when it becomes one of many', async () => {
    using hosts = world(['h1', 'h2', 'h3']);
    for (const host of ['h1', 'h2', 'h3']) hosts.joins(host);
    hosts.reached.delete('h2');
    const looks = async (until: number, ...heard: string[]) => {
      const seen = new Set<string>();
      for (let ms = hosts.clock.ms + 1_000; ms <= until; ms += 1_000) {
        hosts.at(ms, ...heard);
        await turn();
        seen.add(`${hosts.states().slice(1).join(' ')}: ${hosts.cutOff().join(' ')}`);
      }
      return [...seen];
    };
    assert.deepEqual(await looks(20_000, 'h1', 'h3'), ['alive alive: ', 'alive alive: h2', 'down alive: ']);
    hosts.reached.delete('h3');
    assert.deepEqual(await looks(40_000, 'h1'), ['down alive: ', 'down alive: h3', 'suspect alive: h2 h3', 'suspect suspect: h2 h3']);
  });

  it('takes a host for cut off that a new leader never hears, as soon as its kernel has not answered; not all of them', async () => {
    using hosts = world(['h1', 'h2', 'h3']);
    hosts.reached.delete('h2');
    for (const host of ['h1', 'h3']) hosts.joins(host);
    hosts.at(1_000, 'h1', 'h3');
    await turn();
    assert.deepEqual(hosts.cutOff(), [], 'it may be on its way');
    hosts.at(3_000, 'h1', 'h3');
    await turn();
    assert.deepEqual([hosts.states(), hosts.cutOff()], [['alive', 'joining', 'alive'], ['h2']]);
    // another that dies after the election is not one of many for that
    hosts.reached.delete('h3');
    for (const ms of [5_000, 7_000, 9_000]) {
      hosts.at(ms, 'h1');
      await turn();
    }
    assert.deepEqual(hosts.cutOff(), ['h2', 'h3']);
    hosts.joins('h2');
    assert.deepEqual(hosts.cutOff(), ['h3']);

    using alone = world(['h1', 'h2', 'h3']);
    for (const host of ['h1', 'h2', 'h3']) alone.reached.delete(host);
    for (const ms of [2_000, 4_000, 6_000, 8_000]) {
      alone.at(ms);
      await turn();
      assert.deepEqual(alone.cutOff(), [], 'it is the leader that reaches nobody');
    }
  });
});
