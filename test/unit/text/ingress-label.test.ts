import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatIngress, ingressOf, parseIngress } from '../../../src/text/ingress-label.ts';

describe('the label arpanet.ingress', () => {
  it('has ports of hosts and containers, TCP unless it says UDP', () => {
    const ports = parseIngress('8080:80, 5300:53/udp');
    assert.deepEqual(ports, [
      { port: 8080, target: 80, protocol: 'tcp' },
      { port: 5300, target: 53, protocol: 'udp' },
    ]);
    assert.equal(formatIngress(ports ?? []), '8080:80/tcp,5300:53/udp');
  });

  it('has no address, no range, no number twice', () => {
    for (const text of ['80', '127.0.0.1:80:80', '8000-8010:80', '0:80', '70000:80', '80:80/sctp', '80:80,80:81', ''])
      assert.equal(parseIngress(text), undefined, text);
    assert.equal(parseIngress('53:53,53:53/udp')?.length, 2);
    assert.deepEqual(ingressOf('web'), []);
  });
});
