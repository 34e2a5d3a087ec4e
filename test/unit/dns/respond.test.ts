/** Bytes in, bytes out: what a client reads, what damaged queries get, and that no answer outgrows what was asked for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Packet } from 'dns2';
import * as fc from 'fast-check';
import { createResponder, type RespondDeps, type Responder } from '../../../src/dns/respond.ts';
import { candidates, searchListOf } from '../../../src/dns/search.ts';
import type { NamedInstance } from '../../../src/model/index.ts';
import { instance, nameTable } from '../../support/fakes/literal-names.ts';

const { TYPE } = Packet;
const host = '192.168.1.1';

function responder(instances: readonly NamedInstance[], over: Partial<RespondDeps> = {}): Responder {
  const made = createResponder({ now: () => 1_003_000, random: Math.random, hasConsul: false, ...over });
  made.table(nameTable(...instances));
  return made;
}

interface Asked {
  readonly type?: number;
  readonly class?: number;
  readonly flags?: number;
  /** UDP size said by EDNS0, and the third and fourth byte of its time to live. */
  readonly udpSize?: number;
  readonly ednsVersion?: number;
  readonly isDnssecOk?: boolean;
}

function query(
  name: string,
  { type = TYPE.A, class: klass = 1, flags = 0x0100, udpSize, ednsVersion = 0, isDnssecOk }: Asked = {},
): Buffer {
  const labels = name === '' ? [] : name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]);
  const words = (...values: number[]) => Buffer.from(values.flatMap((value) => [value >>> 8, value & 255]));
  const opt = udpSize === undefined ? [] : [Buffer.from([0]), words(41, udpSize, ednsVersion, isDnssecOk ? 0x8000 : 0, 0)];
  return Buffer.concat([words(0xbeef, flags, 1, 0, 0, opt.length > 0 ? 1 : 0), ...labels, Buffer.from([0]), words(type, klass), ...opt]);
}

function raw(from: Responder, message: Buffer, asker = host, transport: 'udp' | 'tcp' = 'udp'): Buffer {
  const reply = from.respond(message, asker, transport);
  assert.equal(reply.kind, 'answer');
  return reply.kind === 'answer' ? reply.packet : Buffer.alloc(0);
}

const ask = (from: Responder, message: Buffer, asker?: string, transport?: 'udp' | 'tcp'): Packet =>
  Packet.parse(raw(from, message, asker, transport));

const addresses = (packet: Packet): string[] => packet.answers.map((answer) => answer.address ?? '').sort();

const replicas = (count: number): NamedInstance[] =>
  Array.from({ length: count }, (_, i) => instance(`${i + 1}.many.abc`, { abc: `10.32.${i >> 8}.${i & 255}` }));

