/** Placement with many hosts: a sample is as good as all, and no larger with more of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Placement } from '../../../src/model/index.ts';
import { candidatesFor } from '../../../src/scheduler/placement/candidates.ts';
import { createHostPool, type HostPool } from '../../../src/scheduler/placement/host-pool.ts';
import {
  chargeFor,
  type HostSnapshot,
  keptDecision,
  type PlacedContainer,
  place,
  placeIn,
  type PlacementOptions,
  type PlacementRequest,
} from '../../../src/scheduler/placement/index.ts';
import { hostSnapshot, placedContainer, placementWish as request, seededRandom as seeded } from '../../support/fakes/literal-placement.ts';

const NOW = 1_000_000;
const GiB = 2 ** 30;

const options = (strategy: PlacementOptions['strategy'] = 'spread', seed = 7): PlacementOptions => ({
  strategy,
  nowMs: NOW,
  random: seeded(seed),
});

const constraint = (key: string, value: string, more: { operator?: '==' | '!='; soft?: boolean } = {}) => ({
  key,
  value,
  operator: more.operator ?? ('==' as const),
  soft: more.soft ?? false,
});

function pooled(hosts: readonly HostSnapshot[], strategy: PlacementOptions['strategy'] = 'spread'): HostPool {
  const pool = createHostPool();
  const by = options(strategy);
  for (const host of hosts) pool.put(host, by);
  return pool;
}

/** Of different sizes, each with some containers and some load. */
function manyHosts(count: number, seed = 3): readonly HostSnapshot[] {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  return Array.from({ length: count }, (_, i) =>
    hostSnapshot(`h${i}`, {
      cpus: [2, 4, 8, 16][below(4)] ?? 4,
      memoryBytes: 16 * GiB,
      ...(below(10) === 0 && { maxContainers: 6 }),
      labels: { zone: `z${below(3)}`, disk: below(20) === 0 ? 'ssd' : 'hdd', rack: `r${Math.floor(i / 10)}` },
      load: { cpu: random() / 2, memoryUsedBytes: random() * 8 * GiB, atMs: NOW },
      containers: Array.from({ length: below(12) }, (_, c) =>
        placedContainer(`c${i}-${c}`, {
          deployment: ['abc', 'xyz'][below(2)] ?? '',
          service: ['web', 'db', 'cache'][below(3)] ?? '',
          reservedMemoryBytes: below(4) * GiB,
          reservedNanoCpus: below(3) * 5e8,
          hostPorts:
            c > 0 ? [] : ([['0.0.0.0:80/tcp'], ['127.0.0.1:80/tcp', '[::]:90/tcp'], [`0.0.0.0:${70 + below(15)}/tcp`]][below(3)] ?? []),
        }),
      ),
    }),
  );
}

const nobody = () => false;
const chosenIn = (pool: HostPool, asked: PlacementRequest, by = options()): Placement => placeIn(asked, pool, by, nobody, []);

function hostOf(placement: Placement): string {
  assert.equal(placement.kind, 'placed', placement.kind === 'refused' ? placement.message : '');
  return placement.kind === 'placed' ? placement.decision.host : '';
}

const asked = fc.record({
  service: fc.constantFrom('web', 'db', 'other'),
  zone: fc.option(fc.record({ value: fc.constantFrom('z0', 'z1', '/z[01]/', 'z*'), soft: fc.boolean() })),
  disk: fc.option(
    fc.record({ value: fc.constantFrom('ssd', 'hdd'), operator: fc.constantFrom('==' as const, '!=' as const), soft: fc.boolean() }),
  ),
  rack: fc.option(fc.record({ value: fc.constantFrom('r1', 'r7', 'r99'), soft: fc.constant(true) })),
  near: fc.option(
    fc.record({ key: fc.constantFrom('service', 'container'), value: fc.constantFrom('db', 'c5-0', 'nobody'), soft: fc.constant(true) }),
  ),
  image: fc.constantFrom(0, 1, 40, 150, 240),
  imageBytes: fc.constantFrom(0, 3e8, 4e9),
  spreadOver: fc.constantFrom([], ['node.labels.zone'], ['node.labels.zone', 'node.labels.rack']),
  groupSize: fc.constantFrom(undefined, 3),
  reservedMemoryBytes: fc.constantFrom(0, GiB, 12 * GiB, 15 * GiB, 17 * GiB),
  reservedNanoCpus: fc.constantFrom(0, 1e9, 15e9, 17e9),
  hostPorts: fc.constantFrom([], ['0.0.0.0:80/tcp'], ['127.0.0.1:80/tcp'], ['[::]:90/tcp'], ['0.0.0.0:79-80/tcp', '10.0.0.1:81/tcp']),
  replaced: fc.constantFrom(undefined, 'c5-0', 'c7-0'),
  network: fc.constantFrom(undefined, 'host' as const),
  projectVolumesAt: fc.constantFrom(undefined, [], ['h3']),
});

