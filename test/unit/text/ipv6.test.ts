import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contains6, formatIpv6, overlaps6, parseIpv6, parseSubnet6, type Subnet6 } from '../../../src/text/ipv6.ts';

const subnet = (text: string): Subnet6 => {
  const found = parseSubnet6(text);
  assert.ok(found !== undefined, text);
  return found;
};

describe('an IPv6 address', () => {
  it('is read in any form, and written in the shortest of RFC 5952', () => {
    for (const [text, canonical] of [
      ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
      ['::', '::'],
      ['::ffff:10.0.0.1', '::ffff:a00:1'],
      ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
      ['fe80::0001', 'fe80::1'],
    ] as const) {
      assert.equal(formatIpv6(parseIpv6(text) ?? 0n), canonical);
    }
  });

  it('is nothing else: no zone, no prefix, no IPv4 address', () => {
    for (const text of ['', '10.0.0.1', 'fe80::1%eth0', '::1/64', '1:2:3', '::1::', '12345::', '[::1]', '::g'])
      assert.equal(parseIpv6(text), undefined, text);
  });
});

describe('an IPv6 subnet', () => {
  it('is read with its host bits cleared', () => {
    assert.deepEqual(subnet('2001:db8::1:7/64'), { cidr: '2001:db8::/64', first: 0x20010db8n << 96n, prefix: 64 });
    assert.equal(subnet('::10.0.0.1/104').cidr, '::a00:0/104');
    assert.equal(subnet('::1/128').cidr, '::1/128');
    assert.equal(subnet('ff::/0').cidr, '::/0');
    for (const text of ['2001:db8::', '2001:db8::/129', '2001:db8::/-1', '2001:db8::/x', '10.0.0.0/8'])
      assert.equal(parseSubnet6(text), undefined, text);
  });

  it('contains addresses, and overlaps others', () => {
    assert.equal(contains6(subnet('2001:db8::/64'), parseIpv6('2001:db8::ffff') ?? 0n), true);
    assert.equal(contains6(subnet('2001:db8::/64'), parseIpv6('2001:db8:0:1::') ?? 0n), false);
    assert.equal(overlaps6(subnet('2001:db8::/32'), subnet('2001:db8:7::/48')), true);
    assert.equal(overlaps6(subnet('2001:db8::/64'), subnet('2001:db8:0:1::/64')), false);
  });
});
