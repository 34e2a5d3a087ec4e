import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { allowRules, NO_ALLOW } from '../../../src/hostagent/allow/allow-plan.ts';
import { appliedBy, changedRules, NO_VIPS, staleVipFlows, strayVipFlows, wholeRules } from '../../../src/hostagent/vip/rules.ts';
import { createVips } from '../../../src/hostagent/vip/vips.ts';
import { createServiceIndex } from '../../../src/hostagent/vip/service-index.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { instance } from '../../support/fakes/literal-names.ts';

const targets = (all: Record<string, readonly string[]>) => new Map(Object.entries(all));
const [WEB, API] = ['10.32.3.250', '10.32.3.249'];
const two = targets({ [WEB]: ['10.32.0.1', '10.32.0.2'] });

describe('rules of services’ addresses', () => {
  it('lead an address to all instances that are ready, by a map; there is a chain for each number of them, not for each service', () => {
    const many = targets(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`10.32.3.${n}`, ['10.32.0.1', '10.32.0.2']])));
    const text = wholeRules(many, 'v1');
    assert.match(text, /10\.32\.3\.7 \. 0 : 10\.32\.0\.1, 10\.32\.3\.7 \. 1 : 10\.32\.0\.2/);
    assert.match(text, /10\.32\.3\.7 : goto any-2/);
    assert.equal(text.match(/chain any-/g)?.length, 1);
  });

  it('refuse calls of one without an instance, and are none at all without services', () => {
    assert.match(wholeRules(targets({ [WEB]: [] }), 'v1'), /set empty \{ type ipv4_addr; elements = \{ 10\.32\.3\.250 \}; \}/);
    assert.equal(wholeRules(new Map(), 'v1'), NO_VIPS);
  });

  it('a change costs as much as the services that differ: no other is named, and nothing is listed', () => {
    const before = targets({ [WEB]: ['10.32.0.1', '10.32.0.2'], [API]: ['10.32.0.5', '10.32.0.6'] });
    const now = targets({ [WEB]: ['10.32.0.1', '10.32.0.2', '10.32.0.3'], [API]: ['10.32.0.5', '10.32.0.6'] });
    const text = changedRules(appliedBy(before, undefined), now, 'v2');
    assert.doesNotMatch(text, new RegExp(API));
    assert.doesNotMatch(text, /list|table ip arpanet-vip \{/);
    assert.match(text, /add chain ip arpanet-vip any-3/);
    assert.match(text, /delete element ip arpanet-vip targets \{ 10\.32\.3\.250 \. 0, 10\.32\.3\.250 \. 1 \}/);
    const back = changedRules(appliedBy(now, appliedBy(before, undefined)), before, 'v3');
    assert.doesNotMatch(back, /add chain/, 'it has a chain for two');
  });

  it('only UDP flows to who has left are ended; after a restart those that lead to nobody who is there', () => {
    const one = targets({ [WEB]: ['10.32.0.2'] });
    const flow = ['-D', '-p', 'udp', '--orig-dst', WEB, '--reply-src', '10.32.0.1'];
    assert.deepEqual(staleVipFlows(two, one), [flow]);
    assert.deepEqual(staleVipFlows(two, two), []);
    const line = (to: string, from: string) =>
      `udp      17 29 src=10.32.0.9 dst=${to} sport=4000 dport=53 src=${from} dst=10.32.0.9 sport=53 dport=4000 mark=0 use=1`;
    assert.deepEqual(strayVipFlows([line(WEB, '10.32.0.1'), line(WEB, '10.32.0.2'), line('10.32.0.7', '10.32.0.7')].join('\n'), one), [
      flow,
    ]);
  });
});