describe('placement with many hosts', () => {
  it('chooses a host that is as good as the best of all, whatever is preferred', () => {
    const hosts = manyHosts(250);
    const pool = pooled(hosts);
    fc.assert(
      fc.property(asked, (one) => {
        const wanted = request({
          service: one.service,
          reservedMemoryBytes: one.reservedMemoryBytes,
          reservedNanoCpus: one.reservedNanoCpus,
          hostPorts: one.hostPorts,
          ...(one.replaced === undefined ? {} : { replaces: one.replaced, replacesAt: `h${one.replaced.slice(1, -2)}` }),
          imageBytes: one.imageBytes,
          imageHosts: new Set(hosts.slice(0, one.image).map(({ name }) => name)),
          spreadOver: one.spreadOver,
          constraints: [
            ...(one.zone === null ? [] : [constraint('node.labels.zone', one.zone.value, one.zone)]),
            ...(one.disk === null ? [] : [constraint('disk', one.disk.value, one.disk)]),
            ...(one.rack === null ? [] : [constraint('rack', one.rack.value, one.rack)]),
          ],
          affinities: one.near === null ? [] : [constraint(one.near.key, one.near.value, one.near)],
          ...(one.groupSize === undefined ? {} : { groupSize: one.groupSize }),
          ...(one.network === undefined ? {} : { network: one.network }),
          ...(one.projectVolumesAt === undefined ? {} : { projectVolumesAt: one.projectVolumesAt }),
        });
        const all = place(wanted, hosts, options());
        const sampled = chosenIn(pool, wanted);
        assert.equal(sampled.kind, all.kind);
        if (all.kind === 'refused' || sampled.kind === 'refused') return;
        const scoreOf = (name: string) => all.decision.scored.find(({ host }) => host === name)?.score ?? Number.NEGATIVE_INFINITY;
        const [best = 0, got] = [all.decision.scored[0]?.score, scoreOf(sampled.decision.host)];
        assert.ok(got >= best - 0.5, `${sampled.decision.host} has ${got}, and ${all.decision.host} has ${best}`);
      }),
      { numRuns: 200 },
    );
  });

  it('finds one preferred host among a thousand: by name, label, pattern, volume, image, and what runs there', () => {
    const hosts = manyHosts(1_000).map((host) =>
      host.name === 'h777' ? { ...host, labels: { ...host.labels, gpu: 'a100' }, load: { cpu: 0.9, memoryUsedBytes: 0, atMs: NOW } } : host,
    );
    const pool = pooled(hosts);
    const soft = { soft: true };
    const cases: Record<string, Partial<PlacementRequest>> = {
      name: { constraints: [constraint('node', 'h777', soft)] },
      label: { constraints: [constraint('gpu', 'a100', soft)] },
      'label that it must have': { constraints: [constraint('gpu', 'a100')] },
      pattern: { constraints: [constraint('node.labels.gpu', 'a1*', soft)] },
      'no label': { constraints: [constraint('gpu', '', { operator: '!=' }), constraint('node', '/h77[7]/')] },
      volume: { volumesAt: [{ volume: 'data', host: 'h777' }] },
      image: { imageHosts: new Set(['h777']), imageBytes: 20e9 },
      container: { affinities: [constraint('container', 'c777-0', soft)] },
      'container that it must be near': { affinities: [constraint('container', 'c777-0')] },
      'project volumes': { deployment: 'new', projectVolumesAt: ['h777'] },
      'another container': { mustBeWith: [{ container: 'db', host: 'h777', because: 'ipc' }] },
    };
    for (const [what, more] of Object.entries(cases))
      assert.equal(hostOf(chosenIn(pool, request({ service: 'new', ...more }))), 'h777', what);
    assert.equal(hostOf(placeIn(request(), pool, options(), ({ name }) => name !== 'h777', [])), 'h777', 'the only one that answers');
  });

  it('looks at the same number of hosts, whether there are a thousand or ten thousand', () => {
    const pools = new Map([100, 1_000, 10_000].map((count) => [count, pooled(manyHosts(count))]));
    const looked = (count: number, more: Partial<PlacementRequest>) =>
      candidatesFor(request({ service: 'new', ...more }), pools.get(count) ?? assert.fail(), options(), nobody)?.hosts.length ?? count;
    for (const more of [
      {},
      { constraints: [constraint('node', 'h9')] },
      { imageHosts: new Set(['h1', 'h2']) },
      { reservedMemoryBytes: GiB },
    ]) {
      const [few, many] = [looked(1_000, more), looked(10_000, more)];
      assert.ok(many <= few * 1.1, `${few} of 1,000 and ${many} of 10,000`);
      assert.ok(many <= 30);
    }
    assert.equal(looked(100, {}), 100, 'a hundred are all looked at');
  });

  it('spreads as evenly as if all were scored, within 5 %', () => {
    const fullness = (isSampled: boolean): { readonly fullest: number; readonly squares: number } => {
      const hosts = new Map(manyHosts(200).map((host) => [host.name, host]));
      const pool = pooled([...hosts.values()]);
      for (let i = 0; i < 500; i++) {
        const wanted = request({
          service: `s${i % 40}`,
          name: `n${i}`,
          deployment: `d${i % 7}`,
          expectedNanoCpus: (i % 3) * 5e8,
          imageHosts: new Set(['h1', 'h2']),
        });
        const by = { ...options('spread', i + 1), nowMs: NOW + i };
        const name = hostOf(isSampled ? chosenIn(pool, wanted, by) : place(wanted, [...hosts.values()], by));
        const host = hosts.get(name);
        assert.ok(host !== undefined);
        const added: PlacedContainer = { ...wanted, id: '', number: i, state: 'created' };
        const after = { ...host, pending: [...host.pending, chargeFor(wanted, host, by.nowMs)], containers: [...host.containers, added] };
        hosts.set(name, after);
        pool.put(after, by);
      }
      const perCore = [...hosts.values()].map(({ containers, cpus }) => containers.length / cpus);
      return { fullest: Math.max(...perCore), squares: perCore.reduce((sum, one) => sum + one * one, 0) };
    };
    const [all, sampled] = [fullness(false), fullness(true)];
    assert.ok(
      sampled.fullest <= all.fullest * 1.05,
      `the fullest has ${sampled.fullest} for a core, and ${all.fullest} where all are scored`,
    );
    assert.ok(sampled.squares <= all.squares * 1.05, `squares ${sampled.squares}, and ${all.squares} where all are scored`);
  });

  it('still packs, and draws from all at random', () => {
    const hosts = manyHosts(400);
    const wanted = request({ deployment: 'new', service: 'new' });
    const packing = options('binpack');
    const full = place(wanted, hosts, packing);
    const sampled = chosenIn(pooled(hosts, 'binpack'), wanted, packing);
    assert.ok(full.kind === 'placed' && sampled.kind === 'placed');
    assert.ok((sampled.decision.scored[0]?.score ?? 0) >= (full.decision.scored[0]?.score ?? 0) - 0.5);
    const drawn = new Set<string>();
    const random = pooled(hosts, 'random');
    const drawing = options('random');
    for (let i = 0; i < 400; i++) drawn.add(hostOf(chosenIn(random, wanted, drawing)));
    assert.ok(drawn.size > 150, `${drawn.size} of 400 hosts were drawn in 400 times`);
  });

  it('says why no host fits of all of them, and how many there were of a decision that is kept', () => {
    const pool = pooled(manyHosts(1_000));
    const refused = chosenIn(pool, request({ constraints: [constraint('node.labels.zone', 'z9')] }));
    assert.ok(refused.kind === 'refused');
    assert.deepEqual(refused.counts, { constraint: 1_000 });
    assert.match(refused.message, /^no host fits: h\d+: node\.labels\.zone==z9 does not hold .* more hosts$/);
    const placed = chosenIn(pool, request());
    assert.ok(placed.kind === 'placed');
    const kept = keptDecision(placed.decision);
    assert.equal(kept.among, 1_000);
    assert.ok(JSON.stringify(kept).length < 2_500);
  });
});

