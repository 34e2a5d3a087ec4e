import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keys, type LeaseRecord, type NetworkRecord } from '../../../src/model/index.ts';
import { refusal, REST_MS, world } from '../../support/fakes/dhcp-world.ts';

describe('an instance', () => {
  it('gets the lowest free address behind the gateway, as on an Engine, offered, then bound', () => {
    const w = world();
    const id = w.network();
    assert.equal(w.offer(id, 'a'), '10.32.0.2');
    assert.equal(w.offer(id, 'b'), '10.32.0.3');
    w.clock.ms = 5000;
    w.bind(id, '10.32.0.2');
    const lease = w.dhcp.leases.leasesOf(id).find(({ ip }) => ip === '10.32.0.2');
    assert.deepEqual(lease, {
      ip: '10.32.0.2',
      network: id,
      kind: 'instance',
      owner: 'a',
      host: 'h1',
      state: 'bound',
      sinceMs: 5000,
      epoch: 1,
    });
    assert.deepEqual(w.dhcp.leases.planBind(id, '10.32.0.2'), [], 'bound once is bound');
    refusal(() => w.dhcp.leases.planBind(id, '10.32.0.99'), 'conflict', /no longer leased/);
  });

  it('is given every usable address of a /29 and of a /22 but the gateway before it is refused', () => {
    for (const [size, usable] of [
      ['/30', 2],
      ['/29', 6],
      ['/22', 1022],
    ] as const) {
      const w = world();
      const id = w.network({ size });
      const all = Array.from({ length: usable - 1 }, (_, i) => w.offer(id, `c${i}`));
      assert.equal(new Set(all).size, usable - 1);
      refusal(() => w.offer(id, 'one-more'), 'exhausted', new RegExp(`abc_default \\(.*\\) has all of its ${usable} addresses in use\\. `));
      refusal(() => w.gateway(id, 'h1'), 'exhausted', /all of its/);
    }
  });

  it('gets an address that rests only when no other is free: then the one that rests longest', () => {
    const w = world();
    const id = w.network({ size: '/29' });
    const all = Array.from({ length: 4 }, (_, i) => w.offer(id, `c${i}`));
    for (const ip of all) w.bind(id, ip);
    w.clock.ms = 10_000;
    w.release(id, all[2] ?? '', 'c2');
    w.clock.ms = 20_000;
    w.release(id, all[1] ?? '', 'c1');
    assert.equal(w.offer(id, 'd'), '10.32.0.6', 'the free one first');
    assert.equal(w.offer(id, 'e'), all[2], 'a moment after it was given back, as it is all that there is');
    assert.equal(w.offer(id, 'f'), all[1]);
    refusal(() => w.offer(id, 'g'), 'exhausted', /in use/);
  });

  it('gets the address that its name had, for as long as that rests and nobody asked for it', () => {
    const w = world();
    const id = w.network();
    for (const owner of ['a', 'b', 'c']) w.bind(id, w.offer(id, owner));
    w.release(id, '10.32.0.3', 'b');
    assert.equal(w.offer(id, 'd'), '10.32.0.5', 'another leaves it alone');
    const next = world({ ledger: w.ledger, epoch: 2 });
    const again = (owner: string) => {
      const { ip, changes } = next.dhcp.leases.planOffer(id, { owner, host: 'h2', isNew: true });
      next.ledger.apply(changes);
      return ip;
    };
    assert.equal(again('b'), '10.32.0.3', 'also of the next leader');
    next.bind(id, '10.32.0.3');
    next.release(id, '10.32.0.3', 'b');
    next.ledger.apply(next.dhcp.yielding.planAsked(id, '10.32.0.3'));
    assert.equal(again('b'), '10.32.0.6');
  });

  it('gets the lowest again when its rest is over', () => {
    const w = world();
    const id = w.network({ size: '/28' });
    const first = w.offer(id, 'a');
    w.bind(id, first);
    w.release(id, first, 'a');
    assert.equal(w.offer(id, 'b'), '10.32.0.3');
    w.clock.ms += REST_MS;
    w.ledger.apply(w.dhcp.leases.sweep());
    assert.equal(w.offer(id, 'c'), first);
  });

  it('leaves alone what somebody asked for by name, now or earlier, as long as others are free', () => {
    const w = world();
    const id = w.network({ size: '/29' });
    w.ledger.apply(w.dhcp.yielding.planAsked(id, '10.32.0.3'));
    assert.deepEqual(w.dhcp.yielding.planAsked(id, '10.32.0.3'), [], 'asked for once is known');
    assert.deepEqual([w.offer(id, 'a'), w.offer(id, 'b'), w.gateway(id, 'h1')], ['10.32.0.2', '10.32.0.4', '10.32.0.6']);
    assert.equal(w.offer(id, 'c'), '10.32.0.5');
    assert.equal(w.offer(id, 'd'), '10.32.0.3', 'but it refuses nobody');
  });

  it('whose create failed gives its address back at once', () => {
    const w = world();
    const id = w.network();
    const ip = w.offer(id, 'a');
    w.release(id, ip, 'a');
    assert.ok(!w.dhcp.leases.leasesOf(id).some((lease) => lease.ip === ip));
  });

  it('can give back only what is its own', () => {
    const w = world();
    const id = w.network();
    const ip = w.offer(id, 'a');
    assert.deepEqual(w.dhcp.leases.planRelease(id, ip, 'b'), []);
    assert.deepEqual(w.dhcp.leases.planRelease(id, '10.32.0.99', 'a'), []);
    w.bind(id, ip);
    w.release(id, ip, 'a');
    assert.deepEqual(w.dhcp.leases.planRelease(id, ip, 'a'), [], 'a rest does not begin anew');
  });

  it('gets the address that it asks for, or a refusal that names the owner', () => {
    const w = world();
    const id = w.network();
    assert.equal(w.offer(id, 'a', '10.32.2.7'), '10.32.2.7');
    assert.equal(w.offer(id, 'a', '10.32.2.7'), '10.32.2.7', 'it may ask again');
    refusal(
      () => w.offer(id, 'b', '10.32.2.7'),
      'conflict',
      /^Address already in use: 10\.32\.2\.7 in network abc_default .* is held by container a\./,
    );
    refusal(() => w.offer(id, 'b', '10.32.0.1'), 'conflict', /held by the network itself, as gateway/);
    w.gateway(id, 'h1');
    refusal(() => w.offer(id, 'b', '10.32.3.254'), 'conflict', /held by host h1, for itself/);
    refusal(() => w.offer(id, 'b', '10.32.0.0'), 'conflict', /network or broadcast address/);
    refusal(() => w.offer(id, 'b', '10.32.3.255'), 'conflict', /network or broadcast address/);
    const unasked = 'user specified IP address is supported only when connecting to networks with user configured subnets';
    refusal(() => w.offer(id, 'b', '10.32.4.1'), 'invalid', new RegExp(`^invalid endpoint settings:\\n${unasked}$`));
    refusal(() => w.offer(id, 'b', '10.32.0.256'), 'invalid', new RegExp(`\\n\\* invalid IPv4 address: 10.32.0.256\\n\\* ${unasked}$`));
    const own = w.network({ name: 'own', ipam: { Config: [{ Subnet: '10.40.0.0/24' }] } });
    refusal(
      () => w.offer(own, 'b', '10.32.4.1'),
      'invalid',
      /^invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10\.32\.4\.1$/,
    );
    refusal(() => w.offer(own, 'b', '10.40.0.256'), 'invalid', /invalid IPv4 address/);
    w.bind(id, '10.32.2.7');
    w.release(id, '10.32.2.7', 'a');
    assert.equal(w.offer(id, 'b', '10.32.2.7'), '10.32.2.7', 'at once, when nobody has it any more');
  });

  it('is told which idle lease stands in its way, and only then', () => {
    const w = world();
    const id = w.network({ size: '/29' });
    const request = { owner: 'new', host: 'h1' };
    for (const owner of ['a', 'b', 'c', 'd', 'e']) w.bind(id, w.offer(id, owner));
    const stopped = new Map([
      ['b', 30],
      ['d', 20],
    ]);
    const idleSince = ({ owner }: LeaseRecord) => stopped.get(owner);
    const occupant = (wanted?: string) => w.dhcp.yielding.occupant(id, { ...request, wanted }, idleSince)?.owner;
    assert.equal(occupant(), 'd', 'of those that do not run, the one that was stopped first');
    assert.equal(occupant('10.32.0.3'), 'b');
    assert.equal(occupant('10.32.0.2'), undefined, 'a runs');
    assert.equal(w.dhcp.yielding.occupantForHost(id, 'h1', idleSince)?.owner, 'd');
    w.release(id, '10.32.0.6', 'e');
    assert.equal(w.dhcp.yielding.occupantForHost(id, 'h1', idleSince), undefined, 'one is to be had without');
    assert.equal(occupant(), 'd', 'but that one is for the host');
    w.gateway(id, 'h1');
    assert.equal(occupant('10.32.0.6'), 'h1', 'a host moves out of the way');
    refusal(() => w.dhcp.yielding.planGatewayMove(id, 'h1'), 'exhausted', /in use/);
    w.release(id, '10.32.0.2', 'a');
    w.ledger.apply(w.dhcp.yielding.planGatewayMove(id, 'h1'));
    assert.deepEqual(w.dhcp.leases.gatewaysOf(id), { h1: '10.32.0.2' });
    assert.equal(w.offer(id, 'new', '10.32.0.6'), '10.32.0.6');
  });

  it('is refused in a network that is not there', () => {
    refusal(() => world().offer('feed', 'a'), 'not-found', /^network feed not found$/);
  });
});

