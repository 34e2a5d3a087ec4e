import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLeaderMessage } from '../../../src/schemas/index.ts';
import { afterMessage } from '../../../src/hostagent/ingress/ingress.ts';
import { forwardChains, whatItDrops } from '../../../src/hostagent/ingress/dropping-chains.ts';
import { changedIngress, ingressRules, noRules, ofFamily, staleFlows } from '../../../src/hostagent/ingress/rules.ts';
import type { IngressPort } from '../../../src/model/ingress.ts';

const on = (host: string, last: number, target = 80) => ({ host, at: `10.9.0.${host.slice(1)}`, address: `10.32.0.${last}`, target });
const web = (...instances: IngressPort['instances']): IngressPort => ({ port: 8080, protocol: 'tcp', instances });
const dns = (...instances: IngressPort['instances']): IngressPort => ({ port: 53, protocol: 'udp', instances });
const rules = (host: string, ...ports: IngressPort[]) =>
  ingressRules({ family: 4, host, ports, hosts: ['10.9.0.1', '10.9.0.2'], subnets: ['10.32.0.0/22'], version: 'v1' });

describe('published ports of a host', () => {
  it('leads to an instance of this host at its own address, and to one of another at that host’s published port', () => {
    const text = rules('h1', web(on('h1', 5), on('h2', 6), on('h2', 7)));
    assert.match(
      text,
      /targets-any .*tcp \. 8080 \. 0 : 10\.32\.0\.5 \. 80, tcp \. 8080 \. 1 : 10\.9\.0\.2 \. 8080, tcp \. 8080 \. 2 : 10\.9\.0\.2 \. 8080/,
    );
    assert.match(text, /ports-any .*tcp \. 8080 : goto any-3/);
    assert.match(text, /targets-local .*elements = \{ tcp \. 8080 \. 0 : 10\.32\.0\.5 \. 80 \}/);
  });

  it('passes on nothing twice: what comes from a host stays, where there is an instance', () => {
    const text = rules('h2', web(on('h1', 5)), dns(on('h1', 8, 53), on('h2', 9, 53)));
    assert.match(text, /ports-local .*elements = \{ udp \. 53 : goto local-1 \}/);
    assert.ok(text.indexOf('@ports-local') < text.indexOf('vmap @ports-any'));
  });

  it('has a chain for each number of instances, not for each port', () => {
    const many = Array.from({ length: 100 }, (_, index) => ({ ...web(on('h1', 5), on('h2', 6)), port: 1000 + index }));
    const chains = (text: string) => text.match(/chain (?:any|local)-/g)?.length;
    assert.equal(chains(rules('h1', ...many)), chains(rules('h1', ...many.slice(0, 1))));
  });

  it('a change costs as much as the ports that differ: no other is named, and the table is not made again', () => {
    const other = { ...web(on('h1', 5), on('h2', 6)), port: 9090 };
    const made = (...ports: IngressPort[]) => ({
      family: 4 as const,
      host: 'h1',
      ports,
      hosts: ['10.9.0.1'],
      subnets: ['10.32.0.0/22'],
      version: 'v2',
    });
    const text = changedIngress(made(web(on('h1', 5)), other), made(web(on('h1', 5), on('h3', 7), on('h2', 8)), other), 16) ?? '';
    assert.doesNotMatch(text, /9090|table ip arpanet-ingress \{|list/);
    assert.match(text, /add element ip arpanet-ingress hosts \{ 10\.9\.0\.3, /);
    assert.match(text, /add element ip arpanet-ingress ports-any \{ tcp \. 8080 : goto any-3 \}/);
    assert.match(text, /delete element ip arpanet-ingress ports-any \{ tcp \. 8080 : goto any-1 \}/);
    assert.doesNotMatch(text, /(?:ports|targets)-local/, 'what is here has not changed');
    assert.match(
      changedIngress(made(web(on('h1', 5))), { ...made(web(on('h1', 5))), subnets: ['10.33.0.0/24'] }, 16) ?? '',
      /^flush set ip arpanet-ingress subnets\nadd element ip arpanet-ingress subnets \{ 10\.33\.0\.0\/24 \}$/m,
    );
    const crowd = Array.from({ length: 40 }, (_, index) => on('h2', index + 1));
    assert.equal(changedIngress(made(web(on('h1', 5))), made(web(...crowd)), 16), undefined, 'there is no chain for so many');
    assert.equal(changedIngress(made(web()), made(web(on('h1', 5))), 16), undefined, 'there was no table');
    assert.equal(changedIngress(made(web(on('h1', 5))), made(), 16), undefined, 'there is to be none');
  });

  it('has no table without an instance', () => assert.equal(rules('h1', web()), noRules(4)));

  it('never answers at 127.0.0.1, and for no address that is not the host’s', () => {
    assert.equal(rules('h1', web(on('h1', 5))).match(/fib daddr type local ip daddr != 127\.0\.0\.0\/8 goto called/g)?.length, 2);
  });

  it('takes a whole list, and changes to it', () => {
    const whole = afterMessage(
      { ports: [dns()], hosts: ['10.9.0.9'] },
      { type: 'ingress', isWhole: true, ports: [web()], hosts: ['10.9.0.1'] },
    );
    assert.deepEqual(whole, { ports: [web()], hosts: ['10.9.0.1'], hosts6: [] });
    const changed = afterMessage(whole, { type: 'ingress', ports: [web(on('h1', 5)), dns()] });
    assert.deepEqual(changed, { ports: [web(on('h1', 5)), dns()], hosts: ['10.9.0.1'], hosts6: [] });
    assert.deepEqual(afterMessage(changed, { type: 'ingress', ports: [], gone: ['tcp/8080'] }).ports, [dns()]);
    const [first] = changed.ports;
    assert.equal(afterMessage(changed, { type: 'ingress', ports: [web(on('h1', 5), on('h2', 6))] }).ports[1], changed.ports[1]);
    assert.equal(
      afterMessage(changed, { type: 'ingress', ports: [web(on('h1', 5))] }).ports[0],
      first,
      'what is as it was is known by its object',
    );
    assert.equal(afterMessage(changed, { type: 'ingress', isWhole: true, ports: [web(on('h1', 5)), dns()], hosts: ['10.9.0.1'] }), changed);
  });

  it('ends the UDP flows to who is gone, and those that nobody took; others, and TCP, stay', () => {
    const table = (...ports: IngressPort[]) => ({ ports, hosts: [] });
    const both = table(dns(on('h1', 5, 53), on('h2', 6, 53)), web(on('h1', 5)));
    assert.deepEqual(staleFlows(both, table(dns(on('h1', 5, 53))), 'h1'), [
      ['-D', '-p', 'udp', '--orig-port-dst', '53', '--reply-src', '10.9.0.2'],
    ]);
    assert.deepEqual(staleFlows(table(dns()), both, 'h1'), [['-D', '-p', 'udp', '--orig-port-dst', '53']]);
    assert.deepEqual(staleFlows(both, both, 'h1'), []);
  });

  it('knows chains that drop by their policy what is passed on', () => {
    const text =
      'table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n' +
      'table inet firewall {\n\tchain in {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n\tchain fwd {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n';
    assert.deepEqual(forwardChains(text, 4), [
      { name: 'ip filter FORWARD', isDropping: true },
      { name: 'inet firewall fwd', isDropping: true },
    ]);
    assert.deepEqual(
      forwardChains(text, 6).map(({ name }) => name),
      ['inet firewall fwd'],
    );
  });

  it('knows a chain with a rule that drops the rest, unless one before it lets pass what is led on, as firewalld’s does', () => {
    const chain = (...rules: string[]) =>
      `table inet fw {\n\tchain forw {\n\t\ttype filter hook forward priority filter; policy accept;\n${rules.map((one) => `\t\t${one}\n`).join('')}\t}\n}\n`;
    const known = 'ct state established,related accept';
    const dropsTheRest = (text: string): boolean => whatItDrops({ name: 'inet fw forw', isDropping: false }, text) !== undefined;
    assert.equal(dropsTheRest(chain(known, 'counter packets 3 bytes 180 drop')), true);
    assert.equal(dropsTheRest(chain(known, 'log prefix "no: " drop')), true);
    assert.equal(dropsTheRest(chain('ct status dnat accept', 'reject with icmpx admin-prohibited')), false);
    assert.equal(dropsTheRest(chain(known, 'ip saddr 192.0.2.1 drop')), false);
    const docker = { name: 'ip docker-bridges filter-FORWARD', isDropping: false };
    assert.match(whatItDrops(docker, chain('oifname vmap @filter-forward-in-jumps')) ?? '', /firewall-backend=iptables/);
  });

  it('leads by IPv6 to instances that have such an address, here or at a host that has one', () => {
    const six = (host: string, last: number, at6?: string) => ({ ...on(host, last), address6: `fd00::${last}`, ...(at6 && { at6 }) });
    const table = {
      ports: [web(on('h1', 4), six('h1', 5), six('h2', 6, 'fd09::2'), six('h3', 7))],
      hosts: [],
      hosts6: ['fd09::1', 'fd09::2'],
    };
    const text = ingressRules({ family: 6, host: 'h1', ...ofFamily(table, 6, 'h1'), subnets: ['fd00::/64'], version: 'v1' });
    assert.match(text, /targets-any .*elements = \{ tcp \. 8080 \. 0 : fd00::5 \. 80, tcp \. 8080 \. 1 : fd09::2 \. 8080 \}/);
    assert.match(text, /^table ip6 arpanet-ingress \{$/m);
    assert.match(text, /set hosts .*fd09::1, fd09::2/);
  });

  it('takes no message with an address that is none', () => {
    const message = (address: string) =>
      JSON.stringify({ type: 'ingress', ports: [web({ ...on('h1', 5), address })], hosts: ['10.9.0.1'] });
    assert.equal(readLeaderMessage(message('10.32.0.5'))?.type, 'ingress');
    assert.throws(() => readLeaderMessage(message('10.32.0.5; flush ruleset')), /IPv4/);
  });
});
