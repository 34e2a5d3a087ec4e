import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { ArpanetError, type NamedInstance, type NameTable } from '../../../src/model/index.ts';
import { instancesOf, type NamedHost, type Registrar, startRegistrar } from '../../../src/registrar/index.ts';

import type { CatalogChange, CatalogService } from '../../../src/store/index.ts';
import { applied } from '../../support/fakes/applied-catalog.ts';
import { sourceOf, tableIn } from '../../support/fakes/literal-names.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';
import { promisedMs } from '../../support/promised.ts';
import { singleFlight } from '../../../src/async/single-flight.ts';

const over = new AbortController();
after(() => over.abort());

/** A registrar among plain data; `fail` makes the next applies fail. */
class World {
  instances: readonly NamedInstance[] = instancesNamed('abc_web_1');
  hosts: NamedHost[] = [{ name: 'h1', address: '192.0.2.1', state: 'alive' }];
  held: readonly CatalogService[] = [];
  readonly pushed: NameTable[] = [];
  readonly logged: string[] = [];
  fail: Error[] = [];
  lists = 0;
  /** The most nodes, and changes, that were read or made at once. */
  widest = 0;
  applies = 0;
  push: (table: NameTable) => Promise<void> = async () => {};
  changed: () => void = () => {};
  readonly stop = new AbortController();

  start(): Registrar {
    return startRegistrar(
      {
        instances: sourceOf(() => this.instances),
        outside: () => [],
        hosts: () => this.hosts,
        host: (name) => this.hosts.find((host) => host.name === name),
        touchedHosts: () => this.hosts.map(({ name }) => name),
        push: (update) => {
          const table = tableIn(update);
          this.pushed.push(table);
          return this.push(table);
        },
        catalog: {
          list: async (_prefix, only = []) => {
            this.widest = Math.max(this.widest, only.length);
            return this.held.filter(({ node }) => only.includes(node));
          },
          nodes: async () => (this.lists++, [...new Set(this.held.map(({ node }) => node))]),
          changeIndex: async () => this.applies,
          apply: (changes) => this.apply(changes),
        },
        epoch: 7,
        now: () => Date.now(),
        log: pino({ level: 'info' }, { write: (line: string) => void this.logged.push((JSON.parse(line) as { msg: string }).msg) }),
        onChange: (listener) => (this.changed = listener),
      },
      AbortSignal.any([over.signal, this.stop.signal]),
    );
  }

  async apply(changes: readonly CatalogChange[]): Promise<void> {
    this.applies++;
    this.widest = Math.max(this.widest, changes.length);
    const error = this.fail.shift();
    if (error) throw error;
    this.held = applied(this.held, changes);
  }

  ids(): readonly string[] {
    return this.held.map(({ id }) => id).filter((id) => !id.endsWith('.dns'));
  }
}

function instancesNamed(...names: readonly string[]): readonly NamedInstance[] {
  const records = names.map((name) => literalRecord(name));
  return instancesOf({ records, containers: records.map((record) => literalView(record)), withdrawn: new Set(), joining: new Set() });
}

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 3000;
  while (!holds()) {
    assert.ok(Date.now() < end, `not within 3 s: ${holds.toString()}`);
    await sleep(5);
  }
}