describe('an answer', () => {
  const shop = [instance('1.Web.abc', { abc: '10.32.0.1' }), instance('2.Web.abc', { abc: '10.32.255.2' })];

  it('carries the id, the question as it was asked, and all addresses with no time to live', () => {
    const packet = ask(responder(shop), query('wEb.ABC.service.consul'));
    assert.deepEqual(
      {
        id: packet.header.id,
        qr: packet.header.qr,
        aa: packet.header.aa,
        rd: packet.header.rd,
        ra: packet.header.ra,
        rcode: packet.header.rcode,
      },
      { id: 0xbeef, qr: 1, aa: 1, rd: 1, ra: 1, rcode: 0 },
    );
    assert.equal(packet.questions[0]?.name, 'wEb.ABC.service.consul');
    assert.deepEqual(addresses(packet), ['10.32.0.1', '10.32.255.2']);
    assert.ok(packet.answers.every((answer) => answer.ttl === 0 && answer.name === 'wEb.ABC.service.consul'));
  });
  it('repeats RD and CD as asked', () => {
    const from = responder(shop);
    for (const flags of [0x0000, 0x0100, 0x0010, 0x0110])
      assert.equal(raw(from, query('web.abc.service.consul', { flags })).readUInt16BE(2) & 0x0110, flags);
  });
  it('has no data for AAAA, and the start of authority with it', () => {
    const packet = ask(responder(shop), query('web.abc.service.consul', { type: TYPE.AAAA }));
    assert.deepEqual([packet.header.rcode, packet.answers.length, packet.authorities.length], [0, 0, 1]);
    assert.deepEqual([packet.authorities[0]?.name, packet.authorities[0]?.serial, packet.authorities[0]?.minimum], ['consul', 7, 0]);
  });
  it('is NXDOMAIN with the start of authority for an unknown name', () => {
    const packet = ask(responder(shop), query('nobody.abc.service.consul'));
    assert.deepEqual([packet.header.rcode, packet.authorities[0]?.type], [3, TYPE.SOA]);
  });
  it('answers ANY with addresses, SRV, PTR, TXT and SOA with theirs', () => {
    const from = responder(shop);
    assert.equal(addresses(ask(from, query('web.abc.service.consul', { type: TYPE.ANY }))).length, 2);
    const srv = ask(from, query('web.abc.service.consul', { type: TYPE.SRV }));
    assert.deepEqual(srv.answers.map((a) => `${a.port} ${a.target}`).sort(), [
      '80 1.web.abc.service.consul',
      '80 2.web.abc.service.consul',
    ]);
    assert.deepEqual(srv.additionals.map((a) => `${a.name} ${a.address}`).sort(), [
      '1.web.abc.service.consul 10.32.0.1',
      '2.web.abc.service.consul 10.32.255.2',
    ]);
    const ptr = ask(from, query('2.255.32.10.in-addr.arpa', { type: TYPE.PTR }));
    assert.equal(ptr.answers[0]?.domain, '2.web.abc.service.consul');
    assert.equal(ask(from, query('_age.web.abc.service.consul', { type: TYPE.TXT })).answers[0]?.data, '3');
    assert.equal(ask(from, query('service.consul', { type: TYPE.SOA })).answers[0]?.serial, 7);
  });
  it('does not compress the targets of SRV', () => {
    assert.ok(
      raw(responder(shop), query('web.abc.service.consul', { type: TYPE.SRV })).includes('\x011\x03web\x03abc\x07service\x06consul\x00'),
    );
  });
  it('goes by the asker, also when the same question was just answered to another', () => {
    const from = responder([
      instance('1.web.abc', { abc: '10.32.0.1' }),
      instance('1.web.xyz', { xyz: '10.32.4.1' }),
      instance('1.job.xyz', { xyz: '10.32.4.2' }, { links: { web: '1.job' } }),
    ]);
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(addresses(ask(from, query('web'), '10.32.0.1')), ['10.32.0.1']);
      assert.deepEqual(addresses(ask(from, query('web'), '10.32.4.1')), ['10.32.4.1']);
      assert.deepEqual(addresses(ask(from, query('web'), '10.32.4.2')), ['10.32.4.2']);
      assert.equal(ask(from, query('web.xyz.service.consul'), '10.32.0.1').header.rcode, 3);
      assert.deepEqual(addresses(ask(from, query('web.xyz.service.consul'), host)), ['10.32.4.1']);
      assert.equal(from.respond(query('web'), host, 'udp').kind, 'forward');
    }
  });
  it('follows the next table', () => {
    const from = responder(shop);
    assert.equal(addresses(ask(from, query('web.abc.service.consul'))).length, 2);
    from.table(nameTable(instance('1.web.abc', { abc: '10.32.0.9' })));
    assert.deepEqual(addresses(ask(from, query('web.abc.service.consul'))), ['10.32.0.9']);
    from.table(nameTable());
    assert.equal(ask(from, query('web.abc.service.consul')).header.rcode, 3);
  });
  it('begins with each address about equally often', () => {
    const from = responder(replicas(4));
    const firsts = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      const [first] = ask(from, query('many.abc.service.consul')).answers;
      firsts.set(first?.address ?? '', (firsts.get(first?.address ?? '') ?? 0) + 1);
    }
    assert.equal(firsts.size, 4);
    for (const count of firsts.values()) assert.ok(count > 850 && count < 1150, `${count} of 4000`);
  });
});