describe('a host', () => {
  it('has one address of its own in a network, the highest free one, and keeps it', () => {
    const w = world();
    const id = w.network();
    assert.deepEqual([w.gateway(id, 'h1'), w.gateway(id, 'h2'), w.gateway(id, 'h1')], ['10.32.3.254', '10.32.3.253', '10.32.3.254']);
    assert.deepEqual(w.dhcp.leases.planGateway(id, 'h2').changes, []);
    const later = world({ ledger: w.ledger, epoch: 2 });
    assert.equal(later.gateway(id, 'h2'), '10.32.3.253', 'also under the next leader');
    assert.deepEqual(later.dhcp.leases.gatewaysOf(id), { h1: '10.32.3.254', h2: '10.32.3.253' });
    assert.deepEqual(later.dhcp.leases.reservedFor(id, 'h1'), {}, 'they move: no Engine is told of them');
  });

  it('gets its own address back while it rests, and others do not get it', () => {
    const w = world();
    const id = w.network();
    w.gateway(id, 'h1');
    w.ledger.apply(w.dhcp.leases.planGatewayRelease(id, 'h1'));
    assert.deepEqual(w.dhcp.leases.gatewaysOf(id), {});
    assert.equal(w.gateway(id, 'h2'), '10.32.3.253');
    assert.equal(w.gateway(id, 'h1'), '10.32.3.254');
  });

  it('takes none of a small subnet, nor of a wire, if it can share the gateway', () => {
    const w = world();
    for (const host of ['h1', 'h2']) w.ledger.entries.set(keys.host(host), { name: host, sharesGateway: true });
    const small = w.network({ size: '/29' });
    assert.deepEqual([w.gateway(small, 'h1'), w.gateway(small, 'h2'), w.gateway(small, 'h3')], ['169.254.0.1', '169.254.0.2', '10.32.0.6']);
    assert.deepEqual(Object.keys(w.dhcp.leases.gatewaysOf(small)), ['h3', 'h1', 'h2']);
    const all = Array.from({ length: 4 }, (_, i) => w.offer(small, `c${i}`));
    assert.equal(new Set(all).size, 4);
    const wire = w.network({ driver: 'macvlan', ipam: { Config: [{ Subnet: '192.168.1.0/24' }] } });
    assert.equal(w.gateway(wire, 'h3'), '169.254.0.1');
    const large = w.network();
    assert.equal(w.gateway(large, 'h1'), '10.32.7.254');
  });

  it('keeps, in a network of before, the gateway that it has, which the others’ Engines must not use', () => {
    const w = world();
    const id = w.network({ ipam: { Config: [{ Subnet: '10.40.0.0/24', Gateway: '10.40.0.7' }] } });
    const { isGatewayShared: _, isGatewayAsked: _asked, ...before } = w.ledger.get<NetworkRecord>(keys.network(id)) ?? assert.fail();
    w.ledger.entries.set(keys.network(id), before);
    assert.deepEqual([w.gateway(id, 'h1'), w.gateway(id, 'h2')], ['10.40.0.7', '10.40.0.254'], 'the first has the one asked for');
    assert.deepEqual(w.dhcp.leases.reservedFor(id, 'h1'), { 'h2-10.40.0.254': '10.40.0.254' });
    w.ledger.apply(w.dhcp.leases.planGatewayRelease(id, 'h1'));
    assert.equal(w.gateway(id, 'h3'), '10.40.0.7', 'given back, it is the next host’s');
  });
});