describe('which services have an address', () => {
  const web = (number: number, over: Parameters<typeof instance>[2] = {}) =>
    instance(`${number}.web.abc`, { n1: `10.32.0.${number}` }, { container: `web${number}`, vips: { n1: WEB }, ...over });
  const client = instance('1.app.abc', { n1: '10.32.0.9' }, { container: 'app1', host: 'h2' });

  it('follows changes: who is behind one, and whom on this host it concerns', () => {
    const index = createServiceIndex('h2');
    assert.deepEqual([...index.replace([web(1), web(2), client])], ['n1']);
    assert.deepEqual(index.local('n1'), ['app1']);
    assert.deepEqual([...index.targets(['n1'])], [[WEB, ['10.32.0.1', '10.32.0.2']]]);
    assert.deepEqual([...index.change([web(2, { state: 'out', ready: false })], [])], ['n1']);
    assert.deepEqual([...index.targets(['n1'])], [[WEB, ['10.32.0.1']]]);
    assert.deepEqual([...index.change([web(1, { state: 'out', ready: false })], [])], ['n1']);
    assert.deepEqual([...index.targets(['n1'])], [[WEB, []]], 'it stays, with nobody behind it');
    index.change([], ['web1', 'web2']);
    assert.deepEqual([...index.targets(['n1'])], []);
    assert.deepEqual([...index.change([], ['nobody'])], []);
  });
});

describe('rules of who may call a container', () => {
  const api = (allowFrom?: string) => instance('1.api.abc', { n1: '10.32.0.1' }, { ...(allowFrom && { allowFrom }) });
  const near = [
    api(),
    instance('1.web.abc', { n1: '10.32.0.2' }),
    instance('1.web.xyz', { n1: '10.32.0.3', n2: '10.32.4.3' }, { addresses6: { n1: 'fd00::3' } }),
    instance('1.job.xyz', { n1: '10.32.0.4' }),
  ];

  it('keep out all of other deployments in its networks but those that it names, by IPv4 and IPv6', () => {
    const text = allowRules(api('xyz/web:80'), near);
    // each of its addresses can be a sender's, also those in networks that the called one is not in
    assert.match(text, /set others4 \{ type ipv4_addr; elements = \{ 10\.32\.0\.3, 10\.32\.0\.4, 10\.32\.4\.3 \}; \}/);
    assert.match(text, /set ports4 .*elements = \{ 10\.32\.0\.3 \. tcp \. 80, 10\.32\.0\.3 \. udp \. 80, 10\.32\.4\.3 \. tcp \. 80, /);
    assert.match(text, /set others6 \{ type ipv6_addr; elements = \{ fd00::3 \}; \}/);
    assert.ok(text.indexOf('ct state established,related accept') < text.indexOf('@others4'), 'whom it calls answers');
    assert.match(allowRules(api('none'), near), /set ports4 \{ type ipv4_addr \. inet_proto \. inet_service; \}/);
  });

  it('let neighbours be found, and nobody call from a link-local address', () => {
    const text = allowRules(api('none'), near);
    const at = (rule: string) => (text.includes(rule) ? text.indexOf(rule) : assert.fail(rule));
    assert.ok(at('icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query } accept') < at('@others6'));
    assert.ok(at('ct state established,related accept') < at('ip6 saddr fe80::/10'));
    assert.ok(at('ip saddr 169.254.0.0/16 reject') < at('@open4'));
  });

  it('are none without the label', () => assert.equal(allowRules(api(), near), NO_ALLOW));
});

describe('an agent that has just begun', () => {
  const client = instance('1.web.abc', { n1: '10.32.0.1' }, { container: 'web1', vips: { n1: WEB } });

  it('confirms nothing of services’ addresses before it has read its Engine, and holds up no query', async () => {
    const vips = createVips('vxlan', 'h1', quietLog);
    vips.table([client]);
    await assert.rejects(vips.settle(), { kind: 'unavailable' });
    assert.equal(vips.settled('10.32.0.1'), undefined);
    vips.all([]);
    await vips.settle();
    await createVips('none', 'h1', quietLog).settle();
  });

  it('all queries of a container wait together for its rules, and without success only once', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const vips = createVips('vxlan', 'h1', quietLog);
      vips.table([client]);
      vips.all([]);
      const rules = vips.settled('10.32.0.1');
      assert.ok(rules !== undefined);
      assert.equal(vips.settled('10.32.0.1'), rules);
      mock.timers.tick(1_000);
      await rules;
      assert.equal(vips.settled('10.32.0.1'), undefined);
    } finally {
      mock.timers.reset();
    }
  });
});
