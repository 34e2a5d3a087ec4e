/** Rules about hosts on literal data: limits, what may be cleaned, who may join, one change at a time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { labelsOf, limitsOf } from '../../../src/cli/commands/hosts/flags.ts';
import { planClean } from '../../../src/services/hosts/clean-plan.ts';
import { createDrain } from '../../../src/services/hosts/drain.ts';
import { ALL_HOSTS, createHostLock, DRAINING } from '../../../src/services/hosts/host-lock.ts';
import { changedLimits, limitRefusal } from '../../../src/scheduler/hosts/host-limits.ts';
import type { HostSnapshot, PlacementRequest } from '../../../src/scheduler/placement/snapshot.ts';
import { place } from '../../../src/scheduler/placement/index.ts';
import type { DrainDeadline } from '../../../src/model/index.ts';
import { until } from '../../support/fakes/fake-cluster.ts';
import { literalContainer, literalHost, literalImage } from '../../support/fakes/literal-cluster.ts';
import { hostSnapshot, placedContainer, placementWish } from '../../support/fakes/literal-placement.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';

const GIB = 2 ** 30;
const snapshot = (name: string, more: Partial<HostSnapshot> = {}): HostSnapshot =>
  hostSnapshot(name, {
    containers: ['a', 'b', 'gone'].map((id) =>
      placedContainer(id, {
        id,
        deployment: 'abc',
        state: id === 'gone' ? 'stopped' : 'running',
        reservedNanoCpus: 5e8,
        reservedMemoryBytes: GIB,
      }),
    ),
    ...more,
  });

describe('limits of a host', () => {
  const machine = { cpus: 4, memoryBytes: 8 * GIB };

  it('may not go below what is there, nor above what the machine has; stopped containers count for nothing', () => {
    const refusal = (change: Parameters<typeof limitRefusal>[0]) => limitRefusal(change, snapshot('h1'), machine);
    assert.match(refusal({ cpus: 0.5 }) ?? '', /^containers on h1 reserve 1 CPUs, more than 0.5: move work off it first/);
    assert.match(refusal({ memoryBytes: GIB }) ?? '', /reserve 2 GiB of memory, more than 1 GiB/);
    assert.match(refusal({ maxContainers: 1 }) ?? '', /h1 runs 2 containers, more than 1/);
    assert.match(refusal({ cpus: 5 }) ?? '', /h1 has 4 CPUs: it cannot be let 5/);
    assert.match(refusal({ memoryBytes: 9 * GIB }) ?? '', /h1 has 8 GiB of memory/);
    assert.equal(refusal({ cpus: 1, memoryBytes: 2 * GIB, maxContainers: 2 }), undefined);
    assert.equal(refusal({ cpus: null, memoryBytes: null, maxContainers: null }), undefined);
  });

  it('change one by one, and null takes one away', () => {
    assert.deepEqual(changedLimits({ cpus: 1 }, { maxContainers: 3 }), { cpus: 1, maxContainers: 3 });
    assert.equal(changedLimits({ cpus: 1 }, { cpus: null }), undefined);
  });

  it('are kept by placement, and an instance on its way to a host goes nowhere else', () => {
    const request = placementWish({ service: 'x' });
    const options = { strategy: 'spread', nowMs: 0, random: () => 0.5 } as const;
    const placed = (hosts: readonly HostSnapshot[], more: Partial<PlacementRequest> = {}) => {
      const placement = place({ ...request, ...more }, hosts, options);
      return placement.kind === 'placed' ? placement.decision.host : placement.message;
    };
    assert.equal(placed([snapshot('h1', { maxContainers: 2 })]), 'no host fits: h1: runs 2 containers, and ops let it have 2');
    assert.equal(placed([snapshot('h1', { maxContainers: 3 })]), 'h1');
    assert.equal(placed([snapshot('h1', { containers: [] }), snapshot('h2')], { only: 'h2' }), 'h2');
    assert.match(
      placed([snapshot('h1'), snapshot('h2', { availability: 'pause' })], { only: 'h2' }),
      /h1: it is being moved to h2; h2: takes no/,
    );
  });

  it('are written as people write them', () => {
    assert.deepEqual(limitsOf({ cpus: '1.5', memory: '2g', maxContainers: 'none' }), {
      cpus: 1.5,
      memoryBytes: 2 * GIB,
      maxContainers: null,
    });
    assert.deepEqual(
      [limitsOf({ memory: '512MiB' }), limitsOf({ memory: '1048576' })],
      [{ memoryBytes: GIB / 2 }, { memoryBytes: 2 ** 20 }],
    );
    assert.throws(() => limitsOf({ cpus: '-1' }), /--cpus is "-1": write a number of cores, as 1.5, or none/);
    assert.throws(() => limitsOf({ maxContainers: '2.5' }), /--max-containers is "2.5": write a whole number/);
    assert.deepEqual(labelsOf(['disk=ssd', 'x=a=b'], ['old']), { old: null, disk: 'ssd', x: 'a=b' });
    assert.throws(() => labelsOf(['disk']), /the label "disk" is not KEY=VALUE/);
  });
});

describe('one change at a time', () => {
  it('holds a host against a second change, and all hosts against one of the whole cluster', async () => {
    const lock = createHostLock(() => 5_000);
    let end = () => {};
    const first = lock.hold('h1', 'being drained', () => new Promise<void>((resolve) => (end = resolve)));
    await assert.rejects(
      lock.hold('h1', 'being reset', async () => {}),
      /h1 is being drained \(started 0 s ago\): wait until that has ended/,
    );
    await assert.rejects(
      lock.hold(ALL_HOSTS, 'being rebalanced', async () => {}),
      /h1 is being drained/,
    );
    assert.equal(await lock.hold('h2', 'being reset', async () => 7), 7);
    end();
    await first;
    const all = lock.hold(ALL_HOSTS, 'being rebalanced', () => new Promise<void>((resolve) => (end = resolve)));
    await assert.rejects(
      lock.hold('h2', 'being reset', async () => {}),
      /the cluster is being rebalanced/,
    );
    end();
    await all;
    await assert.rejects(
      lock.hold('h1', 'being reset', async () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await lock.hold('h1', 'being reset', async () => 8), 8, 'a failure lets go');
  });
});

/** h1 and h2, whose availability is kept. */
function twoHosts() {
  const availability = new Map([
    ['h1', 'active'],
    ['h2', 'active'],
  ]);
  const list = () =>
    [...availability].map(([name, its]) => {
      const host = literalHost(name);
      return { ...host, record: { ...host.record, name, availability: its, drainDeadline: deadlines.get(name) } };
    });
  const deadlines = new Map<string, DrainDeadline | undefined>();
  const update = async (name: string, change: { readonly availability: string; readonly drainDeadline?: DrainDeadline }) => {
    await Promise.resolve();
    availability.set(name, change.availability);
    deadlines.set(name, change.drainDeadline);
  };
  return { availability, deadlines, list, update };
}

