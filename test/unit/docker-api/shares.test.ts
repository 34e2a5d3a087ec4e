import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientAt, clientWith, CLUSTER, createShares, LOCAL, LOCAL_TIMES } from '../../../src/docker-api/limits/shares.ts';

describe('a client', () => {
  it('is an address; with IPv6, where everybody has many, the network', () => {
    assert.equal(clientAt('10.0.0.9'), '10.0.0.9');
    assert.equal(clientAt('::ffff:10.0.0.9'), '10.0.0.9');
    assert.equal(clientAt('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
    assert.equal(clientAt('2001:db8:1:2::1'), clientAt('2001:db8:1:2:ffff::'));
    assert.notEqual(clientAt('2001:db8:1:2::1'), clientAt('2001:db8:1:3::1'));
    assert.equal(clientAt('fe80::1%eth0'), 'fe80::/64');
  });

  it('is this machine by loopback and by a Unix socket, also where a follower says so', () => {
    for (const address of [undefined, '', 'unix', '127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      assert.equal(clientAt(address), LOCAL);
  });

  it('is a certificate, however its fingerprint is written', () => {
    assert.equal(clientWith('AB:CD:EF:01:23:45:67:89:AA'), clientWith('abcdef0123456789bb'.slice(0, 16)));
  });
});

describe('shares', () => {
  it('are taken up to the bound, given back once, and nobody takes those of another', () => {
    const shares = createShares(2);
    const first = shares.take('a');
    assert.ok(first && shares.take('a'));
    assert.equal(shares.take('a'), undefined);
    assert.ok(shares.take('b'));
    first();
    first();
    assert.deepEqual([shares.of('a'), shares.of('b'), shares.total()], [1, 1, 2]);
    assert.ok(shares.take('a'));
    assert.equal(shares.take('a'), undefined);
  });

  it('of this machine are more, and of the cluster without a bound', () => {
    const shares = createShares(1);
    for (let i = 0; i < LOCAL_TIMES; i++) assert.ok(shares.take(LOCAL));
    assert.equal(shares.take(LOCAL), undefined);
    for (let i = 0; i < 1_000; i++) assert.ok(shares.take(CLUSTER));
  });

  it('may be of bytes', () => {
    const shares = createShares(100);
    assert.ok(shares.take('a', 60));
    assert.equal(shares.take('a', 60), undefined);
    assert.ok(shares.take('a', 40));
  });
});
