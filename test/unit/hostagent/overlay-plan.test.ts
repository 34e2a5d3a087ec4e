import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  bridgeOf,
  createBody,
  isOwnDoing,
  leftovers,
  type Observed,
  type ObservedNetwork,
  type ObservedVxlan,
  stepsFor,
  vxlanOf,
  wideBridge,
} from '../../../src/hostagent/overlay/plan.ts';
import { tooWide } from '../../../src/hostagent/overlay/narrow.ts';
import type { NetworkPlan } from '../../../src/model/facts.ts';

const underlay = { address: '10.0.0.1', link: 'eth0', mtu: 1500 };
const plan: NetworkPlan = {
  network: 'n1',
  name: 'abc_default',
  cidr: '10.32.0.0/22',
  vni: 42,
  gateway: '10.32.0.2',
  reserved: { h2: '10.32.0.3' },
  internal: false,
  labels: { 'com.docker.compose.project': 'abc' },
  options: {},
  peers: ['10.0.0.2', '10.0.0.3'],
};
const network: ObservedNetwork = {
  engineId: 'e1',
  name: 'abc_default',
  network: 'n1',
  cidr: '10.32.0.0/22',
  gateway: '10.32.0.2',
  bridge: 'arp00002a',
};
const vxlan: ObservedVxlan = {
  device: 'arv00002a',
  vni: 42,
  local: '10.0.0.1',
  master: 'arp00002a',
  mtu: 1450,
  isUp: true,
  peers: ['10.0.0.2', '10.0.0.3'],
};
const nobody = () => 0;
const does = (observed: Observed, more: Partial<NetworkPlan> = {}, users: (one: ObservedNetwork) => number = nobody) =>
  stepsFor({ ...plan, ...more }, observed, underlay, users).map((step) => step.do);

describe('a network that was made for larger packets than pass now', () => {
  const one = () => 1;
  it('has its running containers send less, until it is made again', () => {
    const wide = { ...network, mtu: 1450 };
    const observed = { networks: [wide], vxlans: [vxlan] };
    assert.deepEqual(wideBridge({ ...plan, mtu: 1400 }, observed, underlay, one), { network: wide, mtu: 1350 });
    assert.equal(wideBridge({ ...plan, mtu: 1400 }, observed, underlay, nobody), undefined, 'nobody runs there: it is made again');
    assert.equal(wideBridge({ ...plan, mtu: 1500 }, observed, underlay, one), undefined);
    assert.equal(wideBridge({ ...plan, mtu: 1400, driver: 'macvlan' }, observed, underlay, one), undefined, 'on the wire the wire counts');
    assert.equal(wideBridge({ ...plan, mtu: 1400 }, observed, undefined, one), undefined, 'without an overlay nothing is lost');
  });
  it('only their links on this bridge, and only those that send more', () => {
    const links = [
      { ifname: 'lo', mtu: 65_536 },
      { ifname: 'eth0', link_index: 7, mtu: 1450 },
      { ifname: 'eth1', link_index: 8, mtu: 1300 },
      { ifname: 'eth2', link_index: 9, mtu: 1500 },
    ];
    assert.deepEqual(tooWide(links, new Set([7, 8]), 1350), ['eth0']);
  });
});

