import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { engineDns } from '../../../src/hostagent/inventory/engine-dns.ts';

describe('the DNS settings that an Engine gives to containers', () => {
  const none = { args: [], config: undefined, resolvConf: '' };
  it('are those of dockerd’s flags, in both spellings', () => {
    const args = ['dockerd', '-H', 'fd://', '--dns', '10.0.0.53', '--dns=10.0.0.54', '--dns-search=corp.example', '--dns-opt', 'timeout:1'];
    const options = ['timeout:1'];
    assert.deepEqual(engineDns({ ...none, args }), { servers: ['10.0.0.53', '10.0.0.54'], search: ['corp.example'], options });
  });
  it('are those of daemon.json', () => {
    const config = { dns: ['10.0.0.53'], 'dns-search': ['corp.example', 'example'], 'dns-opts': ['ndots:2'] };
    assert.deepEqual(engineDns({ ...none, config }), {
      servers: ['10.0.0.53'],
      search: ['corp.example', 'example'],
      options: ['ndots:2'],
    });
    for (const odd of [null, 'x', [], { dns: 'x' }, { dns: [7] }]) assert.deepEqual(engineDns({ ...none, config: odd }).servers, []);
  });
  it('have the search domains and options of resolv.conf where nothing else is said: those of its last lines', () => {
    const resolvConf =
      '# by DHCP\nnameserver 10.0.0.1\nsearch old.example\nsearch corp.example  example\noptions rotate\noptions ndots:5 timeout:1\n';
    assert.deepEqual(engineDns({ ...none, resolvConf }), {
      servers: [],
      search: ['corp.example', 'example'],
      options: ['ndots:5', 'timeout:1'],
    });
    assert.deepEqual(engineDns({ ...none, resolvConf, args: ['--dns-opt=rotate'] }).options, ['rotate']);
    assert.deepEqual(engineDns({ ...none, resolvConf, args: ['--dns-search', 'own.example'] }).search, ['own.example']);
    assert.deepEqual(engineDns({ ...none, resolvConf: 'search .\n' }).search, []);
  });
});
