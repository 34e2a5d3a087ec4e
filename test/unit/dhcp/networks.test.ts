import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reservation } from '../../../src/dhcp/lease.ts';
import { keys, type NetworkRecord } from '../../../src/model/index.ts';
import { cidrOf, PLAIN, refusal, world } from '../../support/fakes/dhcp-world.ts';

describe('a network', () => {
  it('gets a subnet of the default size, an owner for it, and a VXLAN id derived from the subnet', () => {
    const w = world();
    const plan = w.dhcp.networks.plan({
      ...PLAIN,
      internal: true,
      labels: { a: 'b' },
      createdAtMs: 7,
      requestId: 'r1',
    });
    const { id, cidr, vni, ...rest } = plan.record;
    assert.deepEqual({ id, cidr, vni }, { id: 'net1', cidr: '10.32.0.0/22', vni: 0x0a2000 });
    const { routes: _, ...plain } = PLAIN;
    const own = { gateway: '10.32.0.1', isGatewayShared: true, auxAddresses: {}, createdAtMs: 7, requestId: 'r1' };
    assert.deepEqual(rest, { ...plain, ...own, internal: true, labels: { a: 'b' } });
    assert.deepEqual(plan.changes, [
      { kind: 'create', key: 'arpanet/subnets/10.32.0.0_22', value: { cidr: '10.32.0.0/22', network: 'net1' } },
      { kind: 'create', key: 'arpanet/networks/net1', value: plan.record },
      { kind: 'create', key: 'arpanet/leases/net1/10.32.0.1', value: reservation('net1', '10.32.0.1', 'gateway', 1000, 1) },
    ]);
  });

  it('is as large as its size label or option says', () => {
    const w = world();
    const sizes = [{ size: '/24' }, { size: '28' }, { size: '500' }, { labels: { 'arpanet.size': '1000' } }];
    assert.deepEqual(
      sizes.map((wish) => cidrOf(w, w.network(wish))),
      ['10.32.0.0/24', '10.32.1.0/28', '10.32.2.0/23', '10.32.4.0/22'],
    );
  });

  it('has room for what a deploy needs, and the default size where that is more; a size that was named wins', () => {
    const w = world({ pool: '10.32.0.0/16' });
    const sized = (labels: Readonly<Record<string, string>>) => cidrOf(w, w.network({ labels }));
    assert.deepEqual(
      [
        sized({ 'arpanet.addresses': '9' }),
        sized({ 'arpanet.addresses': '1022' }),
        sized({ 'arpanet.addresses': '1023' }),
        sized({ 'arpanet.addresses': '4000', 'arpanet.size': '/28' }),
      ],
      ['10.32.0.0/22', '10.32.4.0/22', '10.32.8.0/21', '10.32.16.0/28'],
    );
    refusal(() => sized({ 'arpanet.addresses': '70000' }), 'invalid', /70000 addresses does not fit into the pool 10\.32\.0\.0\/16/);
    refusal(() => sized({ 'arpanet.addresses': 'many' }), 'invalid', /with many addresses/);
  });

  it('leaves nothing behind when it goes, and its subnet comes round last', () => {
    const w = world({ pool: '10.32.0.0/20' });
    const a = w.network();
    w.gateway(a, 'h1');
    w.release(a, w.offer(a, 'web'), 'web');
    const b = w.network();
    w.ledger.apply(w.dhcp.networks.planRemoval(a));
    assert.deepEqual(
      [...w.ledger.entries.keys()],
      ['arpanet/subnets/10.32.4.0_22', `arpanet/networks/${b}`, `arpanet/leases/${b}/10.32.4.1`],
    );
    assert.deepEqual(
      [w.network(), w.network(), w.network()].map((id) => cidrOf(w, id)),
      ['10.32.8.0/22', '10.32.12.0/22', '10.32.0.0/22'],
    );
  });

  it('never shares its subnet with a network that joined while others left', () => {
    const w = world({ pool: '10.32.0.0/20' });
    const first = [w.network(), w.network(), w.network()];
    w.ledger.apply(w.dhcp.networks.planRemoval(first[0] ?? ''));
    const next = world({ pool: '10.32.0.0/20', ledger: w.ledger, epoch: 2 });
    const all = [first[1], first[2], next.network(), next.network()].map((id) => cidrOf(w, id ?? ''));
    assert.equal(new Set(all).size, 4, `all of ${all.join(' ')} differ`);
  });

  it('goes on behind the network made last after an election', () => {
    const w = world();
    w.network();
    w.network();
    const later = world({ ledger: w.ledger, epoch: 2, atMs: 9000 });
    assert.equal(cidrOf(later, later.network()), '10.32.8.0/22');
  });

  it('keeps clear of what hosts route already, but not of the default route', () => {
    const w = world();
    w.routes.push('0.0.0.0/0', '10.32.1.0/24', '10.32.8.0/21');
    assert.deepEqual(
      [w.network(), w.network(), w.network()].map((id) => cidrOf(w, id)),
      ['10.32.4.0/22', '10.32.16.0/22', '10.32.20.0/22'],
    );
  });

  it('is refused when the pool is full, with the pool, the count and the way out', () => {
    const w = world({ pool: '10.32.0.0/21' });
    w.network();
    w.network();
    refusal(() => w.network(), 'exhausted', /no \/22 is free in the pool 10\.32\.0\.0\/21, where 2 subnets are taken.*network prune/);
    assert.equal(w.ledger.list(keys.networks).length, 2);
  });

  it('keeps what the user asked for: subnet, range, gateway, auxiliary addresses', () => {
    const w = world();
    const id = w.network({
      ipam: {
        Config: [
          { Subnet: '172.28.0.0/16', IPRange: '172.28.5.0/24', Gateway: '172.28.5.254', AuxiliaryAddresses: { printer: '172.28.5.1' } },
        ],
      },
    });
    assert.equal(w.offer(id, 'a'), '172.28.5.0');
    assert.equal(w.offer(id, 'b'), '172.28.5.2', 'the auxiliary address is nobody else’s');
    assert.equal(w.gateway(id, 'h1'), '172.28.255.254', 'hosts are outside the range');
    assert.deepEqual(w.dhcp.leases.reservedFor(id, 'h1'), { 'printer-172.28.5.1': '172.28.5.1' });
    refusal(() => w.offer(id, 'c', '172.28.5.1'), 'conflict', /Address already in use: 172\.28\.5\.1 .* the network itself, as printer/);
    refusal(() => w.offer(id, 'c', '172.28.5.254'), 'conflict', /the network itself, as gateway/);
  });

  it('has the gateway that an Engine takes where the user names none: the first free address of the range, or of the subnet', () => {
    const w = world();
    const gateway = (config: object) => {
      const id = w.network({ ipam: { Config: [config] } });
      return w.ledger.get<NetworkRecord>(keys.network(id))?.gateway;
    };
    assert.equal(gateway({ Subnet: '10.40.1.0/24' }), '10.40.1.1');
    assert.equal(gateway({ Subnet: '10.40.2.0/24', AuxiliaryAddresses: { printer: '10.40.2.1' } }), '10.40.2.2');
    assert.equal(gateway({ Subnet: '10.40.3.0/24', IPRange: '10.40.3.128/25' }), '10.40.3.128');
  });

  it('is refused a subnet that overlaps another network or a route of a host', () => {
    const w = world();
    w.network();
    w.routes.push('192.168.0.0/16');
    const ask = (Subnet: string) => () => w.network({ ipam: { Config: [{ Subnet }] } });
    refusal(
      ask('10.32.2.0/24'),
      'forbidden',
      /^Pool overlaps with other one on this address space: 10\.32\.2\.0\/24 overlaps 10\.32\.0\.0\/22 of network abc_default$/,
    );
    refusal(ask('192.168.7.0/24'), 'forbidden', /^Pool overlaps with other one on this address space: .* which a host routes already$/);
    assert.equal(cidrOf(w, ask('10.33.0.0/24')()), '10.33.0.0/24');
  });
});
