/** Who is told what: every rule of the names, on literal tables. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide, TYPE } from '../../../src/dns/answer.ts';
import { compileZone } from '../../../src/dns/zone.ts';
import { dnsLabel, type NamedInstance } from '../../../src/model/index.ts';
import { instance, nameTable } from '../../support/fakes/literal-names.ts';

const host = '192.168.1.1';
const atMs = 1_000_000;

/** Addresses in order, or the kind of any other decision. */
function ask(instances: readonly NamedInstance[], asker: string, name: string, type: number = TYPE.A): unknown {
  const decision = decide(compileZone(nameTable(...instances), '10.32.0.0/12'), { name: name.toLowerCase(), type }, asker, atMs + 5000);
  if (decision.kind === 'addresses') return [...decision.addresses].sort();
  return decision.kind === 'records' ? decision : decision.kind === 'forward' && decision.isBare ? 'forward bare' : decision.kind;
}

const web = instance('1.web.abc', { abc: '10.32.0.10' });
const prices = [
  instance('1.pricing.abc', { abc: '10.32.0.1' }),
  instance('2.pricing.abc', { abc: '10.32.0.2' }),
  instance('3.pricing.abc', { abc: '10.32.0.3' }, { state: 'out', ready: false }),
];
const others = [instance('1.pricing.xyz', { xyz: '10.32.4.1' }), instance('1.web.xyz', { xyz: '10.32.4.10' })];
const shop = [web, ...prices, ...others];
const inAbc = '10.32.0.10';

