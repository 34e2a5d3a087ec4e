/** Who is lost, who is doubted, what comes up elsewhere and what waits: on literal data. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createForsaken } from '../../../src/processes/leader-isolation.ts';
import { createLostHosts } from '../../../src/services/reschedule/lost-hosts.ts';
import { planRescue } from '../../../src/services/reschedule/reschedule-plan.ts';
import type { ContainerRecord, ContainerView, HostView, LostRecord } from '../../../src/model/index.ts';
import { doubtedHosts } from '../../../src/scheduler/loss/host-state.ts';
import { isCounting, isDue } from '../../../src/scheduler/loss/lost-records.ts';
import { rememberedFacts } from '../../../src/scheduler/view/placeholder-containers.ts';

describe('hosts that fall silent', () => {
  const silent = (...sinceMs: number[]) => sinceMs.map((ms, index) => ({ name: `h${index + 1}`, sinceMs: ms }));
  const none: ReadonlyMap<string, number> = new Map();
  const judged = (all: number[], nowMs: number, before = none) => doubtedHosts(silent(...all), all.length, nowMs, 10_000, before);
  const doubted = (all: number[], nowMs: number) => [...judged(all, nowMs).keys()];

  it('are lost one by one, and doubted when over a third of them goes at once', () => {
    assert.deepEqual(doubted([100_000, 89_000, 100_000], 100_000), []);
    assert.deepEqual(doubted([100_000, 89_000, 89_500], 100_000), ['h2', 'h3']);
  });
  it('are doubted before the first of them is called down', () => {
    assert.deepEqual(doubted([100_000, 93_900, 92_000], 100_000), ['h2', 'h3']);
  });
  it('do not go at once when one went a minute before', () => {
    assert.deepEqual(doubted([160_000, 100_000, 145_000], 160_000), []);
  });
  it('are doubted for a while after the first of them is back, and given up if they stay away', () => {
    const both = judged([120_000, 100_000, 100_000], 120_000);
    const rest = judged([125_000, 125_000, 100_000], 125_000, both);
    assert.deepEqual([...rest], [['h3', 120_000]]);
    assert.deepEqual([...judged([130_000, 130_000, 100_000], 130_000, rest)], []);
    assert.deepEqual([...judged([125_000, 125_000, 124_000], 125_000, both)], []);
  });
});

describe('hosts that are lost', () => {
  const world = { hosts: [] as HostView[], nowMs: 0 };
  const log = { warn: () => undefined } as never;
  const host = (name: string, state: HostView['state'], more: Partial<HostView> = {}) => ({ name, state, ...more }) as HostView;

  it('have been down for long, are no more than a third, and are not doubted', () => {
    const lost = createLostHosts({ hosts: () => world.hosts, now: () => world.nowMs, lostAfterMs: () => 20_000, log });
    world.hosts = [host('h1', 'alive'), host('h2', 'down'), host('h3', 'alive')];
    assert.deepEqual(lost(), { lost: new Set(), againInMs: 20_001 });
    world.nowMs = 20_000;
    assert.deepEqual([...lost().lost], ['h2']);
    world.hosts = [host('h1', 'alive'), host('h2', 'down', { isDoubted: true }), host('h3', 'alive')];
    assert.deepEqual([...lost().lost], []);
    world.hosts = [host('h1', 'down'), host('h2', 'down'), host('h3', 'alive')];
    lost();
    world.nowMs = 60_000;
    assert.deepEqual([...lost().lost], [], 'two of three');
  });
});

describe('what a lost host had', () => {
  interface Wish {
    readonly labels?: Record<string, string>;
    readonly host?: string;
    readonly status?: string;
    readonly health?: string;
    readonly exitCode?: number;
    readonly service?: string;
    readonly movedFrom?: ContainerRecord['movedFrom'];
  }
  const one = (name: string, wish: Wish = {}) => {
    const { labels = {}, host = 'h2', status = 'running', health, exitCode = 0, service = name, movedFrom } = wish;
    const State = {
      Status: status,
      Running: status === 'running',
      Restarting: false,
      ExitCode: exitCode,
      ...(health && { Health: { Status: health } }),
    };
    const record = { name, service, deployment: 'd', request: { Labels: labels }, ...(movedFrom && { movedFrom }) };
    return {
      id: `id-${name}`,
      name,
      host,
      hostState: host === 'h2' ? 'down' : 'alive',
      record,
      facts: { inspect: { State } },
    } as unknown as ContainerView;
  };
  const counted = { 'arpanet.deployment': 'd', 'arpanet.service': 'web' };
  const moves = { 'arpanet.reschedule': 'on-host-failure' };
  const plan = (containers: ContainerView[], held = true, stopped: string[] = []) => {
    const made = planRescue({ containers, lostHosts: new Set(['h2']), isHeld: () => held, stopped: new Set(stopped) });
    return {
      succeed: made.succeed.map(({ name }) => name),
      wait: made.wait.map(({ container }) => container.name),
      start: made.start.map(({ name }) => name),
    };
  };

  it('comes up elsewhere by its label, or as an instance of a service that is held', () => {
    const all = [
      one('plain'),
      one('labelled', { labels: moves }),
      one('held', { labels: counted }),
      one('off', { labels: { ...counted, 'arpanet.reschedule': 'off' } }),
    ];
    assert.deepEqual(plan(all).succeed, ['labelled', 'held']);
    assert.deepEqual(plan(all, false).succeed, ['labelled']);
  });
  it('stays where it did not run, or was stopped by its user, or its host is there', () => {
    assert.deepEqual(
      plan([one('a', { labels: moves, status: 'exited' }), one('b', { labels: moves }), one('c', { labels: moves, host: 'h1' })], true, [
        'id-b',
      ]).succeed,
      [],
    );
  });
  it('waits for what it depends on, as compose says it', () => {
    const web = one('web', {
      labels: { ...moves, 'com.docker.compose.depends_on': 'db:service_healthy:true,seed:service_completed_successfully:false' },
    });
    const seed = one('seed', { host: 'h1', status: 'exited' });
    const db = (health: string, host = 'h1') => one('db', { host, health });
    assert.deepEqual(plan([web, seed, db('starting')]).wait, ['web']);
    assert.deepEqual(plan([web, seed, db('healthy', 'h2')]).wait, ['web']);
    assert.deepEqual(plan([web, seed, db('healthy')]), { succeed: ['web'], wait: [], start: [] });
    assert.deepEqual(plan([web, one('seed', { host: 'h1', status: 'exited', exitCode: 1 }), db('healthy')]).wait, ['web']);
  });
  it('is started when an earlier leader made it and no more', () => {
    assert.deepEqual(plan([one('a', { host: 'h1', status: 'created', movedFrom: { id: 'x', host: 'h2', atMs: 0 } })]).start, ['a']);
  });
});

describe('the note of a lost container', () => {
  const note: LostRecord = { id: 'old', name: 'a', host: 'h2', addresses: {}, isSucceeded: true, sinceMs: 0 };
  const record = (more: Partial<ContainerRecord>) => ({ name: 'a', ...more }) as ContainerRecord;

  it('counts from the moment in which the name is another’s; it is due when that one exists or is gone', () => {
    assert.deepEqual([isCounting(note, record({ id: 'old' })), isDue(note, record({ id: 'old' }))], [false, false]);
    const pending = record({ movedFrom: { id: 'old', host: 'h2', atMs: 0 } });
    assert.deepEqual([isCounting(note, pending), isDue(note, pending)], [true, false]);
    assert.deepEqual([isCounting(note, record({ id: 'new' })), isDue(note, record({ id: 'new' }))], [true, true]);
    assert.deepEqual([isCounting(note, undefined), isDue(note, undefined)], [true, true]);
  });
});

describe('a container that its host has not shown yet', () => {
  it('is listed by its record, up', () => {
    const record = { name: 'a', addresses: { n1: '10.32.0.5' }, request: { Image: 'busybox', Labels: { x: 'y' } }, createdAtMs: 1_000 };
    const { summary, inspect } = rememberedFacts(record as unknown as ContainerRecord, 'id', () => ({ name: 'net' }) as never);
    assert.deepEqual([summary.Names, summary.State, summary.Labels, summary.Image], [['/a'], 'running', { x: 'y' }, 'busybox']);
    assert.deepEqual(inspect.NetworkSettings.Networks, { net: { IPAddress: '10.32.0.5', NetworkID: '' } });
  });
});

describe('a leader that no host reaches', () => {
  it('is left when patience is over, which doubles with each lonely term', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'] });
    const forsaken = createForsaken(() => 20_000, Date.now);
    const lonely = { hosts: () => [1], lastHeardMs: () => undefined };
    const first = forsaken.watch(lonely, new AbortController().signal);
    t.mock.timers.tick(19_000);
    assert.equal(first.aborted, false);
    t.mock.timers.tick(1_500);
    assert.equal(first.aborted, true);
    const second = forsaken.watch(lonely, new AbortController().signal);
    t.mock.timers.tick(39_000);
    assert.equal(second.aborted, false);
    t.mock.timers.tick(1_500);
    assert.equal(second.aborted, true);
    const nobody = forsaken.watch({ hosts: () => [], lastHeardMs: () => undefined }, new AbortController().signal);
    t.mock.timers.tick(999_000);
    assert.equal(nobody.aborted, false);
  });
});
