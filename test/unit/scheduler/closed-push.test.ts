import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { pino } from 'pino';
import { addressesOf } from '../../../src/hostagent/inventory/host-facts.ts';
import type { LeaderMessage } from '../../../src/model/index.ts';
import { createClosedPush, gatewaysOf } from '../../../src/scheduler/agents/closed-push.ts';

const host = (n: number, addresses?: readonly string[]) => ({
  name: `h${n}`,
  record: { address: `10.9.0.${n}`, gateway: `10.9.0.${n}:2376` },
  ...(addresses !== undefined && { facts: { addresses } }),
});

describe('where hosts are, as the leader tells it to their agents', () => {
  it('is each address that a host has, with the port of its agent', () => {
    assert.deepEqual(gatewaysOf(host(1)), ['10.9.0.1:2376']);
    assert.deepEqual(gatewaysOf(host(1, ['10.9.0.1', '203.0.113.7', 'fd00::1'])), ['10.9.0.1:2376', '203.0.113.7:2376', '[fd00::1]:2376']);
    assert.ok(
      gatewaysOf(
        host(
          1,
          Array.from({ length: 500 }, (_, i) => `10.8.${i >> 8}.${i & 255}`),
        ),
      ).length < 40,
      'not as many as it likes',
    );
  });

  it('is not what a host has for its containers, nor what no other machine reaches', () => {
    const one = (address: string, more: object = {}) => ({ address, internal: false, ...more });
    const links = {
      lo: [one('127.0.0.1', { internal: true })],
      eth0: [one('10.9.0.1'), one('fe80::1', { scopeid: 2 }), one('fd00::1', { scopeid: 0 })],
      docker0: [one('172.17.0.1')],
      arp000014: [one('10.32.20.1')],
      'br-0123456789ab': [one('172.18.0.1')],
      br0: [one('192.168.0.1')],
    };
    assert.deepEqual(addressesOf(links as unknown as Parameters<typeof addressesOf>[0]), ['10.9.0.1', '192.168.0.1', 'fd00::1']);
  });

  it('is whole for one that comes, and for the others what has changed, once in a while', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    const sent: [string, LeaderMessage][] = [];
    const hosts = new Map([1, 2].map((n) => [`h${n}`, host(n)]));
    const hub = { hosts: () => ['h1', 'h2'], send: async (to: string, message: LeaderMessage) => sent.push([to, message]) > 0 };
    const deps = { hub, hosts: () => [...hosts.values()], one: (name: string) => hosts.get(name), log: pino({ level: 'silent' }) };
    const lost = new AbortController();
    const push = createClosedPush(deps, lost.signal);
    const passes = () => {
      mock.timers.tick(2_000);
      return sent.splice(0);
    };
    push.again('h1');
    assert.deepEqual(passes(), [['h1', { type: 'closed', isWhole: true, hosts: ['10.9.0.1:2376', '10.9.0.2:2376'] }]], 'nothing is new');
    hosts.set('h2', { ...host(2, ['203.0.113.2']), record: { address: '10.9.0.4', gateway: '10.9.0.4:2376' } });
    hosts.set('h3', host(3));
    push.again('h2');
    push.again('h3');
    push.left('h1');
    sent.length = 0;
    const message = {
      type: 'closed',
      hosts: ['10.9.0.4:2376', '203.0.113.2:2376', '10.9.0.3:2376'],
      gone: ['10.9.0.2:2376', '10.9.0.1:2376'],
    };
    assert.deepEqual(passes(), [
      ['h1', message],
      ['h2', message],
    ]);
    push.again('h2');
    assert.equal(passes().length, 1, 'the same again is nothing to the others');
    push.left('h2');
    lost.abort();
    assert.deepEqual(passes(), []);
    mock.timers.reset();
  });
});