describe('names below service.consul', () => {
  it('give all ready instances of a service', () => {
    assert.deepEqual(ask(shop, host, 'pricing.abc.service.consul'), ['10.32.0.1', '10.32.0.2']);
    assert.deepEqual(ask(shop, inAbc, 'pricing.abc.service.consul'), ['10.32.0.1', '10.32.0.2']);
  });
  it('give one instance by number, by container name and by its short id', () => {
    const named = [instance('1.web.abc', { abc: '10.32.0.9' }, { name: 'Front.End_1', container: '0123456789abcdef' })];
    assert.deepEqual(ask(shop, host, '2.pricing.abc.service.consul'), ['10.32.0.2']);
    assert.deepEqual(ask(named, host, 'Front.End_1.abc.service.consul'), ['10.32.0.9']);
    assert.deepEqual(ask(named, host, '0123456789ab.abc.service.consul'), ['10.32.0.9']);
  });
  it('give a whole deployment, as Consul does', () => {
    assert.deepEqual(ask(shop, host, 'abc.service.consul'), ['10.32.0.1', '10.32.0.10', '10.32.0.2']);
  });
  it('may hold dots, underscores and capitals, whatever case is asked', () => {
    const odd = [instance('1.x.abc', { abc: '10.32.0.9' }, { service: 'Price_List.v2', name: 'A.b_C' })];
    for (const name of ['price_list.V2', 'PRICE_LIST.v2', '1.price_list.v2', 'a.B_c'])
      assert.deepEqual(ask(odd, host, `${name}.ABC.service.consul`), ['10.32.0.9']);
  });
  it('are those typed, whatever deployment and service are called; those too long for DNS have labels of their own', () => {
    const branch = `feature-${'x'.repeat(70)}`;
    const odd = [
      instance('1.x.abc', { abc: '10.32.0.9' }, { deployment: branch, service: 'web.api', name: 'one' }),
      instance(
        '1.x.abc',
        { abc: '10.32.0.8' },
        { deployment: branch, service: branch, aliases: { abc: [`${branch}.alias`] }, name: 'two' },
      ),
    ];
    const domain = `${dnsLabel(branch)}.service.consul`;
    for (const name of ['web.api', '1.web.api', 'Web.Api', dnsLabel('web.api'), 'one', `web.api.${domain}`])
      assert.deepEqual(ask(odd, '10.32.0.8', name), ['10.32.0.9'], name);
    for (const name of [dnsLabel(branch), `1.${dnsLabel(branch)}`, dnsLabel(`${branch}.alias`), `${dnsLabel(branch)}.${domain}`])
      assert.deepEqual(ask(odd, '10.32.0.9', name), ['10.32.0.8'], name);
    const stack = [instance('1.x.abc', { abc: '10.32.0.7' }, { deployment: 'my.proj', service: 'db' })];
    for (const name of ['db.my.proj', `db.${dnsLabel('my.proj')}`])
      assert.deepEqual(ask(stack, host, `${name}.service.consul`), ['10.32.0.7']);
  });
  it('do not exist with no instance that runs, as in Consul', () => {
    assert.equal(ask(shop, host, '3.pricing.abc.service.consul'), 'nxdomain');
    assert.equal(ask(shop, host, '3.pricing.abc.service.consul', TYPE.AAAA), 'nxdomain');
  });
  it('lead to those that run while none is healthy yet, so that members that must find each other become healthy', () => {
    const starting = { ready: false } as const;
    const etcd = [1, 2].map((number) => instance(`${number}.etcd.abc`, { abc: `10.32.0.2${number}` }, starting));
    assert.deepEqual(ask(etcd, '10.32.0.21', 'etcd'), ['10.32.0.21', '10.32.0.22']);
    const [one = web] = etcd;
    assert.deepEqual(ask([one, instance('2.etcd.abc', { abc: '10.32.0.22' })], '10.32.0.21', 'etcd'), ['10.32.0.22'], 'one is healthy');
    const strict = etcd.map((member) => ({ ...member, strict: true }) as const);
    assert.equal(ask(strict, '10.32.0.21', 'etcd'), 'nxdomain', 'arpanet.dns=healthy');
    assert.deepEqual(ask(strict, '10.32.0.21', '2.etcd'), ['10.32.0.22'], 'a name of its own leads to it all the same');
  });
  it('of one container lead to it while it runs or is paused', () => {
    const paused = { state: 'paused', ready: false, aliases: { abc: ['queue'] }, hostname: 'Gateway', name: 'one' } as const;
    const alone = [web, instance('1.db.abc', { abc: '10.32.0.30' }, paused), instance('2.db.abc', { abc: '10.32.0.31' })];
    for (const name of ['1.db', 'one', 'queue', 'gateway']) assert.deepEqual(ask(alone, inAbc, name), ['10.32.0.30'], name);
    assert.deepEqual(ask(alone, inAbc, 'db'), ['10.32.0.31'], 'the service has another one');
    assert.deepEqual(ask(alone.slice(0, 2), inAbc, 'db'), ['10.32.0.30'], 'the service has no other one');
  });
  it('are those of swarm mode for services of stacks: with the stack before them, and behind `tasks.`', () => {
    const stack = [1, 2].map((number) => instance(`${number}.db.abc`, { abc: `10.32.0.3${number}` }, { swarmService: 'abc_db' }));
    for (const name of ['db', 'abc_db', 'tasks.db', 'tasks.abc_db'])
      assert.deepEqual(ask([web, ...stack], inAbc, name), ['10.32.0.31', '10.32.0.32'], name);
    assert.equal(ask([web, ...prices], inAbc, 'tasks.pricing'), 'forward', 'not of compose');
  });
  it('with a network behind them lead to the address there, for services and aliases, too', () => {
    const both = instance('1.db.abc', { front: '10.32.1.1', back: '10.32.2.1' }, { aliases: { back: ['store'] } });
    const asker = instance('1.web.abc', { front: '10.32.1.2', back: '10.32.2.2' });
    const table = { ...nameTable(both, asker), networks: { front: 'abc_front', back: 'abc_back' } };
    const zone = compileZone(table, '10.32.0.0/12');
    const address = (name: string) => decide(zone, { name, type: TYPE.A }, '10.32.1.2', atMs);
    assert.deepEqual(address('db.abc_back'), { kind: 'addresses', addresses: ['10.32.2.1'] });
    assert.deepEqual(address('store.abc_back'), { kind: 'addresses', addresses: ['10.32.2.1'] });
    assert.deepEqual(address('db.abc_front'), { kind: 'addresses', addresses: ['10.32.1.1'] });
  });
  it('do not exist when unknown, for any type', () => {
    for (const type of [TYPE.A, TYPE.AAAA, TYPE.SRV, TYPE.TXT, TYPE.ANY])
      assert.equal(ask(shop, host, 'nobody.abc.service.consul', type), 'nxdomain');
  });
  it('have no data of other types, but exist', () => {
    for (const type of [TYPE.AAAA, TYPE.TXT, TYPE.PTR, 15, 65]) assert.equal(ask(shop, host, 'pricing.abc.service.consul', type), 'nodata');
    assert.deepEqual(ask(shop, host, 'pricing.abc.service.consul', TYPE.ANY), ['10.32.0.1', '10.32.0.2']);
  });
  it('know the zone itself', () => {
    assert.equal(ask(shop, host, 'service.consul'), 'nodata');
    assert.equal(ask(shop, host, 'service.consul', TYPE.SOA), 'authority');
  });
  it('are found by an alias, on its network only', () => {
    const aliased = [
      instance('1.db.abc', { front: '10.32.0.5', back: '10.32.4.5' }, { aliases: { back: ['Store'] } }),
      instance('1.web.abc', { front: '10.32.0.6' }),
      instance('1.job.abc', { back: '10.32.4.7' }),
    ];
    assert.deepEqual(ask(aliased, '10.32.4.7', 'store.abc.service.consul'), ['10.32.4.5']);
    assert.equal(ask(aliased, '10.32.0.6', 'store.abc.service.consul'), 'nxdomain');
    assert.deepEqual(ask(aliased, host, 'store.abc.service.consul'), ['10.32.0.5']);
  });
  it('give one address for an instance that several of its names bring up', () => {
    const same = [instance('1.db.abc', { a: '10.32.0.5', b: '10.32.4.5' }, { name: 'db', aliases: { b: ['db'], a: ['db', 'sql'] } })];
    assert.deepEqual(ask(same, host, 'db.abc.service.consul'), ['10.32.0.5']);
    assert.deepEqual(ask(same, '10.32.0.5', 'sql'), ['10.32.0.5']);
  });
});

