import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dnsOptions } from '../../../src/processes/agent.ts';

describe('an agent’s DNS', () => {
  it('forwards to the servers of --dns-upstream, and to those of the host without it', () => {
    assert.deepEqual(dnsOptions({ dnsUpstream: ['192.0.2.1:53'], consulDns: undefined }), { upstream: ['192.0.2.1:53'] });
    assert.deepEqual(dnsOptions({ dnsUpstream: [], consulDns: '192.0.2.2:8600' }), { consulDns: '192.0.2.2:8600' });
  });
});
