import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { allowRules, NO_ALLOW } from '../../../src/hostagent/allow/allow-plan.ts';
import { appliedBy, changedRules, NO_VIPS, staleVipFlows, strayVipFlows, wholeRules } from '../../../src/hostagent/vip/rules.ts';
import { createVips } from '../../../src/hostagent/vip/vips.ts';
import { createServiceIndex } from '../../../src/hostagent/vip/service-index.ts';
import type { NamedInstance } from '../../../src/model/name-table.ts';
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
    assert.deepEqual([...index.replace([web(1), web(2), client])], ['app1']);
    assert.deepEqual([...index.targets(['n1'])], [[WEB, ['10.32.0.1', '10.32.0.2']]]);
    assert.deepEqual([...index.change([web(2, { state: 'out', ready: false })], [])], ['app1']);
    assert.deepEqual([...index.targets(['n1'])], [[WEB, ['10.32.0.1']]]);
    assert.deepEqual([...index.change([web(1, { state: 'out', ready: false })], [])], ['app1']);
    assert.deepEqual([...index.targets(['n1'])], [[WEB, []]], 'it stays, with nobody behind it');
    assert.deepEqual([...index.change([], ['web1', 'web2'])], ['app1']);
    assert.deepEqual([...index.targets(['n1'])], []);
    assert.deepEqual([...index.change([], ['nobody'])], []);
  });

  it('concern nobody while they lead where they led: the same table again, another name, who came back at once', () => {
    const index = createServiceIndex('h2');
    index.replace([web(1), web(2), client]);
    const [before, served] = [index.targets(['n1']), index.served('n1')];
    assert.deepEqual([...index.replace([client, web(2), web(1)])], []);
    assert.deepEqual([...index.change([web(1, { hostname: 'other' }), { ...client, ready: false }], ['web1'])], []);
    assert.equal(index.targets(['n1']), before);
    assert.equal(index.served('n1'), served);
  });

  it('a container in one more network is concerned alone, and one of two networks has the services of both', () => {
    const index = createServiceIndex('h2');
    const db = instance('1.db.abc', { n2: '10.32.4.1' }, { container: 'db1', vips: { n2: API } });
    const other = { ...client, container: 'app2', addresses: { n2: '10.32.4.8' } };
    index.replace([web(1), client, db, other]);
    const both = { ...client, addresses: { n1: '10.32.0.9', n2: '10.32.4.9' } };
    assert.deepEqual([...index.change([both], [])], ['app1']);
    assert.deepEqual(
      [...index.targets(['n1', 'n2'])],
      [
        [WEB, ['10.32.0.1']],
        [API, ['10.32.4.1']],
      ],
    );
    assert.deepEqual([...index.change([{ ...db, state: 'out', ready: false }], [])].toSorted(), ['app1', 'app2']);
    assert.deepEqual([...index.change([client], [])], ['app1']);
    assert.deepEqual([...index.change([db], [])], ['app2']);
  });

  it('another number of a network tells that it has one more service, and nothing else does', () => {
    const index = createServiceIndex('h2');
    const api = instance('1.api.abc', { n1: '10.32.0.5' }, { container: 'api1', vips: { n1: API } });
    assert.equal(index.served('n1'), undefined);
    index.replace([web(1), web(2), client]);
    const one = index.served('n1');
    assert.ok(one !== undefined);
    index.change([web(1, { state: 'out', ready: false })], []);
    assert.equal(index.served('n1'), one, 'a ready flip');
    index.change([api], []);
    const two = index.served('n1');
    assert.notEqual(two, one);
    index.change([], ['api1']);
    assert.equal(index.served('n1'), two, 'one less');
    index.change([], ['web1', 'web2']);
    assert.equal(index.served('n1'), undefined);
    index.change([web(1)], []);
    assert.ok(![undefined, one, two].includes(index.served('n1')));
  });
});

describe('the cost of a ready flip on a host with 50 containers', () => {
  /** Services of two instances, in 50 networks; each container on this host is in two of them. Gives what one flip looks at, and whom it has queued. */
  async function flip(count: number): Promise<{ readonly looks: number; readonly queued: readonly string[] }> {
    let looks = 0;
    const counted = (one: NamedInstance): NamedInstance =>
      Object.defineProperty({ ...one }, 'ready', { enumerable: true, get: () => ((looks += 1), one.ready) });
    const behind = Array.from({ length: count }, (_, n) => {
      const service = Math.floor(n / 2);
      const network = `n${service % 50}`;
      return instance(
        `${n}.s${service}.abc`,
        { [network]: `10.40.${Math.floor(n / 250)}.${n % 250}` },
        { container: `behind${n}`, host: 'h2', vips: { [network]: `10.50.${Math.floor(service / 250)}.${service % 250}` } },
      );
    });
    const local = Array.from({ length: 50 }, (_, n) =>
      instance(`${n}.app.abc`, { [`n${n}`]: `10.60.0.${n}`, [`n${(n + 1) % 50}`]: `10.60.1.${n}` }, { container: `local${n}` }),
    );
    // no process has such a number: each pass of a container fails with words of its own, and says so
    const facts = local.map(({ container }, n) => ({
      inspect: { Id: container, State: { Running: true, Pid: 2 ** 23 + n }, HostConfig: { NetworkMode: 'net' } },
    }));
    const queued: string[] = [];
    const log = { ...quietLog, warn: ({ container }: { container: string }) => void queued.push(container) };
    const vips = createVips('vxlan', 'h1', log as never);
    vips.table([...behind, ...local].map(counted));
    vips.all([]);
    vips.changed(facts as never, []);
    await vips.settle();
    [looks, queued.length] = [0, 0];
    const [first] = behind;
    assert.ok(first !== undefined);
    vips.change([counted({ ...first, ready: false })], []);
    for (const one of local) for (const ip of Object.values(one.addresses)) assert.equal(vips.settled(ip), undefined);
    await vips.settle();
    return { looks, queued: queued.toSorted() };
  }

  it('is the same with 2,000 instances in 50 networks as with 20: those behind the one address, and the containers of its network', async () => {
    const few = await flip(20);
    assert.deepEqual(await flip(2_000), few);
    assert.deepEqual(few, { looks: 2, queued: ['local0', 'local49'] });
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

  it('knows who asks: the next container with an address has it when the one before is dropped, and who has another leaves its old one', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const vips = createVips('vxlan', 'h1', quietLog);
      vips.table([client]);
      vips.all([]);
      vips.change([{ ...client, container: 'web2' }], []);
      vips.change([], ['web1']);
      const rules = vips.settled('10.32.0.1');
      assert.ok(rules !== undefined);
      vips.change([{ ...client, container: 'web2', addresses: { n1: '10.32.0.2' } }], []);
      assert.equal(vips.settled('10.32.0.1'), undefined);
      assert.equal(vips.settled('10.32.0.2'), rules);
      mock.timers.tick(1_000);
      await rules;
    } finally {
      mock.timers.reset();
    }
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
