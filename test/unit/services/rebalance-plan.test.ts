/** The plan of `arpanet rebalance`: properties over many random clusters, and the figures of a few plain ones. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PlannedMove } from '../../../src/contracts/index.ts';
import { type FillHost, levelsOf, type Movable, planRebalance } from '../../../src/services/hosts/rebalance-plan.ts';

/** mulberry32: the same clusters at every run. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

interface World {
  readonly hosts: readonly FillHost[];
  readonly movables: readonly Movable[];
}

const GIB = 2 ** 30;

/** `fixed`: containers of each host that may not move. */
function world(
  hosts: readonly {
    readonly name: string;
    readonly cpus?: number;
    readonly memoryBytes?: number;
    readonly fixed?: number;
    readonly maxContainers?: number;
  }[],
  movables: readonly (Partial<Movable> & { readonly name: string; readonly host: string })[],
): World {
  const all = movables.map(
    (one): Movable => ({
      id: one.name,
      service: one.name,
      cores: 0,
      memoryBytes: 0,
      hostPorts: [],
      fits: new Set(hosts.map(({ name }) => name)),
      ...one,
    }),
  );
  return { movables: all, hosts: hosts.map((host) => filled({ cpus: 2, memoryBytes: 8 * GIB, ...host }, all)) };
}

function filled(
  host: {
    readonly name: string;
    readonly cpus: number;
    readonly memoryBytes: number;
    readonly fixed?: number;
    readonly maxContainers?: number;
  },
  all: readonly Movable[],
): FillHost {
  const here = all.filter((one) => one.host === host.name);
  return {
    name: host.name,
    cpus: host.cpus,
    memoryBytes: host.memoryBytes,
    ...(host.maxContainers === undefined ? {} : { maxContainers: host.maxContainers }),
    containers: here.length + (host.fixed ?? 0),
    reservedCores: here.reduce((sum, one) => sum + one.cores, 0),
    reservedMemoryBytes: here.reduce((sum, one) => sum + one.memoryBytes, 0),
  };
}

/** The world once the moves are made. */
function moved({ hosts, movables }: World, moves: readonly PlannedMove[]): World {
  const to = new Map(moves.map((move) => [move.id, move.to]));
  const after = movables.map((one) => ({ ...one, host: to.get(one.id) ?? one.host }));
  const fixed = (host: FillHost) => host.containers - movables.filter((one) => one.host === host.name).length;
  return { movables: after, hosts: hosts.map((host) => filled({ ...host, fixed: fixed(host) }, after)) };
}

function randomWorld(seed: number): World {
  const below = chance(seed);
  const hosts = Array.from({ length: 2 + below(5) }, (_, index) => ({
    name: `h${index + 1}`,
    cpus: [1, 2, 4][below(3)] ?? 2,
    memoryBytes: (2 + below(6)) * GIB,
    fixed: below(4),
    ...(below(4) === 0 ? { maxContainers: 3 + below(8) } : {}),
  }));
  const movables = Array.from({ length: below(25) }, (_, index) => {
    const service = `abc/s${below(5)}`;
    return {
      name: `c${String(index).padStart(2, '0')}`,
      service,
      host: hosts[below(hosts.length)]?.name ?? 'h1',
      cores: below(3) === 0 ? below(4) / 4 : 0,
      memoryBytes: below(3) === 0 ? below(4) * (GIB / 4) : 0,
      hostPorts: below(6) === 0 ? [`0.0.0.0:${8000 + below(3)}/tcp`] : [],
      fits: new Set(hosts.map(({ name }) => name).filter(() => below(5) > 0)),
    };
  });
  return world(hosts, movables);
}

const SEEDS = Array.from({ length: 400 }, (_, seed) => seed + 1);
const top = ({ hosts }: World) => Math.max(...Object.values(levelsOf(hosts)));

