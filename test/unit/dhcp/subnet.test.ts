import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { chooseSubnet, parseIpam, prefixOf, vniOf } from '../../../src/dhcp/subnet.ts';
import { encloses, overlaps, parseSubnet, type Subnet } from '../../../src/text/ipv4.ts';

const subnet = (cidr: string): Subnet => parseSubnet(cidr) ?? assert.fail(`${cidr} is no subnet`);
const POOL = subnet('10.32.0.0/20');

describe('a free subnet', () => {
  it('is found whenever there is one, lies in the pool, is aligned and overlaps nothing', () => {
    const block = fc.tuple(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 22, max: 28 })).map(([at, prefix]) => {
      const size = 2 ** (32 - prefix);
      return subnet(`10.32.${(at >> 8) & 15}.${Math.floor((at & 255) / size) * size}/${prefix}`);
    });
    fc.assert(
      fc.property(fc.array(block, { maxLength: 30 }), fc.integer({ min: 22, max: 27 }), fc.nat(4096), (taken, prefix, offset) => {
        const choice = chooseSubnet(POOL, prefix, taken, [], POOL.first + offset);
        const size = 2 ** (32 - prefix);
        const all = Array.from({ length: 4096 / size }, (_, i) => ({
          first: POOL.first + i * size,
          last: POOL.first + (i + 1) * size - 1,
        }));
        const free = all.filter((candidate) => !taken.some((other) => overlaps(other, candidate)));
        if (choice.kind === 'exhausted') return assert.equal(free.length, 0);
        assert.ok(encloses(POOL, choice.subnet));
        assert.ok(free.some((candidate) => candidate.first === choice.subnet.first && candidate.last === choice.subnet.last));
      }),
    );
  });

  it('is the next one, and the first again after the last', () => {
    const at = (from: string) => {
      const choice = chooseSubnet(POOL, 22, [subnet('10.32.0.0/22')], [], subnet(`${from}/32`).first);
      return choice.kind === 'chosen' ? choice.subnet.cidr : choice.kind;
    };
    assert.deepEqual(['10.32.0.0', '10.32.4.0', '10.32.4.1', '10.32.12.0', '10.32.12.9', '10.48.0.0'].map(at), [
      '10.32.4.0/22',
      '10.32.4.0/22',
      '10.32.8.0/22',
      '10.32.12.0/22',
      '10.32.4.0/22',
      '10.32.4.0/22',
    ]);
  });

  it('is refused with the figures when no address is free', () => {
    const choice = chooseSubnet(POOL, 21, [subnet('10.32.0.0/24'), subnet('10.99.0.0/16')], [subnet('10.32.8.0/24')], POOL.first);
    assert.deepEqual(choice, { kind: 'exhausted', taken: 1, routed: 1 });
  });
});

describe('a size', () => {
  it('is a prefix length, with or without a slash, or a number of addresses', () => {
    assert.deepEqual(
      ['/24', '24', ' 24 ', '/30', '31', '62', '63', '254', '255', '500', '1000', '4094'].map((size) => prefixOf(size, POOL)),
      [24, 24, 24, 30, 26, 26, 25, 24, 23, 23, 22, 20],
    );
  });

  it('is refused when it is no number, too small, or larger than the pool', () => {
    for (const size of ['', 'big', '/', '/31', '/33', '/19', '19', '0', '-5', '4095', '99999999999', '1e3', '24.5'])
      assert.throws(() => prefixOf(size, POOL), { kind: 'invalid', message: /from \/20 to \/30/ }, size);
  });
});

describe('a user’s IPAM config', () => {
  it('that asks for nothing is none', () => {
    for (const ipam of [undefined, null, {}, { Config: null }, { Config: [] }, { Config: [{}] }, { Config: [{ Subnet: '' }] }])
      assert.equal(parseIpam(ipam), undefined);
  });

  it('is refused in the words of the Engine', () => {
    const refusals: readonly (readonly [Record<string, unknown>, string])[] = [
      [{ Subnet: '10.1.0.0' }, 'invalid subnet 10.1.0.0: invalid CIDR block notation'],
      [{ Subnet: '10.1.0.5/24' }, 'invalid subnet 10.1.0.5/24: it should be 10.1.0.0/24'],
      [{ Subnet: '10.1.0.0/31' }, 'invalid subnet 10.1.0.0/31: its prefix length must be from /8 to /30'],
      [{ Gateway: '10.1.0.1' }, 'an IPAM config that names a gateway, an ip-range or auxiliary addresses must name its subnet'],
      [
        { Subnet: '10.1.0.0/24', IPRange: '10.1.1.0/25' },
        "invalid ip-range 10.1.1.0/25: parent subnet 10.1.0.0/24 doesn't contain ip-range",
      ],
      [
        { Subnet: '10.1.0.0/24', IPRange: '10.1.0.0/16' },
        'invalid ip-range 10.1.0.0/16: CIDR block is bigger than its parent subnet 10.1.0.0/24',
      ],
      [{ Subnet: '10.1.0.0/24', IPRange: '10.1.0.3/25' }, 'invalid ip-range 10.1.0.3/25: it should be 10.1.0.0/25'],
      [{ Subnet: '10.1.0.0/24', IPRange: 'x' }, 'invalid ip-range x: invalid CIDR block notation'],
      [{ Subnet: '10.1.0.0/24', Gateway: '10.1.1.1' }, "invalid gateway 10.1.1.1: parent subnet 10.1.0.0/24 doesn't contain this address"],
      [{ Subnet: '10.1.0.0/24', Gateway: 'x' }, 'invalid gateway x: invalid address'],
      [{ Subnet: '10.1.0.0/24', Gateway: '10.1.0.255' }, 'invalid gateway 10.1.0.255: it is the broadcast address of 10.1.0.0/24'],
      [
        { Subnet: '10.1.0.0/24', AuxiliaryAddresses: { a: '10.2.0.1' } },
        "invalid auxiliary address a: parent subnet 10.1.0.0/24 doesn't contain this address",
      ],
    ];
    for (const [config, why] of refusals) {
      assert.throws(() => parseIpam({ Config: [config] }), { kind: 'invalid', message: `invalid network config:\n${why}` });
    }
    assert.throws(() => parseIpam({ Config: [{ Subnet: '10.1.0.0/24', Gateway: '10.1.0.9', AuxiliaryAddresses: { a: '10.1.0.9' } }] }), {
      kind: 'conflict',
      message: 'Address already in use: 10.1.0.9 is reserved twice by the IPAM config',
    });
    assert.throws(() => parseIpam({ Config: [{ Subnet: '10.1.0.0/24' }, { Subnet: '10.2.0.0/24' }] }), { kind: 'invalid' });
  });
});

describe('a VXLAN id', () => {
  it('is the upper 24 bits of its subnet, or the next one that is free', () => {
    assert.equal(vniOf(subnet('10.32.4.0/22'), new Set()), 0x0a2004);
    assert.equal(vniOf(subnet('10.32.4.8/29'), new Set([0x0a2004, 0x0a2005])), 0x0a2006);
    assert.equal(vniOf(subnet('255.255.255.0/29'), new Set([0xffffff])), 1);
    assert.equal(vniOf(subnet('0.0.0.0/29'), new Set()), 1);
  });
});
