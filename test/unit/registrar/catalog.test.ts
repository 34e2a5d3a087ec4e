import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { applied, catalogMaker, diff } from '../../../src/registrar/catalog.ts';
import { instancesOf } from '../../../src/registrar/index.ts';
import type { CatalogService } from '../../../src/store/index.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';

const catalogOf = catalogMaker();
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

describe('an instance that changed', () => {
  it('is registered again, and one that did not is the same object', () => {
    const make = catalogMaker();
    const of = (address: string) => {
      const records = [literalRecord('abc_web_1'), literalRecord('abc_web_2', { addresses: { n1: address } })];
      return instancesOf({ records, containers: records.map((record) => literalView(record)), withdrawn: new Set(), joining: new Set() });
    };
    const before = make(of('10.32.0.65'), HOSTS);
    const later = make(of('10.32.0.66'), HOSTS);
    assert.deepEqual(
      later.map((each, i) => each === before[i]),
      [true, true, false, false],
    );
    assert.deepEqual(
      later.map(({ address }) => address),
      ['10.32.0.64', '10.32.0.64', '10.32.0.66', '10.32.0.66'],
    );
    const moved = make(of('10.32.0.66'), [{ name: 'h1', address: '192.0.2.7', state: 'alive' }]);
    assert.ok(moved.every(({ nodeAddress }) => nodeAddress === '192.0.2.7'));
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
