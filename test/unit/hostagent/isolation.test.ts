import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  closedRules,
  hostsOf,
  JUMPS,
  ownLines,
  ownPortsOf,
  restoreText,
  schedulersOf,
  WIRE_JUMPS,
} from '../../../src/hostagent/isolation/closed-plan.ts';
import { chainsIn, chainsOf, changeText, guardedOf, isAdmin, isBoundOn, ownPart } from '../../../src/hostagent/isolation/guards-plan.ts';
import { neighbourRules } from '../../../src/hostagent/isolation/neighbours-plan.ts';
import type { ContainerInspect } from '../../../src/model/docker.ts';

describe('ports that containers do not reach', () => {
  const closed = {
    ownPorts: [7375],
    hosts: hostsOf(['10.0.0.7:2376', '10.0.0.8:7375', '192.168.0.8:7375', '[fd00::8]:7375', 'no-address:7375']),
    schedulers: [
      { host: '10.0.0.1', port: 2376 },
      { host: 'fd00::1', port: 2376 },
    ],
  };
  const tunnels = [4789, 7374, 7376, 7377].map((port) => `-p udp -m udp --dport ${port} -j DROP`);
  const local = [2375, 2376, 7375, 7378, 7379].map((port) => `-p tcp -m tcp --dport ${port} -m addrtype --dst-type LOCAL -j DROP`);
  const toHosts = [2375, 2376, 7375, 7378, 7379].map((port) => `-p tcp -m tcp --dport ${port} -j ARPANET-HOSTS`);
  const scheduler = '-d 10.0.0.1/32 -p tcp -m tcp --dport 2376 -j DROP';

  it('are Docker’s, the agents’ and the proxies’ at the addresses of hosts and nowhere else, the schedulers’, and VXLAN, in either family', () => {
    const rules = closedRules(4, closed);
    assert.deepEqual(rules.get('ARPANET-INSIDE'), [scheduler, ...local, ...toHosts, ...tunnels].toSorted());
    assert.deepEqual(rules.get('ARPANET-HOSTS'), [
      '-d 10.0.0.7/32 -p tcp -m multiport --dports 2375,2376,7378,7379 -j DROP',
      '-d 10.0.0.8/32 -p tcp -m multiport --dports 2375,2376,7378,7379,7375 -j DROP',
      '-d 192.168.0.8/32 -p tcp -m multiport --dports 2375,2376,7378,7379,7375 -j DROP',
    ]);
    const six = closedRules(6, closed);
    assert.equal(six.get('ARPANET-INSIDE')?.[0], '-d fd00::1/128 -p tcp -m tcp --dport 2376 -j DROP');
    assert.deepEqual(six.get('ARPANET-HOSTS'), ['-d fd00::8/128 -p tcp -m multiport --dports 2375,2376,7378,7379,7375 -j DROP']);
  });

  it('are closed at any address as long as no leader has named the hosts', () => {
    const rules = closedRules(4, { ...closed, hosts: undefined });
    const anywhere = [2375, 2376, 7375, 7378, 7379].map((port) => `-p tcp -m tcp --dport ${port} -j DROP`);
    assert.deepEqual(rules.get('ARPANET-INSIDE'), [scheduler, ...local, ...anywhere, ...tunnels].toSorted());
    assert.deepEqual(rules.get('ARPANET-HOSTS'), []);
  });

  it('are closed in the network of a container on a wire of its host, whose own ports are its own', () => {
    const rules = closedRules(4, closed, false);
    assert.deepEqual(rules.get('ARPANET-INSIDE'), [scheduler, ...toHosts, ...tunnels].toSorted());
    assert.match(restoreText(rules, WIRE_JUMPS, []), /^-I OUTPUT ! -o lo -j ARPANET-INSIDE$/m);
  });

  it('are closed on the networks of the cluster, and on the one that an Engine has by itself', () => {
    assert.deepEqual(JUMPS, [
      'INPUT -i arp+ -j ARPANET-INSIDE',
      'FORWARD -i arp+ ! -o arp+ -j ARPANET-INSIDE',
      'INPUT -i docker0 -j ARPANET-INSIDE',
      'FORWARD -i docker0 ! -o docker0 -j ARPANET-INSIDE',
    ]);
  });

  it('are known from the URLs of schedulers, at all ports that any of them has', () => {
    assert.deepEqual(schedulersOf(['https://10.0.0.1:2376', 'https://s2:4000/']), [
      { host: '10.0.0.1', port: 2375 },
      { host: '10.0.0.1', port: 2376 },
      { host: '10.0.0.1', port: 4000 },
      { host: 's2', port: 2375 },
      { host: 's2', port: 2376 },
      { host: 's2', port: 4000 },
    ]);
    assert.deepEqual(schedulersOf(['https://[fd00::1]', 'nonsense:::']), [
      { host: 'fd00::1', port: 2375 },
      { host: 'fd00::1', port: 2376 },
      { host: 'fd00::1', port: 443 },
    ]);
    assert.deepEqual(ownPortsOf(7375, { host: '127.0.0.1', port: 4243 }), [7375, 4243]);
    assert.deepEqual(ownPortsOf(7375, { socketPath: '/run/docker.sock' }), [7375]);
  });

  it('are put back without touching anybody else’s rules', () => {
    const others = '-A FORWARD -i arp+ -j DOCKER-USER';
    const [input = '', ...more] = JUMPS;
    const own = [`-A ${input}`, '-A ARPANET-HOSTS -j DROP', '-A ARPANET-INSIDE -j DROP'];
    assert.deepEqual(ownLines(['-N ARPANET-INSIDE', others, ...own, ''].join('\n')), own);
    const rules = new Map([
      ['ARPANET-INSIDE', ['-j DROP']],
      ['ARPANET-HOSTS', []],
    ]);
    assert.deepEqual(restoreText(rules, JUMPS, [`-A ${input}`]).split('\n'), [
      '*mangle',
      ':ARPANET-INSIDE - [0:0]',
      ':ARPANET-HOSTS - [0:0]',
      '-A ARPANET-INSIDE -j DROP',
      ...more.map((jump) => `-I ${jump}`),
      'COMMIT',
      '',
    ]);
  });
});

