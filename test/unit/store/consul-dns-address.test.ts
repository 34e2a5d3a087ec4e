import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dnsAddressIn } from '../../../src/store/consul/dns-address.ts';

describe('the DNS server of a Consul agent', () => {
  const of = (...DNSAddrs: readonly unknown[]) => dnsAddressIn({ DebugConfig: { DNSAddrs } }, '10.0.0.5');
  it('is where it says that it listens', () =>
    assert.deepEqual(of('tcp://10.0.0.6:8600', 'udp://10.0.0.6:8600'), { host: '10.0.0.6', port: 8600 }));
  it('is on its own machine where it listens on every address, or on the loopback', () => {
    for (const host of ['0.0.0.0', '127.0.0.1', '[::]', '[::1]'])
      assert.deepEqual(of(`udp://${host}:53`), { host: '10.0.0.5', port: 53 }, host);
  });
  it('is nowhere where it has none', () => {
    for (const self of [undefined, null, {}, { DebugConfig: {} }, { DebugConfig: { DNSAddrs: [7, 'x'] } }])
      assert.equal(dnsAddressIn(self, '10.0.0.5'), undefined);
  });
});
