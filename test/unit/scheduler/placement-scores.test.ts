import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { CreateRequest } from '../../../src/model/index.ts';
import { identify } from '../../../src/scheduler/create/identify.ts';
import {
  chargeFor,
  liveCharges,
  needsOf,
  place,
  placementRequest,
  type HostSnapshot,
  type PlacedContainer,
  type PlacementOptions,
  type PlacementRequest,
} from '../../../src/scheduler/placement/index.ts';
import { hostSnapshot as host, placementWish as request, seededRandom as seeded } from '../../support/fakes/literal-placement.ts';

const NOW = 1_000_000;
const load = (cpu: number, memory = 0, atMs = NOW) => ({ cpu, memoryUsedBytes: memory * 8 * 2 ** 30, atMs });

/** Places one after the other; each is charged and counted, and the hosts' own figures stay what they were. */
function burst(
  hosts: readonly HostSnapshot[],
  requests: readonly PlacementRequest[],
  options: Partial<PlacementOptions> = {},
): Record<string, number> {
  const random = seeded(7);
  let now = [...hosts];
  for (const [index, one] of requests.entries()) {
    const nowMs = NOW + index * 50;
    const placement = place(one, now, { strategy: 'spread', nowMs, random, ...options });
    assert(placement.kind === 'placed');
    const created: PlacedContainer = { ...one, id: `id${index}`, number: index + 1, state: 'created' };
    now = now.map((candidate) =>
      candidate.name === placement.decision.host
        ? {
            ...candidate,
            containers: [...candidate.containers, created],
            pending: [...candidate.pending, chargeFor(one, candidate, nowMs)],
          }
        : candidate,
    );
  }
  return Object.fromEntries(now.map(({ name, containers }) => [name, containers.length]));
}
const times = (count: number, make: (index: number) => PlacementRequest) => Array.from({ length: count }, (_, index) => make(index));
const chosen = (hosts: readonly HostSnapshot[], one = request(), options: Partial<PlacementOptions> = {}) => {
  const placement = place(one, hosts, { strategy: 'spread', nowMs: NOW, random: () => 0.5, ...options });
  assert(placement.kind === 'placed');
  return placement.decision.host;
};

