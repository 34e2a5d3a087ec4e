import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ArpanetError, type CreateRequest, type HostFacts } from '../../../src/model/index.ts';
import { drainTimeOf } from '../../../src/scheduler/create/drain-time.ts';
import { identify } from '../../../src/scheduler/create/identify.ts';
import { place, placementRequest, type HostSnapshot, type PlacedContainer } from '../../../src/scheduler/placement/index.ts';
import { hostSnapshot } from '../../../src/scheduler/view/host-snapshots.ts';
import { reschedulePolicyOf } from '../../../src/text/reschedule-policy.ts';
import { hostSnapshot as literalHostSnapshot, placedContainer } from '../../support/fakes/literal-placement.ts';
import { promisedMs } from '../../support/promised.ts';

const container = (name: string, labels: Record<string, string>): PlacedContainer => placedContainer(name, { labels });
const host = (name: string, engine: Record<string, string>, containers: readonly PlacedContainer[]): HostSnapshot =>
  literalHostSnapshot(name, { engine, containers, arch: 'x86_64', memoryBytes: 2 ** 31, images: ['redis:latest', 'redis:7'] });
const hosts = [
  host('node-0', { operatingsystem: 'Debian GNU/Linux 12 (bookworm)', kernelversion: '6.1.0-18-amd64', storagedriver: 'overlay2' }, [
    container('db', { role: 'db' }),
  ]),
  host('node-1', { operatingsystem: 'Debian GNU/Linux 12 (bookworm)', kernelversion: '5.10.0', storagedriver: 'btrfs', storage: 'ssd' }, [
    container('role', { role: 'cache' }),
  ]),
  host('node-2', { operatingsystem: 'Alpine Linux v3.19', kernelversion: '6.6.1', storagedriver: 'overlay2' }, []),
];

function wanted(request: CreateRequest) {
  const identity = identify({ name: 'x', request, taken: () => [] });
  return placementRequest(identity, request, { name: 'x', volumesAt: [], mustBeWith: [], imageHosts: new Set<string>() });
}
function fitting(request: CreateRequest): readonly string[] {
  const placement = place(wanted(request), hosts, { strategy: 'spread', nowMs: 1, random: () => 0.5 });
  return placement.kind === 'placed' ? placement.decision.scored.map((one) => one.host).toSorted() : [];
}

describe("classic Swarm's words", () => {
  const cases: readonly (readonly [string, CreateRequest, readonly string[]])[] = [
    ['an affinity to a label of containers', { Env: ['affinity:role==db'] }, ['node-0']],
    ['away from one: the name of a container is no label', { Env: ['affinity:role!=db'] }, ['node-1', 'node-2']],
    ['in its own label', { Labels: { 'com.docker.swarm.affinities': '["role==cache"]' } }, ['node-1']],
    ['several in it', { Labels: { 'com.docker.swarm.affinities': '["role!=db","role!=cache"]' } }, ['node-2']],
    ['a soft one', { Env: ['affinity:role==~none'] }, ['node-0', 'node-1', 'node-2']],
    ['a label that JavaScript knows', { Env: ['affinity:constructor!=x'] }, ['node-0', 'node-1', 'node-2']],
    ['a regular expression', { Env: ['constraint:node==/node-[01]/'] }, ['node-0', 'node-1']],
    ['which is found anywhere', { Env: ['constraint:node!=/[01]$/'] }, ['node-2']],
    ['with flags, as Go has them', { Env: ['constraint:node==/(?i)NODE-2/'] }, ['node-2']],
    ['of containers', { Env: ['affinity:container==/^d.$/'] }, ['node-0']],
    ['of a label', { Env: ['affinity:role==/^(db|cache)$/'] }, ['node-0', 'node-1']],
    ['the operating system', { Env: ['constraint:operatingsystem==Debian*'] }, ['node-0', 'node-1']],
    ['the kernel', { Env: ['constraint:kernelversion==/^6\\./'] }, ['node-0', 'node-2']],
    ['the storage driver', { Labels: { 'com.docker.swarm.constraints': '["storagedriver==btrfs"]' } }, ['node-1']],
    ["an Engine's own label", { Env: ['constraint:storage==ssd'] }, ['node-1']],
    ['the same in swarm mode', { Labels: { 'arpanet.constraints': 'engine.labels.storage==ssd' } }, ['node-1']],
    ['a list of hosts', { Env: ['whitelist:node==node-0|node-2'] }, ['node-0', 'node-2']],
  ];
  for (const [what, request, expected] of cases)
    it(`${what}: ${JSON.stringify(request)}`, () => assert.deepEqual(fitting(request), expected));

  it('say in a refusal what is missing on each host', () => {
    const placement = place(wanted({ Env: ['affinity:role==web'] }), hosts.slice(2), { strategy: 'spread', nowMs: 1, random: () => 0 });
    assert.equal(placement.kind === 'refused' ? placement.message : '', 'no host fits: node-2: has no container with label role web');
  });

  it('with an unknown key are refused by its name', () => {
    for (const [entry, key] of [
      ['constraint:node.hostnam==h1', 'node.hostnam'],
      ['constraint:engine.storage==ssd', 'engine.storage'],
      ['constraint:container==db', 'container'],
      ['affinity:node==h1', 'node'],
      ['affinity:node.labels.rack==r1', 'node.labels.rack'],
      ['affinity:operatingsystem==x', 'operatingsystem'],
      ['whitelist:rack==r1', 'rack'],
    ] as const)
      assert.throws(
        () => wanted({ Env: [entry] }),
        (error) => error instanceof ArpanetError && error.kind === 'invalid' && error.message.includes(` ${key}`),
        entry,
      );
  });

  it('refuse what Go would not compile, and match in bounded time what it would', () => {
    for (const value of ['/[/', '/(?=a)/', '/(a)\\1/', `/${'a'.repeat(300)}/`])
      assert.throws(() => wanted({ Env: [`constraint:node==${value}`] }), /is no regular expression/, value);
    const start = performance.now();
    fitting({ Env: ['affinity:container==/^(a+)+$/'] });
    assert(performance.now() - start < promisedMs(200));
  });

  it("take a host's words from its Engine", () => {
    const info = {
      OperatingSystem: 'Debian',
      KernelVersion: '6.1',
      Driver: 'overlay2',
      OSType: 'linux',
      Labels: ['storage=ssd', 'x', 'a=b=c', 7],
    };
    const snapshot = hostSnapshot({
      host: {
        name: 'h1',
        state: 'alive',
        record: { name: 'h1', address: '', gateway: '', labels: {}, availability: 'active', joinedAtMs: 1 },
        facts: { info } as unknown as HostFacts,
        images: [],
        volumes: [],
        networks: [],
      },
      loadAtMs: 0,
      containers: [],
      creating: [],
      images: { ids: new Set(), tags: new Map() },
      pending: [],
    } as unknown as Parameters<typeof hostSnapshot>[0]);
    assert.deepEqual(snapshot.engine, {
      operatingsystem: 'Debian',
      kernelversion: '6.1',
      storagedriver: 'overlay2',
      ostype: 'linux',
      storage: 'ssd',
      a: 'b=c',
    });
  });
});