describe('size', () => {
  it('holds 10 replicas in 512 bytes', () => {
    const packet = ask(responder(replicas(10)), query('many.abc.service.consul'));
    assert.deepEqual([packet.header.tc, packet.answers.length], [0, 10]);
  });
  it('cuts 60 to what fits into 512 bytes and sets TC; EDNS0 and TCP have room for all', () => {
    const from = responder(replicas(60));
    const cut = raw(from, query('many.abc.service.consul'));
    assert.deepEqual([cut.length <= 512, Packet.parse(cut).header.tc, Packet.parse(cut).answers.length], [true, 1, 29]);
    const edns = ask(from, query('many.abc.service.consul', { udpSize: 1232 }));
    assert.deepEqual([edns.header.tc, new Set(addresses(edns)).size, edns.additionals[0]?.type], [0, 60, TYPE.EDNS]);
    const tcp = ask(from, query('many.abc.service.consul'), host, 'tcp');
    assert.deepEqual([tcp.header.tc, new Set(addresses(tcp)).size], [0, 60]);
  });
  it('shows every replica in time, also when each answer is cut', () => {
    const from = responder(replicas(60));
    const seen = new Set(Array.from({ length: 40 }, () => addresses(ask(from, query('many.abc.service.consul')))).flat());
    assert.equal(seen.size, 60);
  });
  it('leaves additional records out before it cuts SRV, and never below 512 whatever the client says', () => {
    const from = responder(replicas(5));
    const srv = ask(from, query('many.abc.service.consul', { type: TYPE.SRV, udpSize: 0 }));
    assert.deepEqual([srv.header.tc, srv.answers.length], [0, 5]);
    assert.ok(srv.additionals.filter((each) => each.type === TYPE.A).length < 5);
    assert.equal(ask(responder(replicas(60)), query('many.abc.service.consul', { type: TYPE.SRV })).header.tc, 1);
  });
  it('echoes DNSSEC OK and refuses an unknown version of EDNS', () => {
    const from = responder(replicas(1));
    assert.equal(raw(from, query('many.abc.service.consul', { udpSize: 1232, isDnssecOk: true })).at(-4), 0x80);
    const bad = raw(from, query('many.abc.service.consul', { udpSize: 1232, ednsVersion: 1 }));
    assert.equal(Packet.parse(bad).header.rcode, 16);
  });
});

describe('malformed queries', () => {
  const from = responder(replicas(3));
  const rcode = (message: Buffer): number => (raw(from, message)[3] ?? 0) & 15;
  const good = query('many.abc.service.consul');

  it('is dropped when it is an answer, or shorter than a header', () => {
    assert.equal(from.respond(query('many.abc.service.consul', { flags: 0x8100 }), host, 'udp').kind, 'drop');
    assert.equal(from.respond(Buffer.alloc(11), host, 'udp').kind, 'drop');
  });
  it('is FORMERR with two questions or none, a cut name, a pointer for a name, or damaged records', () => {
    const counted = (offset: number, count: number): Buffer => {
      const message = Buffer.from(good);
      message.writeUInt16BE(count, offset);
      return message;
    };
    for (const message of [counted(4, 2), counted(4, 0), counted(6, 1), counted(8, 1), counted(10, 1), counted(10, 65_535)])
      assert.equal(rcode(message), 1);
    assert.equal(rcode(good.subarray(0, 20)), 1);
    assert.equal(rcode(good.subarray(0, good.length - 1)), 1);
    assert.equal(rcode(Buffer.concat([good.subarray(0, 12), Buffer.from([0xc0, 0x0c, 0, 1, 0, 1])])), 1);
    assert.equal(rcode(query(Array.from({ length: 5 }, () => 'x'.repeat(60)).join('.'))), 1);
  });
  it('is NOTIMP for other operations, REFUSED for other classes and zone transfers', () => {
    assert.equal(rcode(query('many.abc.service.consul', { flags: 0x2800 })), 4);
    assert.equal(rcode(query('version.bind', { class: 3, type: TYPE.TXT })), 5);
    assert.equal(rcode(query('service.consul', { type: TYPE.AXFR })), 5);
  });
  it('is not a known name because a label holds a dot', () => {
    const labelled = Buffer.concat([good.subarray(0, 12), Buffer.from([23]), Buffer.from('many.abc.service.consul'), good.subarray(-5)]);
    assert.equal(rcode(labelled), 3);
  });
});