describe('spread', () => {
  it('puts 50 quick creates evenly on 5 hosts though their figures stand still, within 3 of each other', () => {
    const hosts = ['h1', 'h2', 'h3', 'h4', 'h5'].map((name, index) => host(name, { load: load(0.05 * index, 0.1 * index) }));
    for (const requests of [times(50, () => request()), times(50, (index) => request({ service: `s${index}` }))]) {
      const counts = Object.values(burst(hosts, requests));
      assert(Math.max(...counts) - Math.min(...counts) <= 3, counts.join(' '));
    }
  });

  it('over the values of a label comes before everything else, also where one zone has one host and another many', () => {
    const zone = (name: string, labels: Record<string, string>, cpu = 0) => host(name, { labels, load: load(cpu) });
    const hosts = [
      zone('a1', { zone: 'a', rack: '1' }, 0.9),
      ...['b1', 'b2', 'b3'].map((name) => zone(name, { zone: 'b', rack: name })),
      zone('none', {}),
    ];
    const counts = burst(
      hosts,
      times(30, () => request({ spreadOver: ['node.labels.zone'] })),
    );
    const { a1 = 0, b1 = 0, b2 = 0, b3 = 0, none = 0 } = counts;
    assert.deepEqual([a1, b1 + b2 + b3, none], [10, 10, 10]);
    assert.ok(Math.max(b1, b2, b3) - Math.min(b1, b2, b3) <= 1, JSON.stringify(counts));
    // the second key decides within the first
    const racks = [zone('x1', { zone: 'x', rack: '1' }), zone('x2', { zone: 'x', rack: '1' }), zone('x3', { zone: 'x', rack: '2' })];
    assert.equal(
      burst(
        racks,
        times(8, () => request({ spreadOver: ['node.labels.zone', 'node.labels.rack'] })),
      )['x3'],
      4,
    );
    // what does not fit counts too: b has one already
    const full = zone('b9', { zone: 'b' });
    const other: PlacedContainer = { ...request(), id: 'i', number: 1, state: 'running' };
    const placed = { ...full, availability: 'pause', containers: [other] } as const;
    assert.equal(
      chosen([placed, zone('b1', { zone: 'b' }), zone('a1', { zone: 'a' }, 0.9)], request({ spreadOver: ['node.labels.zone'] })),
      'a1',
    );
  });

  it('does so without any figures', () => {
    const hosts = ['h1', 'h2', 'h3'].map((name) => host(name));
    const counts = Object.values(
      burst(
        hosts,
        times(30, (index) => request({ service: `s${index}` })),
      ),
    );
    assert.deepEqual(counts, [10, 10, 10]);
  });

  it('scales to 4 on 3 hosts as 2, 1, 1, even when one host is far busier', () => {
    const hosts = [host('h1', { load: load(0.8, 0.6) }), host('h2', { load: load(0.1) }), host('h3', { load: load(0.2) })];
    assert.deepEqual(
      Object.values(
        burst(
          hosts,
          times(4, () => request()),
        ),
      ).toSorted((a, b) => a - b),
      [1, 1, 2],
    );
  });

  it('counts instances of the same service of the same deployment only (auth is not authz, abc is not xyz)', () => {
    const other = (service: string, deployment: string): PlacedContainer => ({
      ...request(),
      id: 'x',
      number: 1,
      state: 'running',
      service,
      deployment,
    });
    const hosts = [
      host('h1', { containers: [other('authz', 'abc'), other('auth', 'xyz')] }),
      host('h2', { containers: [other('auth', 'abc')] }),
    ];
    assert.equal(chosen(hosts, request({ service: 'auth' })), 'h1');
  });

  it('prefers the host that is really idle, by processor and by memory', () => {
    assert.equal(chosen([host('h1', { load: load(0.7) }), host('h2', { load: load(0.1) })]), 'h2');
    assert.equal(chosen([host('h1', { load: load(0.1, 0.9) }), host('h2', { load: load(0.3, 0.3) })]), 'h2');
  });

  it('does not trust old figures, and takes a host without any for an average one', () => {
    assert.equal(
      chosen([host('h1', { load: load(0, 0, NOW - 120_000) }), host('h2', { load: load(0.9) }), host('h3', { load: load(0.1) })]),
      'h3',
    );
  });

  it('lets a charge fade while the host’s own figures take over', () => {
    const pending = [{ atMs: NOW, cpu: 0.5, memoryBytes: 0 }];
    const hosts = [host('h1', { pending, load: load(0.1) }), host('h2', { load: load(0.3) })];
    assert.equal(chosen(hosts), 'h2');
    const later = hosts.map((one) => ({ ...one, load: { ...load(one.name === 'h1' ? 0.1 : 0.3), atMs: NOW + 60_000 } }));
    assert.equal(chosen(later, request(), { nowMs: NOW + 60_000 }), 'h1');
    assert.deepEqual(liveCharges(pending, NOW + 10_000), pending);
    assert.deepEqual(liveCharges(pending, NOW + 400_000), []);
  });

  it('gives bigger hosts more', () => {
    const counts = burst(
      [host('big', { cpus: 8 }), host('small', { cpus: 2 })],
      times(20, (index) => request({ service: `s${index}` })),
    );
    assert((counts['big'] ?? 0) >= 14, JSON.stringify(counts));
  });

  it('prefers a present image among equals, and no more than that', () => {
    const hosts = ['h1', 'h2', 'h3'].map((name) => host(name));
    assert.equal(chosen(hosts, request({ imageHosts: new Set(['h2']) })), 'h2');
    assert.deepEqual(
      Object.values(
        burst(
          hosts,
          times(6, (index) => request({ service: `s${index}`, imageHosts: new Set(['h2']) })),
        ),
      ),
      [2, 2, 2],
    );
  });

  it('prefers a host that has the image by the time that the copy would take', () => {
    const hosts = [host('idle', { load: load(0) }), host('holder', { load: load(0.3) })];
    const sized = (imageBytes: number) => request({ imageHosts: new Set(['holder']), imageBytes });
    assert.equal(chosen(hosts, sized(50e6)), 'idle', 'half a second of copying is not worth a third of a host');
    assert.equal(chosen(hosts, sized(2e9)), 'holder', '20 s are');
    assert.equal(chosen([host('idle', { load: load(0) }), host('holder', { load: load(0.9) })], sized(2e9)), 'idle');
  });

  it('prefers the host whose links are idle', () => {
    const linked = (name: string, network?: number) =>
      host(name, { load: { ...load(0.1, 0.1), ...(network === undefined ? {} : { network }) } });
    assert.equal(chosen([linked('h1', 0.8), linked('h2', 0.2)]), 'h2');
    // of an agent that does not measure it yet, what the others have on average
    assert.equal(chosen([linked('h1', 0.9), linked('h2'), linked('h3', 0.1)]), 'h3');
  });

  it('leaves the container that is being replaced out of the count', () => {
    const old: PlacedContainer = { ...request(), id: 'a'.repeat(64), name: 'abc_web_1', number: 1, state: 'running' };
    const hosts = [host('h1', { containers: [old] }), host('h2', { load: load(0.5) })];
    assert.equal(
      chosen(
        hosts.map((one) => ({ ...one, load: one.load ?? load(0) })),
        request({ replaces: old.id }),
      ),
      'h1',
    );
  });
});

describe('binpack', () => {
  it('fills one host before the next', () => {
    const hosts = ['h1', 'h2', 'h3'].map((name) => host(name, { cpus: 2 }));
    const counts = burst(
      hosts,
      times(6, (index) => request({ service: `s${index}`, reservedNanoCpus: 0.5e9, expectedNanoCpus: 0.5e9 })),
      { strategy: 'binpack' },
    );
    assert.deepEqual(
      Object.values(counts).toSorted((a, b) => a - b),
      [0, 2, 4],
    );
  });

  it('leaves a host alone that is out of breath', () => {
    assert.equal(
      chosen([host('h1', { load: load(0.97) }), host('h2', { load: load(0.5) }), host('h3', { load: load(0.1) })], request(), {
        strategy: 'binpack',
      }),
      'h2',
    );
  });
});