describe('a plan whose commit failed', () => {
  it('leaves the next plan right', () => {
    const w = world();
    const id = w.network({ size: '/29' });
    w.dhcp.leases.planOffer(id, { owner: 'a', host: 'h1' });
    w.dhcp.leases.planGateway(id, 'h1');
    const all = Array.from({ length: 4 }, (_, i) => w.offer(id, `c${i}`));
    assert.equal(new Set([...all, w.gateway(id, 'h2')]).size, 5, 'nothing is lost to the plan that was not committed');
  });
});

describe('a sweep', () => {
  it('takes rested leases, leases of networks that are gone, and offers of an earlier leader that came to nothing', () => {
    const w = world();
    const id = w.network();
    const old = w.offer(id, 'a');
    w.bind(id, old);
    w.release(id, old, 'a');
    const stray = w.offer(id, 'never-made');
    const kept = w.offer(id, 'under-way');
    w.ledger.entries.set(keys.container('under-way'), { addresses: { [id]: kept } });
    w.ledger.entries.set(keys.lease('gone', '10.40.0.9'), { network: 'gone', ip: '10.40.0.9', kind: 'instance', state: 'bound' });
    assert.deepEqual(w.dhcp.leases.sweep(), [{ kind: 'delete', key: keys.lease('gone', '10.40.0.9') }]);
    const later = world({ ledger: w.ledger, epoch: 2, atMs: w.clock.ms + REST_MS });
    const swept = later.dhcp.leases.sweep();
    assert.deepEqual(
      swept.map((change) => change.key).sort(),
      [keys.lease('gone', '10.40.0.9'), keys.lease(id, old), keys.lease(id, stray)].sort(),
    );
    later.ledger.apply(swept);
    assert.deepEqual(later.dhcp.leases.sweep(), []);
  });

  it('leaves the address of an instance that moves, until its move has ended', () => {
    const w = world();
    const id = w.network();
    const old = w.offer(id, 'web-1');
    w.bind(id, old);
    w.release(id, old, 'web-1');
    w.clock.ms += REST_MS;
    const moving = keys.migration('abc', 'web');
    w.ledger.entries.set(moving, { name: 'web-1' });
    assert.deepEqual(w.dhcp.leases.sweep(), []);
    w.ledger.entries.delete(moving);
    assert.deepEqual(w.dhcp.leases.sweep(), [{ kind: 'delete', key: keys.lease(id, old) }]);
  });
});
