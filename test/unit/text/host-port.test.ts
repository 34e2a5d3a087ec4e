import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterScheme, formatHostPort, parseHostPort } from '../../../src/text/host-port.ts';

describe('HOST:PORT', () => {
  it('is read with names, IPv4, and IPv6 in brackets', () => {
    assert.deepEqual(parseHostPort('10.0.0.2:5353'), { host: '10.0.0.2', port: 5353 });
    assert.deepEqual(parseHostPort('[2001:db8::2]:5353'), { host: '2001:db8::2', port: 5353 });
    assert.deepEqual(parseHostPort('[fe80::1%eth0]:1'), { host: 'fe80::1%eth0', port: 1 });
    assert.deepEqual(parseHostPort('consul.local:8600'), { host: 'consul.local', port: 8600 });
  });

  it('may lack its port where there is a default; an IPv6 address then needs no brackets', () => {
    assert.deepEqual(parseHostPort('10.0.0.2', 53), { host: '10.0.0.2', port: 53 });
    assert.deepEqual(parseHostPort('2001:db8::2', 53), { host: '2001:db8::2', port: 53 });
    assert.deepEqual(parseHostPort('::ffff:10.0.0.1', 53), { host: '::ffff:10.0.0.1', port: 53 });
    assert.deepEqual(parseHostPort('[::1]', 53), { host: '::1', port: 53 });
    assert.deepEqual(parseHostPort('consul.local', 8600), { host: 'consul.local', port: 8600 });
    assert.equal(parseHostPort('consul.local'), undefined);
  });

  it('is nothing else', () => {
    for (const text of ['', ':80', 'a:', 'a:x', 'a:65536', 'a:123456', '::1:80', '[::1:80', 'a b:80', 'http://a:80', 'a:80/'])
      assert.equal(parseHostPort(text), undefined, text);
  });

  it('is written so that it is read as the same', () => {
    for (const text of ['10.0.0.2:5353', '[2001:db8::2]:5353', 'a:0']) {
      const read = parseHostPort(text);
      assert.equal(read && formatHostPort(read), text);
    }
  });

  it('follows a scheme', () => {
    assert.equal(afterScheme('tcp://a:1/', 'tcp', 'http'), 'a:1');
    assert.equal(afterScheme('http://a:1', 'tcp', 'http'), 'a:1');
    assert.equal(afterScheme('unix:///var/run/docker.sock', 'unix'), '/var/run/docker.sock');
    assert.equal(afterScheme('a:1', 'tcp'), undefined);
  });
});