describe('a policy for the loss of a host', () => {
  const read = (request: CreateRequest) => reschedulePolicyOf('arpanet.reschedule', request);
  const classic = (value: string) => ({ Labels: { 'com.docker.swarm.reschedule-policies': value } });

  it("is read in classic Swarm's words, too", () => {
    assert.deepEqual(read(classic('["on-node-failure"]')), { policy: 'on-host-failure' });
    assert.deepEqual(read({ Env: ['A=b', 'reschedule:on-node-failure'] }), { policy: 'on-host-failure' });
    assert.deepEqual(read({ Env: ['reschedule:off'] }), { policy: 'off' });
    assert.deepEqual(read({ Env: ['reschedule:off'], Labels: { 'arpanet.reschedule': 'on-host-failure' } }), { policy: 'on-host-failure' });
    assert.deepEqual(read({}), {});
  });

  it('that is unknown is refused with those that there are', () => {
    for (const [request, message] of [
      [classic('["always"]'), 'label com.docker.swarm.reschedule-policies is "always": it must be off or on-node-failure'],
      [{ Env: ['reschedule:on-host-failure'] }, 'env reschedule: is "on-host-failure": it must be off or on-node-failure'],
      [
        { Labels: { 'arpanet.reschedule': 'on-node-failure' } },
        'label arpanet.reschedule is "on-node-failure": it must be off or on-host-failure',
      ],
      [classic('["off","on-node-failure"]'), 'too many reschedule policies: off, on-node-failure'],
      [classic('[1]'), 'label com.docker.swarm.reschedule-policies is not a JSON list of strings: [1]'],
    ] as const)
      assert.throws(
        () => identify({ name: 'x', request, taken: () => [] }),
        (error) => error instanceof ArpanetError && error.kind === 'invalid' && error.message === message,
      );
  });
});

describe('a time between leaving DNS and the stop', () => {
  it('is read from its label, and refused where it is none', () => {
    assert.equal(drainTimeOf({ 'arpanet.drain-time': '1.5s' }), 1_500);
    assert.equal(drainTimeOf({}), undefined);
    for (const wrong of ['5', 'x', '-1s', '301s'])
      assert.throws(
        () => identify({ name: 'x', request: { Labels: { 'arpanet.drain-time': wrong } }, taken: () => [] }),
        new RegExp(`label arpanet.drain-time is "${wrong}": it must be a time from 0s to 300s`),
      );
  });
});