describe('steps for a planned network', () => {
  it('names devices within the 15 characters that Linux allows, one pair for each VXLAN id', () => {
    assert.equal(bridgeOf(0xff_ff_ff), 'arpffffff');
    assert.equal(vxlanOf(1), 'arv000001');
  });

  it('builds all of it where there is nothing', () => {
    assert.deepEqual(does({ networks: [], vxlans: [] }), ['create-network', 'add-vxlan', 'attach-vxlan', 'add-peer', 'add-peer']);
  });

  it('gives the bridge its address back', () => {
    const bare = { ...network, isAddressed: false };
    assert.deepEqual(stepsFor(plan, { networks: [bare], vxlans: [vxlan] }, underlay, nobody), [
      { do: 'address-bridge', bridge: 'arp00002a', addresses: ['10.32.0.2/22'], withRoute: true },
    ]);
    const ipv6 = { cidr: 'fd00:1::/64', gateway: 'fd00:1::1', isEnabled: true };
    assert.deepEqual(stepsFor({ ...plan, ipv6 }, { networks: [{ ...bare, gateway6: 'fd00:1::1' }], vxlans: [vxlan] }, underlay, nobody), [
      { do: 'address-bridge', bridge: 'arp00002a', addresses: ['10.32.0.2/22', 'fd00:1::1/64'], withRoute: true },
    ]);
    assert.deepEqual(does({ networks: [{ ...network, isAddressed: true, callsFrom: '10.32.0.2' }], vxlans: [vxlan] }), []);
  });

  it('makes a bridge again that was deleted, for whoever is on it', () => {
    const gone = { ...network, isAddressed: false, hasBridge: false };
    const does2 = does({ networks: [gone], vxlans: [{ ...vxlan, master: '' }] }, {}, () => 2);
    assert.deepEqual(does2, ['make-bridge', 'address-bridge', 'attach-vxlan']);
  });

  it('gives the host its route back, from the gateway or from its own address', () => {
    const lost = { ...network, isAddressed: true, hasBridge: true };
    assert.deepEqual(stepsFor(plan, { networks: [lost], vxlans: [vxlan] }, underlay, nobody), [
      { do: 'route-bridge', bridge: 'arp00002a', cidr: '10.32.0.0/22', from: '10.32.0.2' },
    ]);
    const own = '10.32.3.250';
    assert.deepEqual(does({ networks: [{ ...lost, owns: [own] }], vxlans: [vxlan] }, { own }), ['call-from']);
  });

  it('does nothing where all is right', () => {
    assert.deepEqual(does({ networks: [network], vxlans: [vxlan] }), []);
  });

  it('makes only the Docker network without an overlay', () => {
    assert.deepEqual(
      stepsFor(plan, { networks: [], vxlans: [] }, undefined, nobody).map((step) => step.do),
      ['create-network'],
    );
  });

  it('attaches the device again after the Engine recreated its bridge', () => {
    assert.deepEqual(does({ networks: [network], vxlans: [{ ...vxlan, master: '' }] }), ['attach-vxlan']);
    assert.deepEqual(does({ networks: [], vxlans: [vxlan] }), ['create-network', 'attach-vxlan']);
  });

  it('sets what drifted: a wrong MTU, a device that is down', () => {
    assert.deepEqual(does({ networks: [network], vxlans: [{ ...vxlan, mtu: 1500 }] }), ['attach-vxlan']);
    assert.deepEqual(does({ networks: [network], vxlans: [{ ...vxlan, isUp: false }] }), ['attach-vxlan']);
  });

  it('makes a network again whose MTU is more than fits through the overlay of every host, once nobody runs on it', () => {
    const wide = { ...network, mtu: 1450 };
    assert.deepEqual(does({ networks: [wide], vxlans: [vxlan] }, { mtu: 1500 }), []);
    assert.deepEqual(does({ networks: [wide], vxlans: [vxlan] }, { mtu: 1400 }).slice(0, 2), ['remove-network', 'create-network']);
    assert.deepEqual(
      does({ networks: [wide], vxlans: [vxlan] }, { mtu: 1400 }, () => 1),
      [],
    );
    const [create] = stepsFor({ ...plan, mtu: 1400 }, { networks: [], vxlans: [] }, underlay, nobody);
    assert.ok(create?.do === 'create-network' && create.mtu === 1350);
    assert.deepEqual(does({ networks: [{ ...network, mtu: 1350 }], vxlans: [vxlan] }, { mtu: 9000 }), [], 'less is no harm');
  });

  it('recreates the device when the host has another address', () => {
    const steps = does({ networks: [network], vxlans: [{ ...vxlan, local: '10.0.0.9' }] });
    assert.deepEqual(steps, ['remove-vxlan', 'add-vxlan', 'attach-vxlan', 'add-peer', 'add-peer']);
  });

  it('floods to exactly the planned peers, never to itself', () => {
    const steps = stepsFor(
      { ...plan, peers: ['10.0.0.1', '10.0.0.3', '10.0.0.4'] },
      { networks: [network], vxlans: [vxlan] },
      underlay,
      nobody,
    );
    assert.deepEqual(steps, [
      { do: 'add-peer', device: 'arv00002a', peer: '10.0.0.4' },
      { do: 'remove-peer', device: 'arv00002a', peer: '10.0.0.2' },
    ]);
  });

  it('recreates a network with a wrong gateway if it has no containers, and leaves it otherwise', () => {
    const wrong = { ...network, gateway: '10.32.0.1' };
    assert.deepEqual(does({ networks: [wrong], vxlans: [vxlan] }).slice(0, 2), ['remove-network', 'create-network']);
    assert.deepEqual(
      does({ networks: [wrong], vxlans: [vxlan] }, {}, () => 1),
      [],
    );
  });

  it('removes a second network with the same label, but not one with containers', () => {
    const twin = { ...network, engineId: 'e2', gateway: '10.32.0.9' };
    assert.deepEqual(does({ networks: [twin, network], vxlans: [vxlan] }), ['remove-network']);
    assert.deepEqual(
      does({ networks: [twin, network], vxlans: [vxlan] }, {}, (one) => (one.engineId === 'e2' ? 1 : 0)),
      [],
    );
  });
});