describe('what is forwarded', () => {
  const otherwise = (from: Responder, name: string): unknown => {
    const reply = from.respond(query(name), host, 'udp');
    return reply.kind === 'forward' ? [reply.to, (reply.otherwise[3] ?? 0) & 15] : (raw(from, query(name))[3] ?? 0) & 15;
  };
  it('fails as NXDOMAIN for a bare name, for musl gives up on SERVFAIL, and as SERVFAIL for others', () => {
    assert.deepEqual(otherwise(responder([]), 'nobody'), ['upstream', 3]);
    assert.deepEqual(otherwise(responder([]), 'example.com'), ['upstream', 2]);
  });
  it('is Consul’s for other .consul names, where there is one', () => {
    assert.deepEqual(otherwise(responder([], { hasConsul: true }), 'n1.node.consul'), ['consul', 2]);
    assert.equal(otherwise(responder([]), 'n1.node.consul'), 3);
    assert.equal(otherwise(responder([], { hasConsul: true }), 'n1.abc.service.consul'), 3, 'nobody has said which deployments there are');
  });
  it('is Consul’s for services that others registered there, but not for names below our deployments, whoever may see them', () => {
    const ours = [instance('1.web.abc', { abc: '10.32.0.1' }), instance('1.db.xyz', { xyz: '10.33.0.1' })];
    const withConsul = responder(ours, { hasConsul: true });
    withConsul.table({ ...nameTable(...ours), deployments: ['abc', 'xyz', 'elsewhere'] });
    const asked = (name: string) => {
      const reply = withConsul.respond(query(name), '10.32.0.1', 'udp');
      return reply.kind === 'forward' ? reply.to : (raw(withConsul, query(name), '10.32.0.1')[3] ?? 0) & 15;
    };
    for (const name of ['legacydb.service.consul', 'primary.legacydb.service.consul', '_legacydb._tcp.service.consul'])
      assert.equal(asked(name), 'consul', name);
    for (const name of ['nobody.abc.service.consul', 'db.xyz.service.consul', 'xyz.service.consul', 'db.elsewhere.service.consul'])
      assert.equal(asked(name), 3, name);
    for (const name of ['web.abc.service.dc1.consul', 'legacydb.service.dc1.consul']) assert.equal(asked(name), 'consul', name);
    for (const name of ['db.xyz.service.dc1.consul', 'elsewhere.service.dc1.consul']) assert.equal(asked(name), 3, name);
    withConsul.consul(false);
    assert.equal(asked('legacydb.service.consul'), 3);
  });
  it('is not forwarded for containers whose user named servers: the Engine’s resolver asks those after a SERVFAIL', () => {
    const own = responder([instance('1.web.abc', { abc: '10.32.0.1' }, { hasServers: true }), instance('1.db.abc', { abc: '10.32.0.2' })]);
    const asked = (name: string, from: string) => {
      const reply = own.respond(query(name), from, 'udp');
      return reply.kind === 'forward' ? reply.to : (raw(own, query(name), from)[3] ?? 0) & 15;
    };
    for (const name of ['example.com', 'printer', 'n1.node.consul', '9.9.9.9.in-addr.arpa']) {
      assert.equal(asked(name, '10.32.0.1'), 2, name);
      assert.equal(asked(name, '10.32.0.2'), name.endsWith('consul') ? 3 : 'upstream', name);
    }
    assert.equal(asked('db', '10.32.0.1'), 0);
    assert.equal(asked('nobody.abc.service.consul', '10.32.0.1'), 3);
  });
});

describe('the rest of what a host says of DNS', () => {
  const web = instance('1.web.abc', { abc: '10.32.0.1' });
  it('more servers of a container’s own than its Engine’s resolver asks: they are asked here, for bare and reverse names, too', () => {
    const servers = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
    const own = responder([
      instance('1.web.abc', { abc: '10.32.0.1' }, { hasServers: true, servers }),
      instance('1.db.abc', { abc: '10.32.0.2' }),
    ]);
    for (const name of ['example.com', 'printer', '9.9.9.9.in-addr.arpa']) {
      const reply = own.respond(query(name), '10.32.0.1', 'udp');
      assert.ok(reply.kind === 'forward', name);
      assert.deepEqual([reply.to, (reply.otherwise[3] ?? 0) & 15], [{ servers }, 2], `${name}: then its Engine’s resolver goes on`);
    }
    assert.deepEqual(addresses(ask(own, query('db'), '10.32.0.1')), ['10.32.0.2']);
  });
  it('ndots: names with fewer dots are searched for containers, and for nobody else', () => {
    const own = responder([web]);
    const firstOf = (name: string, from = '10.32.0.1'): readonly string[] => {
      const reply = own.respond(query(name), from, 'udp');
      assert.ok(reply.kind === 'forward', name);
      return (reply.first ?? []).map(({ message }) => Packet.parse(message).questions[0]?.name ?? '');
    };
    assert.deepEqual(firstOf('intranet'), []);
    own.search({ domains: ['corp.example', 'example'], ndots: 2 });
    assert.deepEqual(firstOf('intranet'), ['intranet.corp.example', 'intranet.example']);
    assert.deepEqual(firstOf('wiki.hr'), ['wiki.hr.corp.example', 'wiki.hr.example']);
    assert.deepEqual(firstOf('www.wiki.hr'), []);
    assert.deepEqual(firstOf('intranet', host), []);
    const reply = own.respond(query('intranet'), '10.32.0.1', 'udp');
    const [first] = reply.kind === 'forward' ? (reply.first ?? []) : [];
    assert.ok(first);
    const theirs = (rcode: number, found: readonly string[]): Buffer => {
      const packet = Packet.parse(first.message);
      Object.assign(packet.header, { qr: 1, rcode });
      const name = 'intranet.corp.example';
      packet.answers = found.map((address) => new Packet.Resource({ name, type: TYPE.A, class: 1, ttl: 60, address }));
      return packet.toBuffer();
    };
    assert.equal(first.answer(theirs(3, [])), undefined, 'then the next one');
    const none = Packet.parse(first.answer(theirs(0, [])) ?? Buffer.alloc(0));
    assert.deepEqual([none.header.rcode, none.answers.length], [0, 0], 'it is there: musl takes an NXDOMAIN for AAAA as one for A, too');
    const made = Packet.parse(first.answer(theirs(0, ['192.0.2.2'])) ?? Buffer.alloc(0));
    assert.equal(made.header.id, 0xbeef);
    assert.equal(made.questions[0]?.name, 'intranet');
    assert.deepEqual(
      made.answers.map(({ name, domain, address }) => [name, domain ?? address]),
      [
        ['intranet', 'intranet.corp.example'],
        ['intranet.corp.example', '192.0.2.2'],
      ],
    );
  });
  it('reads what may stand in a resolv.conf', () => {
    assert.deepEqual(searchListOf({ search: ['Corp.Example.', 'a b'], options: ['ndots:1', 'ndots:5', 'timeout:1'] }), {
      domains: ['corp.example'],
      ndots: 5,
    });
    assert.deepEqual(searchListOf({ search: [], options: ['ndots:x', 'ndots:-1', 'ndots'] }), { domains: [], ndots: 0 });
    assert.equal(searchListOf({ search: [], options: ['ndots:999'] }).ndots, 15);
    const list = { domains: ['corp.example', 'x'.repeat(240)], ndots: 3 };
    assert.deepEqual(candidates('a'.repeat(60), list), [`${'a'.repeat(60)}.corp.example`], 'no name is longer than DNS has it');
    for (const name of ['', 'corp.example', 'wiki.Corp.Example']) assert.deepEqual(candidates(name, list), [], name);
  });
});