describe('an asker that is an instance', () => {
  it('asks by bare names, as if in its own deployment', () => {
    assert.deepEqual(ask(shop, inAbc, 'pricing'), ['10.32.0.1', '10.32.0.2']);
    assert.deepEqual(ask(shop, '10.32.4.10', 'pricing'), ['10.32.4.1']);
    assert.deepEqual(ask(shop, inAbc, '2.pricing'), ['10.32.0.2']);
    assert.deepEqual(ask(shop, inAbc, 'abc_pricing_1'), ['10.32.0.1']);
    assert.equal(ask(shop, inAbc, 'pricing', TYPE.AAAA), 'nodata');
  });
  it('may ask while it is not ready itself', () => {
    assert.deepEqual(ask(shop, '10.32.0.3', 'web'), ['10.32.0.10']);
  });
  it('does not learn of another deployment', () => {
    assert.equal(ask(shop, inAbc, 'pricing.xyz.service.consul'), 'nxdomain');
    assert.equal(ask(shop, inAbc, 'xyz.service.consul'), 'nxdomain');
    assert.equal(ask(shop, inAbc, 'xyz_pricing_1'), 'forward bare');
    assert.equal(ask(shop, inAbc, '1.4.32.10.in-addr.arpa', TYPE.PTR), 'nxdomain');
  });
  it('gets the addresses on networks that it shares, the first of its own for each instance', () => {
    const layered = [
      instance('1.web.abc', { back: '10.32.4.1', front: '10.32.0.1' }),
      instance('1.db.abc', { front: '10.32.0.2', back: '10.32.4.2' }),
      instance('1.cache.abc', { front: '10.32.0.3' }),
      instance('1.vault.abc', { deep: '10.32.8.4' }),
    ];
    assert.deepEqual(ask(layered, '10.32.0.1', 'db'), ['10.32.4.2']);
    assert.deepEqual(ask(layered, '10.32.4.1', 'cache'), ['10.32.0.3']);
    assert.equal(ask(layered, '10.32.4.1', 'vault'), 'nxdomain');
    assert.equal(ask(layered, '10.32.4.1', 'vault.abc.service.consul'), 'nxdomain');
    assert.deepEqual(ask(layered, host, 'db.abc.service.consul'), ['10.32.0.2']);
  });
  it("asks for a container's address in a network by both names, as of Docker's own resolver", () => {
    const both = [instance('1.web.abc', { n1: '10.32.0.1', n2: '10.32.4.1' }), instance('1.db.abc', { n1: '10.32.0.2', n2: '10.32.4.2' })];
    const zone = compileZone({ ...nameTable(...both), networks: { n1: 'front', n2: 'back' } });
    const of = (name: string) => decide(zone, { name, type: TYPE.A }, '10.32.0.1', atMs);
    assert.deepEqual(of('abc_db_1.back'), { kind: 'addresses', addresses: ['10.32.4.2'] });
    assert.deepEqual(of('abc_db_1.front'), { kind: 'addresses', addresses: ['10.32.0.2'] });
    assert.equal(of('abc_db_1.deep').kind, 'forward');
  });
  it('sees over a shared network into another deployment, by full and by bare name', () => {
    const joined = [
      instance('1.web.abc', { abc: '10.32.0.1', proxy: '10.32.8.1' }),
      instance('1.db.abc', { abc: '10.32.0.2' }),
      instance('1.gate.xyz', { xyz: '10.32.4.1', proxy: '10.32.8.2' }, { name: 'the-gate', aliases: { proxy: ['entry'], xyz: ['inner'] } }),
      instance('1.db.xyz', { xyz: '10.32.4.2' }),
    ];
    const bySearchDomain = ['the-gate.abc.service.consul', 'entry.abc.service.consul'];
    for (const name of ['gate.xyz.service.consul', 'the-gate', 'entry', 'gate', 'entry.xyz.service.consul', ...bySearchDomain])
      assert.deepEqual(ask(joined, '10.32.0.1', name), ['10.32.8.2']);
    assert.equal(ask(joined, '10.32.0.1', 'inner'), 'forward bare');
    assert.equal(ask(joined, '10.32.0.1', 'db.xyz.service.consul'), 'nxdomain');
    assert.deepEqual(ask(joined, '10.32.0.1', 'db'), ['10.32.0.2']);
    assert.equal(ask(joined, '10.32.0.2', 'the-gate'), 'forward bare');
  });
  it('is never given another deployment’s instance while its own does not run', () => {
    const joined = [
      instance('1.web.abc', { proxy: '10.32.8.1' }),
      instance('1.db.abc', { proxy: '10.32.8.2' }, { state: 'out', ready: false }),
      instance('1.db.xyz', { proxy: '10.32.8.3' }),
    ];
    assert.equal(ask(joined, '10.32.8.1', 'db'), 'nxdomain');
  });
  it('has its links first, also by its search domain', () => {
    const linked = [
      instance('1.web.abc', { abc: '10.32.0.1' }, { links: { DB: 'redis', db_1: '1.redis', pricing: 'abc_redis_2', gone: 'nobody' } }),
      instance('1.redis.abc', { abc: '10.32.0.2' }),
      instance('2.redis.abc', { abc: '10.32.0.3' }),
      instance('1.pricing.abc', { abc: '10.32.0.4' }),
    ];
    assert.deepEqual(ask(linked, '10.32.0.1', 'db'), ['10.32.0.2', '10.32.0.3']);
    assert.deepEqual(ask(linked, '10.32.0.1', 'db_1.abc.service.consul'), ['10.32.0.2']);
    assert.deepEqual(ask(linked, '10.32.0.1', 'pricing'), ['10.32.0.3']);
    assert.deepEqual(ask(linked, '10.32.0.2', 'pricing'), ['10.32.0.4']);
    assert.equal(ask(linked, '10.32.0.2', 'db'), 'forward bare');
    assert.equal(ask(linked, '10.32.0.1', 'gone.abc.service.consul'), 'nxdomain');
  });
  it('means the service by a link of that name to one of its instances, as compose v1 makes it', () => {
    const links = { pricing: 'abc_pricing_1', pricing_1: 'abc_pricing_1', price: 'abc_pricing_1' };
    const scaled = [instance('1.web.abc', { abc: inAbc }, { links }), ...prices];
    assert.deepEqual(ask(scaled, inAbc, 'pricing'), ['10.32.0.1', '10.32.0.2']);
    assert.deepEqual(ask(scaled, inAbc, 'pricing.abc.service.consul'), ['10.32.0.1', '10.32.0.2']);
    assert.deepEqual(ask(scaled, inAbc, 'pricing_1'), ['10.32.0.1']);
    assert.deepEqual(ask(scaled, inAbc, 'price'), ['10.32.0.1']);
  });
  it('has the name itself when its link leads nowhere', () => {
    const recreated = [instance('1.web.abc', { abc: inAbc }, { links: { pricing: 'abc_pricing_9' } }), ...prices];
    assert.deepEqual(ask(recreated, inAbc, 'pricing'), ['10.32.0.1', '10.32.0.2']);
  });
  it('has the address for itself when a stale twin claims it too', () => {
    const moved = [instance('1.web.abc', { abc: '10.32.0.1' }), instance('1.web.xyz', { abc: '10.32.0.1' }, { ready: false })];
    assert.deepEqual(ask(moved, '10.32.0.1', 'web'), ['10.32.0.1']);
    assert.deepEqual(ask([...moved].reverse(), '10.32.0.1', 'web'), ['10.32.0.1']);
  });
});

