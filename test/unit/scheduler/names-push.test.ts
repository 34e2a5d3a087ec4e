/** Each host has the names that it may ask for, told by changes, over plain data and the agent's own table. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NameUpdate } from '../../../src/contracts/index.ts';
import { createHostNames } from '../../../src/hostagent/names/host-names.ts';
import type { LeaderMessage, NameChange, NamedInstance, NameTable, OutsideName } from '../../../src/model/index.ts';
import { createDeployments } from '../../../src/registrar/deployments.ts';
import { createNamesPush, instancesFor } from '../../../src/scheduler/agents/names-push.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { instance } from '../../support/fakes/literal-names.ts';

const HOSTS = ['h1', 'h2', 'h3', 'h4'];

function one(container: string, deployment: string, host: string, networks: readonly string[], over: Partial<NamedInstance> = {}) {
  const addresses = Object.fromEntries(networks.map((network) => [network, `10.32.0.${container.slice(1)}`]));
  return instance(`${container.slice(1)}.web.${deployment}`, addresses, { container, deployment, host, ...over });
}

/** A leader's side, and an agent's for each host. */
class World {
  nowMs = 0;
  readonly instances = new Map<string, NamedInstance>();
  readonly sent: { readonly host: string; readonly message: LeaderMessage }[] = [];
  readonly moved: string[] = [];
  /** By host, what the DNS was told last. */
  readonly confirmed = new Map<string, number>();
  /** A change on its way to this host is lost. */
  deaf: string | undefined;
  olderAgent: string | undefined;
  outside: readonly OutsideName[] = [];
  #version = 0;
  readonly #deployments = createDeployments();
  readonly #tables = new Map<string, NameTable>();
  readonly agents = new Map(HOSTS.map((host) => [host, this.#agent(host)]));
  readonly push = createNamesPush({
    hub: { hosts: () => HOSTS, send: async (host, message) => this.#heard(host, message) },
    log: quietLog,
    now: () => this.nowMs,
    takesChanges: (host) => host !== this.olderAgent,
    networkName: (id) => `name-of-${id}`,
  });

  #agent(host: string) {
    const file = {
      value: () => undefined,
      save: (table: NameTable) => void this.#tables.set(host, table),
      append: (_change: NameChange, table: () => NameTable) => void this.#tables.set(host, table()),
    };
    const dns = { table: () => undefined, change: () => undefined, confirm: (atMs: number) => void this.confirmed.set(host, atMs) };
    return createHostNames({
      file,
      dns,
      followers: [],
      heard: () => undefined,
      moved: (network) => void this.moved.push(`${host} ${network}`),
      now: () => this.nowMs,
    });
  }

  #heard(host: string, message: LeaderMessage): boolean {
    this.sent.push({ host, message });
    if (host === this.deaf) return true;
    if (message.type === 'names') this.agents.get(host)?.table(message.table);
    if (message.type === 'names-change' && this.agents.get(host)?.change(message.change) === false) this.push.again(host);
    return true;
  }

  async update(changed: readonly (NamedInstance | string)[], over: Partial<NameUpdate> = {}): Promise<void> {
    const changes = changed.map((change) => {
      const container = typeof change === 'string' ? change : change.container;
      const before = this.instances.get(container);
      const now = typeof change === 'string' ? undefined : change;
      if (now === undefined) this.instances.delete(container);
      else this.instances.set(container, now);
      return { before, now };
    });
    const { come, gone } = this.#deployments.note(changes);
    const all = () => [...this.instances.values()];
    await this.push.push({
      version: ++this.#version,
      epoch: 1,
      atMs: this.nowMs,
      outside: this.outside,
      changes,
      isForAll: false,
      isWhole: false,
      deploymentsCome: come,
      deploymentsGone: gone,
      deployments: () => [...new Set(all().map(({ deployment }) => deployment))],
      instances: all,
      ...over,
    });
  }

  has(host: string): readonly string[] {
    return (this.agents.get(host)?.instances() ?? []).map((named) => JSON.stringify(named)).sort();
  }

  mayAsk(host: string): readonly string[] {
    return instancesFor(host, [...this.instances.values()])
      .map((named) => JSON.stringify(named))
      .sort();
  }

  table(host: string): NameTable | undefined {
    return this.#tables.get(host);
  }
}

describe('names by changes', () => {
  it('give each host what it may ask for, whatever comes, goes, moves and changes', async () => {
    const world = new World();
    await world.update([], { isWhole: true });
    let state = 11;
    const chance = (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * below);
    };
    for (let round = 0; round < 400; round++) {
      const containers = [...new Set(Array.from({ length: 1 + chance(3) }, () => `c${chance(14)}`))];
      await world.update(
        containers.map((container) => {
          if (chance(3) === 0) return container;
          const networks = ['n1', 'n2', 'n3'].filter(() => chance(3) === 0);
          return one(container, `d${chance(4)}`, HOSTS[chance(4)] ?? '', networks, { ready: chance(2) === 0 });
        }),
      );
      for (const host of HOSTS) assert.deepEqual(world.has(host), world.mayAsk(host), `${host} in round ${round}`);
    }
    assert.deepEqual(
      world.sent.slice(HOSTS.length).filter(({ message }) => message.type !== 'names-change'),
      [],
      'no table was sent whole after the first',
    );
  });

  it('go to those that may ask, and say no more than what has changed', async () => {
    const world = new World();
    await world.update([one('c1', 'abc', 'h1', ['n1']), one('c2', 'abc', 'h2', ['n1']), one('c3', 'xyz', 'h3', ['n2'])], { isWhole: true });
    world.sent.length = 0;
    await world.update([one('c2', 'abc', 'h2', ['n1'], { ready: false })]);
    assert.deepEqual(
      world.sent.map(({ host, message }) => [host, message.type === 'names-change' && message.change.put.map(({ id }) => id)]),
      [
        ['h2', ['2.web.abc']],
        ['h1', ['2.web.abc']],
      ],
    );
  });

  it('come whole where a change does not fit the table that it is of', async () => {
    const world = new World();
    await world.update([one('c1', 'abc', 'h1', ['n1'])], { isWhole: true });
    world.deaf = 'h1';
    await world.update([one('c2', 'abc', 'h1', ['n1'])]);
    world.deaf = undefined;
    await world.update([one('c3', 'abc', 'h1', ['n1'])]);
    assert.deepEqual(world.has('h1'), world.mayAsk('h1'));
    assert.equal(world.sent.at(-1)?.message.type, 'names');
  });

  it('come whole, each time, to an agent of before', async () => {
    const world = new World();
    world.olderAgent = 'h1';
    await world.update([one('c1', 'abc', 'h1', ['n1'])], { isWhole: true });
    await world.update([one('c2', 'abc', 'h1', ['n1'])]);
    world.nowMs = 20_000;
    await world.update([]);
    world.push.beaten('h1');
    assert.deepEqual(
      world.sent.filter(({ host }) => host === 'h1').map(({ message }) => message.type),
      ['names', 'names', 'names'],
    );
    assert.equal(world.agents.get('h1')?.ageMs(), 0);
  });

  it('are confirmed with heartbeats while the registrar is at work, so that their age stays small', async () => {
    const world = new World();
    await world.update([one('c1', 'abc', 'h1', ['n1'])], { isWhole: true });
    world.nowMs = 12_000;
    world.push.beaten('h1');
    world.push.beaten('h1');
    assert.deepEqual([world.agents.get('h1')?.ageMs(), world.confirmed.get('h1')], [0, 12_000]);
    assert.equal(world.sent.length, HOSTS.length + 1, 'once, and the other hosts with theirs');
    world.nowMs = 60_000;
    world.push.beaten('h1');
    assert.equal(world.agents.get('h1')?.ageMs(), 48_000, 'the registrar has said nothing for a minute');
  });

  it('tell of deployments that came and went with the next heartbeat, and of what operators added at once', async () => {
    const world = new World();
    await world.update([one('c1', 'abc', 'h1', ['n1'])], { isWhole: true });
    await world.update([one('c2', 'xyz', 'h2', ['n2'])]);
    assert.deepEqual(world.table('h3')?.deployments, ['abc']);
    world.push.beaten('h3');
    assert.deepEqual(world.table('h3')?.deployments, ['abc', 'xyz']);
    await world.update(['c1']);
    for (let i = 0; i < 300; i++) await world.update([one('c4', `p${i}`, 'h4', [])]);
    world.push.beaten('h3');
    assert.deepEqual(world.table('h3')?.deployments?.toSorted(), ['p299', 'xyz'], 'all of them, as it was too far behind');
    world.outside = [{ name: 'db.abc', entries: [] }];
    await world.update([], { isForAll: true });
    assert.deepEqual(world.table('h1')?.outside, world.outside);
    world.outside = [];
    await world.update([], { isForAll: true });
    assert.deepEqual(world.table('h1')?.outside, []);
  });

  it('say which networks have an address on another host now', async () => {
    const world = new World();
    await world.update([one('c1', 'abc', 'h1', ['n1', 'n2']), one('c2', 'abc', 'h2', ['n3']), one('c5', 'abc', 'h1', ['n1'])], {
      isWhole: true,
    });
    await world.update(['c1', { ...one('c9', 'abc', 'h2', []), addresses: { n1: '10.32.0.1', n2: '10.32.0.77' } }]);
    assert.deepEqual(world.moved.toSorted(), ['h1 n1', 'h2 n1']);
  });
});
