import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  contains,
  encloses,
  formatAddress,
  overlaps,
  parseAddress,
  parseSubnet,
  usable,
  addressNumber,
  addressOfReverseName,
  splitCidr,
} from '../../../src/text/ipv4.ts';

const span = (cidr: string) => parseSubnet(cidr) ?? assert.fail(`${cidr} is no subnet`);

describe('an address', () => {
  it('reads as it was written', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        const address = parseAddress(text);
        assert.ok(address !== undefined);
        assert.equal(formatAddress(address), text);
      }),
    );
  });

  it('is refused in any other form', () => {
    for (const text of ['', '10', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.1 ', '10.0.0.1/8', '::1', '0x0a.0.0.1', '-1.0.0.0'])
      assert.equal(parseAddress(text), undefined, JSON.stringify(text));
  });

  it('above 127.255.255.255 is no negative number', () => {
    assert.equal(parseAddress('255.255.255.255'), 2 ** 32 - 1);
    assert.equal(formatAddress(parseAddress('192.168.0.1') ?? 0), '192.168.0.1');
  });
});

describe('a subnet', () => {
  it('is written with its host bits cleared', () => {
    assert.deepEqual(parseSubnet('10.32.1.7/22'), { first: 0x0a20_0000, last: 0x0a20_03ff, prefix: 22, cidr: '10.32.0.0/22' });
    assert.equal(parseSubnet('0.0.0.0/0')?.last, 2 ** 32 - 1);
    for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0/8', 'fd00::/64', '', '10.0.0.0/'])
      assert.equal(parseSubnet(text), undefined, text);
  });

  it('contains, encloses and overlaps as sets do', () => {
    const arbitrary = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([at, prefix]) => span(`${at}/${prefix}`));
    fc.assert(
      fc.property(arbitrary, arbitrary, (a, b) => {
        assert.equal(overlaps(a, b), contains(a, b.first) || contains(b, a.first));
        assert.equal(encloses(a, b), contains(a, b.first) && contains(a, b.last));
        assert.equal(overlaps(a, b), encloses(a, b) || encloses(b, a), 'CIDR blocks nest or are apart');
      }),
    );
  });

  it('of a /22 has 1022 usable addresses, .0 and .255 within it among them', () => {
    const all = usable(span('10.32.0.0/22'));
    assert.equal(all.last - all.first + 1, 1022);
    for (const text of ['10.32.0.255', '10.32.1.0']) assert.ok(contains(all, parseAddress(text) ?? 0));
  });
});

describe('the text of an address that is known to be one', () => {
  it('is the same number, without the checks', () => {
    for (const text of ['0.0.0.0', '10.32.1.7', '127.0.0.1', '192.168.255.254', '255.255.255.255'])
      assert.equal(addressNumber(text), parseAddress(text), text);
  });

  it('is split from its prefix length', () => {
    assert.deepEqual(splitCidr('10.32.1.7/22'), { address: '10.32.1.7', prefix: '22' });
    assert.deepEqual(splitCidr('10.32.1.7'), { address: '10.32.1.7', prefix: '' });
  });

  it('has a name in in-addr.arpa', () => {
    assert.equal(addressOfReverseName('3.2.32.10.in-addr.arpa'), '10.32.2.3');
    assert.equal(addressOfReverseName('2.32.10.in-addr.arpa'), undefined);
  });
});
