/** Published ports of mode ingress in the kernel: two hosts with an instance each, a third machine that calls; network namespaces of this test's own. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { restoreIngress } from '../../../src/hostagent/ingress/iptables-plan.ts';
import {
  ACCEPT,
  chainsFor,
  chainsIn,
  changedIngress,
  type Family,
  type HostIngress,
  ingressRules,
  ofFamily,
  staleFlows,
} from '../../../src/hostagent/ingress/rules.ts';
import type { IngressPort, IngressTable } from '../../../src/model/ingress.ts';

const HOSTS = { a: '10.9.0.1', b: '10.9.0.2' } as const;
type Host = keyof typeof HOSTS;
const INSTANCE = { a: '10.32.1.11', b: '10.32.2.12' } as const;
/** `10.9.0.1` and its like, as the last part of an IPv6 address. */
const six = (address: string): string => `fd00::${address.replaceAll('.', ':')}`;
const CALLER_AT = '10.9.0.9';

/** Says who it is, and who calls. */
const SERVER = `const [me] = process.argv.slice(1);
require('net').createServer((s) => s.end(me + ' ' + s.remoteAddress.replace('::ffff:', ''))).listen(80, '::');
const u = require('dgram').createSocket('udp6').on('message', (_m, r) => u.send(me + ' ' + r.address.replace('::ffff:', ''), r.port, r.address)).bind(53, '::', () => console.log('up'));`;
const FIREWALLD = `table inet firewalld {
  chain filter_PREROUTING { type filter hook prerouting priority filter + 10; policy accept; icmpv6 type nd-router-advert accept; }
  chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept; ct state established,related accept; ct status dnat accept; reject with icmpx admin-prohibited; }
}
`;
/** Calls so many times; prints what was answered, a line each. */
const CALLER = `const [to, kind, times, from] = process.argv.slice(1);
const tcp = () => new Promise((done) => { let t = ''; const s = require('net').connect({ host: to, port: 8080, timeout: 3000 }, () => {});
  s.on('data', (d) => (t += d)).on('timeout', () => s.destroy()).on('error', () => {}).on('close', () => done(t || 'none')); });
const udp = () => new Promise((done) => { const s = require('dgram').createSocket(to.includes(':') ? 'udp6' : 'udp4'); const over = (t) => { clearTimeout(timer); s.close(); done(t); };
  const timer = setTimeout(() => over('none'), 3000); s.on('message', (m) => over(String(m))).bind(Number(from || 0), () => s.send('x', 8053, to)); });
(async () => { for (let i = 0; i < Number(times); i++) console.log(await (kind === 'tcp' ? tcp() : udp())); })();`;