describe('whatever comes in', () => {
  const from = responder([...replicas(60), instance('1.web.abc', { abc: '10.33.0.1' }, { links: { db: 'many' } })]);
  const names = fc.constantFrom(
    'many',
    'db',
    'many.abc.service.consul',
    '_many._tcp.abc.service.consul',
    '0.0.32.10.in-addr.arpa',
    'x.y',
    '_age',
    '',
  );
  const asked = fc.record({
    name: fc.oneof(names, fc.domain()),
    type: fc.oneof(fc.constantFrom(1, 6, 12, 16, 28, 33, 255), fc.nat(65_535)),
    class: fc.constantFrom(1, 1, 1, 255, 3),
    flags: fc.oneof(fc.constant(0x0100), fc.nat(65_535)),
    udpSize: fc.option(fc.nat(65_535), { nil: undefined }),
  });
  const good = asked.map(({ name, type, class: klass, flags, udpSize }) => ({
    message: query(name, { type, class: klass, flags, ...(udpSize === undefined ? {} : { udpSize }) }),
    limit: Math.max(512, udpSize ?? 0),
  }));

  it('never throws and never outgrows what the client takes', () => {
    fc.assert(
      fc.property(good, fc.constantFrom(host, '10.33.0.1'), ({ message, limit }, asker) => {
        const reply = from.respond(message, asker, 'udp');
        const packet = reply.kind === 'answer' ? reply.packet : reply.kind === 'forward' ? reply.otherwise : Buffer.alloc(0);
        assert.ok(packet.length <= limit, `${packet.length} > ${limit}`);
        if (reply.kind === 'answer') assert.equal(packet.readUInt16BE(0), message.readUInt16BE(0));
      }),
      { numRuns: 3000 },
    );
  });
  it('never throws on damaged or random bytes, and never answers more than 512 to them without EDNS0', () => {
    const damaged = fc
      .tuple(good, fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }), fc.nat(100))
      .map(([{ message }, changes, cut]) => {
        const copy = Buffer.from(message.subarray(0, Math.max(0, message.length - (cut < 30 ? cut : 0))));
        for (const [position, value] of changes) if (position < copy.length) copy[position] = value;
        return copy;
      });
    fc.assert(
      fc.property(
        fc.oneof(
          damaged,
          fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
        ),
        (message) => {
          for (const transport of ['udp', 'tcp'] as const) {
            const reply = from.respond(message, host, transport);
            if (reply.kind === 'answer' && transport === 'udp')
              assert.ok(reply.packet.length <= (message.readUInt16BE(10) === 0 ? 512 : 4096));
          }
        },
      ),
      { numRuns: 5000 },
    );
  });
});
