import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keys, type LeaseRecord, type NamedInstance } from '../../../src/model/index.ts';
import { instancesOf } from '../../../src/registrar/index.ts';
import { vipChanges } from '../../../src/scheduler/networks/service-addresses.ts';
import { PLAIN, REST_MS, world } from '../../support/fakes/dhcp-world.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';

const asking = (...networks: string[]) => ({
  addresses: Object.fromEntries(networks.map((network, index) => [network, `10.32.0.${index + 1}`])),
  request: { Labels: { 'arpanet.vip': 'true' } },
});

describe('the address of a service', () => {
  it('is given in each network of those that ask for it, and taken back when nobody is there any more', () => {
    const [none, held] = [new Set<string>(), new Set(['n1'])];
    assert.deepEqual(vipChanges([asking('n1'), asking('n1', 'n2')], none, false), { come: ['n1', 'n2'], gone: [] });
    assert.deepEqual(vipChanges([{ ...asking('n1'), request: {} }], none, false), { come: [], gone: [] });
    assert.deepEqual(vipChanges([], held, false), { come: [], gone: ['n1'] });
    assert.deepEqual(vipChanges([], held, true), { come: [], gone: [] }, 'a service with no instance now keeps it');
    assert.deepEqual(vipChanges([asking('n2')], held, true), { come: ['n2'], gone: ['n1'] });
  });

  it('is leased like any other, from the end of the subnet, and is the same again while it rests', () => {
    const w = world();
    const network = w.network();
    const { serviceAddresses: plans } = w.dhcp;
    const { ip, changes } = plans.plan(network, 'abc/web');
    w.ledger.apply(changes);
    assert.equal(ip, '10.32.3.254');
    assert.equal(plans.of(network, 'abc/web'), ip);
    assert.deepEqual(plans.plan(network, 'abc/web'), { ip, changes: [] });
    assert.throws(() => w.offer(network, 'abc_web_1', ip), /held by service abc\/web/);
    w.ledger.apply(plans.planRelease(network, 'abc/web'));
    assert.equal(plans.of(network, 'abc/web'), undefined);
    w.ledger.apply(plans.plan(network, 'abc/web').changes);
    assert.equal(plans.of(network, 'abc/web'), ip);
    w.ledger.apply(plans.planRelease(network, 'abc/web'));
    w.clock.ms += REST_MS + 1;
    w.ledger.apply(w.dhcp.leases.sweep());
    assert.equal(w.ledger.get<LeaseRecord>(keys.lease(network, ip)), undefined);
  });

  it('is known to another leader, and is none where a subnet has no addresses for hosts', () => {
    const w = world();
    const network = w.network();
    w.ledger.apply(w.dhcp.serviceAddresses.plan(network, 'abc/web').changes);
    assert.equal(world({ ledger: w.ledger, epoch: 2 }).dhcp.serviceAddresses.of(network, 'abc/web'), '10.32.3.254');
    assert.equal(w.dhcp.serviceAddresses.isPossible(network), true);
    const small = w.network({ ...PLAIN, name: 'small', size: '/28' });
    assert.equal(w.dhcp.serviceAddresses.isPossible(small), false);
    assert.equal(w.dhcp.serviceAddresses.isPossible('nobody'), false);
  });

  it('is told to the hosts with each instance that asks for it', () => {
    const vipOf = (network: string, service: string) => (network === 'n1' && service === 'abc/web' ? '10.32.3.254' : undefined);
    const of = (over: Parameters<typeof literalRecord>[1]): readonly NamedInstance[] => {
      const record = literalRecord('abc_web_1', { addresses: { n1: '10.32.0.1', n2: '10.32.4.1' }, ...over });
      return instancesOf({ records: [record], containers: [literalView(record)], withdrawn: new Set(), joining: new Set(), vipOf });
    };
    assert.deepEqual(of({ request: { Labels: { 'arpanet.vip': 'true' } } })[0]?.vips, { n1: '10.32.3.254' });
    assert.equal(of({})[0]?.vips, undefined);
  });
});
