import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { dnsLabel, type NamedInstance } from '../../../src/model/index.ts';
import { completions } from '../../../src/cli/commands/completion/scripts.ts';
import { doctorText } from '../../../src/cli/output/doctor.ts';
import { callsOf, diagnose } from '../../../src/operator-api/index.ts';

type Input = Parameters<typeof diagnose>[0];

const named = (service: string, number: number, host: string, over: Partial<NamedInstance> = {}): NamedInstance => ({
  id: `${number}.${service}.abc`,
  container: `${service}${number}`.padEnd(64, '0'),
  name: `abc-${service}-${number}`,
  deployment: 'abc',
  service,
  number,
  host,
  addresses: { n1: `10.32.0.${service.length * 10 + number}` },
  aliases: {},
  links: {},
  ports: [],
  state: 'running',
  ready: true,
  ...over,
});

const seen = (one: NamedInstance, state = 'Up 3 minutes', health?: string): Input['instances'][number] => ({
  deployment: one.deployment,
  service: one.service,
  name: one.name,
  id: one.container,
  number: one.number,
  host: one.host,
  image: 'busybox',
  state,
  health,
  addresses: [],
  isStopped: false,
});

const host = (name: string, state: Input['hosts'][number]['state'] = 'alive', why?: string): Input['hosts'][number] => ({
  name,
  address: '',
  state,
  why,
  availability: 'active',
  engine: '',
  agent: '',
  apiVersion: '',
  cpus: 1,
  memoryBytes: 1,
  cpuLoad: 0,
  reservedCores: 0,
  reservedMemoryBytes: 0,
  limits: {},
  memoryUsedBytes: 0,
  containers: 0,
  running: 0,
  labels: {},
});

const network = (id: string, name: string): Input['networks'][number] => ({
  id,
  name,
  deployment: 'abc',
  cidr: '10.32.0.0/22',
  vni: 1,
  labels: {},
  options: {},
  internal: false,
  attachable: false,
  auxAddresses: {},
  implicit: false,
  createdAtMs: 0,
  leases: [],
});

const web = named('web', 1, 'h1');
const pricing = named('pricing', 1, 'h2');
const whole: Input = {
  from: 'abc-web-1',
  name: 'pricing',
  names: [web, pricing],
  instances: [seen(web), seen(pricing)],
  hosts: [host('h1'), host('h2')],
  networks: [network('n1', 'abc_default'), network('n2', 'abc_back')],
  findings: [],
  outside: [],
};
const withTarget = (over: Partial<NamedInstance>, state?: string, health?: string): Partial<Input> => {
  const target = { ...pricing, ...over };
  return { names: [web, target], instances: [seen(web), seen(target, state, health)] };
};
const finding = (where: Input['findings'][number]['where'], on: string, what: string): Partial<Input> => ({
  findings: [{ where, host: on, what }],
});

const call = { host: 'h1', targetHost: 'h2', container: pricing.container, address: '10.32.0.71', port: 80 };
const dialled = (outcome: 'open' | 'refused' | 'silent'): Partial<Input> => ({
  dialled: [{ ...call, outcome, why: 'no answer within 3 s' }],
});