describe('the plan of a rebalance', () => {
  it('never makes the fullest host fuller, whatever part of it is carried out', () => {
    for (const seed of SEEDS) {
      const before = randomWorld(seed);
      const moves = planRebalance(before.hosts, before.movables);
      let now = before;
      for (const [index] of moves.entries()) {
        const next = moved(before, moves.slice(0, index + 1));
        assert.ok(top(next) <= top(now) + 0.01, `seed ${seed}, move ${index + 1}`);
        now = next;
      }
    }
  });

  it('plans nothing where its own plan has been carried out', () => {
    for (const seed of SEEDS) {
      const before = randomWorld(seed);
      const moves = planRebalance(before.hosts, before.movables);
      const after = moved(before, moves);
      // Placement is asked anew where the others fit; those that moved are where they shall be.
      const arrivals = after.movables.filter((one) => moves.some((move) => move.id === one.id));
      const meets = (one: Movable, host: string) =>
        arrivals.some((other) => other.host === host && other.hostPorts.some((port) => one.hostPorts.includes(port)));
      const rest = after.movables.map((one) => ({
        ...one,
        fits: arrivals.includes(one) ? new Set<string>() : new Set([...one.fits].filter((host) => !meets(one, host))),
      }));
      const again = planRebalance(after.hosts, rest);
      assert.deepEqual(again, [], `seed ${seed}`);
    }
  });

  it('moves no instance twice, none to where it is or where placement would not have it, and of one service never more together than before', () => {
    for (const seed of SEEDS) {
      const before = randomWorld(seed);
      const moves = planRebalance(before.hosts, before.movables);
      assert.equal(new Set(moves.map((move) => move.id)).size, moves.length, `seed ${seed}`);
      const after = moved(before, moves);
      for (const move of moves) {
        const one = before.movables.find(({ id }) => id === move.id);
        assert.notEqual(move.from, move.to);
        assert.equal(move.from, one?.host);
        assert.ok(one?.fits.has(move.to), `seed ${seed}: ${move.name} does not fit on ${move.to}`);
      }
      for (const { service } of after.movables) {
        const most = ({ hosts, movables }: World) =>
          Math.max(...hosts.map((host) => movables.filter((one) => one.service === service && one.host === host.name).length));
        assert.ok(most(after) <= most(before), `seed ${seed}: ${service}`);
      }
    }
  });

  it('stays within what each host has and may have, and gives no host port twice', () => {
    for (const seed of SEEDS) {
      const before = randomWorld(seed);
      const moves = planRebalance(before.hosts, before.movables);
      const after = moved(before, moves);
      for (const host of after.hosts) {
        const arrived = moves.filter((move) => move.to === host.name);
        if (arrived.length === 0) continue;
        assert.ok(host.containers <= (host.maxContainers ?? Infinity), `seed ${seed}: ${host.name}`);
        const ones = before.movables.filter((one) => arrived.some((move) => move.id === one.id));
        if (ones.some((one) => one.cores > 0)) assert.ok(host.reservedCores <= host.cpus + 1e-9, `seed ${seed}: ${host.name}`);
        if (ones.some((one) => one.memoryBytes > 0)) assert.ok(host.reservedMemoryBytes <= host.memoryBytes, `seed ${seed}: ${host.name}`);
        const ports = ones.flatMap((one) => one.hostPorts);
        assert.equal(new Set(ports).size, ports.length, `seed ${seed}: ${host.name}`);
      }
    }
  });

  it('with --max N is the first N moves of the whole plan', () => {
    for (const seed of SEEDS.slice(0, 100)) {
      const { hosts, movables } = randomWorld(seed);
      const whole = planRebalance(hosts, movables);
      for (const max of [1, 2, 3]) assert.deepEqual(planRebalance(hosts, movables, { max }), whole.slice(0, max));
    }
  });

  it('onto one host moves nothing elsewhere', () => {
    for (const seed of SEEDS.slice(0, 100)) {
      const { hosts, movables } = randomWorld(seed);
      assert.deepEqual(
        [...new Set(planRebalance(hosts, movables, { onto: 'h1' }).map((move) => move.to))].filter((to) => to !== 'h1'),
        [],
      );
    }
  });

  it('on equal hosts, with containers that may go anywhere, evens out to within one and takes no move more than that needs', () => {
    for (const seed of SEEDS) {
      const below = chance(seed);
      const names = Array.from({ length: 2 + below(6) }, (_, index) => `h${index + 1}`);
      const movables = Array.from({ length: below(40) }, (_, index) => ({ name: `c${index}`, host: names[below(names.length)] ?? 'h1' }));
      const before = world(
        names.map((name) => ({ name })),
        movables,
      );
      const moves = planRebalance(before.hosts, before.movables);
      const counts = moved(before, moves).hosts.map((host) => host.containers);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `seed ${seed}: ${counts.join()}`);
      // The fullest hosts keep the larger shares: what is above those has to go, and no more.
      const share = Math.floor(movables.length / names.length);
      const larger = movables.length % names.length;
      const sorted = before.hosts.map((host) => host.containers).toSorted((a, b) => b - a);
      const needed = sorted.reduce((sum, count, index) => sum + Math.max(0, count - share - (index < larger ? 1 : 0)), 0);
      assert.equal(moves.length, needed, `seed ${seed}: ${sorted.join()}`);
    }
  });

  it('gives hosts with more cores more, and weighs what is reserved', () => {
    const { hosts, movables } = world(
      [
        { name: 'big', cpus: 4 },
        { name: 'small', cpus: 1 },
      ],
      Array.from({ length: 5 }, (_, index) => ({ name: `c${index}`, host: 'small' })),
    );
    assert.equal(planRebalance(hosts, movables).length, 4);
    const heavy = world(
      [{ name: 'h1' }, { name: 'h2' }],
      [
        { name: 'heavy', host: 'h1', cores: 1 },
        { name: 'light-1', host: 'h1' },
        { name: 'light-2', host: 'h1' },
      ],
    );
    assert.deepEqual(
      planRebalance(heavy.hosts, heavy.movables).map((move) => move.name),
      ['heavy'],
    );
  });
});