describe('services, reverse names and the age', () => {
  it('SRV gives ports and targets that resolve, with their addresses', () => {
    const dual = instance(
      '2.dns.abc',
      { abc: '10.32.0.7' },
      { ports: [53, 54].map((port) => ({ port, protocol: port === 53 ? 'udp' : 'tcp' })) },
    );
    const both = [
      { type: 'SRV', port: 53, target: '2.dns.abc.service.consul' },
      { type: 'SRV', port: 54, target: '2.dns.abc.service.consul' },
    ];
    const additional = [{ type: 'A', name: '2.dns.abc.service.consul', address: '10.32.0.7' }];
    assert.deepEqual(ask([dual], host, 'dns.abc.service.consul', TYPE.SRV), { kind: 'records', answers: both, additional });
    assert.deepEqual(ask([dual], '10.32.0.7', 'dns', TYPE.SRV), { kind: 'records', answers: both, additional });
    assert.deepEqual(ask([dual], host, '_dns._udp.abc.service.consul', TYPE.SRV), { kind: 'records', answers: [both[0]], additional });
    assert.deepEqual(ask([dual], '10.32.0.7', '_dns._tcp', TYPE.SRV), { kind: 'records', answers: [both[1]], additional });
    assert.deepEqual(ask([dual], host, '2.dns.abc.service.consul'), ['10.32.0.7']);
  });
  it('SRV takes Consul’s own form, with a tag', () => {
    assert.deepEqual(ask(shop, host, '_abc._pricing.service.consul'), ['10.32.0.1', '10.32.0.2']);
    assert.equal(ask(shop, host, '_nobody._tcp.abc.service.consul', TYPE.SRV), 'nxdomain');
    assert.equal(ask([instance('1.a.abc', { n: '10.32.0.1' }, { ports: [] })], host, 'a.abc.service.consul', TYPE.SRV), 'nodata');
  });
  it('has the labels of what DNS cannot carry, which lead back', () => {
    const long = instance('1.x.abc', { abc: '10.32.0.7' }, { service: 'x'.repeat(64), deployment: 'ci.branch', name: 'short' });
    const target = `1.${dnsLabel('x'.repeat(64))}.${dnsLabel('ci.branch')}.service.consul`;
    const found = ask([long], host, 'short.ci.branch.service.consul', TYPE.SRV) as { readonly answers: readonly unknown[] };
    assert.deepEqual(found.answers, [{ type: 'SRV', port: 80, target }]);
    assert.deepEqual(ask([long], host, target), ['10.32.0.7']);
    const expected = { kind: 'records', answers: [{ type: 'PTR', target }], additional: [] };
    assert.deepEqual(ask([long], host, '7.0.32.10.in-addr.arpa', TYPE.PTR), expected);
  });
  it('PTR gives the instance, ready or not', () => {
    const target = '3.pricing.abc.service.consul';
    const expected = { kind: 'records', answers: [{ type: 'PTR', target }], additional: [] };
    assert.deepEqual(ask(shop, host, '3.0.32.10.in-addr.arpa', TYPE.PTR), expected);
    assert.deepEqual(ask(shop, inAbc, '3.0.32.10.in-addr.arpa', TYPE.PTR), expected);
    assert.equal(ask(shop, host, '3.0.32.10.in-addr.arpa', TYPE.A), 'nodata');
  });
  it('knows that nobody upstream knows the addresses of our networks', () => {
    assert.equal(ask(shop, host, '99.0.32.10.in-addr.arpa', TYPE.PTR), 'nxdomain');
    assert.equal(ask(shop, host, '1.1.47.10.in-addr.arpa', TYPE.PTR), 'nxdomain');
    assert.equal(ask([instance('1.a.abc', { n: '172.20.0.5' })], host, '9.0.20.172.in-addr.arpa', TYPE.PTR), 'nxdomain');
    assert.equal(ask(shop, host, '1.1.48.10.in-addr.arpa', TYPE.PTR), 'forward');
  });
  it('AAAA gives the addresses in networks with IPv6, PTR leads back', () => {
    const six = [
      instance('1.db.abc', { four: '10.32.1.1', six: '10.32.0.1' }, { addresses6: { six: 'fd00::a20:1' } }),
      instance('2.db.abc', { six: '10.32.0.2' }, { addresses6: { six: 'fd00::a20:2' }, state: 'out', ready: false }),
      instance('1.web.abc', { four: '10.32.1.9', six: '10.32.0.9' }, { addresses6: { six: 'fd00::a20:9' } }),
      instance('1.old.abc', { four: '10.32.1.8' }),
    ];
    const found = { kind: 'records', answers: [{ type: 'AAAA', address: 'fd00::a20:1' }], additional: [] };
    for (const name of ['db', '1.db', 'db.abc.service.consul']) assert.deepEqual(ask(six, '10.32.0.9', name, TYPE.AAAA), found, name);
    assert.deepEqual(ask(six, host, 'db.abc.service.consul', TYPE.AAAA), found);
    assert.equal(ask(six, '10.32.1.8', 'db', TYPE.AAAA), 'nodata', 'no network with IPv6 in common');
    assert.equal(ask(six, '10.32.0.9', 'old', TYPE.AAAA), 'nodata');
    const reverse = `1.0.0.0.0.2.a.0.${'0.'.repeat(20)}0.0.d.f.ip6.arpa`;
    const back = { kind: 'records', answers: [{ type: 'PTR', target: '1.db.abc.service.consul' }], additional: [] };
    assert.deepEqual(ask(six, '10.32.0.9', reverse, TYPE.PTR), back);
    assert.equal(ask(six, '10.32.1.8', reverse, TYPE.PTR), 'nxdomain');
    assert.equal(ask(six, '10.32.0.9', reverse.replace('1', '7'), TYPE.PTR), 'forward');
  });
  it('says how old the table is', () => {
    const expected = { kind: 'records', answers: [{ type: 'TXT', text: '5' }], additional: [] };
    assert.deepEqual(ask(shop, host, '_age.pricing.abc.service.consul', TYPE.TXT), expected);
    assert.deepEqual(ask(shop, host, '_age.service.consul', TYPE.TXT), expected);
    assert.deepEqual(ask(shop, inAbc, '_age.pricing', TYPE.TXT), expected);
    assert.equal(ask(shop, host, '_age.nobody.abc.service.consul', TYPE.TXT), 'nxdomain');
    assert.equal(ask(shop, host, '_age.pricing.abc.service.consul', TYPE.A), 'nodata');
  });
});

