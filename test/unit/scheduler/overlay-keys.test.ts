import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HostRecord, keys, type LeaderMessage } from '../../../src/model/index.ts';
import type { Core } from '../../../src/scheduler/core.ts';
import { createOverlays } from '../../../src/scheduler/networks/overlays.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

const tunnel = (key: string) => ({ kind: 'wireguard' as const, ends: [{ slot: 'a' as const, key, port: 7376, madeAtMs: 1 }] });
const network = { id: 'n1', name: 'n', cidr: '10.32.0.0/22', vni: 7, internal: false, labels: {}, options: {}, isEncrypted: true };

function world() {
  const ledger = new LiteralLedger();
  const put = (name: string, key: string): void => {
    const record = { name, address: `10.9.0.${name.slice(1)}`, mtu: 1500, tunnel: tunnel(key) } as Partial<HostRecord>;
    ledger.apply([{ kind: 'put', key: keys.host(name), value: record }]);
  };
  for (const name of ['h1', 'h2', 'h3']) put(name, `${name}-first`);
  ledger.apply([{ kind: 'put', key: keys.network('n1'), value: network }]);
  const gateways = { h1: '10.32.0.2', h2: '10.32.0.3' };
  for (const [owner, ip] of Object.entries(gateways))
    ledger.apply([{ kind: 'put', key: keys.lease('n1', ip), value: { kind: 'gateway', network: 'n1', owner, ip } }]);
  const sent: string[] = [];
  const leases = { gatewaysOf: () => gateways, reservedFor: () => ({}) };
  const hub = {
    connected: () => true,
    hosts: () => ['h1', 'h2', 'h3'],
    send(host: string, message: LeaderMessage) {
      const plans = message.type === 'plans' ? message.plans : [];
      const ends = plans.flatMap(({ encryption = {} }) => Object.values(encryption).flat());
      sent.push([host, ...ends.map(({ key }) => key)].join(' '));
      return Promise.resolve(true);
    },
  };
  const lead = () => createOverlays({ deps: { ledger, dhcp: { leases }, log: quietLog }, hub } as unknown as Core);
  return { put, lead, sent };
}

describe('keys of encrypted networks', () => {
  it('a host that comes back with other keys after a change of leader: its peers get them, and nobody else', () => {
    const { put, lead, sent } = world();
    const overlays = lead();
    overlays.welcome('h3'); // the first that joins tells all hosts the MTU
    sent.length = 0;
    put('h2', 'h2-second');
    overlays.welcome('h2');
    assert.deepEqual(sent.toSorted(), ['h1 h2-second', 'h2 h1-first']);
  });

  it('one with the keys that it had is sent its own plans, and no other host any', () => {
    const { lead, sent } = world();
    const overlays = lead();
    overlays.welcome('h3');
    sent.length = 0;
    overlays.welcome('h2');
    assert.deepEqual(sent, ['h2 h1-first']);
  });
});