describe('a gateway that all hosts have', () => {
  const shared = { gateway: '10.32.0.1', isGatewayShared: true as const, own: '10.32.3.254' };
  const there = { ...network, gateway: '10.32.0.1', owns: ['10.32.3.254'], callsFrom: '10.32.3.254' };
  const kept = [{ device: 'arv00002a', source: '10.32.0.1' }];

  it('is kept off the overlay before it is there, and the host calls from an address of its own', () => {
    assert.deepEqual(does({ networks: [], vxlans: [] }, shared), [
      'create-network',
      'call-from',
      'keep-local',
      'add-vxlan',
      'attach-vxlan',
      'add-peer',
      'add-peer',
    ]);
    assert.deepEqual(does({ networks: [there], vxlans: [vxlan], kept }, shared), []);
    const ipv6 = { cidr: 'fd00::/64', gateway: 'fd00::1', isEnabled: true };
    assert.deepEqual(
      stepsFor({ ...plan, ...shared, ipv6 }, { networks: [there], vxlans: [vxlan], kept }, underlay, nobody),
      [{ do: 'keep-local', device: 'arv00002a', source: 'fd00::1' }],
      'of both families',
    );
  });

  it('is kept off the overlay in a small subnet, too, where hosts have no address of their own', () => {
    const { own: _, ...small } = shared;
    assert.deepEqual(does({ networks: [{ ...there, owns: [], callsFrom: '10.32.0.1' }], vxlans: [vxlan] }, small), ['keep-local']);
  });

  it('stays, with the containers on it, when the host’s own address moves out of somebody’s way', () => {
    const steps = stepsFor({ ...plan, ...shared, own: '10.32.3.250' }, { networks: [there], vxlans: [vxlan], kept }, underlay, () => 3);
    assert.deepEqual(steps, [
      { do: 'call-from', bridge: 'arp00002a', cidr: '10.32.0.0/22', own: '10.32.3.250' },
      { do: 'drop-own', bridge: 'arp00002a', own: '10.32.3.254' },
    ]);
  });

  it('is called from its own address again after the kernel forgot it with the link', () => {
    assert.deepEqual(does({ networks: [{ ...there, callsFrom: '10.32.0.1' }], vxlans: [vxlan], kept }, shared), ['call-from']);
  });

  it('leaves no rule behind with its device', () => {
    assert.deepEqual(
      leftovers(new Set(), new Set(), { networks: [], vxlans: [vxlan], kept }, nobody).map((step) => step.do),
      ['remove-vxlan', 'release-local'],
    );
    assert.deepEqual(leftovers(new Set(['n1']), new Set([42]), { networks: [there], vxlans: [vxlan], kept }, nobody), []);
  });
});

