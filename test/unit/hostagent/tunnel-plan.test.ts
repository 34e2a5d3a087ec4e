import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  innerAddress,
  KEY_MS,
  type ObservedTunnel,
  outerAddress,
  readDump,
  slotToDrop,
  slotToMake,
  tunnelChange,
  tunnelLink,
  withinTunnel,
} from '../../../src/hostagent/overlay/tunnel-plan.ts';
import { type Observed, stepsFor } from '../../../src/hostagent/overlay/plan.ts';
import type { NetworkPlan, TunnelEnd } from '../../../src/model/facts.ts';

const end = (slot: 'a' | 'b', key: string, madeAtMs = 0): TunnelEnd => ({ slot, key, port: slot === 'a' ? 7376 : 7377, madeAtMs });
const own = { address: '10.0.0.1', ends: [end('a', 'mine')] };
const none: ObservedTunnel = { links: { a: new Map() }, routes: new Map() };
const [here, there] = ['fd61:7270:616e::a00:1', 'fd61:7270:616e::a00:2'];

describe('addresses inside the tunnel', () => {
  it('are made of those outside, and back', () => {
    assert.equal(innerAddress('10.0.0.2'), there);
    for (const address of ['10.0.0.2', '192.168.255.0', '0.0.0.1', '255.255.255.255'])
      assert.equal(outerAddress(innerAddress(address)), address);
    assert.equal(outerAddress('10.0.0.2'), '10.0.0.2');
    assert.equal(outerAddress('fd00::1'), 'fd00::1');
    assert.equal(tunnelLink('10.0.0.1', 'b'), 'arw0a000001b');
  });
});

describe('an encrypted network', () => {
  const plan: NetworkPlan = {
    network: 'n1',
    name: 'abc_default',
    cidr: '10.32.0.0/22',
    vni: 42,
    gateway: '10.32.0.2',
    reserved: {},
    internal: false,
    labels: {},
    options: { encrypted: '' },
    peers: ['10.0.0.2', '10.0.0.3'],
    mtu: 1500,
    encryption: { '10.0.0.2': [end('a', 'theirs')] },
  };
  const underlay = { address: '10.0.0.1', link: 'eth0', mtu: 1500 };
  const nothing: Observed = { networks: [], vxlans: [] };

  it('has its VXLAN inside the tunnel, with room for both headers, and no peer that has no key', () => {
    const [inside, base] = withinTunnel(plan, underlay);
    const steps = stepsFor(inside, nothing, base, () => 0);
    assert.deepEqual(
      steps.filter(({ do: kind }) => kind !== 'create-network'),
      [
        { do: 'add-vxlan', device: 'arv00002a', vni: 42, underlay: { address: here, link: '', mtu: 1440, isTunnel: true } },
        { do: 'attach-vxlan', device: 'arv00002a', bridge: 'arp00002a', mtu: 1370 },
        { do: 'add-peer', device: 'arv00002a', peer: there },
      ],
    );
    assert.deepEqual(
      steps.flatMap((step) => (step.do === 'create-network' ? [step.mtu] : [])),
      [1370],
    );
  });

  it('has none of its plain device left: one that was made in the open is made again', () => {
    const [inside, base] = withinTunnel(plan, underlay);
    const plain = { device: 'arv00002a', vni: 42, local: '10.0.0.1', master: 'arp00002a', mtu: 1450, isUp: true, peers: ['10.0.0.2'] };
    const does = stepsFor(inside, { networks: [], vxlans: [plain] }, base, () => 0).map((step) => step.do);
    assert.deepEqual(does, ['create-network', 'remove-vxlan', 'add-vxlan', 'attach-vxlan', 'add-peer']);
  });

  it('is a plain one without the word', () => {
    const { encryption: _, ...open } = plan;
    assert.deepEqual(withinTunnel(open, underlay), [open, underlay]);
  });
});

