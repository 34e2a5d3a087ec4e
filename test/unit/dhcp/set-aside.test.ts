/** What records that cannot be read hold is in use for all that is known: no address and no subnet of theirs is given to others. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDhcp } from '../../../src/dhcp/index.ts';
import { keys, type NetworkRecord } from '../../../src/model/index.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';
import { literalNetwork } from '../../support/fakes/literal-cluster.ts';

const NOW_MS = 1_000_000;

function world(...unreadable: readonly string[]) {
  const ledger = new LiteralLedger();
  ledger.unreadable = () => unreadable.map((key) => ({ key, why: 'is null', name: undefined }));
  let id = 0;
  const dhcp = createDhcp({
    ledger,
    pool: '10.32.0.0/20',
    defaultPrefix: 22,
    restMs: 1,
    epoch: 2,
    now: () => NOW_MS,
    newId: () => `n${++id}`.padEnd(64, '0'),
  });
  return { ledger, dhcp };
}
const asked = {
  name: 'new',
  deployment: 'abc',
  labels: {},
  options: {},
  internal: false,
  attachable: false,
  implicit: false,
  createdAtMs: 0,
  routes: [],
};
const network: NetworkRecord = literalNetwork('n1', 'front', { cidr: '10.32.0.0/29', isSubnetAsked: true });
const lease = { network: 'n1', owner: 'web', host: 'h1', sinceMs: 0, epoch: 1 } as const;

describe('records that cannot be read', () => {
  it('keep their address: nobody is offered it, and who asks for it is told why', () => {
    const held = ['10.32.0.2', '10.32.0.3', '10.32.0.4', '10.32.0.5'];
    const { ledger, dhcp } = world(...held.map((ip) => keys.lease('n1', ip)));
    ledger.apply([{ kind: 'create', key: keys.network('n1'), value: network }]);
    const given: string[] = [];
    for (const owner of ['a', 'b']) {
      const { ip, changes } = dhcp.leases.planOffer('n1', { owner, host: 'h1' });
      ledger.apply(changes);
      given.push(ip);
    }
    assert.deepEqual(
      given.filter((ip) => held.includes(ip)),
      [],
    );
    assert.throws(() => dhcp.leases.planOffer('n1', { owner: 'c', host: 'h1', wanted: '10.32.0.3' }), /a record that cannot be read/);
  });

  it('keep their subnet', () => {
    const { dhcp } = world(keys.subnet('10.32.0.0/22'), keys.subnet('10.32.4.0/22'), keys.subnet('nowhere'));
    assert.equal(dhcp.networks.plan(asked).record.cidr, '10.32.8.0/22');
    const ipam = { Config: [{ Subnet: '10.32.1.0/24' }] };
    assert.throws(() => dhcp.networks.plan({ ...asked, ipam }), /overlaps 10\.32\.0\.0\/22, whose record .* cannot be read/);
  });

  it('of a network or a container keep the leases that are theirs', () => {
    const offered = { ...lease, ip: '10.32.0.2', kind: 'instance', state: 'offered' } as const;
    const create = { kind: 'create', key: keys.lease('n1', offered.ip), value: offered } as const;
    const there = { kind: 'create', key: keys.network('n1'), value: network } as const;
    const swept = (unreadable: readonly string[], ...changes: Parameters<LiteralLedger['apply']>[0]) => {
      const { ledger, dhcp } = world(...unreadable);
      ledger.apply(changes);
      return dhcp.leases.sweep().map(({ key }) => key);
    };
    assert.deepEqual(swept([], create, there), [create.key], 'an earlier leader’s offer goes');
    assert.deepEqual(swept([keys.container('web')], create, there), []);
    assert.deepEqual(swept([], create), [create.key], 'with its network goes its lease');
    assert.deepEqual(swept([keys.network('n1')], create), []);
  });

  it('go with their network', () => {
    const { ledger, dhcp } = world(keys.lease('n1', '10.32.0.2'), keys.lease('n2', '10.32.0.2'), keys.subnet(network.cidr));
    ledger.apply([{ kind: 'create', key: keys.network('n1'), value: network }]);
    assert.deepEqual(
      dhcp.networks
        .planRemoval('n1')
        .map(({ key }) => key)
        .toSorted(),
      [keys.lease('n1', '10.32.0.2'), keys.network('n1'), keys.subnet(network.cidr)],
    );
  });
});
