import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keys, type LeaseRecord } from '../../../src/model/index.ts';
import { refusal, REST_MS, world } from '../../support/fakes/dhcp-world.ts';

describe('an instance', () => {
  it('gets the next address behind the gateways, offered, then bound', () => {
    const w = world();
    const id = w.network();
    assert.equal(w.offer(id, 'a'), '10.32.0.64');
    assert.equal(w.offer(id, 'b'), '10.32.0.65');
    w.clock.ms = 5000;
    w.bind(id, '10.32.0.64');
    const [lease] = w.dhcp.leases.leasesOf(id);
    assert.deepEqual(lease, {
      ip: '10.32.0.64',
      network: id,
      kind: 'instance',
      owner: 'a',
      host: 'h1',
      state: 'bound',
      sinceMs: 5000,
      epoch: 1,
    });
    assert.deepEqual(w.dhcp.leases.planBind(id, '10.32.0.64'), [], 'bound once is bound');
    refusal(() => w.dhcp.leases.planBind(id, '10.32.0.99'), 'conflict', /no longer leased/);
  });

  it('is given every usable address of a /29 and of a /22 before it is refused', () => {
    for (const [size, usable] of [
      ['/30', 2],
      ['/29', 6],
      ['/22', 1022],
    ] as const) {
      const w = world();
      const id = w.network({ size });
      const all = Array.from({ length: usable }, (_, i) => w.offer(id, `c${i}`));
      assert.equal(new Set(all).size, usable);
      refusal(() => w.offer(id, 'one-more'), 'exhausted', new RegExp(`abc_default \\(.*\\) has all of its ${usable} addresses taken\\. `));
      refusal(() => w.gateway(id, 'h1'), 'exhausted', /all of its/);
    }
  });

  it('does not reuse an address before its rest is over, then the oldest first', () => {
    const w = world();
    const id = w.network({ size: '/29' });
    const all = Array.from({ length: 6 }, (_, i) => w.offer(id, `c${i}`));
    for (const ip of all) w.bind(id, ip);
    w.clock.ms = 10_000;
    w.release(id, all[3] ?? '', 'c3');
    w.clock.ms = 20_000;
    w.release(id, all[1] ?? '', 'c1');
    refusal(
      () => w.offer(id, 'd'),
      'exhausted',
      /6 addresses taken, 2 of them released and not yet reusable \(the first is free in 50 s\)/,
    );
    w.clock.ms = 10_000 + REST_MS;
    assert.equal(w.offer(id, 'd'), all[3]);
    refusal(() => w.offer(id, 'e'), 'exhausted', /1 of them released/);
    w.clock.ms = 20_000 + REST_MS;
    assert.equal(w.offer(id, 'e'), all[1]);
  });

  it('leaves an address that was given back for last even when its rest is over', () => {
    const w = world();
    const id = w.network({ size: '/28' });
    const first = w.offer(id, 'a');
    w.bind(id, first);
    w.release(id, first, 'a');
    w.clock.ms += REST_MS;
    w.ledger.apply(w.dhcp.leases.sweep());
    const rest = Array.from({ length: 10 }, (_, i) => w.offer(id, `c${i}`));
    assert.ok(!rest.includes(first));
    assert.equal(w.offer(id, 'last'), first);
  });

  it('whose create failed gives its address back at once', () => {
    const w = world();
    const id = w.network();
    const ip = w.offer(id, 'a');
    w.release(id, ip, 'a');
    assert.deepEqual(w.dhcp.leases.leasesOf(id), []);
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
    w.gateway(id, 'h1');
    assert.equal(w.offer(id, 'a', '10.32.2.7'), '10.32.2.7');
    assert.equal(w.offer(id, 'a', '10.32.2.7'), '10.32.2.7', 'it may ask again');
    refusal(
      () => w.offer(id, 'b', '10.32.2.7'),
      'conflict',
      /^Address already in use: 10\.32\.2\.7 in network abc_default .* is held by container a\./,
    );
    refusal(() => w.offer(id, 'b', '10.32.0.1'), 'conflict', /held by host h1, as its gateway/);
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
    refusal(() => w.offer(id, 'b', '10.32.2.7'), 'conflict', /not yet reusable/);
    assert.equal(w.offer(id, 'a', '10.32.2.7'), '10.32.2.7', 'who had it may have it again');
  });

  it('takes over the address of the one it replaces, whose removal then gives nothing back', () => {
    const w = world();
    const id = w.network();
    const ip = w.offer(id, 'abc_web_1', '10.32.2.7');
    w.bind(id, ip);
    assert.equal(w.offer(id, '0123456789ab_abc_web_1', '10.32.2.7', 'abc_web_1'), ip);
    assert.deepEqual(w.dhcp.leases.planRelease(id, ip, 'abc_web_1'), []);
    w.ledger.apply(w.dhcp.leases.planTransfer(id, ip, '0123456789ab_abc_web_1', { owner: 'abc_web_1', host: 'h2' }));
    assert.deepEqual(w.ledger.get<LeaseRecord>(keys.lease(id, ip))?.owner, 'abc_web_1');
    assert.deepEqual(w.dhcp.leases.planTransfer(id, ip, 'nobody', { owner: 'x', host: 'h2' }), []);
  });

  it('is refused in a network that is not there', () => {
    refusal(() => world().offer('feed', 'a'), 'not-found', /^network feed not found$/);
  });
});