const change = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  isGone: fc.boolean(),
  state: fc.constantFrom('alive' as const, 'down' as const),
  zone: fc.constantFrom('z1', 'z2'),
  services: fc.array(fc.constantFrom('web', 'db'), { maxLength: 3 }),
  cpu: fc.option(fc.constantFrom(0, 0.3, 0.7)),
});

describe('the pool of hosts', () => {
  it('puts a refusal into words for some hosts, with each rule among them, and counts the others', () => {
    const pool = pooled(manyHosts(1_000).map((host, i) => (i % 100 === 7 ? { ...host, availability: 'drain' as const } : host)));
    const refused = (wish: Partial<PlacementRequest>) => {
      const placement = placeIn(request(wish), pool, options(), nobody, []);
      return placement.kind === 'refused' ? placement : assert.fail();
    };
    const byRoom = refused({ reservedMemoryBytes: 1_000 * GiB });
    assert.deepEqual([byRoom.refused.length, byRoom.counts], [6, { memory: 990, availability: 10 }]);
    assert.match(byRoom.message, /^no host fits: h\d+: .*; and 994 more hosts$/);
    const byWord = refused({ constraints: [constraint('node', '/^x/')] });
    assert.deepEqual([byWord.refused.length, byWord.counts], [10, { constraint: 990, availability: 10 }]);
    assert.match(byWord.message, /^no host fits: h0: .*; and 990 more hosts$/);
    for (const { refused } of [byRoom, byWord])
      assert.ok(['availability', 'memory', 'constraint'].filter((rule) => refused.some((one) => one.rule === rule)).length === 2);
  });

  it('knows where there is no room without a look at the hosts, and where there is little', () => {
    const holds = { hostPorts: ['0.0.0.0:80/tcp', '[::]:80/tcp'], reservedNanoCpus: 15e9 };
    const size = { cpus: 16, memoryBytes: 16 * GiB, maxContainers: 2 };
    const pool = pooled(manyHosts(1_000).map((host) => ({ ...host, ...size, containers: [placedContainer(`on-${host.name}`, holds)] })));
    const some = hostSnapshot('some', { cpus: 16, memoryBytes: 64 * GiB, load: { cpu: 0.99, memoryUsedBytes: 64 * GiB, atMs: NOW } });
    const lacking: Record<string, Partial<PlacementRequest>> = {
      memory: { reservedMemoryBytes: 17 * GiB },
      cpu: { reservedNanoCpus: 2e9 },
      port: { hostPorts: ['127.0.0.1:80/tcp', '0.0.0.0:81/tcp'] },
      'port of IPv6': { hostPorts: ['[::]:80/tcp'] },
      'port, though another host gives it up': { hostPorts: ['0.0.0.0:80/tcp'], replaces: 'on-gone', replacesAt: 'gone' },
    };
    const looked = (wish: PlacementRequest) => {
      const watched = { ...pool, all: () => assert.fail('all are looked at') };
      const placement = placeIn(wish, watched, options(), nobody, []);
      const sample = candidatesFor(wish, watched, options(), nobody)?.hosts.length ?? assert.fail();
      assert.ok(sample <= 5, `${sample} looked at`);
      return placement;
    };
    for (const [what, more] of Object.entries(lacking)) assert.equal(looked(request(more)).kind, 'refused', what);
    const own = request({ hostPorts: ['0.0.0.0:80/tcp'], reservedNanoCpus: 2e9, replaces: 'on-h7', replacesAt: 'h7' });
    assert.equal(hostOf(looked(own)), 'h7', 'what it replaces has its room');
    pool.put(some, options());
    for (const [what, more] of Object.entries(lacking)) assert.equal(hostOf(looked(request(more))), 'some', what);
    const crowded = [1, 2].map((i) => placedContainer(`c${i}`));
    pool.put({ ...some, containers: crowded, maxContainers: 2 }, options());
    assert.equal(looked(request({ reservedMemoryBytes: 17 * GiB })).kind, 'refused', 'max-containers');
  });

  it('does not look at hosts that cannot be possible: they are counted by the rule that says so', () => {
    const hosts = manyHosts(1_000);
    const walked = (wish: PlacementRequest) => {
      const seen = new Set<string>();
      const pool = pooled(hosts);
      const watched = { ...pool, all: () => assert.fail('all are looked at'), get: (name: string) => (seen.add(name), pool.get(name)) };
      const placement = placeIn(wish, watched, options(), nobody, []);
      assert.ok(placement.kind === 'refused');
      return { ...placement, seen: seen.size };
    };
    const big = { reservedMemoryBytes: 1_000 * GiB };
    const onFull = walked(request({ ...big, volumesAt: [{ volume: 'data', host: 'h5' }] }));
    assert.deepEqual(onFull.counts, { volume: 999, memory: 1 });
    assert.match(onFull.message, /h5: needs .*; h\d+: volume data is on h5; .*and 996 more hosts$/);
    assert.ok(onFull.seen < 10);
    assert.deepEqual(walked(request({ constraints: [constraint('disk', 'gold')] })).counts, { constraint: 1_000 });
  });

  it('says why none of its hosts is possible where none takes containers', () => {
    const pool = pooled(manyHosts(200).map((host) => ({ ...host, availability: 'drain' as const })));
    const placement = placeIn(request({ constraints: [constraint('node', 'h999')] }), pool, options(), nobody, []);
    assert.ok(placement.kind === 'refused');
    assert.match(placement.message, /^no host fits: h0: .* and 190 more hosts$/);
  });

  it('holds after any changes what one that is made anew holds', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const pool = createHostPool();
        const now = new Map<string, HostSnapshot>();
        const grouped = request({ spreadOver: ['node.labels.zone'] });
        for (const { name, isGone, state, zone, services, cpu } of changes) {
          if (isGone) {
            now.delete(name);
            pool.remove(name);
            continue;
          }
          const containers = services.map((service, i) => placedContainer(`${name}${i}`, { deployment: 'abc', service }));
          const load = cpu === null ? {} : { load: { cpu, memoryUsedBytes: 0, atMs: NOW } };
          now.set(name, hostSnapshot(name, { state, labels: { zone }, containers, ...load }));
          pool.put(now.get(name) ?? assert.fail(), options());
          pool.groups(grouped);
        }
        const anew = pooled([...now.values()]);
        const seen = (one: HostPool) => ({
          size: one.size(),
          open: one.open(),
          isAnyAlive: one.isAnyAlive(),
          order: [...one.inOrder(options())].map(({ name }) => name).sort(),
          zones: ['z1', 'z2'].map((zone) => [...one.labelled('zone', zone)].sort()),
          services: ['web', 'db'].map((service) => [...one.ofService('abc', service)].sort()),
          deployment: [...one.ofDeployment('abc')].sort(),
          container: [...one.withContainer('a0')],
          groups: one.groups(grouped)?.least,
          counts: Object.fromEntries(one.groups(grouped)?.counts ?? []),
        });
        assert.deepEqual(seen(pool), seen(anew));
      }),
    );
  });
});
