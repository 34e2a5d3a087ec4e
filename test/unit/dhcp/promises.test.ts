import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { world } from '../../support/fakes/dhcp-world.ts';

describe('an address that a rehearsal has promised', () => {
  it('goes to its owner, in whatever order owners come, also when another address is next', () => {
    const w = world();
    const id = w.network();
    const [first, second] = [w.offer(id, 'x'), w.offer(id, 'y')];
    w.dhcp.leases.promise(id, 'a', '10.32.0.200');
    w.dhcp.leases.promise(id, 'b', '10.32.0.201');
    assert.equal(w.offer(id, 'b'), '10.32.0.201');
    assert.equal(w.offer(id, 'a'), '10.32.0.200');
    assert.ok(![first, second, '10.32.0.200', '10.32.0.201'].includes(w.offer(id, 'a')), 'once');
  });

  it('is a preference: what somebody has meanwhile, or asks for by name, stays theirs; after ten minutes it is forgotten', () => {
    const w = world();
    const id = w.network();
    w.dhcp.leases.promise(id, 'a', '10.32.0.200');
    assert.equal(w.offer(id, 'b', '10.32.0.200'), '10.32.0.200');
    assert.notEqual(w.offer(id, 'a'), '10.32.0.200');
    w.dhcp.leases.promise(id, 'c', '10.32.0.210');
    assert.equal(w.offer(id, 'c', '10.32.0.220'), '10.32.0.220', 'the user knows better');
    w.dhcp.leases.promise(id, 'd', '10.32.0.230');
    w.clock.ms += 10 * 60_000;
    assert.notEqual(w.offer(id, 'd'), '10.32.0.230');
  });
});
