import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseSubnet6, parseIpam6 } from '../../../src/dhcp/subnet.ts';
import { pairedIpv6 } from '../../../src/networks/index.ts';
import { literalNetwork } from '../../support/fakes/literal-cluster.ts';
import { contains6, formatIpv6, parseIpv6, parseSubnet6 } from '../../../src/text/ipv6.ts';

describe('IPv6 text', () => {
  it('is read and written as RFC 5952 has it', () => {
    for (const [text, canonical] of [
      ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['::1', '::1'],
      ['fe80::', 'fe80::'],
      ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ] as const) {
      assert.equal(formatIpv6(parseIpv6(text) ?? 0n), canonical);
    }
    for (const text of ['10.0.0.1', 'abc', '1:2', '::1::', '1::2/64', '[::1]']) assert.equal(parseIpv6(text), undefined, text);
  });

  it('of a subnet loses its host bits', () => {
    assert.equal(parseSubnet6('2001:389::1/64')?.cidr, '2001:389::/64');
    for (const text of ['2001:389::/129', '2001:389::', '10.0.0.0/8']) assert.equal(parseSubnet6(text), undefined, text);
  });
});

describe('the IPv6 address of a member', () => {
  it('is its IPv4 lease counted into the range: no two members share one, and all are inside', () => {
    assert.equal(pairedIpv6('2001:db8::/64', '10.32.0.0/22', '10.32.0.64'), '2001:db8::a20:40');
    assert.equal(pairedIpv6('2001:db8::/112', '10.32.0.0/22', '10.32.1.64'), '2001:db8::140');
    assert.equal(pairedIpv6('2001:db8::/120', '10.32.0.0/22', '10.32.1.64'), undefined, 'too small for it');
    const subnet = parseSubnet6('fd00:1::/96');
    const all = [1, 2, 255, 256, 1022].map((n) => pairedIpv6('fd00:1::/96', '10.32.0.0/22', `10.32.${n >> 8}.${n & 255}`) ?? '');
    assert.equal(new Set(all).size, all.length);
    for (const address of all) assert.ok(subnet !== undefined && contains6(subnet, parseIpv6(address) ?? 0n), address);
  });
});

describe("the IPv6 part of a network's IPAM", () => {
  const ipam = (Config: readonly object[]) => ({ Config });
  const config = { Subnet: '2001:389::/64', IPRange: '2001:389::/96', Gateway: '2001:389::ffff' };

  it('is kept as sent, beside an IPv4 subnet or without one', () => {
    assert.deepEqual(parseIpam6(ipam([{ Subnet: '10.1.0.0/16' }, config]), true, []), { cidr: '2001:389::/64', isEnabled: true, config });
    assert.deepEqual(parseIpam6(ipam([{ Subnet: '2001:389::1/64' }]), false, [])?.isEnabled, false);
    assert.equal(parseIpam6(null, false, []), undefined);
    const withNulls = { Subnet: 'fd00::/64', IPRange: null, Gateway: null } as unknown as object;
    assert.deepEqual(parseIpam6(ipam([withNulls]), true, [])?.config, { Subnet: 'fd00::/64' });
  });

  it('is a /64 of the cluster’s own range (RFC 4193) where no subnet is named, which no other network has', () => {
    const clusterId = `0123456789${'f'.repeat(54)}`;
    const taken = ['fd01:2345:6789:7::/64', 'fd01:2345:6789:8::/64'].map((cidr, index) =>
      literalNetwork(`n${index}`, `net${index}`, { ipv6: { cidr, isEnabled: true, config: {} } }),
    );
    const cidr = chooseSubnet6(clusterId, 7, taken);
    assert.equal(cidr, 'fd01:2345:6789:9::/64');
    assert.equal(chooseSubnet6(clusterId, 65_535, []), 'fd01:2345:6789:ffff::/64');
    assert.deepEqual(
      parseIpam6(null, true, [], () => cidr),
      { cidr, isEnabled: true, config: { Subnet: cidr } },
    );
    assert.equal(
      parseIpam6(null, false, [], () => cidr),
      undefined,
    );
  });

  it('is refused without a subnet to take addresses from, with what lies outside, and where another network has it', () => {
    assert.throws(() => parseIpam6(null, true, []), { kind: 'invalid' });
    assert.throws(() => parseIpam6(ipam([{ ...config, Gateway: 'fd00::1' }]), true, []), { kind: 'invalid' });
    assert.throws(() => parseIpam6(ipam([{ Subnet: 'fd00::/x' }]), true, []), { kind: 'invalid' });
    const other = literalNetwork('n2', 'abc_six', { ipv6: { cidr: '2001:389::/48', isEnabled: true, config: {} } });
    assert.throws(() => parseIpam6(ipam([config]), true, [other]), { kind: 'forbidden' });
    assert.ok(parseIpam6(ipam([config]), false, [other]));
  });
});