describe('the tunnel', () => {
  const peers = new Map([['10.0.0.2', [end('a', 'theirs')]]]);
  const known = { endpoint: '10.0.0.2:7376', allowed: `${there}/128`, hasHandshake: true };

  it('has a peer and a route for each host that has a key, and none besides', () => {
    assert.deepEqual(tunnelChange(own, peers, none), {
      sets: [['arw0a000001a', 'peer', 'theirs', 'endpoint', '10.0.0.2:7376', 'persistent-keepalive', '20', 'allowed-ips', `${there}/128`]],
      lines: [`route replace ${there}/128 dev arw0a000001a src ${here}`],
    });
    const done: ObservedTunnel = { links: { a: new Map([['theirs', known]]) }, routes: new Map([[there, 'arw0a000001a']]) };
    assert.deepEqual(tunnelChange(own, peers, done), { sets: [], lines: [] });
    assert.deepEqual(tunnelChange(own, new Map(), done), {
      sets: [['arw0a000001a', 'peer', 'theirs', 'remove']],
      lines: [`route del ${there}/128 dev arw0a000001a`],
    });
    const other = { links: { a: new Map([['old', known]]) }, routes: new Map([[there, 'arw0a000001a']]) };
    assert.deepEqual(
      tunnelChange(own, peers, other).sets.map((args) => args.slice(1, 4)),
      [
        ['peer', 'old', 'remove'],
        ['peer', 'theirs', 'endpoint'],
      ],
      'its key is another now',
    );
  });

  it('changes its keys by a second interface: traffic moves after a handshake there, and the first goes later, when nothing uses it', () => {
    const dayOld = KEY_MS + 1;
    assert.equal(slotToMake(own.ends, peers, KEY_MS - 1), undefined);
    assert.equal(slotToMake(own.ends, peers, dayOld), 'b');
    const mine = { ...own, ends: [end('a', 'mine'), end('b', 'mine2', dayOld)] };
    const still = { links: { a: new Map([['theirs', known]]), b: new Map() }, routes: new Map([[there, 'arw0a000001a']]) };
    assert.deepEqual(tunnelChange(mine, peers, still), { sets: [], lines: [] }, 'the other host has not begun');
    assert.equal(slotToDrop(mine, peers, still, dayOld + 2 * 3_600_000), undefined);

    const both = new Map([['10.0.0.2', [end('a', 'theirs'), end('b', 'theirs2', dayOld + 5)]]]);
    assert.equal(slotToMake([end('a', 'theirs')], new Map([['10.0.0.1', mine.ends]]), dayOld), 'b', 'the other host follows');
    const before = tunnelChange(mine, both, still);
    assert.deepEqual([before.sets.map(([link]) => link), before.lines], [['arw0a000001b'], []], 'no handshake yet');
    const shaken = {
      links: { ...still.links, b: new Map([['theirs2', { ...known, endpoint: '10.0.0.2:7377' }]]) },
      routes: still.routes,
    };
    assert.deepEqual(tunnelChange(mine, both, shaken), { sets: [], lines: [`route replace ${there}/128 dev arw0a000001b src ${here}`] });
    const moved = { ...shaken, routes: new Map([[there, 'arw0a000001b']]) };
    assert.equal(slotToDrop(mine, both, moved, dayOld + 60_000), undefined, 'the other may still send there');
    assert.equal(slotToDrop(mine, both, moved, dayOld + 3_600_000), 'a');
    assert.equal(
      slotToMake([end('b', 'mine2', dayOld)], both, dayOld + 3_600_001),
      undefined,
      'what the other still has of before is not made again',
    );
  });

  it('is made by the younger of two hosts that have no slot in common', () => {
    const [old, young] = [[end('b', 'old', 5)], [end('a', 'young', 9)]];
    assert.equal(slotToMake(young, new Map([['10.0.0.2', old]]), 10), 'b');
    assert.equal(slotToMake(old, new Map([['10.0.0.1', young]]), 10), undefined);
  });

  it('is read from what wg prints', () => {
    const text = `priv\tpub\t7376\toff\ntheirs\t(none)\t10.0.0.2:7376\t${there}/128\t1795995702\t380\t436\toff\nnew\t(none)\t(none)\t(none)\t0\t0\t0\toff\n`;
    assert.deepEqual(
      readDump(text),
      new Map([
        ['theirs', known],
        ['new', { endpoint: '(none)', allowed: '(none)', hasHandshake: false }],
      ]),
    );
  });
});
