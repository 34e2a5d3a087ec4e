import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calledPort, MOST_PROXY_LINE, proxyLine } from '../../../src/text/proxy-line.ts';

describe('the line of the PROXY protocol', () => {
  const called = { remoteAddress: '192.0.2.1', remotePort: 56_324, localAddress: '10.9.0.1', localPort: 8_080 };

  it('has both ends, and is read again', () => {
    assert.equal(proxyLine(called), 'PROXY TCP4 192.0.2.1 10.9.0.1 56324 8080\r\n');
    const six = { ...called, remoteAddress: 'fd00::9', localAddress: 'fd00::1' };
    assert.equal(proxyLine(six), 'PROXY TCP6 fd00::9 fd00::1 56324 8080\r\n');
    const mapped = { ...called, remoteAddress: '::ffff:192.0.2.1', localAddress: '::ffff:10.9.0.1' };
    assert.equal(proxyLine(mapped), proxyLine(called));
    const linkLocal = { ...called, remoteAddress: 'fe80::9%eth0', localAddress: 'fe80::1%eth0' };
    assert.equal(proxyLine(linkLocal), 'PROXY TCP6 fe80::9 fe80::1 56324 8080\r\n');
    for (const one of [called, six, linkLocal]) assert.equal(calledPort(proxyLine(one)), 8_080);
    const longest = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
    assert.ok(
      proxyLine({ remoteAddress: longest, remotePort: 65_535, localAddress: longest, localPort: 65_535 }).length <= MOST_PROXY_LINE,
    );
  });

  it('says of a caller that has gone that it is not known, and is no other text', () => {
    assert.equal(proxyLine({ localAddress: '10.9.0.1', localPort: 8_080 }), 'PROXY UNKNOWN\r\n');
    for (const text of ['PROXY UNKNOWN\r\n', 'GET / HTTP/1.1\r\n', 'PROXY TCP4 192.0.2.1 10.9.0.1 56324 8080', 'PROXY TCP4 x y 1 2\r\n'])
      assert.equal(calledPort(text), undefined, text);
  });
});