describe('random', () => {
  it('draws: every host is chosen about as often', () => {
    const hosts = ['h1', 'h2', 'h3', 'h4'].map((name, index) => host(name, { load: load(index * 0.2) }));
    const random = seeded(3);
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 4000; draw++) {
      const name = chosen(hosts, request(), { strategy: 'random', random });
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    for (const [name, count] of counts) assert(count > 800 && count < 1200, `${name} ${count}`);
  });
});

describe('a decision', () => {
  it('keeps candidates best first, refusals and the figures that it was made from', () => {
    const placement = place(
      request(),
      [host('h1', { load: load(0.5) }), host('h2', { load: load(0.25) }), host('h3', { availability: 'pause' })],
      {
        strategy: 'spread',
        nowMs: NOW,
        random: () => 0,
      },
    );
    assert(placement.kind === 'placed');
    assert.equal(placement.decision.host, 'h2');
    assert.deepEqual(
      placement.decision.scored.map((one) => [one.host, one.figures['cpu']]),
      [
        ['h2', 0.25],
        ['h1', 0.5],
      ],
    );
    assert.deepEqual(placement.decision.refused, [{ host: 'h3', rule: 'availability', why: 'takes no new containers (paused)' }]);
    assert.deepEqual(JSON.parse(JSON.stringify(placement)), placement);
  });

  it('does not depend on the order in which hosts are given', () => {
    const loads = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(loads, fc.nat(), (cpus, seed) => {
        const hosts = cpus.map((cpu, index) => host(`h${index}`, { load: load(cpu) }));
        assert.equal(chosen(hosts, request(), { random: seeded(seed) }), chosen(hosts.toReversed(), request(), { random: seeded(seed) }));
      }),
    );
  });
});

describe('what a request sets aside', () => {
  const needs = (HostConfig: NonNullable<CreateRequest['HostConfig']>, Labels: Record<string, string> = {}) =>
    Object.values(needsOf({ HostConfig, Labels }));

  it('is what its label or its reservation says; a limit reserves nothing, and weighs in the score', () => {
    assert.deepEqual(needs({ NanoCpus: 5e8, Memory: 100, MemoryReservation: 50 }), [0, 50, 5e8, 50]);
    assert.deepEqual(needs({ CpuQuota: 50_000, Memory: 100 }), [0, 0, 5e8, 100]);
    assert.deepEqual(needs({ Memory: 100, MemoryReservation: 50 }, { 'arpanet.reserve': 'cpus=0.5, memory=1k' }), [5e8, 1024, 5e8, 1024]);
    assert.deepEqual(needs({ MemoryReservation: 50 }, { 'arpanet.reserve': 'cpus=2' }), [2e9, 50, 2e9, 50]);
    assert.deepEqual(needs({}), [0, 0, 0, 0]);
  });

  it('of a label that cannot be read is refused', () => {
    const asked = (Labels: Record<string, string>) =>
      placementRequest(
        identify({ name: 'x', request: { Labels }, taken: () => [] }),
        { Labels },
        { name: 'x', volumesAt: [], mustBeWith: [], imageHosts: new Set<string>() },
      );
    for (const value of ['0.5', 'cpus=', 'cpus=x', 'memory=12q', 'cpus=1,disk=2']) {
      assert.deepEqual(needs({}, { 'arpanet.reserve': value }), [0, 0, 0, 0], value);
      assert.throws(() => asked({ 'arpanet.reserve': value }), /label arpanet\.reserve is .*: it must be like cpus=0\.5,memory=512m/);
    }
  });
});

describe('a project of which one asks its localhost for what another publishes', () => {
  const mate = (name: string, network: 'host' | 'published', more: Partial<PlacedContainer> = {}): PlacedContainer => ({
    ...request(),
    id: name,
    name,
    service: name,
    number: 1,
    state: 'running',
    network,
    ...more,
  });
  const busy = (...containers: PlacedContainer[]) => [host('h1'), host('h2', { load: load(0.9), containers })];

  it('is on one host, whichever comes first', () => {
    assert.equal(chosen(busy(mate('web', 'published')), request({ service: 'probe', network: 'host' })), 'h2');
    assert.equal(chosen(busy(mate('probe', 'host')), request({ service: 'web', network: 'published' })), 'h2');
  });

  it('but for other projects, single containers, and a second one of the same service', () => {
    const other = mate('web', 'published', { deployment: 'xyz' });
    assert.equal(chosen(busy(other), request({ service: 'probe', network: 'host' })), 'h1');
    const single = { deployment: 'default' };
    assert.equal(chosen(busy(mate('web', 'published', single)), request({ ...single, service: 'probe', network: 'host' })), 'h1');
    const second = busy(mate('probe', 'host'), mate('web', 'published'));
    assert.equal(chosen(second, request({ service: 'web', network: 'published' })), 'h1');
  });
});
