import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { missingParent } from '../../../src/networks/index.ts';

describe('the parent interface of a network on the wire', () => {
  const hosts = [
    { name: 'h1', links: ['eth0', 'wlan0'] },
    { name: 'h2', links: ['eno1'] },
  ];
  const of = (parent: string, driver = 'ipvlan', known: Parameters<typeof missingParent>[1] = hosts) =>
    missingParent({ driver, options: { parent } }, known);

  it('that no host has is told at once, in an Engine’s words and with what the hosts have', () => {
    const has = 'no host has a network interface eth9 (h1 has eth0, wlan0; h2 has eno1)';
    for (const driver of ['ipvlan', 'macvlan']) {
      assert.equal(of('eth9', driver), `invalid subinterface vlan name eth9, example formatting is eth0.10: ${has}`);
      assert.equal(of('eth9.10', driver), `-o parent interface was not found on the host: eth9: ${has}`);
    }
  });

  it('is none where a host has it, or its VLAN’s; where it is not known; and for other drivers', () => {
    for (const parent of ['eno1', 'eth0.10', '']) assert.equal(of(parent), undefined, parent);
    assert.equal(of('eth9', 'bridge'), undefined);
    assert.equal(of('eth9', 'ipvlan', [...hosts, { name: 'h3', links: undefined }]), undefined, 'an agent of an older release');
    assert.equal(of('eth9', 'ipvlan', []), undefined);
  });

  it('names a few of many', () => {
    const many = Array.from({ length: 9 }, (_, i) => ({ name: `h${i}`, links: Array.from({ length: 9 }, (_link, j) => `eth${j}`) }));
    assert.match(of('wlan7', 'ipvlan', many) ?? '', /h4 has eth0, eth1, eth2, eth3, eth4; …\)$/);
  });
});