describe('the registrar', () => {
  it('brings agents and catalog to what is desired, and after each change again', async () => {
    const world = new World();
    world.start();
    await until(() => world.ids().length === 1 && world.pushed.length === 1);
    world.instances = instancesNamed('abc_web_1', 'abc_web_2');
    for (let i = 0; i < 50; i++) world.changed();
    await until(() => world.ids().length === 2);
    assert.deepEqual(
      world.pushed.map(({ version, epoch, instances }) => [version, epoch, instances.length]),
      [
        [1, 7, 1],
        [2, 7, 2],
      ],
    );
    assert.equal(world.applies, 2, 'changes close together are one');
    assert.equal(world.lists, 1);
  });

  it('has an instance out of both when flush resolves, and says nothing twice', async () => {
    const world = new World();
    const registrar = world.start();
    await registrar.flush();
    world.instances = [];
    await registrar.flush();
    assert.deepEqual([world.held, world.pushed.at(-1)?.instances], [[], []]);
    await registrar.flush();
    assert.equal(world.pushed.length, 2);
  });

  it('takes names out of the catalog while an agent is slow, and waits a second for the agent at most', async () => {
    const world = new World();
    world.push = () => new Promise(() => {});
    const registrar = world.start();
    const began = Date.now();
    const flushed = registrar.flush();
    await until(() => world.ids().length === 1);
    assert.ok(Date.now() - began < promisedMs(500));
    await flushed;
    assert.ok(Date.now() - began < promisedMs(1500), `flush took ${Date.now() - began} ms`);
  });

  it('tries again after a failure, lists again, and logs it once', async () => {
    const world = new World();
    const registrar = world.start();
    await registrar.flush();
    world.held = [];
    world.instances = instancesNamed('abc_web_1', 'abc_web_2');
    world.fail = [1, 2, 3, 4].map(() => new ArpanetError('unavailable', 'no'));
    await registrar.flush();
    assert.deepEqual(world.ids(), []);
    await until(() => world.ids().length === 2);
    assert.deepEqual(world.logged, ['cannot update names; trying again', 'names are up to date again']);
  });

  it('reads and writes a large catalog in parts, each of which may take its time', async () => {
    const world = new World();
    const names = Array.from({ length: 600 }, (_, i) => `abc_web_${i + 1}`);
    world.hosts = names.map((_, i) => ({ name: `h${i}`, address: `10.0.${i >> 8}.${i & 255}`, state: 'alive' }));
    const records = names.map((name, i) => literalRecord(name, { host: `h${i}` }));
    const containers = records.map((record) => literalView(record, { host: record.host }));
    world.instances = instancesOf({ records, containers, withdrawn: new Set(), joining: new Set() });
    const registrar = world.start();
    await registrar.flush();
    assert.equal(world.ids().length, 600);
    assert.equal(world.widest, 500);
    world.widest = 0;
    assert.deepEqual(await registrar.catalogDrift(), []);
    assert.equal(world.widest, 100);
  });

  it('lists again within the same flush when its copy was wrong', async () => {
    const world = new World();
    const registrar = world.start();
    await registrar.flush();
    world.held = [];
    world.instances = instancesNamed('abc_web_2');
    world.fail = [new ArpanetError('unavailable', 'Missing node registration')];
    await registrar.flush();
    assert.deepEqual(world.ids(), ['2.web.abc']);
    assert.deepEqual(world.logged, []);
  });

  it('stops quietly when it no longer leads', async () => {
    const world = new World();
    world.fail = [new ArpanetError('not-leader', 'fence')];
    const registrar = world.start();
    await registrar.flush();
    world.changed();
    await registrar.flush();
    await sleep(50);
    assert.deepEqual([world.applies, world.logged], [1, []]);
  });

  it('leaves a host alone that it has not heard of since the election, until it is back or down', async () => {
    const world = new World();
    const before = new World();
    before.instances = instancesNamed('abc_web_1', 'abc_web_2');
    await before.start().flush();
    world.held = before.held;
    world.instances = [];
    world.hosts = [{ name: 'h1', address: '192.0.2.1', state: 'joining' }];
    world.start();
    await sleep(60);
    assert.equal(world.pushed.length, 0, 'agents are told when it is back');
    assert.deepEqual(world.ids(), ['1.web.abc', '2.web.abc']);
    world.hosts = [{ name: 'h1', address: '192.0.2.1', state: 'down' }];
    world.changed();
    await until(() => world.ids().length === 0 && world.pushed.length === 1);
    assert.deepEqual(world.pushed[0]?.instances, []);
  });

  it('does nothing more once its signal aborted', async () => {
    const world = new World();
    const registrar = world.start();
    world.stop.abort();
    await registrar.flush();
    await sleep(50);
    assert.deepEqual([world.lists, world.pushed.length], [0, 0]);
  });
});

describe('a singleFlight', () => {
  it('has one run under way and one waiting, however many ask', async () => {
    let runs = 0;
    let atOnce = 0;
    const go = singleFlight(async () => {
      runs++;
      assert.equal(++atOnce, 1);
      await sleep(10);
      atOnce--;
    });
    const first = go();
    await Promise.all([first, go(), go(), go()]);
    assert.equal(runs, 2);
    await go();
    assert.equal(runs, 3);
  });

  it('goes on after a run that failed', async () => {
    const results = [Promise.reject(new Error('once')), Promise.resolve()];
    const go = singleFlight(() => results.shift() ?? Promise.resolve());
    const [first, second] = [go(), go()];
    await assert.rejects(first, /once/);
    await second;
  });
});
