import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { portsOf } from '../../../src/compose/values.ts';

describe('ports of a compose file', () => {
  const isIngress = (port: unknown) => portsOf(port)[0]?.isIngress === true;

  it('are every host’s by mode: ingress of the long form alone, with a number', () => {
    assert.ok(isIngress({ target: 80, published: '8080', mode: 'ingress' }));
    assert.ok(isIngress({ target: 53, published: 53, protocol: 'udp', mode: 'ingress' }));
    for (const port of ['8080:80', { target: 80, published: '8080' }, { target: 80, published: '8080', mode: 'host' }])
      assert.ok(!isIngress(port), JSON.stringify(port));
  });

  it('stay where they are asked for, with an address, a range or no number', () => {
    const long = { target: 80, published: '8080', mode: 'ingress' };
    for (const more of [{ host_ip: '127.0.0.1' }, { published: '8080-8090' }, { published: undefined }, { protocol: 'sctp' }])
      assert.ok(!isIngress({ ...long, ...more }), JSON.stringify(more));
  });
});
