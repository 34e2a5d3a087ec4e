/** Rules about hosts on literal data: limits, what may be cleaned, who may join, one change at a time, what a status says. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { joinLine, labelsOf, limitsOf } from '../../../src/cli/commands/hosts/flags.ts';
import { hint } from '../../../src/config/nearest.ts';
import { planClean } from '../../../src/services/hosts/clean-plan.ts';
import { createDrain } from '../../../src/services/hosts/drain.ts';
import { ALL_HOSTS, createHostLock } from '../../../src/services/hosts/host-lock.ts';
import { sampleOf, usageBetween } from '../../../src/hostagent/load/usage-figures.ts';
import type { ContainerRecord, ServiceView } from '../../../src/model/index.ts';
import { hostDetailText } from '../../../src/cli/output/host-detail.ts';
import { hostDetail } from '../../../src/operator-api/reports/host-report.ts';
import { type Observed, statusReport } from '../../../src/operator-api/reports/report.ts';
import { statusText } from '../../../src/cli/output/status.ts';
import { topText } from '../../../src/cli/output/top.ts';
import { topReport } from '../../../src/operator-api/reports/top-report.ts';
import { changedLimits, limitRefusal } from '../../../src/scheduler/hosts/host-limits.ts';
import type { HostSnapshot, PlacementRequest } from '../../../src/scheduler/placement/snapshot.ts';
import { place } from '../../../src/scheduler/placement/index.ts';
import { literalContainer, literalHost, literalImage, literalNetwork } from '../../support/fakes/literal-cluster.ts';

const GIB = 2 ** 30;
const record = (name: string, more: Partial<ContainerRecord> = {}): ContainerRecord => ({
  name,
  id: name,
  host: 'h1',
  deployment: 'abc',
  service: 'web',
  number: 1,
  addresses: {},
  aliases: {},
  links: [],
  request: { Image: 'busybox' },
  decision: { host: 'h1', strategy: 'spread', atMs: 0, scored: [], refused: [] },
  createdAtMs: 0,
  ...more,
});

const snapshot = (name: string, more: Partial<HostSnapshot> = {}): HostSnapshot => ({
  name,
  state: 'alive',
  availability: 'active',
  labels: {},
  os: 'linux',
  arch: 'amd64',
  cpus: 4,
  memoryBytes: 8 * GIB,
  pending: [],
  images: [],
  containers: ['a', 'b', 'gone'].map((id) => ({
    id,
    name: id,
    deployment: 'abc',
    service: id,
    number: 1,
    state: id === 'gone' ? 'stopped' : 'running',
    hostPorts: [],
    reservedNanoCpus: 5e8,
    reservedMemoryBytes: GIB,
    expectedNanoCpus: 0,
    expectedMemoryBytes: 0,
  })),
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
    const request: PlacementRequest = {
      deployment: 'abc',
      service: 'x',
      name: 'x',
      reservedNanoCpus: 0,
      reservedMemoryBytes: 0,
      expectedNanoCpus: 0,
      expectedMemoryBytes: 0,
      hostPorts: [],
      constraints: [],
      affinities: [],
      volumesAt: [],
      mustBeWith: [],
      imageHosts: [],
    };
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

describe('two drains at once', () => {
  it('leave a host that takes containers', async () => {
    const availability = new Map([
      ['h1', 'active'],
      ['h2', 'active'],
    ]);
    const hosts = () =>
      [...availability].map(([name, its]) => {
        const host = literalHost(name);
        return { ...host, record: { ...host.record, name, availability: its } };
      });
    const update = async (name: string, change: { readonly availability: string }) => {
      await Promise.resolve();
      availability.set(name, change.availability);
    };
    const deps = { scheduler: { hosts: { list: hosts, update }, containers: { list: () => [] } }, now: () => 0 };
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

describe('cleaning a host', () => {
  const ended = { Status: 'exited', Running: false, FinishedAt: '2026-01-01T00:00:00Z' };
  const counted = { Labels: { 'com.docker.compose.service': 'web', 'com.docker.compose.project': 'abc' } };
  const found = {
    host: 'h1',
    containers: [
      literalContainer({ id: 'runs', name: 'runs', imageId: 'sha256:used', record: record('runs') }),
      literalContainer({ id: 'job', name: 'job', imageId: 'sha256:job', state: ended, record: record('job') }),
      literalContainer({ id: 'web', name: 'web', imageId: 'sha256:web', state: ended, record: record('web', { request: counted }) }),
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

describe('what ops see of hosts', () => {
  const leader = { url: 'http://10.0.0.1:2375', name: 's1', epoch: 3 };
  const web = literalContainer({ id: 'w1', name: 'abc-web-1', record: record('abc-web-1', { addresses: { n1: '10.32.0.5' } }) });
  const lease = { network: 'n1', host: 'h1', state: 'bound', sinceMs: 0, epoch: 1 } as const;
  const service = (more: Partial<ServiceView> = {}): ServiceView => ({
    deployment: 'abc',
    service: 'web',
    record: undefined,
    desired: 1,
    template: undefined,
    instances: [web],
    outdated: [],
    trouble: undefined,
    ...more,
  });
  const observed = (more: Partial<Observed> = {}): Observed => ({
    leader,
    unreadable: [],
    leftOut: [],
    cutHosts: [],
    unproven: [],
    clusterId: 'c1',
    store: 'embedded in /data',
    strategy: 'spread',
    hosts: [literalHost('h1')],
    containers: [web],
    instances: [],
    networks: [literalNetwork('n1', 'abc_default')],
    leases: [
      { ...lease, ip: '10.32.0.1', kind: 'gateway', owner: 'h1' },
      { ...lease, ip: '10.32.0.5', kind: 'instance', owner: 'abc-web-1' },
    ],
    reserved: new Map([['h1', { cores: 0.5, memoryBytes: 2 ** 29 }]]),
    admissions: [],
    stuck: [],
    schedulers: [{ name: 's1', url: leader.url, leads: true, heardMsAgo: 0 }],
    frozen: undefined,
    services: () => [service()],
    ...more,
  });

  it('inspect names networks with their gateway here, containers with their addresses, and limits', () => {
    const host = literalHost('h1');
    const limited = { ...host, record: { ...host.record, limits: { cpus: 2, maxContainers: 5 } } };
    const text = hostDetailText(hostDetail(observed({ hosts: [limited] }), 'h1', Date.parse('2026-01-01T00:03:02Z')));
    for (const line of [
      /^cpus +4, 2 for the cluster; 25% busy$/m,
      /^reserved +0\.5 CPU, 512 MiB$/m,
      /^containers +1 running of 1, at most 5$/m,
      /^abc_default +10\.32\.0\.0\/22 +10\.32\.0\.1 +1$/m,
      /^abc-web-1 +busybox +Up 3 minutes +10\.32\.0\.5$/m,
    ])
      assert.match(text, line);
    assert.throws(() => hostDetail(observed(), 'h2', 0), /no such host: h2; did you mean h1\?/);
  });

  it('status says first whether anything is off, and what', () => {
    const text = (more: Partial<Observed> = {}) => statusText(statusReport(observed(more))).split('\n');
    assert.equal(text()[0], 'no problems');
    assert.ok(text().includes('schedulers   s1 leads, no followers'));
    const kept = {
      stopped: [],
      status: { state: 'paused', message: 'update paused: it is unhealthy', startedAtMs: 0 },
    } as unknown as NonNullable<ServiceView['record']>;
    const bad = text({
      hosts: [literalHost('h1'), literalHost('h2', { state: 'down', why: 'no heartbeat for 10 s or more' })],
      services: () => [service({ record: kept, desired: 3, trouble: 'no host fits' })],
      schedulers: [
        { name: 's1', url: leader.url, leads: true, heardMsAgo: 0 },
        { name: 's2', url: 'http://10.0.0.2:2375', leads: false, heardMsAgo: 40_000 },
      ],
      frozen: 'the store is away',
    });
    assert.deepEqual(bad.slice(0, 6), [
      '5 problems',
      '! changes are refused: the store is away',
      '! host h2 is down: no heartbeat for 10 s or more',
      '! scheduler s2 at http://10.0.0.2:2375 has sent no message for 40 s',
      '! abc/web runs 1 of 3: no host fits',
      '! abc/web: update paused: it is unhealthy',
    ]);
  });

  it('status names hosts that are refused, with the reason, and counts unexpected errors and refused messages of every process', () => {
    const reason = 'message containers: upserts.0.summary.Names: too short';
    const report = statusReport(
      observed({
        hosts: [
          { ...literalHost('h1'), faults: { unexpectedErrors: 2, refusedMessages: 3, lastMsAgo: 30_000, lastPlace: 'a DNS packet' } },
          literalHost('h2', { state: 'down', why: `its agent is refused: ${reason}` }),
          literalHost('h3'),
        ],
        schedulers: [
          {
            name: 's1',
            url: leader.url,
            leads: true,
            heardMsAgo: 0,
            faults: { unexpectedErrors: 1, refusedMessages: 1, lastMsAgo: 7_200_000, lastPlace: 'a timer' },
          },
        ],
        cutHosts: [
          { host: 'h2', reason, isMalformed: true, msAgo: 4_000 },
          { host: 'h3', reason, isMalformed: true, msAgo: 300_000 },
          { host: 'h9', reason: 'its routes cover the pool', isMalformed: false, msAgo: 1_000 },
        ],
      }),
    );
    assert.deepEqual(report.warnings, [
      `host h2 is down: its agent is refused: ${reason}`,
      `host h3 sent a malformed message 5 min ago, which closed its stream: ${reason}`,
      'host h9 is refused: its routes cover the pool',
      'the agent of host h1 has had 2 unexpected errors, the last 30 s ago (a DNS packet): its log shows where, please report it',
    ]);
    assert.match(statusText(report), /^errors {7}3 unexpected, 4 refused messages \(scheduler s1, the agent of host h1\)$/m);
    assert.deepEqual(
      report.faults.map(({ process, unexpectedErrors }) => [process, unexpectedErrors]),
      [
        ['scheduler s1', 1],
        ['the agent of host h1', 2],
      ],
    );
    assert.match(statusText(statusReport(observed())), /^errors {7}none$/m);
  });

  it('a drained host and an expected one are no problems, and are listed all the same', () => {
    const host = literalHost('h1');
    const { warnings, notes, hosts } = statusReport(
      observed({
        hosts: [{ ...host, record: { ...host.record, availability: 'drain' } }],
        admissions: [
          { name: 'h9', kind: 'expected', atMs: 0 },
          { name: 'h8', kind: 'removed', atMs: 0 },
        ],
      }),
    );
    assert.deepEqual(warnings, []);
    assert.match(notes[0] ?? '', /h1 takes no new containers \(drained\), 1 run there/);
    assert.deepEqual(
      hosts.map((one) => [one.name, one.state]),
      [
        ['h1', 'alive'],
        ['h9', 'expected'],
      ],
    );
  });

  it('top has the busiest containers first, and leaves out what is not in the view', () => {
    const report = topReport(
      observed({ containers: [web, literalContainer({ id: 'w2', name: 'abc-web-2' })] }),
      [
        { id: 'w1', cores: 0.1, memoryBytes: GIB },
        { id: 'w2', cores: 1.5, memoryBytes: 1024 },
        { id: 'gone', cores: 2, memoryBytes: 0 },
      ],
      Date.UTC(2026, 0, 1, 12, 30),
    );
    assert.deepEqual(
      report.containers.map((one) => one.name),
      ['abc-web-2', 'abc-web-1'],
    );
    const text = topText(report, 1);
    assert.match(text, /^12:30:00 UTC {3}hosts 1 alive; 25% of 4 CPUs/);
    assert.match(text, /^h1 +alive +25% +###\.{7} /m);
    assert.match(text, /^abc-web-2 +h1 +150% +1 KiB +busybox$/m);
    assert.match(text, /… 1 more/);
    assert.ok(!text.includes(String.fromCharCode(27)));
  });

  it('a container uses what two looks differ by, memory without the cache', () => {
    const stats = (second: number, busyMs: number) => ({
      read: `2026-01-01T00:00:0${second}Z`,
      cpu_stats: { cpu_usage: { total_usage: busyMs * 1e6 } },
      memory_stats: { usage: 1_000, stats: { inactive_file: 300 } },
    });
    assert.deepEqual(usageBetween('a', sampleOf(stats(1, 100)), sampleOf(stats(3, 1_100))), { id: 'a', cores: 0.5, memoryBytes: 700 });
    assert.deepEqual(usageBetween('a', sampleOf(stats(1, 100)), sampleOf({})), { id: 'a', cores: 0, memoryBytes: 0 });
  });

  it('an unknown host is answered with the one that was meant, else with all', () => {
    assert.equal(hint('db-l', ['db-1', 'web-1']), 'did you mean db-1?');
    assert.equal(hint('h9', ['h1', 'h2']), 'there are h1, h2');
    assert.equal(hint('x', [], 'nothing here'), 'nothing here');
  });

  it('a new host gets the command to run there', () => {
    assert.equal(
      joinLine({ name: 'h4', address: '10.0.0.14' }, ['http://10.0.0.1:2375'], 'secret'),
      'ARPANET_JOIN_TOKEN=secret arpanet agent --join http://10.0.0.1:2375 --name h4 --address 10.0.0.14',
    );
  });
});