describe('a host', () => {
  it('has one gateway address in a network, the lowest free one, and keeps it', () => {
    const w = world();
    const id = w.network();
    assert.deepEqual([w.gateway(id, 'h1'), w.gateway(id, 'h2'), w.gateway(id, 'h1')], ['10.32.0.1', '10.32.0.2', '10.32.0.1']);
    assert.deepEqual(w.dhcp.leases.planGateway(id, 'h2').changes, []);
    const later = world({ ledger: w.ledger, epoch: 2 });
    assert.equal(later.gateway(id, 'h2'), '10.32.0.2', 'also under the next leader');
    assert.deepEqual(later.dhcp.leases.gatewaysOf(id), { h1: '10.32.0.1', h2: '10.32.0.2' });
    assert.deepEqual(later.dhcp.leases.reservedFor(id, 'h1'), { 'h2-10.32.0.2': '10.32.0.2' });
  });

  it('gets its own gateway back while it rests, and others do not get it', () => {
    const w = world();
    const id = w.network();
    w.gateway(id, 'h1');
    w.ledger.apply(w.dhcp.leases.planGatewayRelease(id, 'h1'));
    assert.deepEqual(w.dhcp.leases.gatewaysOf(id), {});
    assert.equal(w.gateway(id, 'h2'), '10.32.0.2');
    assert.equal(w.gateway(id, 'h1'), '10.32.0.1');
  });

  it('gets a gateway behind the block when more hosts come than were thought of', () => {
    const w = world();
    const id = w.network({ size: '/28' });
    assert.equal(w.offer(id, 'a'), '10.32.0.4');
    const hosts = Array.from({ length: 13 }, (_, i) => w.gateway(id, `h${i}`));
    assert.equal(new Set([...hosts, '10.32.0.4']).size, 14);
    refusal(() => w.gateway(id, 'h13'), 'exhausted', /all of its 14 addresses/);
  });
});

describe('a plan whose commit failed', () => {
  it('leaves the next plan right', () => {
    const w = world();
    const id = w.network({ size: '/29' });
    w.dhcp.leases.planOffer(id, { owner: 'a', host: 'h1' });
    w.dhcp.leases.planGateway(id, 'h1');
    const all = Array.from({ length: 5 }, (_, i) => w.offer(id, `c${i}`));
    assert.equal(new Set([...all, w.gateway(id, 'h2')]).size, 6, 'nothing is lost to the plan that was not committed');
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
});