describe('published ports in the kernel', { timeout: 300_000 }, () => {
  const spaces: string[] = [];
  const servers: ChildProcess[] = [];
  const applied = new Map<string, Pick<IngressTable, 'ports'>>();
  const made = new Map<string, HostIngress>();
  let tool: 'nft' | 'iptables' = 'nft';
  const space = (name: string): string => `arpt${process.pid}${name}`;
  const sh = (script: string): void => void execFileSync('sh', ['-ec', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  const inside = (name: string, words: readonly string[], input?: string): string =>
    execFileSync('nsenter', [`--net=/run/netns/${space(name)}`, ...words], { input, encoding: 'utf8' });
  const ports = (instances: IngressPort['instances']): readonly IngressPort[] => [
    { port: 8080, protocol: 'tcp', instances },
    { port: 8053, protocol: 'udp', instances: instances.map((one) => ({ ...one, target: 53 })) },
  ];
  const at = (host: Host): IngressPort['instances'][number] => ({
    host,
    at: HOSTS[host],
    address: INSTANCE[host],
    target: 80,
    at6: six(HOSTS[host]),
    address6: six(INSTANCE[host]),
  });
  const inputOf = (host: Host, instances: IngressPort['instances'], family: Family): HostIngress => {
    const hosts = Object.entries(HOSTS).flatMap(([name, address]) => (name === host ? [] : [address]));
    const table: IngressTable = { ports: ports(instances), hosts, hosts6: hosts.map(six) };
    const subnet = INSTANCE[host].replace(/\.\d+$/, '.0');
    const subnets = [family === 4 ? `${subnet}/24` : `${six(subnet)}/112`];
    return { family, host, ...ofFamily(table, family, host), subnets, version: 'abc' };
  };
  /** As the agent does it. */
  const restore = (host: Host, ingress: HostIngress): void => {
    const iptables = ingress.family === 4 ? 'iptables' : 'ip6tables';
    const present = inside(host, [iptables, '-w', '5', '-t', 'nat', '-S']).split('\n');
    const text = restoreIngress(ingress, present);
    if (text !== undefined) inside(host, [`${iptables}-restore`, '-w', '5', '--noflush'], text);
  };
  const apply = (host: Host, instances: IngressPort['instances']): void => {
    for (const family of [4, 6] as const) {
      const key = `${host} ${family}`;
      const ingress = inputOf(host, instances, family);
      const before = made.get(key);
      made.set(key, ingress);
      if (tool === 'iptables') restore(host, ingress);
      else {
        // as the agent: what differs, where there is a table
        const rules = (before && changedIngress(before, ingress, 16)) ?? ingressRules(ingress);
        inside(host, ['nft', '-c', '-f', '-'], rules);
        inside(host, ['nft', '-f', '-'], rules);
      }
      // as the agent: a port that a caller had before would lead it to where its flow went
      for (const words of staleFlows(applied.get(key) ?? { ports: [] }, ingress, host, family))
        inside(host, ['sh', '-c', 'conntrack "$@" 2>/dev/null || true', 'sh', ...words]);
      applied.set(key, ingress);
    }
  };
  /** All that was made by one tool goes, and the other has its turn. */
  const use = (next: typeof tool): void => {
    for (const host of ['a', 'b'] as const) apply(host, []);
    tool = next;
    made.clear();
    for (const host of ['a', 'b'] as const) apply(host, [at('a'), at('b')]);
  };
  const call = (from: string, to: string, kind: 'tcp' | 'udp', times: number, port = 0): readonly string[] =>
    inside(from, [process.execPath, '-e', CALLER, to, kind, String(times), String(port)])
      .trim()
      .split('\n');

  before(async () => {
    for (const name of ['lan', 'a', 'b', 'c', 'ia', 'ib']) {
      sh(`ip netns add ${space(name)}`);
      spaces.push(space(name));
      inside(name, ['ip', 'link', 'set', 'lo', 'up']);
    }
    inside('lan', ['ip', 'link', 'add', 'br0', 'type', 'bridge']);
    inside('lan', ['ip', 'link', 'set', 'br0', 'up']);
    for (const [name, address] of Object.entries({ ...HOSTS, c: '10.9.0.9' }))
      sh(`ip -n ${space('lan')} link add to-${name} type veth peer name eth0 netns ${space(name)}
        ip -n ${space('lan')} link set to-${name} master br0 up
        ip -n ${space(name)} addr add ${six(address)}/112 dev eth0 nodad; ip -n ${space(name)} addr add ${address}/24 dev eth0; ip -n ${space(name)} link set eth0 up`);
    for (const host of ['a', 'b'] as const) {
      const gateway = INSTANCE[host].replace(/\.\d+$/, '.1');
      sh(`ip -n ${space(host)} link add inst type veth peer name eth0 netns ${space(`i${host}`)}
        ip -n ${space(host)} addr add ${six(gateway)}/112 dev inst nodad; ip -n ${space(host)} addr add ${gateway}/24 dev inst; ip -n ${space(host)} link set inst up
        ip -n ${space(`i${host}`)} addr add ${six(INSTANCE[host])}/112 dev eth0 nodad; ip -n ${space(`i${host}`)} addr add ${INSTANCE[host]}/24 dev eth0; ip -n ${space(`i${host}`)} link set eth0 up
        ip -n ${space(`i${host}`)} route add default via ${gateway}; ip -n ${space(`i${host}`)} -6 route add default via ${six(gateway)}`);
      // as Docker leaves it: what is passed on is dropped unless a rule says otherwise
      inside(host, [
        'sh',
        '-ec',
        `echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
        for t in iptables ip6tables; do
        $t -w 5 -P FORWARD DROP; $t -w 5 -N DOCKER-USER; $t -w 5 -A DOCKER-USER -j RETURN; $t -w 5 -A FORWARD -j DOCKER-USER
        $t -w 5 -I DOCKER-USER ${ACCEPT}; done`,
      ]);
      const server = spawn('nsenter', [`--net=/run/netns/${space(`i${host}`)}`, process.execPath, '-e', SERVER, host], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      servers.push(server);
      await new Promise((resolve) => server.stdout.once('data', resolve));
    }
    for (const host of ['a', 'b'] as const) apply(host, [at('a'), at('b')]);
  });
  after(() => {
    for (const server of servers) server.kill('SIGKILL');
    for (const name of spaces) sh(`ip netns del ${name}`);
  });

  for (const one of ['nft', 'iptables'] as const)
    describe(`by ${one}`, () => {
      before(() => {
        if (tool !== one) use(one);
      });
      for (const family of [4, 6] as const) {
        const by = (address: string): string => (family === 4 ? address : six(address));

        it(`any host answers, from all instances, TCP and UDP by IPv${family}: an instance of the host that is called sees the caller, another that host`, () => {
          for (const kind of ['tcp', 'udp'] as const) {
            const seen = (['a', 'b'] as const).map((host) => [host, new Set(call('c', by(HOSTS[host]), kind, 30))] as const);
            assert.deepEqual(
              seen.map(([host, answers]) => [host, ...[...answers].toSorted()]),
              [
                ['a', `a ${by(CALLER_AT)}`, `b ${by(HOSTS.a)}`],
                ['b', `a ${by(HOSTS.b)}`, `b ${by(CALLER_AT)}`],
              ],
              kind,
            );
          }
        });

        it(`a host calls itself, and an instance calls its own host, by IPv${family}`, () => {
          for (const from of ['a', 'ia']) {
            const answers = new Set(call(from, by(HOSTS.a), 'tcp', 30).map((answer) => answer.split(' ')[0]));
            assert.deepEqual(answers, new Set(['a', 'b']), from);
          }
        });

        it(`an instance that is out gets no new connection, nor what a UDP flow to it still sends; a host without one leads to the others, by IPv${family}`, () => {
          apply('a', [at('a')]);
          assert.deepEqual(call('c', by(HOSTS.a), 'udp', 1, 4_000), [`a ${by(CALLER_AT)}`]);
          for (const host of ['a', 'b'] as const) apply(host, [at('b')]);
          assert.deepEqual(call('c', by(HOSTS.a), 'udp', 1, 4_000), [`b ${by(HOSTS.a)}`]);
          assert.deepEqual([...new Set(call('c', by(HOSTS.a), 'tcp', 20))], [`b ${by(HOSTS.a)}`]);
          assert.deepEqual([...new Set(call('c', by(HOSTS.a), 'udp', 20))], [`b ${by(HOSTS.a)}`]);
          for (const host of ['a', 'b'] as const) apply(host, [at('a'), at('b')]);
        });
      }
    });

  it('without a published port there is nothing of ours, and what others have is as it was', () => {
    // as firewalld has them, and as ufw and Docker do
    inside('a', ['nft', '-f', '-'], FIREWALLD);
    inside('a', [
      'sh',
      '-ec',
      'iptables -w 5 -N ufw-user-forward; iptables -w 5 -A FORWARD -j ufw-user-forward; iptables -w 5 -t nat -N DOCKER; iptables -w 5 -t nat -A PREROUTING -j DOCKER',
    ]);
    // rules, and chains that somebody made
    const foreign = () => {
      const lines = ['iptables-save', 'ip6tables-save'].flatMap((one) => inside('a', [one]).split('\n'));
      const others = lines.filter((line) => /^(?:-A |:\S+ - )/.test(line) && !/arpanet|ARPANET/.test(line));
      return [...others, inside('a', ['nft', 'list', 'table', 'inet', 'firewalld'])]
        .map((line) => line.replace(/\[\d+:\d+\]/, ''))
        .join('\n');
    };
    use('nft');
    apply('a', []);
    const before = foreign();
    for (const next of ['nft', 'iptables'] as const) {
      use(next);
      assert.equal(foreign(), before, `while those of ${next} are loaded`);
      apply('a', []);
      assert.doesNotMatch(inside('a', ['nft', 'list', 'tables']), /arpanet/);
      for (const one of ['iptables', 'ip6tables']) assert.doesNotMatch(inside('a', [one, '-w', '5', '-t', 'nat', '-S']), /ARPANET/);
    }
    assert.equal(foreign(), before);
  });

  it('a thousand services of ten instances are taken by nft at once', () => {
    const many = Array.from(
      { length: 1_000 },
      (_, index): IngressPort => ({
        port: 10_000 + index,
        protocol: 'tcp',
        instances: Array.from({ length: 10 }, (_one, n) => ({
          host: n < 2 ? 'a' : `h${n}`,
          at: `10.9.0.${n + 1}`,
          address: `10.32.1.${n + 1}`,
          target: 80,
        })),
      }),
    );
    const all: HostIngress = { family: 4, host: 'a', ports: many, hosts: [], subnets: [], version: 'many' };
    inside('a', ['nft', '-f', '-'], ingressRules(all));
    const [first = assert.fail(), ...rest] = many;
    const fewer: HostIngress = { ...all, ports: [{ ...first, instances: first.instances.slice(1) }, ...rest], version: 'fewer' };
    const change = changedIngress(all, fewer, chainsFor(all)) ?? assert.fail();
    assert.ok(change.length < 4_000, `${change.length} characters`);
    inside('a', ['nft', '-f', '-'], change);
    // what an agent that starts again finds, and what it reads for a look
    assert.equal(chainsIn(inside('a', ['nft', 'list', 'chains', 'ip']), 4), chainsFor(all));
    assert.ok(inside('a', ['nft', 'list', 'set', 'ip', 'arpanet-ingress', 'version']).length < 200);
    const listed = () => inside('a', ['nft', 'list', 'table', 'ip', 'arpanet-ingress']);
    assert.match(listed(), /tcp \. 10000 : goto any-9/);
    const wider: HostIngress = { ...all, subnets: ['10.32.0.0/24', '10.32.1.0/24', '10.33.0.0/24'] };
    inside('a', ['nft', '-f', '-'], changedIngress(fewer, wider, chainsFor(all)) ?? assert.fail());
    assert.match(listed(), /"many"[^]*10\.32\.0\.0\/23, 10\.33\.0\.0\/24|10\.32\.0\.0\/23, 10\.33\.0\.0\/24[^]*"many"/);
    inside('a', ['nft', '-f', '-'], changedIngress(wider, all, chainsFor(all)) ?? assert.fail());
    assert.doesNotMatch(listed(), /10\.33\.0\.0/);
    assert.equal(inside('a', ['nft', 'list', 'map', 'ip', 'arpanet-ingress', 'ports-any']).match(/goto any-10/g)?.length, 1_000);
  });
});
