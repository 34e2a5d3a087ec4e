/** Names made by hand: what can be written, what would clash, how DNS answers them, what Consul is told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide, TYPE } from '../../../src/dns/answer.ts';
import { compileZone } from '../../../src/dns/zone.ts';
import type { OutsideName, OutsideType } from '../../../src/model/index.ts';
import { outsideRegistrations } from '../../../src/registrar/catalog.ts';
import { outsideEntry, outsideName, withEntry, withoutEntries } from '../../../src/registrar/index.ts';
import { instance, nameTable } from '../../support/fakes/literal-names.ts';

const made = (name: string, ...entries: readonly (readonly [OutsideType, string])[]): OutsideName => ({
  name,
  entries: entries.map(([type, value]) => ({ type, value })),
});

describe('a name made by hand', () => {
  it('is a short name and a deployment, written in any of its ways', () => {
    for (const text of ['outside.abc', 'Outside.ABC.', 'outside.abc.service.consul']) assert.equal(outsideName(text), 'outside.abc');
    assert.equal(outsideName('_ldap._tcp.abc'), '_ldap._tcp.abc');
    assert.throws(() => outsideName('outside'), /has no deployment: use outside\.DEPLOYMENT/);
    for (const text of ['', 'a..abc', '-a.abc', 'a b.abc', `${'x'.repeat(64)}.abc`, 'ä.abc'])
      assert.throws(() => outsideName(text), /is no DNS name: use labels/, text);
  });

  it('has a value that fits its type, kept in one form', () => {
    const entry = (type: string, value: string) => outsideEntry(type, value).value;
    assert.equal(entry('a', ' 192.0.2.7 '), '192.0.2.7');
    assert.equal(entry('AAAA', '2001:DB8:0:0::7'), '2001:db8::7');
    assert.equal(entry('CNAME', 'API.example.com.'), 'api.example.com');
    assert.equal(entry('SRV', '10  5 5432 DB.example.com.'), '10 5 5432 db.example.com');
    assert.equal(entry('TXT', 'v=1 a b'), 'v=1 a b');
    for (const [type, value] of [
      ['A', '192.0.2.256'],
      ['A', '192.0.2'],
      ['A', '1.2.3.4.5'],
      ['AAAA', '192.0.2.7'],
      ['AAAA', '2001:db8::zz'],
      ['CNAME', '192.0.2.7'],
      ['CNAME', 'two words'],
      ['SRV', '5432 db.example.com'],
      ['SRV', '1 1 70000 db.example.com'],
      ['TXT', ''],
      ['TXT', 'ü'.repeat(200)],
    ] as const)
      assert.throws(() => entry(type, value), /invalid value .* for a record of type \w+: use (an|a|PRIORITY)/, `${type} ${value}`);
    assert.throws(() => entry('MX', 'x'), /unknown record type "MX": use one of A, AAAA, CNAME, SRV, TXT/);
  });

  it('is nobody else’s, and a CNAME stands alone', () => {
    const a = outsideEntry('A', '192.0.2.7');
    const alias = outsideEntry('CNAME', 'api.example.com');
    const instances = [instance('1.web.abc', { n: '10.32.0.1' }, { aliases: { n: ['www'] } })];
    const one = withEntry('outside.abc', undefined, a, instances);
    assert.deepEqual(one, made('outside.abc', ['A', '192.0.2.7']));
    assert.equal(withEntry('outside.abc', one, outsideEntry('A', '192.0.2.8'), instances).entries.length, 2);
    for (const name of ['web.abc', '1.web.abc', 'abc_web_1.abc', 'www.abc'])
      assert.throws(
        () => withEntry(name, undefined, a, instances),
        /is the name of container abc_web_1 of service web in deployment abc/,
        name,
      );
    assert.throws(() => withEntry('outside.abc', one, a, []), /exists already/);
    assert.throws(() => withEntry('outside.abc', one, alias, []), /a name with a CNAME has no other record/);
    assert.throws(() => withEntry('o.abc', withEntry('o.abc', undefined, alias, []), outsideEntry('TXT', 'x'), []), /has no other record/);
  });

  it('is removed whole, by type, or by value', () => {
    const all = made('o.abc', ['A', '192.0.2.7'], ['A', '192.0.2.8'], ['TXT', 'x']);
    assert.equal(withoutEntries('o.abc', all, undefined, undefined), undefined);
    assert.deepEqual(withoutEntries('o.abc', all, 'a', undefined), made('o.abc', ['TXT', 'x']));
    assert.deepEqual(withoutEntries('o.abc', all, 'A', '192.0.2.8'), made('o.abc', ['A', '192.0.2.7'], ['TXT', 'x']));
    assert.throws(() => withoutEntries('o.abc', all, 'SRV', undefined), /no such DNS record: o\.abc SRV/);
    assert.throws(() => withoutEntries('p.abc', undefined, undefined, undefined), /no such DNS record: p\.abc/);
  });
});

describe('DNS and names made by hand', () => {
  const outside = [
    made('outside.abc', ['A', '192.0.2.7'], ['A', '192.0.2.8'], ['AAAA', '2001:db8::7'], ['TXT', 'hello']),
    made('_ldap._tcp.abc', ['SRV', '10 5 389 ldap.example.com']),
    made('api.abc', ['CNAME', 'api.example.com']),
    made('shop.abc', ['CNAME', 'web.xyz.service.consul']),
    made('far.abc', ['CNAME', 'api.abc.service.consul']),
    made('round.abc', ['CNAME', 'round.abc.service.consul']),
    made('web.abc', ['A', '192.0.2.99']),
    made('db.abc', ['A', '192.0.2.50']),
  ];
  const table = nameTable(
    instance('1.web.abc', { abc: '10.32.0.1', both: '10.32.9.1' }),
    instance('1.web.xyz', { xyz: '10.32.4.1', both: '10.32.9.2' }, { links: { db: 'web' } }),
    instance('1.db.xyz', { both: '10.32.9.3' }),
  );
  const zone = compileZone({ ...table, outside });
  const inAbc = '10.32.0.1';
  const ask = (name: string, type: number, asker = inAbc) => decide(zone, { name, type }, asker, 0);

  it('answers them by short and by full name, to the host too', () => {
    const two = { kind: 'addresses', addresses: ['192.0.2.7', '192.0.2.8'] };
    assert.deepEqual(ask('outside', TYPE.A), two);
    assert.deepEqual(ask('outside.abc.service.consul', TYPE.A), two);
    assert.deepEqual(ask('outside.abc.service.consul', TYPE.A, '192.168.1.1'), two);
    assert.equal(ask('outside', TYPE.A, '192.168.1.1').kind, 'forward', 'no deployment, no short name');
    assert.deepEqual(ask('outside', TYPE.AAAA), { kind: 'records', answers: [{ type: 'AAAA', address: '2001:db8::7' }], additional: [] });
    assert.deepEqual(ask('outside', TYPE.TXT), { kind: 'records', answers: [{ type: 'TXT', text: 'hello' }], additional: [] });
    assert.equal(ask('outside', TYPE.SRV).kind, 'nodata');
    assert.deepEqual(ask('_ldap._tcp.abc.service.consul', TYPE.SRV), {
      kind: 'records',
      answers: [{ type: 'SRV', priority: 10, weight: 5, port: 389, target: 'ldap.example.com' }],
      additional: [],
    });
  });

  it('follows an alias inside, and asks others for one that leads outside', () => {
    assert.deepEqual(ask('shop', TYPE.A), {
      kind: 'records',
      answers: [
        { type: 'CNAME', name: 'shop', target: 'web.xyz.service.consul' },
        { type: 'A', name: 'web.xyz.service.consul', address: '10.32.9.2' },
      ],
      additional: [],
    });
    assert.deepEqual(ask('far.abc.service.consul', TYPE.A), {
      kind: 'chase',
      target: 'api.example.com',
      answers: [
        { type: 'CNAME', name: 'far.abc.service.consul', target: 'api.abc.service.consul' },
        { type: 'CNAME', name: 'api.abc.service.consul', target: 'api.example.com' },
      ],
    });
    assert.deepEqual(ask('api', TYPE.CNAME), { kind: 'records', answers: [{ type: 'CNAME', target: 'api.example.com' }], additional: [] });
    assert.equal(ask('round', TYPE.A).kind, 'records', 'a circle ends');
  });

  it('gives what runs in the cluster before them, and them before another deployment’s', () => {
    assert.deepEqual(ask('web', TYPE.A), { kind: 'addresses', addresses: ['10.32.0.1'] });
    assert.deepEqual(ask('db', TYPE.A), { kind: 'addresses', addresses: ['192.0.2.50'] });
  });
});

describe('Consul and names made by hand', () => {
  it('gets them under their own name and as a tag of the deployment, but no texts', () => {
    const all = outsideRegistrations([
      made('db.eu.abc', ['A', '192.0.2.7'], ['TXT', 'x']),
      made('pg.abc', ['SRV', '10 5 5432 db.example.com']),
    ]);
    assert.deepEqual(
      all.map(({ node, id, service, tags, address, port }) => [node, id, service, tags.join(), address, port]),
      [
        ['arpanet--outside', 'db.eu.abc/A/192.0.2.7', 'db.eu.abc', '', '192.0.2.7', undefined],
        ['arpanet--outside', 'db.eu.abc/A/192.0.2.7.dns', 'abc', 'db.eu', '192.0.2.7', undefined],
        ['arpanet--outside', 'pg.abc/SRV/10 5 5432 db.example.com', 'pg.abc', '', 'db.example.com', 5432],
        ['arpanet--outside', 'pg.abc/SRV/10 5 5432 db.example.com.dns', 'abc', 'pg', 'db.example.com', 5432],
      ],
    );
  });
});
