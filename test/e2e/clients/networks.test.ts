/** Networks of a cluster, used as those of one engine. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Cluster, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft } from '../../support/cluster/leftovers.ts';
import { repository } from '../../support/cluster/paths.ts';

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly Internal: boolean;
  readonly Attachable: boolean;
  readonly IPAM: { readonly Config: readonly Record<string, unknown>[] };
  readonly Containers: Readonly<Record<string, { readonly Name: string; readonly IPv4Address: string }>>;
  readonly Options: Readonly<Record<string, string>>;
  readonly Labels: Readonly<Record<string, string>>;
}

/** linux/capability.h. */
const CAP_SYS_ADMIN = 1n << 21n;

describe('networks over three hosts', () => {
  let cluster: Cluster;
  let scratch: string;
  before(async () => {
    const capped = join(repository, 'test', 'support', 'cluster', 'capped-runc');
    cluster = await startCluster({ store: 'embedded', engineArgs: ['--add-runtime', `capped=${capped}`] });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-networks-'));
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });
  afterEach(async () => {
    const left = (await must(docker('ps', '-aq'))).split('\n').filter(Boolean);
    if (left.length > 0) await must(docker('rm', '-fv', ...left));
    await must(docker('network', 'prune', '-f'));
    await assertNothingLeft(cluster, []);
  });
  const docker = (...args: string[]) => cluster.docker(...args);
  const on = (host: string) => ['--label', `arpanet.constraints=["node.hostname==${host}"]`];
  const sleeper = async (name: string, host: string, ...args: string[]) =>
    (await must(docker('run', '-d', '--name', name, ...on(host), ...args, 'busybox', 'sleep', '600'))).trim();
  const inspect = async (network: string) => (JSON.parse(await must(docker('network', 'inspect', network))) as Inspected[])[0] as Inspected;
  const endpoint = async (container: string, network: string) =>
    JSON.parse(await must(docker('inspect', '-f', `{{json (index .NetworkSettings.Networks "${network}")}}`, container))) as {
      IPAddress: string;
      NetworkID: string;
      Aliases: string[];
      IPAMConfig: { IPv4Address?: string } | null;
    };
  const ping = async (from: string, to: string, seconds: number) =>
    (await docker('exec', from, 'ping', '-c', '1', '-W', String(seconds), to)).code === 0;
  /** Names follow a start or restart within milliseconds, after its answer. */
  const reaches = (from: string, to: string) => until(`${from} reaches ${to}`, () => ping(from, to, 5));
  const reaches6 = (from: string, to: string) =>
    until(`${from} reaches ${to} by IPv6`, async () => (await docker('exec', from, 'ping', '-6', '-c', '1', '-W', '5', to)).code === 0);
  const isCutOff = async (from: string, to: string) => !(await ping(from, to, 1));

  const inHost = async (host: string, ...args: string[]) => {
    const { namespace = '' } = cluster.lab.hosts.find(({ name }) => name === host) ?? {};
    return must(runProgram('nsenter', [`--net=/run/netns/${namespace}`, ...args]));
  };

  it('addresses that people write down: free on every host, while one gateway answers on each for its own containers', async () => {
    await must(docker('network', 'create', '--subnet', '10.42.0.0/24', 'plan'));
    for (const [name, host] of [
      ['one', 'h1'],
      ['two', 'h2'],
      ['three', 'h3'],
    ] as const)
      await sleeper(name, host, '--network', 'plan');
    const given = await Promise.all(['one', 'two', 'three'].map(async (name) => (await endpoint(name, 'plan')).IPAddress));
    assert.deepEqual(given, ['10.42.0.2', '10.42.0.3', '10.42.0.4'], 'the lowest that are free');
    for (const [name, host] of [
      ['one', 'h1'],
      ['three', 'h3'],
    ] as const) {
      assert.match(await must(docker('exec', name, 'ip', 'route')), /^default via 10\.42\.0\.1 /);
      assert.ok(await reaches(name, '10.42.0.1'));
      const [, mac = ''] = /10\.42\.0\.1 .* ([0-9a-f:]{17})/.exec(await must(docker('exec', name, 'ip', 'neigh'))) ?? [];
      assert.match(
        await inHost(host, 'ip', 'link', 'show', 'type', 'bridge'),
        new RegExp(`link/ether ${mac} `),
        `${name}: its own host answers`,
      );
    }
    assert.match(await must(docker('inspect', '-f', '{{json .NetworkSettings.Networks.plan.Gateway}}', 'three')), /"10\.42\.0\.1"/);
    const fromHost = (host: string, ip: string) =>
      until(`${host} itself reaches ${ip}`, () => inHost(host, 'busybox', 'ping', '-c', '1', '-W', '5', ip));
    await fromHost('h1', '10.42.0.4');
    for (const [name, ip, host] of [
      ['far', '10.42.0.254', 'h1'],
      ['near', '10.42.0.253', 'h3'],
      ['low', '10.42.0.5', 'h2'],
    ] as const) {
      await sleeper(name, host, '--network', 'plan', '--ip', ip);
      assert.equal((await endpoint(name, 'plan')).IPAddress, ip);
      for (const from of ['one', 'three']) assert.ok(await reaches(from, ip), `${from} reaches ${name} at ${ip}`);
    }
    for (const [host, ip] of [
      ['h1', '10.42.0.253'],
      ['h2', '10.42.0.254'],
      ['h3', '10.42.0.3'],
    ] as const)
      await fromHost(host, ip);
    await must(docker('rm', '-f', 'low'));
    await sleeper('other', 'h2', '--network', 'plan');
    assert.equal((await endpoint('other', 'plan')).IPAddress, '10.42.0.6', 'what was asked for by name is left alone');
  });

  it('addresses that come back: given to who asks as soon as nobody runs with them, and a conflict is told at start', async () => {
    await must(docker('network', 'create', '--subnet', '10.43.0.0/24', 'fixed'));
    const at = ['--network', 'fixed', '--ip', '10.43.0.20'];
    for (const host of ['h1', 'h3']) {
      const seen = await must(docker('run', '--rm', ...on(host), ...at, 'busybox', 'ip', 'address', 'show', 'eth0'));
      assert.match(seen, /10\.43\.0\.20\//);
    }
    await sleeper('peer', 'h2', '--network', 'fixed');
    await sleeper('blue', 'h1', ...at, '--restart', 'always');
    assert.ok(await reaches('peer', '10.43.0.20'));
    await must(docker('create', '--name', 'green', ...on('h3'), ...at, '--stop-timeout', '0', 'busybox', 'sleep', '600'));
    const refused = {
      code: 1,
      stdout: '',
      stderr: 'Error response from daemon: Address already in use\nError: failed to start containers: green\n',
    };
    assert.deepEqual(await docker('start', 'green'), refused);
    await must(docker('stop', '-t', '0', 'blue'));
    await must(docker('start', 'green'));
    assert.equal((await endpoint('green', 'fixed')).IPAddress, '10.43.0.20');
    assert.ok(await reaches('peer', '10.43.0.20'));
    assert.deepEqual((await docker('start', 'blue')).stderr, refused.stderr.replace('green', 'blue'));
    assert.deepEqual((await endpoint('blue', 'fixed')).IPAMConfig, { IPv4Address: '10.43.0.20' }, 'as it was asked for');
    await must(docker('rm', '-f', 'green'));
    await must(docker('start', 'blue'));
    await must(docker('stop', '-t', '0', 'blue'));
    await must(docker('rename', 'blue', 'old'));
    await sleeper('blue', 'h3', ...at);
    assert.ok(await reaches('peer', 'blue'));
    await must(docker('network', 'connect', '--ip', '10.43.0.99', 'fixed', (await sleeper('lead', 'h1')).slice(0, 12)));
    const standby = await sleeper('standby', 'h3');
    assert.match((await docker('network', 'connect', '--ip', '10.43.0.99', 'fixed', standby)).stderr, /Address already in use$/m);
    await must(docker('network', 'disconnect', 'fixed', 'lead'));
    await must(docker('network', 'connect', '--ip', '10.43.0.99', 'fixed', standby));
    assert.ok(await reaches('peer', '10.43.0.99'));
  });

  it('a small subnet: containers that do not run give up their addresses, the oldest first, and get others when they start', async () => {
    await must(docker('network', 'create', '--subnet', '10.44.0.0/29', 'small'));
    for (let n = 1; n <= 4; n++)
      await must(docker('run', '--name', `done-${n}`, ...on(n % 2 ? 'h1' : 'h3'), '--network', 'small', 'busybox', 'true'));
    for (const turn of [1, 2]) {
      const names = [1, 2, 3].map((n) => `svc-${n}`);
      if (turn > 1) await must(docker('rm', '-f', ...names));
      await Promise.all(names.map((name, n) => sleeper(name, `h${(n % 3) + 1}`, '--network', 'small')));
    }
    await must(docker('start', '-a', 'done-1'));
    const ips = await Promise.all([1, 2, 3].map(async (n) => (await endpoint(`svc-${n}`, 'small')).IPAddress));
    assert.equal(new Set(ips).size, 3);
    assert.ok(await reaches('svc-1', 'svc-2'));
    assert.ok(await reaches('svc-3', 'svc-1'));
  });

  it('macvlan: on the hosts that have the parent interface, with addresses of the cluster’s', async () => {
    await must(
      docker('network', 'create', '-d', 'macvlan', '--subnet', '10.48.0.0/24', '--gateway', '10.48.0.1', '-o', 'parent=eth0', 'wire'),
    );
    await sleeper('pihole', 'h1', '--network', 'wire', '--ip', '10.48.0.53', '--dns', '9.9.9.9');
    await sleeper('home', 'h3', '--network', 'wire');
    assert.deepEqual(
      [(await endpoint('pihole', 'wire')).IPAddress, (await endpoint('home', 'wire')).IPAddress],
      ['10.48.0.53', '10.48.0.2'],
    );
    assert.equal((await inspect('wire')).Driver, 'macvlan');
    await until('one host’s container reaches the other’s on their wire', () => ping('home', '10.48.0.53', 5));
    for (const [driver, parent] of [
      ['macvlan', 'eth9'],
      ['ipvlan', 'eth9'],
      ['ipvlan', 'eth9.10'],
    ]) {
      const create = ['network', 'create', '-d', driver ?? '', '--subnet', '10.49.0.0/24', '-o', `parent=${parent}`, 'nowhere'];
      const [ours, theirs] = await Promise.all([docker(...create), cluster.engine('h3', ...create)]);
      assert.notEqual(ours.code, 0);
      assert.ok(ours.stderr.startsWith(theirs.stderr.trim()), `${ours.stderr} begins like ${theirs.stderr}`);
      assert.match(ours.stderr, /: no host has a network interface eth9 \(h1 has .*eth0/);
    }
  });

  it('IPv6: containers of all hosts have an address in the subnet asked for, reach each other by it, and --ip6 is kept', async () => {
    await must(docker('network', 'create', '--ipv6', '--subnet', '2001:db8:40::/64', 'six'));
    await sleeper('one', 'h1', '--network', 'six');
    await sleeper('three', 'h3', '--network', 'six', '--ip6', '2001:db8:40::77');
    const shown = JSON.parse(await must(docker('network', 'inspect', '-f', '{{json .Containers}}', 'six'))) as Record<
      string,
      { Name: string; IPv6Address: string }
    >;
    const of = new Map(Object.values(shown).map(({ Name, IPv6Address }) => [Name, IPv6Address]));
    assert.equal(of.get('three'), '2001:db8:40::77/64');
    assert.match(of.get('one') ?? '', /^2001:db8:40::.+\/64$/);
    assert.ok(await reaches6('three', of.get('one')?.split('/')[0] ?? ''));
    assert.ok(await reaches6('one', '2001:db8:40::77'));
    await until('its name leads to it', async () =>
      /2001:db8:40::77/.test((await docker('exec', 'one', 'nslookup', '-type=aaaa', 'three')).stdout),
    );
  });

  it('IPv6 without a subnet: a range of the cluster’s own; peers are found by name on every host, in a compose file, too', async () => {
    writeFileSync(
      join(scratch, 'six.yml'),
      `services:
${['one', 'three'].map((name, i) => `  ${name}: {image: busybox, command: sleep 600, stop_grace_period: 0s, hostname: host-${name}, networks: [own], labels: {arpanet.constraints: '["node.hostname==h${1 + 2 * i}"]'}}\n`).join('')}
networks:
  own: {enable_ipv6: true}
`,
    );
    const compose = (...args: string[]) => must(cluster.composeV2(scratch, '-f', 'six.yml', '-p', 'six', ...args));
    await compose('up', '-d');
    const shown = await inspect('six_own');
    assert.match(JSON.stringify(shown.IPAM.Config), /"Subnet":"fd[0-9a-f]{2}:[0-9a-f:]+::\/64"/);
    for (const [from, to] of [
      ['one', 'three'],
      ['three', 'one'],
    ] as const) {
      const { GlobalIPv6Address } = (await endpoint(`six-${to}-1`, 'six_own')) as unknown as { GlobalIPv6Address: string };
      for (const name of [to, `${to}.six_own`, `host-${to}`])
        await until(`${name} is found`, async () =>
          (await docker('exec', `six-${from}-1`, 'nslookup', '-type=aaaa', name)).stdout.includes(GlobalIPv6Address),
        );
      assert.ok(await reaches6(`six-${from}-1`, to));
    }
    await compose('down');
  });

  it('create takes subnet, range, gateway, auxiliary addresses, options, labels; inspect shows them; one id on every host', async () => {
    const words = '--subnet 10.40.1.0/24 --ip-range 10.40.1.128/25 --gateway 10.40.1.1 --aux-address printer=10.40.1.130 --attachable';
    const more = ['--label', 'color=blue', '-o', 'com.docker.network.driver.mtu=1300', '-d', 'bridge'];
    const id = (await must(docker('network', 'create', ...words.split(' '), ...more, 'full'))).trim();
    await sleeper('one', 'h1', '--network', 'full');
    await sleeper('three', 'h3', '--network', 'full');
    const shown = await inspect('full');
    assert.deepEqual(shown.IPAM.Config, [
      {
        Subnet: '10.40.1.0/24',
        IPRange: '10.40.1.128/25',
        Gateway: '10.40.1.1',
        AuxiliaryAddresses: { printer: '10.40.1.130' },
      },
    ]);
    assert.deepEqual([shown.Id, shown.Driver, shown.Attachable, shown.Internal], [id, 'bridge', true, false]);
    assert.deepEqual(shown.Options, { 'com.docker.network.driver.mtu': '1300' });
    assert.deepEqual(shown.Labels, { color: 'blue' });
    const members = Object.values(shown.Containers).map((member) => `${member.Name} ${member.IPv4Address}`);
    assert.deepEqual(members.sort(), ['one 10.40.1.128/24', 'three 10.40.1.129/24'], 'containers of all hosts, from the range');
    assert.deepEqual([(await endpoint('one', 'full')).NetworkID, (await endpoint('three', 'full')).NetworkID], [id, id]);
    assert.match(await must(docker('exec', 'one', 'ip', 'link', 'show', 'eth0')), /mtu 1300/);
    assert.ok(await reaches('one', 'three'));
    assert.match(
      (await docker('network', 'rm', 'full')).stderr,
      new RegExp(`network full id ${id} has active endpoints`),
      'refused while in use',
    );
    await must(docker('stop', '-t', '0', 'one', 'three'));
    await must(docker('start', 'one', 'three'));
    assert.ok(await reaches('three', 'one'));
  });

  it('rm of one that only stopped containers are on: they are off it, and start when it is there again', async () => {
    await must(docker('network', 'create', 'early'));
    await must(docker('network', 'create', 'other'));
    // On one host: what was made for a subnet that is gone asks its old gateway for names of other hosts (docs/clients.md).
    const here = ['--label', 'arpanet.constraints=["node.name==h2"]', '--network', 'early', 'busybox', 'sleep', '600'];
    await must(docker('run', '-d', '--name', 'sleeper', '--stop-timeout', '0', ...here));
    await must(docker('network', 'connect', 'other', 'sleeper'));
    await must(docker('create', '--name', 'idle', ...here));
    assert.match((await docker('network', 'rm', 'early')).stderr, /has active endpoints/);
    assert.match(await must(docker('network', 'prune', '-f')), /^\s*$/, 'a running container keeps its networks');
    await must(docker('stop', '-t', '0', 'sleeper'));
    await must(docker('network', 'rm', 'early'));
    assert.match(await must(docker('network', 'prune', '-f')), /^Deleted Networks:\nother\n/, 'prune neither asks who is stopped');
    assert.equal((await must(docker('inspect', '-f', '{{json .NetworkSettings.Networks}}', 'sleeper'))).trim(), '{}');
    assert.match((await docker('start', 'sleeper')).stderr, /network early not found/);
    assert.match((await docker('network', 'disconnect', 'early', 'sleeper')).stderr, /network early not found/);
    await must(docker('network', 'disconnect', '-f', 'early', 'sleeper'));
    await must(docker('network', 'create', '--subnet', '10.40.9.0/24', 'early'));
    await must(docker('start', 'sleeper', 'idle'));
    const ips = await Promise.all(['sleeper', 'idle'].map(async (name) => (await endpoint(name, 'early')).IPAddress));
    for (const ip of ips) assert.match(ip, /^10\.40\.9\.\d+$/);
    assert.equal(new Set(ips).size, 2);
    assert.ok(await reaches('sleeper', 'idle'));
    await must(docker('network', 'disconnect', 'early', 'idle'));
    await must(docker('restart', '-t', '0', 'idle'));
    assert.ok(await reaches('sleeper', 'idle'), 'as on an Engine, which takes it back to where it was made for');
  });

  it('what cannot be is refused in the words of an engine', async () => {
    await must(docker('network', 'create', '--subnet', '10.40.1.0/24', 'taken'));
    const refusals: readonly (readonly [RegExp, ...string[]])[] = [
      [/network with name taken already exists/, 'network', 'create', 'taken'],
      [/Pool overlaps with other one on this address space/, 'network', 'create', '--subnet', '10.40.1.0/25', 'inside'],
      [/bridge is a pre-defined network and cannot be removed/, 'network', 'rm', 'bridge'],
      [/operation is not permitted on predefined host network/, 'network', 'create', 'host'],
      [/network nowhere not found/, 'network', 'connect', 'nowhere', 'nobody'],
      [/^docker: Error response from daemon: network nowhere not found/, 'run', '--network', 'nowhere', 'busybox'],
      [/user specified IP address is supported o/, 'run', '--ip', '10.99.0.1', 'busybox'],
      [/10\.99\.0\.1/, 'run', '--network', 'taken', '--ip', '10.99.0.1', 'busybox'],
    ];
    for (const [words, ...command] of refusals) {
      const { code, stderr } = await docker(...command);
      assert.notEqual(code, 0, command.join(' '));
      assert.match(stderr, words);
    }
  });

  it('an internal network reaches its own on every host, and nothing else', async () => {
    await must(docker('network', 'create', '--internal', 'inner'));
    await sleeper('in-a', 'h1', '--network', 'inner');
    await sleeper('in-b', 'h2', '--network', 'inner');
    assert.equal((await inspect('inner')).Internal, true);
    assert.ok(await reaches('in-a', 'in-b'));
    assert.ok(await isCutOff('in-a', cluster.lab.gateway));
  });

  it('from inside a container nothing of the cluster answers but DNS on its gateway, on each kind of network', async () => {
    const lan = cluster.lab.gateway.replace(/\d+$/, '');
    const wire = ['-d', 'macvlan', '--subnet', `${lan}0/24`, '--gateway', cluster.lab.gateway, '-o', 'parent=eth0'];
    const kinds = { over: ['-d', 'overlay', '--attachable'], plain: ['-d', 'bridge'], inner: ['--internal'], theirs: [], wire };
    for (const [name, words] of Object.entries(kinds)) await must(docker('network', 'create', ...words, name));
    const serve = async (name: string, host: string) => {
      await must(docker('run', '-d', '--name', name, ...on(host), '--network', 'theirs', 'busybox', 'httpd', '-f', '-p', '80'));
      return `${(await endpoint(name, 'theirs')).IPAddress}:80`;
    };
    const [near, far] = [await serve('near', 'h1'), await serve('far', 'h2')];
    const api = new URL(cluster.url);
    const [h1, h2] = cluster.lab.hosts;
    // Engines of two hosts, and something of a host that is nobody's
    const listeners = [
      [h1, '2375'],
      [h2, '2375'],
      [h2, '8088'],
    ] as const;
    const world = `${h2?.address}:8088`;
    const started = listeners.map(([host, port]) =>
      spawn('nsenter', [`--net=/run/netns/${host?.namespace}`, 'busybox', 'nc', '-ll', '-p', port, '-e', 'true']),
    );
    try {
      const closed = [
        ...cluster.lab.hosts.map(({ address }) => `${address}:2376`),
        ...[h1, h2].map((host) => `${host?.address}:2375`),
        `${cluster.lab.gateway}:${api.port}`,
        near,
        far,
      ];
      const probe = (targets: readonly string[]) =>
        targets.map((one) => `(nc -w 3 ${one.replace(':', ' ')} -e true 2>/dev/null && echo ${one}) &`).join('\n');
      const scan = async (targets: readonly string[], run: (script: string) => Promise<string>) =>
        (await run(`${probe(targets)}\nwait`)).split('\n').filter(Boolean).toSorted();
      await until('all of these are open to the host itself', async () => {
        const open = await scan([...closed, world], (script) => inHost('h1', 'busybox', 'sh', '-c', script));
        return open.length === closed.length + 1;
      });
      for (const [name, words, reaches] of [
        ['on-over', ['--network', 'over'], { dns: true, world: true }],
        ['on-plain', ['--network', 'plain'], { dns: true, world: true }],
        ['on-inner', ['--network', 'inner'], { dns: true, world: false }],
        ['on-default', [], { dns: true, world: true }],
        ['with-admin', ['--network', 'plain', '--cap-add', 'NET_ADMIN'], { dns: true, world: true }],
        ['privileged', ['--network', 'over', '--privileged', '--runtime', 'capped'], { dns: true, world: true }],
        ['on-bridge', ['--network', 'bridge'], { dns: false, world: true }],
        ['on-wire', ['--network', 'wire', '--ip', `${lan}199`], { dns: false, world: true }],
        ['on-none', ['--network', 'none'], { dns: false, world: false }],
      ] as const) {
        await sleeper(name, 'h1', ...words);
        const own = JSON.parse(await must(docker('inspect', '-f', '{{json .NetworkSettings.Networks}}', name))) as Record<
          string,
          { Gateway: string }
        >;
        const gateways = Object.values(own).flatMap(({ Gateway }) => (Gateway === '' ? [] : [Gateway]));
        const dns = gateways.map((gateway) => `${gateway}:53`);
        const ports = gateways.flatMap((gateway) => [`${gateway}:2376`, `${gateway}:2375`]);
        const wanted = [...(reaches.dns ? dns : []), ...(reaches.world ? [world] : [])].toSorted();
        const look = () => scan([...dns, ...ports, ...closed, world], (script) => must(docker('exec', name, 'sh', '-c', script)));
        // a host that has just joined is known to the others some seconds later; a container on a wire of its host is closed a moment after its start
        const open = await until(`${name} reaches what it may`, async () => {
          const found = await look();
          return (['on-over', 'on-wire'].includes(name) ? found.join() === wanted.join() : found.length >= wanted.length) && found;
        });
        assert.deepEqual(open, wanted, name);
      }
      const capabilities = await must(docker('exec', 'privileged', 'awk', '/^CapEff:/ { print "0x" $2 }', '/proc/self/status'));
      assert.notEqual(BigInt(capabilities.trim()) & CAP_SYS_ADMIN, 0n, capabilities);
    } finally {
      for (const one of started) one.kill();
    }
  });

  it('an encrypted network: containers of two hosts reach each other through WireGuard, and doctor says which', async () => {
    await must(docker('network', 'create', '-d', 'overlay', '--opt', 'encrypted', 'sealed'));
    await sleeper('sealed-a', 'h1', '--network', 'sealed');
    await sleeper('sealed-b', 'h2', '--network', 'sealed');
    assert.ok(await reaches('sealed-a', 'sealed-b'));
    assert.deepEqual((await inspect('sealed')).Options, { encrypted: '' });
    assert.equal((await must(docker('exec', 'sealed-a', 'cat', '/sys/class/net/eth0/mtu'))).trim(), '1370');
    assert.match(await inHost('h1', 'ip', '-d', 'link', 'show', 'type', 'vxlan'), /local fd61:7270:616e::.* dstport 7374 /);
    const said = await until('doctor finds it', async () => {
      const { stdout } = await cluster.arpanet('doctor', 'sealed-a', 'sealed-b');
      return stdout.includes('sealed, encrypted') ? stdout : '';
    });
    assert.match(said, /INSECURE: scheduler s1 listens without TLS/);
    assert.match(said, /encrypted between hosts by (?:WireGuard in the kernel|wireguard-go \(slower\)) on h1, /);
    assert.deepEqual((await must(cluster.arpanet('audit'))).match(/sealed.*/g), null);
  });

  it('front, middle and back: who shares a network is reached by name, who does not is not', async () => {
    for (const network of ['front', 'back']) await must(docker('network', 'create', network));
    await sleeper('web', 'h1', '--network', 'front');
    await sleeper('api', 'h2', '--network', 'front');
    await sleeper('db', 'h3', '--network', 'back');
    await must(docker('network', 'connect', 'back', 'api'));
    assert.ok(await reaches('web', 'api'));
    assert.ok(await reaches('api', 'db'));
    assert.ok(await reaches('db', 'api'));
    const { IPAddress: db } = await endpoint('db', 'back');
    assert.ok(await isCutOff('web', db), 'not even by address');
  });

  it('connect and disconnect while it runs, with aliases and an address, which inspect shows and a restart keeps', async () => {
    await must(docker('network', 'create', 'home'));
    await must(docker('network', 'create', '--subnet', '10.41.0.0/24', 'later'));
    await sleeper('guest', 'h1', '--network', 'home');
    await sleeper('other', 'h3', '--network', 'later');
    await must(docker('network', 'connect', '--ip', '10.41.0.77', '--alias', 'nick', '--alias', 'ned', 'later', 'guest'));
    for (const restarted of [false, true]) {
      if (restarted) await must(docker('restart', '-t', '0', 'guest'));
      const joined = await endpoint('guest', 'later');
      assert.deepEqual([joined.IPAddress, joined.IPAMConfig], ['10.41.0.77', { IPv4Address: '10.41.0.77' }]);
      assert.deepEqual(joined.Aliases.slice(0, 2), ['nick', 'ned']);
      for (const name of ['nick', 'ned', 'guest']) await until(`other reaches ${name}`, () => reaches('other', name), 5_000);
    }
    const again = await docker('network', 'connect', 'later', 'guest');
    assert.match(again.stderr, /endpoint with name guest already exists in network later/);
    await must(docker('network', 'disconnect', 'later', 'guest'));
    assert.ok(await isCutOff('other', '10.41.0.77'));
    await until('nor by name', async () => (await docker('exec', 'other', 'nslookup', 'nick')).code === 1, 5_000);
    assert.match((await docker('network', 'disconnect', 'later', 'guest')).stderr, /is not connected to network later/);
    assert.match((await docker('network', 'disconnect', 'later', 'nobody')).stderr, /No such container: nobody/);
    assert.match((await docker('network', 'disconnect', '-f', 'later', 'nobody')).stderr, /endpoint nobody not found/);
    assert.deepEqual(
      Object.values((await inspect('later')).Containers).map((member) => member.Name),
      ['other'],
    );
  });

  it('a container that has left the network it was made in starts again on every Engine, also once that network was removed and made again', async () => {
    for (const network of ['p1', 'p2']) await must(docker('network', 'create', network));
    const networksOf = async (name: string) =>
      Object.keys(JSON.parse(await must(docker('inspect', '-f', '{{json .NetworkSettings.Networks}}', name))) as object);
    for (const host of ['h1', 'h3']) {
      const name = `mover-${host}`;
      await sleeper(name, host, '--network', 'p1');
      await must(docker('network', 'connect', 'p2', name));
      await must(docker('network', 'disconnect', 'p1', name));
      await must(docker('restart', '-t', '0', name));
      await must(docker('stop', '-t', '0', name));
      await must(docker('start', name));
      assert.deepEqual(await networksOf(name), ['p2'], host);
    }
    await reaches('mover-h1', 'mover-h3');
    await must(docker('network', 'rm', 'p1'));
    await must(docker('network', 'create', 'p1'));
    for (const host of ['h1', 'h3']) {
      await must(docker('restart', '-t', '0', `mover-${host}`));
      assert.deepEqual(await networksOf(`mover-${host}`), ['p2'], host);
    }
  });

  it('a link holds in the network that it was made in, as long as both are on it', async () => {
    for (const network of ['foo1', 'foo2']) await must(docker('network', 'create', network));
    await sleeper('first', 'h1', '--network', 'foo1');
    await sleeper('second', 'h3', '--network', 'foo1', '--link', 'first:FirstInFoo1', '--link', 'third:bar');
    await reaches('second', 'FirstInFoo1');
    await must(docker('network', 'connect', 'foo2', 'first'));
    await must(docker('network', 'connect', '--link', 'first:FirstInFoo2', 'foo2', 'second'));
    await reaches('second', 'FirstInFoo2');
    await must(docker('network', 'disconnect', 'foo1', 'first'));
    await until(
      'the link in foo1 is gone',
      async () => (await docker('exec', 'second', 'ping', '-c', '1', '-W', '1', 'FirstInFoo1')).code !== 0,
    );
    await reaches('second', 'FirstInFoo2');
    await must(docker('network', 'disconnect', 'foo2', 'second'));
    await until(
      'the link in foo2 is gone',
      async () => (await docker('exec', 'second', 'ping', '-c', '1', '-W', '1', 'FirstInFoo2')).code !== 0,
    );
  });

  it('a random port stays what it is when its container joins a network, and leaves it', async () => {
    await must(docker('network', 'create', 'ccc'));
    await must(docker('run', '-d', '--name', 'published', '-p', '70', '-p', '19000:90', 'busybox', 'sleep', '600'));
    const ports = async () => (await must(docker('port', 'published'))).trim().split('\n').toSorted();
    const before = await ports();
    assert.ok(before.length >= 2, before.join());
    await must(docker('network', 'connect', 'ccc', 'published'));
    assert.deepEqual(await ports(), before);
    await must(docker('network', 'disconnect', 'ccc', 'published'));
    assert.deepEqual(await ports(), before);
  });

  it('bridge, host and none are those of the host where the container lands', async () => {
    assert.match(await must(docker('run', '--rm', ...on('h2'), '--network', 'host', 'busybox', 'ip', 'address')), /10\.77\.\d+\.12\//);
    assert.doesNotMatch(await must(docker('run', '--rm', '--network', 'none', 'busybox', 'ip', 'address')), /eth0/);
    assert.match(await must(docker('run', '--rm', '--network', 'bridge', 'busybox', 'ip', 'address')), /172\.17\./);
    await must(docker('network', 'create', 'own'));
    await sleeper('both', 'h3', '--network', 'own');
    await must(docker('network', 'connect', 'bridge', 'both'));
    assert.match(await must(docker('exec', 'both', 'ip', 'address')), /172\.17\./);
    await must(docker('network', 'disconnect', 'bridge', 'both'));
    assert.doesNotMatch(await must(docker('exec', 'both', 'ip', 'address')), /172\.17\./);
    assert.match((await docker('network', 'connect', 'host', 'both')).stderr, /host network/);
  });

  it('who names no network is on bridge, and reaches the others there wherever they are', async () => {
    const first = await sleeper('first', 'h1');
    const second = await sleeper('second', 'h3');
    const listed = await must(docker('network', 'ls', '--format', '{{.Name}}'));
    assert.deepEqual(listed.trim().split('\n').toSorted(), ['bridge', 'host', 'none']);
    const bridge = await inspect('bridge');
    assert.deepEqual(Object.keys(bridge.Containers).toSorted(), [first, second].toSorted());
    assert.equal(
      await must(docker('ps', '--filter', 'network=bridge', '--format', '{{.Names}} {{.Networks}}')),
      'second bridge\nfirst bridge\n',
    );
    const { IPAddress, NetworkID, Aliases } = await endpoint('second', 'bridge');
    assert.deepEqual([NetworkID, Aliases], [bridge.Id, null]);
    assert.equal((await must(docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'second'))).trim(), IPAddress);
    assert.equal(bridge.Containers[second]?.IPv4Address.split('/')[0], IPAddress);
    assert.equal(await reaches('first', IPAddress), true);
    assert.match(
      (await docker('network', 'connect', 'bridge', 'first')).stderr,
      /endpoint with name first already exists in network bridge/,
    );
    for (const network of ['bridge', bridge.Id.slice(0, 12)]) {
      await must(docker('network', 'disconnect', network, 'second'));
      assert.ok(await isCutOff('first', IPAddress));
      assert.match((await docker('network', 'disconnect', 'bridge', 'second')).stderr, /is not connected to network bridge/);
      assert.deepEqual(Object.keys((await inspect('bridge')).Containers), [first]);
      const refused = await docker('network', 'connect', '--alias', 'x', 'bridge', 'second');
      assert.match(refused.stderr, /network-scoped alias is supported only for containers in user defined networks/);
      await must(docker('network', 'connect', network, 'second'));
      assert.equal(await reaches('first', (await endpoint('second', 'bridge')).IPAddress), true);
    }
    await must(docker('network', 'create', 'away'));
    await sleeper('far', 'h2', '--network', 'away');
    const linked = await docker('run', '-d', '--name', 'linked', '--link', 'far', 'busybox', 'sleep', '600');
    assert.match(linked.stderr, /Cannot link to \/far, as it does not belong to the default network/);
    const { stderr } = await docker('network', 'rm', bridge.Id);
    assert.match(stderr, /bridge is a pre-defined network and cannot be removed/);
  });

  it('compose 1.29.2 recreates services with addresses of their own, and gives one the address of another', async () => {
    const folder = join(scratch, 'fixed');
    mkdirSync(folder, { recursive: true });
    const compose = (...args: string[]) => cluster.composeV1(folder, ...args);
    const up = async (round: string, addresses: readonly string[]) => {
      const services = addresses.map(
        (last, index) =>
          `  s${index}: { image: busybox, command: sleep 600, stop_grace_period: 0s, environment: [ROUND=${round}], networks: { default: { ipv4_address: 10.46.1.${last} } } }\n`,
      );
      const networks = 'networks: { default: { ipam: { config: [{ subnet: 10.46.1.0/24 }] } } }';
      writeFileSync(join(folder, 'docker-compose.yml'), `version: "3.5"\nservices:\n${services.join('')}${networks}\n`);
      await must(compose('up', '-d'));
      const ids = (await must(docker('ps', '-q', '--filter', 'label=com.docker.compose.project=fixed'))).trim().split('\n');
      const service = '{{index .Config.Labels "com.docker.compose.service"}}';
      const format = `${service} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{.Config.Env}}`;
      const shown = (await must(docker('inspect', '-f', format, ...ids))).trim().split('\n');
      assert.deepEqual(
        shown.map((line) => line.replace(/ \[.*(ROUND=\w+).*/, ' $1')).sort(),
        addresses.map((last, index) => `s${index} 10.46.1.${last} ROUND=${round}`),
      );
    };
    await up('a', ['20', '21']);
    await up('b', ['20', '21']);
    // as on an Engine, who is to have another's address waits for that one to stop
    await must(compose('stop'));
    await up('c', ['21', '20']);
    await must(compose('down'));
  });

  it('two compose projects that share an external network find each other by service name, on whichever hosts', async () => {
    await must(docker('network', 'create', 'square'));
    const project = async (name: string, host: string) => {
      const folder = join(scratch, name);
      mkdirSync(folder, { recursive: true });
      const label = `arpanet.constraints: '["node.hostname==${host}"]'`;
      writeFileSync(
        join(folder, 'docker-compose.yml'),
        `version: "3.5"
services:
  ${name}-web:
    image: busybox
    command: sleep 600
    stop_grace_period: 0s
    labels: { ${label} }
    networks: { default: {}, shared: { aliases: [${name}-nick] } }
networks:
  shared: { external: true, name: square }
`,
      );
      await must(cluster.composeV2(folder, 'up', '-d'));
      return folder;
    };
    const folders = [await project('cat', 'h1'), await project('dog', 'h2')];
    for (const name of ['dog-web', 'dog-nick', 'dog-dog-web-1'])
      await until(`cat finds ${name}`, () => reaches('cat-cat-web-1', name), 5_000);
    assert.ok(await reaches('dog-dog-web-1', 'cat-nick'));
    for (const folder of folders) await must(cluster.composeV2(folder, 'down'));
  });
});
