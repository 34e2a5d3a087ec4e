import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createCatalogPlan } from '../../../src/registrar/catalog-plan.ts';
import { createChangeQueue } from '../../../src/registrar/change-queue.ts';
import { diff, registrations as catalogOf } from '../../../src/registrar/catalog.ts';
import type { NamedInstance } from '../../../src/model/index.ts';
import { instancesOf, type NamedHost } from '../../../src/registrar/index.ts';
import type { CatalogService } from '../../../src/store/index.ts';
import { applied } from '../../support/fakes/applied-catalog.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';
import { instance } from '../../support/fakes/literal-names.ts';
import { walkedIn } from '../../support/fakes/walked.ts';

const HOSTS = [
  { name: 'h1', address: '192.0.2.1', state: 'alive' },
  { name: 'h2', address: '192.0.2.2', state: 'alive' },
] as const;

function service(node: string, id: string, over: Partial<CatalogService> = {}): CatalogService {
  return { node: `arpanet-${node}`, nodeAddress: '192.0.2.1', id, service: 's', tags: ['a'], address: '10.32.0.64', meta: {}, ...over };
}

describe('an instance in the catalog', () => {
  it('is registered twice on its host’s node: by its own name, and for DNS under its deployment with all its names as tags', () => {
    const record = literalRecord('abc_Pricing_2', {
      addresses: { n1: '10.32.0.65', n2: '10.32.4.65' },
      aliases: { n1: ['price', 'PRICE'], n2: ['not a name', 'x.y', 'a..b'] },
    });
    const instances = instancesOf({
      records: [record],
      containers: [literalView(record, { ports: ['53/udp', '80/tcp'] })],
      withdrawn: new Set(),
      joining: new Set(),
    });
    const common = {
      node: 'arpanet-h1',
      nodeAddress: '192.0.2.1',
      address: '10.32.0.65',
      port: 80,
      meta: {
        'external-source': 'arpanet',
        container: record.id,
        name: 'abc_Pricing_2',
        host: 'h1',
        deployment: 'abc',
        service: 'pricing',
        number: '2',
      },
    };
    assert.deepEqual(catalogOf(instances, HOSTS), [
      { ...common, id: '2.Pricing.abc', service: 'pricing.abc', tags: [] },
      { ...common, id: '2.Pricing.abc.dns', service: 'abc', tags: ['pricing', '2.pricing', 'abc_pricing_2', 'price', 'x.y'] },
    ]);
  });

  it('is not there unless it is ready, has an address, and its host is known', () => {
    const records = [literalRecord('abc_web_1'), literalRecord('abc_web_2', { addresses: {} }), literalRecord('abc_web_3', { host: 'h9' })];
    const containers = records.map((record) => literalView(record, { running: record.number !== 1 }));
    assert.deepEqual(catalogOf(instancesOf({ records, containers, withdrawn: new Set(), joining: new Set() }), HOSTS), []);
  });
});

describe('an instance that runs and is not ready', () => {
  const statuses = (health: readonly string[], label?: string) => {
    const records = health.map((_, index) => {
      const record = literalRecord(`abc_web_${index + 1}`);
      return { ...record, request: { ...record.request, ...(label !== undefined && { Labels: { 'arpanet.dns': label } }) } };
    });
    const containers = records.map((record, index) => literalView(record, { state: { Health: { Status: health[index] } } }));
    const made = catalogOf(instancesOf({ records, containers, withdrawn: new Set(), joining: new Set() }), HOSTS);
    return made.map(({ id, tags, status }) => [id, tags.join(), status ?? 'no check'].join(' '));
  };
  it('has a check that keeps it out of its service’s name while another is ready, and none on names of its own', () => {
    assert.deepEqual(statuses(['starting', 'healthy']), [
      '1.web.abc  critical',
      '1.web.abc.dns web critical',
      '1.web.abc.own 1.web,abc_web_1 no check',
      '2.web.abc  no check',
      '2.web.abc.dns web,2.web,abc_web_2 no check',
    ]);
  });
  it('is in its service’s name with a warning while no other is ready, unless its label forbids that', () => {
    assert.deepEqual(statuses(['starting']), ['1.web.abc  warning', '1.web.abc.dns web warning', '1.web.abc.own 1.web,abc_web_1 no check']);
    assert.deepEqual(statuses(['starting'], 'healthy').slice(0, 2), ['1.web.abc  critical', '1.web.abc.dns web critical']);
  });
});