describe('a network on the host’s own wire', () => {
  const wire = { driver: 'macvlan', options: { parent: 'eth0' }, gateway: '192.168.1.1', cidr: '192.168.1.0/24', peers: [] };
  it('is the Engine’s, with its parent, and has neither bridge nor VXLAN device', () => {
    assert.deepEqual(does({ networks: [], vxlans: [] }, wire), ['create-network']);
    const there = { ...network, bridge: '', gateway: '192.168.1.1', cidr: '192.168.1.0/24' };
    assert.deepEqual(does({ networks: [there], vxlans: [] }, wire), []);
    const { Driver, Options, IPAM } = createBody({ ...plan, ...wire }, 1450) as Record<string, unknown>;
    assert.deepEqual([Driver, Options], ['macvlan', { parent: 'eth0' }]);
    assert.deepEqual((IPAM as { Config: unknown[] }).Config[0], {
      Subnet: '192.168.1.0/24',
      Gateway: '192.168.1.1',
      IPRange: '192.168.1.1/32',
      AuxiliaryAddresses: { h2: '10.32.0.3' },
    });
  });
});

describe('a Docker network that came or went', () => {
  const present = [{ network: 'n1', engineId: 'e1', gateway: '10.32.0.2' }];
  const made = (engineId: string) => isOwnDoing({ engineId, isGone: false }, present, ['n1']);
  const gone = (engineId: string, planned: readonly string[] = ['n1']) => isOwnDoing({ engineId, isGone: true }, present, planned);

  it('needs no look where the overlay made or removed it itself', () => {
    assert.equal(made('e1'), true);
    assert.equal(gone('e0'), true);
  });

  it('needs one where somebody else did, or where it may have been in the way of a plan', () => {
    assert.equal(made('e2'), false);
    assert.equal(gone('e1'), false);
    assert.equal(gone('e0', ['n1', 'n2']), false);
  });
});

describe('what no plan names', () => {
  it('goes, VXLAN first, and what is planned or used stays', () => {
    const steps = leftovers(new Set(), new Set(), { networks: [network], vxlans: [vxlan] }, nobody);
    assert.deepEqual(
      steps.map((step) => step.do),
      ['remove-vxlan', 'remove-network'],
    );
    assert.deepEqual(leftovers(new Set(['n1']), new Set([42]), { networks: [network], vxlans: [vxlan] }, nobody), []);
    assert.deepEqual(
      leftovers(new Set(), new Set(), { networks: [network], vxlans: [vxlan] }, () => 2),
      [],
    );
  });

  it('never touches a VXLAN device of someone else', () => {
    assert.deepEqual(leftovers(new Set(), new Set(), { networks: [], vxlans: [{ ...vxlan, device: 'flannel.1' }] }, nobody), []);
  });
});

describe('the Engine network of a plan', () => {
  const body = (more: Partial<NetworkPlan>, mtu?: number) =>
    createBody({ ...plan, ...more }, mtu) as { Options: Record<string, string>; IPAM: { Config: unknown[] } };

  it('has our gateway, leaves the Engine no address to choose by itself, and carries our label', () => {
    assert.deepEqual(body({}).IPAM.Config, [
      { Subnet: '10.32.0.0/22', Gateway: '10.32.0.2', IPRange: '10.32.0.2/32', AuxiliaryAddresses: { h2: '10.32.0.3' } },
    ]);
    assert.deepEqual((body({}) as unknown as { Labels: unknown }).Labels, { 'com.docker.compose.project': 'abc', 'arpanet.network': 'n1' });
  });

  it('keeps the user’s options, but not his bridge name, nor an MTU that does not fit', () => {
    const options = {
      'com.docker.network.bridge.enable_icc': 'true',
      'com.docker.network.bridge.name': 'mine',
      'com.docker.network.driver.mtu': '9000',
    };
    assert.deepEqual(body({ options }, 1450).Options, {
      'com.docker.network.bridge.enable_icc': 'true',
      'com.docker.network.bridge.name': 'arp00002a',
      'com.docker.network.driver.mtu': '1450',
    });
    assert.equal(body({ options: { 'com.docker.network.driver.mtu': '1300' } }, 1450).Options['com.docker.network.driver.mtu'], '1300');
  });

  it('leaves the MTU to the Engine without an overlay', () => {
    assert.equal('com.docker.network.driver.mtu' in body({}).Options, false);
  });
});