describe('all other names', () => {
  it('go upstream, bare ones marked', () => {
    assert.equal(ask(shop, inAbc, 'example.com'), 'forward');
    assert.equal(ask(shop, inAbc, 'nobody'), 'forward bare');
    assert.equal(ask(shop, host, 'pricing'), 'forward bare');
    assert.equal(ask(shop, host, ''), 'forward');
  });
  it('of .consul go to Consul', () => {
    assert.equal(ask(shop, inAbc, 'node1.node.consul'), 'consul');
    assert.equal(ask(shop, host, 'pricing.query.dc1.consul'), 'consul');
  });
});

describe('the name of a service with one address', () => {
  const vips = { abc: '10.32.3.254' };
  const behind = prices.map((one) => ({ ...one, vips }));
  const zone = compileZone(nameTable(web, ...behind));
  const asked = (name: string, leads: boolean, type: number = TYPE.A) =>
    decide(zone, { name, type }, inAbc, atMs, (client, vip) => leads && client === inAbc && vip === vips.abc);
  const one = { kind: 'addresses', addresses: ['10.32.3.254'], isForClient: true };

  it('is that address, for who can use it; behind `tasks.` it gives the instances', () => {
    for (const name of ['pricing', 'pricing.abc.service.consul']) assert.deepEqual(asked(name, true), one);
    assert.deepEqual(asked('tasks.pricing', true), { kind: 'addresses', addresses: ['10.32.0.1', '10.32.0.2'] });
    assert.deepEqual(asked('2.pricing', true), { kind: 'addresses', addresses: ['10.32.0.2'] });
    assert.deepEqual(asked('pricing', true, TYPE.AAAA), { kind: 'nodata', origin: '', isForClient: true });
  });

  it('gives the instances to all others, and says that the next client may get another answer', () => {
    assert.deepEqual(asked('pricing', false), { kind: 'addresses', addresses: ['10.32.0.1', '10.32.0.2'], isForClient: true });
    assert.deepEqual(ask([web, ...behind], host, 'pricing.abc.service.consul'), ['10.32.0.1', '10.32.0.2']);
  });

  it('stays that address while no instance is ready', () => {
    const down = compileZone(nameTable(web, ...behind.map((each) => ({ ...each, state: 'out' as const, ready: false }))));
    assert.deepEqual(
      decide(down, { name: 'pricing', type: TYPE.A }, inAbc, atMs, () => true),
      one,
    );
  });
});
