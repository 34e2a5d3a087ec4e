/** A zone that is changed is the zone of the table that it became, and a change costs what it concerns. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openZone, type Targets, type Zone } from '../../../src/dns/zone.ts';
import type { NameChange, NamedInstance, NameTable } from '../../../src/model/index.ts';
import { instance, nameTable } from '../../support/fakes/literal-names.ts';
import { walkedIn } from '../../support/fakes/walked.ts';

const NETWORKS = { n1: 'front', n2: 'back', n3: 'joined' };

/** The same numbers each time. */
function chances(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

function anyInstance(container: string, chance: (below: number) => number): NamedInstance {
  const deployment = ['abc', 'xyz', 'Shop.Two'][chance(3)] ?? '';
  const addresses = Object.fromEntries(
    Object.keys(NETWORKS)
      .filter(() => chance(2) === 0)
      .map((network, i) => [network, `10.32.${i}.${chance(12)}`]),
  );
  return instance(`${container}.web.abc`, addresses, {
    container,
    name: `name_${container}`,
    deployment,
    service: ['web', 'db'][chance(2)] ?? '',
    state: (['running', 'paused', 'out'] as const)[chance(3)] ?? 'out',
    ready: chance(2) === 0,
    aliases: { n1: ['alias'] },
    links: chance(2) === 0 ? { Peer: 'web' } : {},
    // as the leader gives them: each belongs to an IPv4 address
    addresses6: Object.fromEntries(Object.entries(addresses).map(([network, ip]) => [network, `fd00::${ip.replaceAll('.', ':')}`])),
  });
}

/** All that an answer can depend on. */
function told({ version, atMs, scopes, names, shared, outside, owners, owners6, holds, deployments }: Zone): unknown {
  const sorted = <V>(map: ReadonlyMap<string, V>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const targets = (some: ReadonlyMap<string, Targets>) =>
    sorted(some).map(([name, each]) => [name, [...each.values()].sort((a, b) => (a.instance.id < b.instance.id ? -1 : 1))]);
  return {
    version,
    atMs,
    scopes: sorted(scopes),
    names: targets(names),
    shared: sorted(shared).map(([network, each]) => [network, targets(each)]),
    outside: sorted(outside),
    owners: sorted(owners),
    owners6: [...owners6.keys()].sort(),
    blocks: ['10.32.0.1', '10.32.1.1', '10.32.2.1'].map(holds),
    deployments: ['abc', 'xyz', 'shop'].map((name) => deployments?.has(name)),
  };
}

const tableOf = (instances: Iterable<NamedInstance>, over: Partial<NameTable> = {}): NameTable => ({
  ...nameTable(...[...instances].sort((a, b) => (a.id < b.id ? -1 : 1))),
  networks: NETWORKS,
  ...over,
});

const change = (over: Partial<NameChange>): NameChange => ({ since: 7, version: 8, epoch: 1, atMs: 2, put: [], drop: [], ...over });

describe('a zone that is changed', () => {
  it('is the zone of the table that it became, whatever comes, goes and changes', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const chance = chances(seed);
      const now = new Map<string, NamedInstance>();
      const live = openZone(tableOf([]));
      for (let version = 8; version < 40; version++) {
        const containers = [...new Set(Array.from({ length: 1 + chance(4) }, () => `c${chance(9)}`))];
        const put = containers.filter(() => chance(3) > 0).map((container) => anyInstance(container, chance));
        const drop = containers.filter((container) => !put.some((one) => one.container === container));
        for (const container of drop) now.delete(container);
        for (const one of put) now.set(one.container, one);
        live.change(change({ since: version - 1, version, atMs: version, put, drop, networks: NETWORKS }));
        assert.deepEqual(told(live.zone), told(openZone(tableOf(now.values(), { version, atMs: version })).zone), `seed ${seed}`);
      }
    }
  });

  it('knows of deployments and outside names what was told last', () => {
    const live = openZone(tableOf([], { deployments: ['abc'], outside: [{ name: 'db.abc', entries: [] }] }));
    live.change(change({ deploymentsCome: ['xyz'] }));
    assert.deepEqual([live.zone.deployments?.has('abc'), live.zone.deployments?.has('xyz')], [true, true]);
    live.change(change({ deploymentsGone: ['abc'], outside: [] }));
    assert.deepEqual([live.zone.deployments?.has('abc'), live.zone.outside.size], [false, 0]);
    live.change(change({ deployments: ['shop'] }));
    assert.deepEqual([live.zone.deployments?.has('xyz'), live.zone.deployments?.has('shop')], [false, true]);
  });

  it('costs the same with ten instances and with three thousand', async () => {
    const costWith = async (count: number): Promise<number> => {
      const all = Array.from({ length: count }, (_, i) =>
        instance(`${i}.web.abc`, { n1: `10.32.${i >> 8}.${i & 255}` }, { container: `c${i}`, deployment: `d${i % 300}` }),
      );
      const live = openZone(tableOf(all));
      const [first] = all;
      assert.ok(first !== undefined);
      return walkedIn(async () => live.change(change({ put: [{ ...first, state: 'out', ready: false }] })));
    };
    const [few, many] = [await costWith(10), await costWith(3_000)];
    assert.ok(few > 0 && many <= few * 1.1, `${few} entries walked with 10 instances, ${many} with 3,000`);
  });
});
