/** Which hosts are lost, what is started elsewhere and what waits: on literal data. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createIsolation } from '../../../src/processes/leader-isolation.ts';
import { lostHosts } from '../../../src/services/reschedule/lost-hosts.ts';
import { planReschedule } from '../../../src/services/reschedule/reschedule-plan.ts';
import type { ContainerRecord, ContainerView, CreateRequest, HostConfig, HostView, LostRecord } from '../../../src/model/index.ts';
import { isCounting, isDue } from '../../../src/scheduler/loss/lost-records.ts';
import { rememberedFacts } from '../../../src/scheduler/view/placeholder-containers.ts';

describe('hosts that are lost', () => {
  const host = (name: string, state: HostView['state'], unreachableSinceMs?: number) => ({
    name,
    state,
    ...(unreachableSinceMs === undefined ? {} : { unreachableSinceMs }),
  });

  it('have been down for long; those that are suspect are not', () => {
    const hosts = [host('h1', 'alive'), host('h2', 'down', 0), host('h3', 'suspect', 0), host('h4', 'down', 15_000)];
    assert.deepEqual(lostHosts(hosts.slice(0, 3), 0, 20_000), { lost: new Set(), againInMs: 20_001 });
    assert.deepEqual(lostHosts(hosts, 20_000, 20_000), { lost: new Set(['h2']), againInMs: 15_001 });
    assert.deepEqual(lostHosts(hosts, 60_000, 20_000), { lost: new Set(['h2', 'h4']), againInMs: undefined });
  });
});

describe('what a lost host had', () => {
  interface Wish {
    readonly labels?: Record<string, string>;
    readonly request?: CreateRequest;
    readonly host?: string;
    readonly status?: string;
    readonly health?: string;
    readonly exitCode?: number;
    readonly service?: string;
    readonly movedFrom?: ContainerRecord['movedFrom'];
  }
  const one = (name: string, wish: Wish = {}) => {
    const { labels = {}, host = 'h2', status = 'running', health, exitCode = 0, service = name, movedFrom, request } = wish;
    const State = {
      Status: status,
      Running: status === 'running',
      Restarting: false,
      ExitCode: exitCode,
      ...(health && { Health: { Status: health } }),
    };
    const record = { name, service, deployment: 'd', request: { Labels: labels, ...request }, ...(movedFrom && { movedFrom }) };
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
  const plan = (containers: ContainerView[], held = true, stopped: string[] = [], isRestartEnough = true) => {
    const made = planReschedule({
      containers,
      lostHosts: new Set(['h2']),
      isHeld: () => held,
      isRestartEnough,
      stopped: new Set(stopped),
    });
    return {
      replace: made.replace.map(({ name }) => name),
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
    all.push(one('classic', { labels: { 'com.docker.swarm.reschedule-policies': '["on-node-failure"]' } }));
    assert.deepEqual(plan(all).replace, ['labelled', 'held', 'classic']);
    assert.deepEqual(plan(all, false).replace, ['labelled', 'classic']);
  });
  it('comes up elsewhere if its compose file says that it runs always, and nothing ties it to its host', () => {
    const compose = { 'com.docker.compose.project': 'd', 'com.docker.compose.service': 'web' };
    const of = (name: string, HostConfig: HostConfig, labels: Record<string, string> = compose, more: CreateRequest = {}) =>
      one(name, { labels, request: { HostConfig, ...more, Labels: labels } });
    const always = { RestartPolicy: { Name: 'always' } };
    const moved = [
      of('always', always),
      of('unless-stopped', { RestartPolicy: { Name: 'unless-stopped' } }),
      of('in-memory', { ...always, Mounts: [{ Type: 'tmpfs', Target: '/tmp' }], PortBindings: {}, Binds: [] }),
    ];
    const stay = [
      of('on-failure', { RestartPolicy: { Name: 'on-failure' } }),
      of('no-policy', {}),
      of('volume', { ...always, Binds: ['data:/data'] }),
      of('mount', { ...always, Mounts: [{ Type: 'volume', Source: 'data', Target: '/data' }] }),
      of('anonymous', always, compose, { Volumes: { '/data': {} } }),
      of('port', { ...always, PortBindings: { '80/tcp': [{ HostPort: '80' }] } }),
      of('of-the-host', { ...always, NetworkMode: 'host' }),
      of('off', always, { ...compose, 'arpanet.reschedule': 'off' }),
      of('docker-run', always, { 'arpanet.service': 'web' }),
      of('run-once', always, { ...compose, 'com.docker.compose.oneoff': 'True' }),
    ];
    assert.deepEqual(plan([...moved, ...stay], false).replace, ['always', 'unless-stopped', 'in-memory']);
    assert.deepEqual(plan([...moved, ...stay], false, [], false).replace, []);
    const labelled = of('labelled', { ...always, Binds: ['data:/data'] }, { ...compose, ...moves });
    assert.deepEqual(plan([labelled], false, [], false).replace, ['labelled']);
  });
  it('stays where it did not run, or was stopped by its user, or its host is there', () => {
    assert.deepEqual(
      plan([one('a', { labels: moves, status: 'exited' }), one('b', { labels: moves }), one('c', { labels: moves, host: 'h1' })], true, [
        'id-b',
      ]).replace,
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
    assert.deepEqual(plan([web, seed, db('healthy')]), { replace: ['web'], wait: [], start: [] });
    assert.deepEqual(plan([web, one('seed', { host: 'h1', status: 'exited', exitCode: 1 }), db('healthy')]).wait, ['web']);
  });
  it('is started when an earlier leader made it and no more', () => {
    assert.deepEqual(plan([one('a', { host: 'h1', status: 'created', movedFrom: { id: 'x', host: 'h2', atMs: 0 } })]).start, ['a']);
    const never = { id: 'x', host: 'h2', atMs: 0, isUnstarted: true };
    assert.deepEqual(plan([one('a', { host: 'h1', status: 'created', movedFrom: never })]).start, [], 'its client starts it');
  });
});

describe('the note of a lost container', () => {
  const note: LostRecord = { id: 'old', name: 'a', host: 'h2', addresses: {}, isReplaced: true, sinceMs: 0 };
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
    const isolation = createIsolation(() => 20_000, Date.now);
    const lonely = { hosts: () => [1], lastHeardMs: () => undefined };
    const first = isolation.watch(lonely, new AbortController().signal);
    t.mock.timers.tick(19_000);
    assert.equal(first.aborted, false);
    t.mock.timers.tick(1_500);
    assert.equal(first.aborted, true);
    const second = isolation.watch(lonely, new AbortController().signal);
    t.mock.timers.tick(39_000);
    assert.equal(second.aborted, false);
    t.mock.timers.tick(1_500);
    assert.equal(second.aborted, true);
    const nobody = isolation.watch({ hosts: () => [], lastHeardMs: () => undefined }, new AbortController().signal);
    t.mock.timers.tick(999_000);
    assert.equal(nobody.aborted, false);
  });
});