describe('the difference', () => {
  it('is nothing when all is as desired, whatever the order of tags', () => {
    const there = [service('h1', '1', { tags: ['b', 'a'] })];
    assert.deepEqual(diff([service('h1', '1', { tags: ['a', 'b'] })], there), []);
    assert.deepEqual(diff([], []), []);
  });

  it('removes first, then makes nodes, then registers', () => {
    const changed = service('h1', '2', { address: '10.32.0.66' });
    const fresh = service('h3', '4');
    assert.deepEqual(
      diff([service('h1', '1'), changed, fresh], [service('h1', '1'), service('h1', '2'), service('h1', '3'), service('h2', '9')]),
      [
        { kind: 'deregister-node', node: 'arpanet-h2' },
        { kind: 'deregister', node: 'arpanet-h1', id: '3' },
        { kind: 'node', node: 'arpanet-h3', address: '192.0.2.1' },
        { kind: 'register', service: changed },
        { kind: 'register', service: fresh },
      ],
    );
  });

  it('repairs what someone changed by hand', () => {
    const right = service('h1', '1', { port: 80, meta: { name: 'a' } });
    for (const forged of [{ address: '10.9.9.9' }, { port: 81 }, { tags: ['z'] }, { service: 'other' }, { meta: {} }])
      assert.deepEqual(diff([right], [{ ...right, ...forged }]), [{ kind: 'register', service: right }], JSON.stringify(forged));
    assert.deepEqual(diff([right], [{ ...right, nodeAddress: '10.9.9.9' }]), [{ kind: 'node', node: 'arpanet-h1', address: '192.0.2.1' }]);
  });

  it('applied to what is there gives what is desired', () => {
    const some = fc.uniqueArray(
      fc.record({
        node: fc.constantFrom('h1', 'h2', 'h3'),
        id: fc.constantFrom('1', '2', '3'),
        address: fc.constantFrom('10.0.0.1', '10.0.0.2'),
      }),
      { selector: ({ node, id }) => `${node} ${id}` },
    );
    const made = some.map((all) => all.map(({ node, id, address }) => service(node, id, { address })));
    const sorted = (all: readonly CatalogService[]) => [...all].sort((a, b) => (a.node + a.id < b.node + b.id ? -1 : 1));
    fc.assert(
      fc.property(made, made, (desired, actual) => assert.deepEqual(sorted(applied(actual, diff(desired, actual))), sorted(desired))),
    );
  });
});

describe('a plan of changes', () => {
  const EMPTY: readonly CatalogService[] = [];
  const one = (container: string, service: string, host: string, over: Partial<NamedInstance> = {}): NamedInstance =>
    instance(
      `${container.slice(1)}.${service}.abc`,
      { n1: `10.32.0.${container.slice(1)}` },
      { container, name: container, host, ...over },
    );

  it('brings the catalog to what comparing everything would, whatever comes, goes, moves and changes', () => {
    const hosts = new Map<string, NamedHost>();
    for (let n = 1; n <= 4; n++) hosts.set(`h${n}`, { name: `h${n}`, address: `192.0.2.${n}`, state: 'alive' });
    const instances = new Map<string, NamedInstance>();
    const queue = createChangeQueue();
    const plan = createCatalogPlan({ host: (name) => hosts.get(name), outside: () => [] });
    let held = EMPTY;
    plan.listed(held);
    let state = 5;
    const chance = (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * below);
    };
    const becomes = (container: string, made: NamedInstance | undefined): void => {
      const before = instances.get(container);
      const now = made && { ...made, name: before?.name ?? made.name };
      queue.add([{ before, now }]);
      if (now === undefined) instances.delete(container);
      else instances.set(container, now);
    };
    for (let round = 0; round < 300; round++) {
      const renamed = chance(4) === 0 ? [...instances.values()][0] : undefined;
      if (renamed !== undefined) {
        const now = { ...renamed, name: `${renamed.container}-${round}` };
        const both = [
          { before: undefined, now },
          { before: renamed, now: undefined },
        ];
        queue.add(chance(2) === 0 ? both : both.toReversed());
        instances.set(renamed.container, now);
      }
      for (let n = chance(4); n >= 0; n--) {
        const container = `c${chance(12)}`;
        const over = { ready: chance(2) === 0, state: chance(3) === 0 ? ('out' as const) : ('running' as const) };
        becomes(container, chance(3) === 0 ? undefined : one(container, `s${chance(4)}`, `h${1 + chance(4)}`, over));
      }
      const touched: string[] = [];
      if (chance(3) === 0) {
        const name = `h${1 + chance(4)}`;
        hosts.set(name, { name, address: `192.0.2.${chance(9)}`, state: (['alive', 'joining', 'down'] as const)[chance(3)] ?? 'down' });
        touched.push(name);
      }
      plan.note(queue.take(), touched);
      if (chance(10) === 0) plan.listed(held);
      held = applied(held, plan.changes());
      plan.done();
      assert.deepEqual(plan.drift(held), [], `round ${round}`);
      const fresh = createCatalogPlan({ host: (name) => hosts.get(name), outside: () => [] });
      fresh.note(
        [...instances.values()].map((now) => ({ before: undefined, now })),
        [],
      );
      assert.deepEqual(fresh.drift(held), [], `round ${round}, beside one that has seen no change`);
    }
  });

  it('costs the same with ten hosts and with a thousand', async () => {
    const costWith = async (count: number): Promise<number> => {
      const host = (name: string): NamedHost => ({ name, address: '192.0.2.1', state: 'alive' });
      const plan = createCatalogPlan({ host, outside: () => [] });
      const all = Array.from({ length: count * 3 }, (_, i) => one(`c${i}`, `s${Math.floor(i / 5)}`, `h${Math.floor(i / 3)}`));
      plan.note(
        all.map((now) => ({ before: undefined, now })),
        [],
      );
      plan.listed(EMPTY);
      plan.changes();
      plan.done();
      const [before] = all;
      assert.ok(before !== undefined);
      return walkedIn(async () => {
        plan.note([{ before, now: { ...before, ready: false } }], ['h1']);
        assert.ok(plan.changes().length > 0);
        plan.done();
      });
    };
    const [few, many] = [await costWith(10), await costWith(1_000)];
    assert.ok(few > 0 && many <= few * 1.1, `${few} entries walked with 10 hosts, ${many} with 1,000`);
  });
});