describe('what a container may send', () => {
  const inspectOf = (host: object = {}, networks: object = {}) =>
    ({
      Id: 'c1',
      State: { Running: true, Pid: 42 },
      Config: { Labels: { 'arpanet.record': '{}' } },
      HostConfig: { NetworkMode: 'net20', ...host },
      NetworkSettings: { Networks: { net20: { IPAddress: '10.32.20.10', MacAddress: '02:42:0A:20:14:0a' }, ...networks } },
    }) as unknown as ContainerInspect;

  it('has its own addresses, in all of its networks', () => {
    const other = { IPAddress: '10.32.30.7', GlobalIPv6Address: 'fd00::7', MacAddress: '02:42:0a:20:1e:07' };
    assert.deepEqual(guardedOf(inspectOf({}, { other })), {
      pid: 42,
      macs: ['02:42:0a:20:14:0a', '02:42:0a:20:1e:07'],
      addresses: ['10.32.20.10', '10.32.30.7', 'fd00::7'],
      isOurs: true,
    });
  });

  it('is bound on the networks of the cluster, and on the Engine’s own bridge where the cluster made the container', () => {
    const ours = guardedOf(inspectOf()) ?? assert.fail();
    assert.deepEqual(
      ['arp000014', 'docker0', 'br0'].map((bridge) => [isBoundOn(ours, bridge), isBoundOn({ ...ours, isOurs: false }, bridge)]),
      [
        [true, true],
        [true, false],
        [false, false],
      ],
    );
  });

  it('is not bound where a container was given the right to change its addresses', () => {
    for (const host of [{ Privileged: true }, { CapAdd: ['net_admin'] }, { CapAdd: ['CAP_NET_ADMIN'] }, { CapAdd: ['ALL'] }]) {
      assert.ok(isAdmin(inspectOf(host)), JSON.stringify(host));
      assert.equal(guardedOf(inspectOf(host)), undefined);
    }
    for (const host of [{ CapAdd: null }, { CapAdd: ['NET_RAW', 'SYS_PTRACE'] }, { Privileged: false }])
      assert.ok(!isAdmin(inspectOf(host)), JSON.stringify(host));
  });

  const port = { ifname: 'veth0a', mac: '02:42:0a:20:14:0a', addresses: ['10.32.20.10'] };

  it('is a chain of its link, found by the first digit of its name; what nothing allows is dropped', () => {
    const chains = chainsOf([port, { ...port, ifname: 'veth0b' }, { ...port, ifname: 'vethf1' }]);
    assert.deepEqual(chains.get('ARPANET-INSIDE'), ['-i veth0+ -j arpanet-veth0-all', '-i vethf+ -j arpanet-vethf-all']);
    assert.deepEqual(chains.get('arpanet-veth0-all'), ['-i veth0a -j arpanet-veth0a', '-i veth0b -j arpanet-veth0b']);
    assert.deepEqual(chains.get('arpanet-veth0a'), [
      '-s ! 02:42:0a:20:14:0a -j DROP',
      '-p IPv4 --ip-src 10.32.20.10 -j RETURN',
      '-p ARP --arp-ip-src 10.32.20.10 --arp-mac-src 02:42:0a:20:14:0a -j RETURN',
      '-p ARP --arp-ip-src 0.0.0.0 --arp-mac-src 02:42:0a:20:14:0a -j RETURN',
      '-j DROP',
    ]);
  });

  it('is IPv6 where it has such an address, by its link-local one too, and never as a router', () => {
    const rules = chainsOf([{ ...port, addresses: ['10.32.20.10', 'fd00::7'] }]).get('arpanet-veth0a') ?? [];
    assert.deepEqual(
      rules.filter((rule) => rule.includes('IPv6')).map((rule) => rule.replace('-p IPv6 ', '')),
      [
        '--ip6-proto ipv6-icmp --ip6-icmp-type router-advertisement -j DROP',
        '--ip6-proto ipv6-icmp --ip6-icmp-type redirect -j DROP',
        '--ip6-src fd00::7 -j RETURN',
        '--ip6-src fe80::0042:0aff:fe20:140a -j RETURN',
        '--ip6-src :: -j RETURN',
      ],
    );
  });

  it('says to its IPv6 neighbours that it has its own addresses, and no others', () => {
    assert.equal(neighbourRules([port]), undefined, 'without one all IPv6 is dropped');
    const text =
      neighbourRules([
        { ...port, addresses: ['10.32.20.10', 'fd00::7'] },
        { ...port, mac: '02:42:0a:20:14:0b' },
      ]) ?? '';
    assert.match(text, /set bound \{ type ether_addr; elements = \{ 02:42:0a:20:14:0a, 02:42:0a:20:14:0b \}; \}/);
    const own = ['0xfd000000000000000000000000000007', '0xfe8000000000000000420afffe20140a'].map((hex) => `${port.mac} . ${hex}`);
    assert.ok(text.includes(`elements = { ${own.join(', ')} }`), text);
    assert.match(text, /icmpv6 type nd-neighbor-advert ether saddr \. @th,64,128 != @own drop/);
  });

  it('changes by what has changed: the chains of others are not written again', () => {
    const [before, after] = [chainsOf([port, { ...port, ifname: 'veth1a' }]), chainsOf([port, { ...port, ifname: 'veth2a' }])];
    const text = changeText(before, after, true) ?? '';
    assert.doesNotMatch(text, /veth0a/);
    assert.deepEqual(
      text.split('\n').filter((line) => line.startsWith(':') || line.startsWith('-X')),
      [
        ':ARPANET-INSIDE RETURN',
        ':arpanet-veth2-all RETURN',
        ':arpanet-veth2a RETURN',
        ':arpanet-veth1-all RETURN',
        '-X arpanet-veth1-all',
        ':arpanet-veth1a RETURN',
        '-X arpanet-veth1a',
      ],
    );
    assert.equal(changeText(after, after, true), undefined);
    assert.match(
      changeText(new Map([['arpanet-veth9', undefined]]), after, false) ?? '',
      /-A PREROUTING -i veth\+ -j ARPANET-INSIDE\n:arpanet-veth9 RETURN\n-X arpanet-veth9/,
    );
  });

  it('is read back from the kernel without the rules of others', () => {
    const listed = `Bridge table: nat

Bridge chain: PREROUTING, entries: 2, policy: ACCEPT
-i eth9 -j DROP
-i veth+ -j ARPANET-INSIDE

Bridge chain: OUTPUT, entries: 0, policy: ACCEPT

Bridge chain: mine, entries: 0, policy: ACCEPT

Bridge chain: ARPANET-INSIDE, entries: 1, policy: RETURN
-i veth0+ -j arpanet-veth0-all
`;
    assert.deepEqual(chainsIn(listed), ['ARPANET-INSIDE']);
    assert.equal(
      ownPart(listed),
      '-i veth+ -j ARPANET-INSIDE\nBridge chain: ARPANET-INSIDE, entries: 1, policy: RETURN\n-i veth0+ -j arpanet-veth0-all',
    );
  });
});