describe('two drains at once', () => {
  it('leave a host that takes containers', async () => {
    const { availability, list, update } = twoHosts();
    const deps = { scheduler: { hosts: { list, update }, containers: { list: () => [] } }, now: () => 0 };
    const core = { deps, lost: new AbortController().signal, list: () => [] } as unknown as Parameters<typeof createDrain>[0];
    const noActions = {} as Parameters<typeof createDrain>[1];
    const { drain } = createDrain(
      core,
      noActions,
      { move: () => Promise.reject(new Error('none')), resume: async () => {} },
      createHostLock(() => 0),
    );
    const results = await Promise.allSettled(['h1', 'h2'].map((name) => drain(name, () => undefined)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    assert.deepEqual([...availability.values()], ['drain', 'active']);
    await assert.rejects(
      drain('h3', () => undefined),
      /no such host: h3; there are h1, h2/,
    );
  });
});

describe('a drain that ends early', () => {
  /** h1 with two services, whose moves never end; and h2. */
  function start() {
    const hosts = twoHosts();
    const { list, update } = hosts;
    const containers = ['web', 'api', 'db'].map((service) =>
      literalContainer({ id: service, name: `abc-${service}-1`, host: 'h1', record: literalRecord(`abc-${service}-1`) }),
    );
    const services = containers.map((container) => ({
      deployment: 'abc',
      service: container.id,
      instances: [container],
      template: container.record,
    }));
    const clock = { ms: 0 };
    const log = { info: () => undefined, warn: () => undefined };
    const deps = { scheduler: { hosts: { list, update }, containers: { list: () => containers } }, now: () => clock.ms, log };
    const core = { deps, lost: new AbortController().signal, list: () => services } as unknown as Parameters<typeof createDrain>[0];
    const begun: string[] = [];
    const move = ({ service }: { readonly service: string }) => {
      begun.push(service);
      return new Promise<never>(() => undefined);
    };
    const lead = () => {
      const lock = createHostLock(() => 0);
      return { lock, ...createDrain(core, {} as Parameters<typeof createDrain>[1], { move, resume: async () => {} }, lock) };
    };
    return { ...lead(), ...hosts, begun, clock, lead };
  }
  const reasons = ({ stays }: { readonly stays: readonly { readonly why: string }[] }) => stays.map(({ why }) => why).toSorted();

  it('at its deadline says what stayed, and what is under way; the host takes nothing new', async () => {
    const { drain, begun, availability } = start();
    const result = await drain('h1', () => undefined, { deadlineMs: 100 });
    assert.deepEqual(begun, ['web', 'api']);
    assert.deepEqual(reasons(result), [
      'the deadline of 100ms is over',
      'the deadline of 100ms is over; its move has begun and goes on',
      'the deadline of 100ms is over; its move has begun and goes on',
    ]);
    assert.equal(availability.get('h1'), 'drain');
  });

  it('is not begun again by the next leader; one that goes on keeps its deadline', async () => {
    const { drain, deadlines, begun, clock, lead } = start();
    await drain('h1', () => undefined, { deadlineMs: 100 });
    assert.deepEqual(deadlines.get('h1'), { afterMs: 100, atMs: 100 });
    clock.ms = 100;
    const late = lead();
    late.resume();
    assert.equal(late.lock.doing('h1'), undefined);
    clock.ms = 50;
    const next = lead();
    next.resume();
    assert.equal(next.lock.doing('h1'), DRAINING);
    await until(() => next.lock.doing('h1') === undefined, 'it ends by the deadline of the leader before');
    assert.deepEqual(begun, ['web', 'api', 'web', 'api'], 'the third had no turn before it');
  });

  for (const [how, cancel] of [
    ['arpanet activate', ({ activate }: ReturnType<typeof start>) => activate('h1')],
    ['docker node update', ({ update }: ReturnType<typeof start>) => update('h1', { availability: 'active' })],
  ] as const) {
    it(`is cancelled by ${how}`, async () => {
      const all = start();
      const drained = all.drain('h1', (line) => line.includes('moving') && all.begun.length === 1 && void cancel(all));
      const why = 'the drain was cancelled: the host takes containers again';
      assert.deepEqual(reasons(await drained), [why, `${why}; its move has begun and goes on`, `${why}; its move has begun and goes on`]);
      assert.equal(all.availability.get('h1'), 'active');
    });
  }
});

describe('cleaning a host', () => {
  const ended = { Status: 'exited', Running: false, FinishedAt: '2026-01-01T00:00:00Z' };
  const counted = { Labels: { 'com.docker.compose.service': 'web', 'com.docker.compose.project': 'abc' } };
  const found = {
    host: 'h1',
    containers: [
      literalContainer({ id: 'runs', name: 'runs', imageId: 'sha256:used', record: literalRecord('runs') }),
      literalContainer({ id: 'job', name: 'job', imageId: 'sha256:job', state: ended, record: literalRecord('job') }),
      literalContainer({ id: 'web', name: 'web', imageId: 'sha256:web', state: ended, record: literalRecord('web', { request: counted }) }),
      literalContainer({ id: 'own', name: 'own', imageId: 'sha256:own', state: ended }),
    ],
    images: [
      literalImage('sha256:used', ['busybox:latest']),
      literalImage('sha256:web', null),
      literalImage('sha256:job', ['job:1']),
      literalImage('sha256:old', null, { Size: 9 }),
      literalImage('sha256:base', null),
      literalImage('sha256:child', ['child:1'], { ParentId: 'sha256:base' }),
    ],
    volumes: ['a'.repeat(64), 'named'],
    networks: ['left'],
  };

  it('takes ended one-off containers and nameless images, and nothing that a service, or somebody on the host itself, may want', () => {
    const plan = planClean(found, { all: false, volumes: false, networks: false });
    assert.deepEqual(
      plan.containers.map((one) => one.name),
      ['job'],
    );
    assert.deepEqual(
      plan.images.map((one) => one.id),
      ['sha256:old'],
    );
    assert.deepEqual([plan.volumes, plan.networks], [[], []]);
  });

  it('removes more only with the flags: unused images, volumes without a name, networks', () => {
    const plan = planClean(found, { all: true, volumes: true, networks: true });
    assert.deepEqual(
      plan.images.map((one) => one.name),
      ['job:1', '<none>', '<none>', 'child:1'],
    );
    assert.deepEqual([plan.volumes, plan.networks], [['a'.repeat(64)], ['left']]);
  });
});