describe('doctor', () => {
  it('tries the ports that the targets expose, or the one that is named, from the sender’s host', () => {
    const names = [web, { ...pricing, ports: [80, 53].map((port) => ({ port, protocol: port === 80 ? 'tcp' : 'udp' })) }];
    assert.deepEqual(callsOf({ ...whole, names }), [call]);
    assert.deepEqual(callsOf({ ...whole, names, name: 'pricing:8080' }), [{ ...call, port: 8080 }]);
    assert.deepEqual(callsOf({ ...whole, from: 'nobody' }), []);
    assert.match(doctorText(diagnose({ ...whole, names, ...dialled('open') })), /accepts connections from h1\nno problem found$/);
  });

  it('says of a name that an operator added that it leads outside', () => {
    const outside = [{ name: 'pay.abc', entries: [{ type: 'A', value: '192.0.2.7' }] }] as const;
    const links = diagnose({ ...whole, name: 'pay', outside });
    assert.deepEqual(
      links.map(({ link, isSound }) => [link, isSound]),
      [
        ['sender', true],
        ['answer', true],
        ['port', true],
      ],
    );
    assert.match(links[1]?.what ?? '', /pay\.abc\.service\.consul was added by an operator: A 192\.0\.2\.7/);
  });

  it('finds a whole way whole, by service, instance, container, alias, link and full name', () => {
    const names = [named('web', 1, 'h1', { links: { prices: 'pricing' } }), { ...pricing, aliases: { n1: ['cost'] } }];
    for (const name of [
      'pricing',
      '1.pricing',
      'abc-pricing-1',
      'cost',
      'prices',
      'pricing.abc.service.consul',
      'PRICING.abc.service.consul.',
    ]) {
      const links = diagnose({ ...whole, names, name });
      assert.deepEqual(
        links.map((link) => link.link),
        ['sender', 'answer', 'host', 'host', 'network', 'kernel', 'mtu', 'port'],
        name,
      );
      assert.equal(
        links.every((link) => link.isSound),
        true,
        name,
      );
    }
  });

  it('says of an encrypted network which WireGuard its hosts have', () => {
    const hosts = [
      { ...host('h1'), encryption: 'wireguard' as const },
      { ...host('h2'), encryption: 'wireguard-go' as const },
    ];
    const networks = [{ ...network('n1', 'abc_default'), isEncrypted: true as const }];
    const said = diagnose({ ...whole, hosts, networks, name: 'pricing' }).find(({ link }) => link === 'network');
    assert.match(said?.what ?? '', /abc_default, encrypted between hosts by WireGuard in the kernel on h1, wireguard-go \(slower\) on h2$/);
  });

  it('finds services and deployments of any name, as typed and by their labels', () => {
    const deployment = `ci-${'long-'.repeat(14)}branch`;
    const names = [named('web', 1, 'h1', { deployment }), { ...pricing, service: 'price.list', deployment }];
    const domain = `${dnsLabel(deployment)}.service.consul`;
    for (const name of ['price.list', 'Price.List', '1.price.list', dnsLabel('price.list'), `price.list.${domain}`]) {
      const [, answer] = diagnose({ ...whole, names, name });
      assert.deepEqual([answer?.link, answer?.isSound], ['answer', true], name);
    }
    assert.match(diagnose({ ...whole, names, name: 'nobody' })[1]?.what ?? '', new RegExp(`nothing is called nobody\\.${domain}`));
  });

  it('takes a service for its first instance that is ready, and asks which where several deployments have it', () => {
    const second = named('web', 2, 'h1');
    const names = [{ ...web, state: 'out' as const, ready: false }, second, pricing];
    const [first] = diagnose({ ...whole, from: 'web', names, instances: [seen(web), seen(second), seen(pricing)] });
    assert.match(first?.what ?? '', /^abc-web-2 runs on h1/);
    for (const from of ['abc/web', 'web-1', '1.web', '1.web.abc', 'abc_web'])
      assert.match(diagnose({ ...whole, from })[0]?.what ?? '', /^abc-web-1 runs on h1/, from);
    const [other] = diagnose({ ...whole, from: 'web', names: [web, { ...web, deployment: 'xyz', id: '1.web.xyz' }] });
    assert.deepEqual([other?.what, other?.fix], ['web is in abc and xyz', 'say which: abc/web, xyz/web']);
    assert.match(diagnose({ ...whole, name: 'abc/pricing' })[1]?.what ?? '', /^pricing\.abc\.service\.consul is /);
  });

  const faults: readonly (readonly [fault: string, change: Partial<Input>, link: string, what: RegExp, fix: RegExp])[] = [
    ['the sender does not exist', { from: 'nobody' }, 'sender', /nobody is not a container/, /arpanet ps/],
    [
      'the sender has stopped',
      { instances: [seen(web, 'Exited (1) 2 minutes ago'), seen(pricing)] },
      'sender',
      /does not run: Exited \(1\)/,
      /docker start abc-web-1/,
    ],
    ['the name is unknown', { name: 'princing' }, 'answer', /nothing is called princing\.abc\.service\.consul/, /pricing, web/],
    [
      'the name is of another deployment, and nothing there has it',
      { name: 'db.other' },
      'answer',
      /nothing is called db\.other/,
      /services/,
    ],
    [
      'the target has stopped',
      withTarget({ state: 'out', ready: false }, 'Exited (137) 1 second ago'),
      'instance',
      /abc-pricing-1 does not run: Exited \(137\)/,
      /docker logs abc-pricing-1/,
    ],
    [
      'the target was never started',
      withTarget({ state: 'out', ready: false }, 'Created'),
      'instance',
      /does not run: Created/,
      /docker start abc-pricing-1/,
    ],
    [
      'the target is unhealthy',
      withTarget({ ready: false, strict: true }, 'Up 3 minutes (unhealthy)', 'unhealthy'),
      'health',
      /is unhealthy, so DNS leaves it out/,
      /State\.Health/,
    ],
    [
      'the target is not healthy yet',
      withTarget({ ready: false, strict: true }, 'Up 1 second', 'starting'),
      'health',
      /is starting/,
      /State\.Health/,
    ],
    [
      "the target's host is down",
      { ...withTarget({ state: 'out', ready: false }), hosts: [host('h1'), host('h2', 'down', 'no heartbeat for 12 s')] },
      'host',
      /h2 is down: no heartbeat/,
      /agent/,
    ],
    ["the sender's host is down", { hosts: [host('h1', 'down'), host('h2')] }, 'host', /h1 is down/, /agent/],
    [
      'they share no network',
      withTarget({ addresses: { n2: '10.32.4.2' } }),
      'network',
      /share no network/,
      /docker network connect abc_back abc-web-1/,
    ],
    [
      'a forwarding entry is missing',
      finding('network', 'h1', 'network abc_default: no forwarding entry to h2'),
      'kernel',
      /h1: .*no forwarding entry to h2/,
      /audit --fix/,
    ],
    ['a bridge is missing', finding('network', 'h2', 'network abc_default: no bridge'), 'kernel', /h2: .*no bridge/, /audit --fix/],
    [
      'more is sent at once than passes',
      { findings: [{ where: 'network', host: 'h1', what: 'network abc_default: containers send up to 1450 bytes', isMtu: true }] },
      'mtu',
      /h1: .*1450 bytes/,
      /create the network again/,
    ],
    [
      'nothing listens on the port',
      dialled('refused'),
      'port',
      /abc-pricing-1 at 10\.32\.0\.71:80 refuses/,
      /0\.0\.0\.0, and not on 127\.0\.0\.1/,
    ],
    [
      'what is sent is lost',
      dialled('silent'),
      'port',
      /does not answer \(no answer.*packets from h1 are lost/,
      /firewall on h1 or h2 stop UDP port 4789/,
    ],
    [
      'not even the own host of the target gets an answer',
      { ...dialled('silent'), near: [{ ...call, outcome: 'silent', why: 'no answer within 3 s' }] },
      'port',
      /does not answer \(no answer.*not even to its own host h2$/,
      /firewall in abc-pricing-1 or on h2/,
    ],
    [
      "the target's host is cut off, and not called down yet",
      { ...dialled('silent'), silent: new Map([['h2', 'host h2 did not answer within 10 s']]) },
      'host',
      /host h2 does not answer: host h2 did not/,
      /is it up/,
    ],
    [
      'the sender is paused',
      { names: [{ ...web, state: 'paused' }, pricing] },
      'sender',
      /abc-web-1 is paused/,
      /docker unpause abc-web-1/,
    ],
    [
      'the target is paused',
      { ...withTarget({ state: 'paused', ready: false }, 'Up 3 minutes (Paused)'), ...dialled('open') },
      'instance',
      /abc-pricing-1 is paused/,
      /docker unpause abc-pricing-1/,
    ],
    [
      'the sender was disconnected',
      { names: [pricing] },
      'sender',
      /abc-web-1 is in no network/,
      /docker network connect NETWORK abc-web-1/,
    ],
    ['the target was disconnected', { names: [web] }, 'network', /abc-pricing-1 is in no network/, /docker network connect/],
    ["a host's names are old", finding('names', 'h1', '1.pricing.abc is not known there'), 'kernel', /not known there/, /audit --fix/],
  ];
  const others = named('pricing', 1, 'h2', { deployment: 'xyz', name: 'xyz-pricing-1', addresses: { n3: '10.32.8.2' } });
  const joined = { ...web, addresses: { ...web.addresses, n3: '10.32.8.1' } };

  it('finds by bare name what another deployment has in a network that both share, at its address there', () => {
    const target = { ...others, addresses: { n4: '10.32.12.2', n3: '10.32.8.2' }, aliases: { n3: ['cost'], n4: ['apart'] } };
    const shared = { ...whole, names: [joined, target], instances: [seen(joined), seen(target)] };
    for (const name of ['pricing', 'xyz-pricing-1', 'cost', 'pricing:80']) {
      const links = diagnose({ ...shared, name });
      assert.ok(
        links.every((link) => link.isSound),
        JSON.stringify(links.at(-1)),
      );
      assert.match(links[1]?.what ?? '', / is 10\.32\.8\.2$/);
    }
    assert.equal(callsOf({ ...shared, name: 'pricing:80' })[0]?.address, '10.32.8.2');
    assert.equal(diagnose({ ...shared, name: 'apart' }).at(-1)?.link, 'answer', 'an alias of another network');
    assert.match(diagnose({ ...shared, names: [joined, target, pricing] })[1]?.what ?? '', / is 10\.32\.0\.71$/, 'its own first');
  });

  it('follows a port that every host answers for, from a host to the instances behind it', () => {
    const ingress = { address: '10.32.0.71', ports: [{ port: 8080, target: 80, protocol: 'tcp' as const }] };
    const asked = { ...whole, ...withTarget({ ingress }), name: 'h1:8080' };
    assert.deepEqual(callsOf(asked), [{ ...call, host: 'h2' }]);
    const fine = diagnose({ ...asked, dialled: [{ ...call, host: 'h2', outcome: 'open', why: '' }] });
    assert.ok(
      fine.every(({ isSound }) => isSound),
      doctorText(fine),
    );
    assert.match(doctorText(fine), /port 8080 of every host leads to abc-pricing-1 on h2/);
    const last = (over: Partial<Input>) => diagnose({ ...asked, ...over }).at(-1);
    assert.match(last({ name: 'h1:8081' })?.what ?? '', /no service has port 8081 on every host/);
    assert.match(last(withTarget({ ingress, state: 'out', ready: false }))?.what ?? '', /none of its instances is ready/);
    assert.match(last({ hosts: [host('h1'), host('h2', 'down')] })?.what ?? '', /host h2 is down/);
    const foreign = 'published ports may lead nowhere: nft’s chain inet fw forward drops what it does not know (policy drop)';
    assert.match(last(finding('network', 'h1', foreign))?.what ?? '', /chain inet fw forward/);
    assert.match(
      last({ dialled: [{ ...call, host: 'h2', outcome: 'refused', why: '' }] })?.what ?? '',
      /refuses connections, though port 8080 leads there/,
    );
  });

  it('follows a name of HTTP, from the hosts that answer to the instances behind it, and says where the proxy is missing', () => {
    const http = { sites: ['shop.example.com/api/'], address: '10.32.0.71', port: 80 };
    const edge = { ...host('h1'), http: 'edge' as const };
    const hop = { ...host('h2'), http: 'hop' as const };
    const asked = { ...whole, ...withTarget({ http }), hosts: [edge, hop], name: 'https://Shop.example.com:443/api/x' };
    assert.deepEqual(callsOf(asked), [{ ...call, host: 'h2' }]);
    const fine = diagnose({ ...asked, dialled: [{ ...call, host: 'h2', outcome: 'open', why: '' }] });
    assert.ok(
      fine.every(({ isSound }) => isSound),
      doctorText(fine),
    );
    assert.match(doctorText(fine), /shop\.example\.com\/api leads to abc-pricing-1 on h2[^]*HTTP is answered by h1/);
    const last = (over: Partial<Input>) => diagnose({ ...asked, ...over }).at(-1);
    assert.equal(last({ name: 'shop.example.com/apix' })?.link, 'answer');
    assert.match(
      last(withTarget({ http, state: 'out', ready: false }))?.what ?? '',
      /is abc\/pricing's, and none of its instances is ready/,
    );
    assert.deepEqual(
      [last({ hosts: [host('h1'), hop] })?.what, last({ hosts: [edge, host('h2')] })?.link, last({ hosts: [edge, host('h2')] })?.fix],
      ['no host answers HTTP', 'proxy', 'apt-get install haproxy on h2, and restart its agent'],
    );
    assert.match(last({ hosts: [edge, host('h2', 'down')] })?.what ?? '', /host h2 is down/);
    const failed = 'HTTP by name is not answered as it should be on this host: haproxy cannot be run';
    assert.match(last(finding('http', 'h1', failed))?.what ?? '', /h1: HTTP by name is not answered/);
    assert.equal(diagnose({ ...whole, ...finding('http', 'h1', failed) }).at(-1)?.isSound, true, 'no name of a container breaks by it');
    assert.match(last({ dialled: [{ ...call, host: 'h2', outcome: 'refused', why: '' }] })?.fix ?? '', /port=NUMBER/);
  });

  it('tries a published port by TCP where it is one of TCP, and at most 32 of its instances', () => {
    const claim = (target: number, protocol: 'tcp' | 'udp') => ({ port: 53, target, protocol });
    const both = { address: '10.32.0.71', ports: [claim(5353, 'udp'), claim(53, 'tcp')] };
    assert.deepEqual(callsOf({ ...whole, ...withTarget({ ingress: both }), name: 'h1:53' }), [{ ...call, host: 'h2', port: 53 }]);
    const udp = { ...whole, ...withTarget({ ingress: { ...both, ports: [claim(5353, 'udp')] } }), name: 'h1:53' };
    assert.deepEqual(callsOf(udp), []);
    const links = diagnose(udp);
    assert.ok(
      links.every(({ isSound }) => isSound),
      doctorText(links),
    );
    assert.match(links.at(-1)?.what ?? '', /published for UDP alone/);
    const other = named('resolver', 1, 'h2', { ingress: { address: '10.32.0.9', ports: [claim(5353, 'udp')] } });
    const tcp = { ...pricing, ingress: { ...both, ports: [claim(53, 'tcp')] } };
    assert.match(
      doctorText(diagnose({ ...udp, names: [web, other, tcp] })),
      /leads to abc-pricing-1 on h2\n/,
      'another service has it for UDP',
    );
    const many = Array.from({ length: 40 }, (_, index) => named('pricing', index + 1, 'h2', { ingress: both }));
    assert.equal(callsOf({ ...whole, names: [web, ...many], name: 'h1:53' }).length, 32);
  });

  it('takes the name of a service for the service, where a host is called so too; an address is the host’s', () => {
    const hosts = [host('h1'), { ...host('pricing'), address: '192.0.2.7' }];
    const names = [web, { ...pricing, host: 'h1' }];
    assert.deepEqual(callsOf({ ...whole, hosts, names, name: 'pricing:80' }), [{ ...call, targetHost: 'h1' }]);
    assert.match(doctorText(diagnose({ ...whole, hosts, names, name: 'pricing:80' })), /pricing\.abc\.service\.consul is 10\.32\.0\.71/);
    assert.match(doctorText(diagnose({ ...whole, hosts, names, name: '192.0.2.7:80' })), /no service has port 80 on every host/);
    const outside = [{ name: 'h1.abc', entries: [{ type: 'A', value: '192.0.2.9' }] }] as const;
    assert.match(doctorText(diagnose({ ...whole, outside, name: 'h1:80' })), /h1\.abc\.service\.consul was added by an operator/);
  });

  it('says that the target lets only others in, by its label, and what to add', () => {
    const foreign = { deployment: 'xyz', allowFrom: 'mon/*' };
    const last = diagnose({ ...whole, ...withTarget(foreign), name: 'pricing:80' }).at(-1);
    assert.deepEqual([last?.link, last?.isSound], ['allowed', false]);
    assert.match(last?.fix ?? '', /^add abc\/web:80 to the label of xyz\/pricing/);
    const fine = diagnose({ ...whole, ...withTarget({ ...foreign, allowFrom: 'abc/web:80' }), name: 'pricing:80' });
    assert.ok(fine.every(({ isSound }) => isSound));
  });

  it('says of a service with one address where the sender’s kernel leads it', () => {
    const answer = (name: string) =>
      diagnose({ ...whole, ...withTarget({ vips: { n1: '10.32.3.254' } }), name }).find((one) => one.link === 'answer')?.what;
    assert.match(answer('pricing') ?? '', / is 10\.32\.3\.254, which the kernel of abc-web-1 leads to 10\.32\.0\.71$/);
    assert.match(answer('abc-pricing-1') ?? '', / is 10\.32\.0\.71$/);
  });

  it('says that an instance is not healthy and answered all the same, since no other is', () => {
    const links = diagnose({ ...whole, ...withTarget({ ready: false }, 'Up 3 minutes (unhealthy)', 'unhealthy') });
    assert.ok(links.every((one) => one.isSound));
    assert.match(links.find((one) => one.link === 'answer')?.what ?? '', /\(not healthy, but no other instance is\)$/);
  });
  for (const [fault, change, link, what, fix] of faults)
    it(`names the broken link and the fix when ${fault}`, () => {
      const links = diagnose({ ...whole, ...change });
      assert.equal(links.filter((one) => !one.isSound).length, 1);
      const last = links.at(-1);
      assert.equal(last?.link, link);
      assert.match(last?.what ?? '', what);
      assert.match(last?.fix ?? '', fix);
      assert.match(doctorText(links), /^BROKEN /m);
    });

  it('does not care for what is amiss on hosts that are not on the way', () => {
    assert.equal(
      diagnose({ ...whole, ...finding('network', 'h3', 'no bridge') }).every((link) => link.isSound),
      true,
    );
  });
});

const commands = [
  { words: 'logs', summary: "what instances' programs say", options: ['--follow', '--json'] },
  { words: 'ip ls', summary: 'addresses', options: ['--json'] },
];

describe('completion', () => {
  it('zsh takes bash’s; fish has each command with its summary, and its options below it', () => {
    assert.match(completions['zsh']?.(commands) ?? '', /bashcompinit\n_arpanet\(\) \{[^]*complete -F _arpanet arpanet$/);
    assert.deepEqual(completions['fish']?.(commands).split('\n'), [
      "complete -c arpanet -f -n __fish_use_subcommand -a logs -d 'what instances\\' programs say'",
      "complete -c arpanet -f -n __fish_use_subcommand -a ip -d ''",
      "complete -c arpanet -n '__fish_seen_subcommand_from logs' -l follow",
      "complete -c arpanet -n '__fish_seen_subcommand_from logs' -l json",
      "complete -c arpanet -f -n '__fish_seen_subcommand_from ip; and not __fish_seen_subcommand_from ls' -a ls -d 'addresses'",
      "complete -c arpanet -n '__fish_seen_subcommand_from ip; and __fish_seen_subcommand_from ls' -l json",
    ]);
  });

  it('bash offers commands, then their options; of a group its commands', () => {
    const script = completions['bash']?.(commands) ?? '';
    const offered = (...words: string[]) =>
      execFileSync('bash', [
        '-c',
        `${script}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _arpanet; echo "\${COMPREPLY[*]}"`,
      ])
        .toString()
        .trim();
    assert.equal(offered('arpanet', ''), 'logs ip');
    assert.equal(offered('arpanet', 'logs', '--f'), '--follow');
    assert.equal(offered('arpanet', 'ip', ''), 'ls');
    assert.equal(offered('arpanet', 'ip', 'ls', '--'), '--json');
  });
});
