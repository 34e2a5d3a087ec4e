/** The DNS server over real sockets, asked by dig. Askers are told apart by their loopback address. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Packet } from 'dns2';
import { pino } from 'pino';
import { createDns, type DnsService } from '../../../src/dns/index.ts';
import { isKind } from '../../../src/model/index.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { until } from '../../support/cluster/cluster.ts';
import { dig } from '../../support/cluster/dig.ts';
import { instance, nameTable } from '../../support/fakes/literal-names.ts';
import { repository } from '../../support/cluster/paths.ts';

const log = pino({ level: 'silent' });
const replicas = (service: string, count: number, block: number) =>
  Array.from({ length: count }, (_, i) => instance(`${i + 1}.${service}.abc`, { abc: `10.32.${block}.${i + 1}` }));
const table = nameTable(
  instance('1.web.abc', { abc: '127.0.0.2' }, { links: { cache: 'ten' } }),
  instance('1.web.xyz', { xyz: '127.0.0.3' }),
  ...replicas('ten', 10, 1),
  ...replicas('sixty', 60, 2),
);

describe('the DNS server', () => {
  let dns: DnsService;
  let port: number;
  before(async () => {
    port = await freePort();
    dns = createDns({ port, upstream: [], log, now: () => table.atMs + 4000 });
    dns.table(table);
    await dns.listen('127.0.0.1');
  });
  after(() => dns.close());
  const ask = (...args: string[]) => dig({ port }, ...args);

  it('gives all of 10 replicas by plain UDP', async () => {
    const { status, flags, answers } = await ask('ten.abc.service.consul', '+noedns');
    assert.deepEqual([status, flags.includes('aa'), flags.includes('tc'), answers.length], ['NOERROR', true, false, 10]);
  });
  it('gives all of 60 replicas by TCP, by EDNS0, and by TCP after a cut', async () => {
    for (const how of ['+tcp', '+bufsize=1232', '+noedns'])
      assert.equal(new Set((await ask('sixty.abc.service.consul', how)).answers).size, 60, how);
    const cut = await ask('sixty.abc.service.consul', '+noedns', '+ignore');
    assert.deepEqual([cut.flags.includes('tc'), cut.answers.length, cut.bytes <= 512], [true, 29, true]);
  });
  it('knows askers by their address: bare names, links, search domain, isolation', async () => {
    assert.deepEqual((await ask('-b', '127.0.0.2', 'web')).answers, ['A 127.0.0.2']);
    assert.deepEqual((await ask('-b', '127.0.0.3', 'web')).answers, ['A 127.0.0.3']);
    assert.equal((await ask('-b', '127.0.0.2', 'cache')).answers.length, 10);
    assert.equal((await ask('-b', '127.0.0.2', 'cache', '+tcp')).answers.length, 10);
    assert.equal((await ask('-b', '127.0.0.2', 'ten', '+search', '+domain=abc.service.consul', '+ndots=1')).answers.length, 10);
    assert.equal((await ask('-b', '127.0.0.2', 'web.xyz.service.consul')).status, 'NXDOMAIN');
    assert.deepEqual((await ask('web.xyz.service.consul')).answers, ['A 127.0.0.3']);
  });
  it('answers AAAA, PTR, SRV, TXT and SOA', async () => {
    const aaaa = await ask('ten.abc.service.consul', 'AAAA');
    assert.deepEqual([aaaa.status, aaaa.answers.length, aaaa.authority[0]?.split(' ')[0]], ['NOERROR', 0, 'SOA']);
    assert.deepEqual((await ask('-x', '10.32.1.4')).answers, ['PTR 4.ten.abc.service.consul.']);
    assert.equal((await ask('-x', '10.32.1.99')).status, 'NXDOMAIN');
    const srv = await ask('_web._tcp.abc.service.consul', 'SRV');
    assert.deepEqual([srv.answers, srv.additional], [['SRV 1 1 80 1.web.abc.service.consul.'], ['A 127.0.0.2']]);
    assert.equal((await ask('sixty.abc.service.consul', 'SRV')).answers.length, 60);
    assert.deepEqual((await ask('_age.web.abc.service.consul', 'TXT')).answers, ['TXT "4"']);
    assert.equal((await ask('service.consul', 'SOA')).answers.length, 1);
  });
  it('says NXDOMAIN, not SERVFAIL, for what nobody knows', async () => {
    for (const name of ['nobody.abc.service.consul', 'nobody', 'n1.node.consul']) assert.equal((await ask(name)).status, 'NXDOMAIN', name);
    assert.equal((await ask('example.test')).status, 'SERVFAIL');
  });
  it('answers several queries on one TCP connection, sent at once and half-closed', async () => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    const asked = ['ten.abc.service.consul', 'nobody.abc.service.consul', 'sixty.abc.service.consul'].map((name, id) => {
      const packet = new Packet(new Packet.Question(name, Packet.TYPE.A, Packet.CLASS.IN));
      Object.assign(packet.header, { id });
      const bytes = packet.toBuffer();
      return Buffer.concat([Buffer.from([0, bytes.length]), bytes]);
    });
    const all = Buffer.concat(asked);
    socket.write(all.subarray(0, 5)); // in the middle of the first
    await once(socket, 'connect');
    socket.end(all.subarray(5));
    const chunks: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
    const sizes: number[] = [];
    for (let rest = Buffer.concat(chunks); rest.length > 0; rest = rest.subarray(2 + rest.readUInt16BE(0)))
      sizes.push(Packet.parse(rest.subarray(2, 2 + rest.readUInt16BE(0))).answers.length);
    assert.deepEqual(sizes, [10, 0, 60]);
  });
  it('ends a TCP connection that sends nonsense, and goes on', async () => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.end(Buffer.alloc(300, 0xff));
    await once(socket.resume(), 'close');
    assert.equal((await ask('ten.abc.service.consul', '+tcp')).answers.length, 10);
  });
  it('listens on many addresses, and starts and stops as it is asked to', async () => {
    await Promise.all([dns.listen('127.0.0.4'), dns.listen('127.0.0.4'), dns.listen('127.0.0.5')]);
    assert.equal((await dig({ port, address: '127.0.0.4' }, 'ten.abc.service.consul')).answers.length, 10);
    assert.deepEqual(dns.stats().listening, ['127.0.0.1', '127.0.0.4', '127.0.0.5']);
    await dns.unlisten('127.0.0.4');
    await dns.unlisten('127.0.0.4');
    await assert.rejects(dig({ port, address: '127.0.0.4' }, 'ten.abc.service.consul', '+tries=1', '+time=1'));
    await dns.listen('127.0.0.4');
    assert.equal((await dig({ port, address: '127.0.0.4' }, 'ten.abc.service.consul')).answers.length, 10);
  });
  it('says whose fault it is when it cannot listen, and leaves nothing half open', async () => {
    const taken = createServer().listen(port, '127.0.0.6');
    await once(taken, 'listening');
    await assert.rejects(
      dns.listen('127.0.0.6'),
      (error) => isKind(error, 'conflict') && /another program uses this port/.test(error.message),
    );
    taken.close();
    await once(taken, 'close');
    await dns.listen('127.0.0.6');
    await assert.rejects(dns.listen('203.0.113.9'), (error) => isKind(error, 'unavailable') && /no such address/.test(error.message));
  });
});

const closing = (dns: DnsService) => Object.assign(dns, { [Symbol.asyncDispose]: dns.close });

/** A question for an address, as RFC 1035 section 4.1 has it. */
function questionOf(id: number, name: string): Buffer {
  const head = Buffer.from([id >>> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

describe('askers of one address', () => {
  const mine = nameTable(instance('1.web.abc', { abc: '10.32.0.9' }), instance('1.far.abc', { abc: '127.9.0.1' }));

  it('are those of its subnet, of the pool and of the table, and this host itself: others hear nothing', async () => {
    const port = await freePort();
    await using dns = closing(createDns({ port, upstream: [], log, now: () => mine.atMs, pool: '127.2.0.0/16' }));
    dns.table(mine);
    await dns.listen('127.0.0.1', '127.1.0.0/16');
    const ask = (from: string, ...how: string[]) =>
      dig({ port, address: '127.0.0.1' }, '-b', from, 'web.abc.service.consul', '+tries=1', '+time=1', ...how).then(
        ({ answers }) => answers.length,
        () => 'nothing',
      );
    for (const from of ['127.1.0.5', '127.2.9.9', '127.9.0.1', '127.0.0.1']) assert.equal(await ask(from), 1, from);
    for (const how of ['+notcp', '+tcp']) assert.notEqual(await ask('127.3.0.1', how), 1, how);
  });

  it('one that holds all connections, or all queries that wait, takes none from another', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const port = await freePort();
    await using dns = closing(createDns({ port, upstream: [`127.0.0.1:${silent.address().port}`], log, now: () => mine.atMs }));
    dns.table(mine);
    await dns.listen('127.0.0.1');
    const held = Array.from({ length: 300 }, () =>
      connect({ port, host: '127.0.0.1', localAddress: '127.0.0.7' }).on('error', () => undefined),
    );
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    // a byte of a query, and never its end
    for (const socket of held) socket.write('\0');
    const ask = (from: string, name: string, how: string) => dig({ port }, '-b', from, name, how);
    assert.equal((await ask('127.0.0.8', 'web.abc.service.consul', '+tcp')).answers.length, 1);
    await until('it has its share', () => held.filter(({ destroyed, readable }) => !destroyed && readable).length <= 32);
    for (const socket of held) socket.destroy();
    const flood = createSocket('udp4').bind(0, '127.0.0.7');
    let refused = 0;
    flood.on('message', (answer) => (refused += (answer[3] ?? 0) % 16 === 2 ? 1 : 0));
    for (let id = 0; id < 150; id++) flood.send(questionOf(id, `x${id}.example.com`), port, '127.0.0.1');
    // what is over its share is told so at once
    await until('the flood has its share', () => refused >= 50);
    assert.equal(dns.stats().forwarded <= 100, true, String(dns.stats().forwarded));
    flood.close();
    silent.close();
  });
});

describe('an address that comes and goes', () => {
  it('is waited for, and answers again when it returns', async () => {
    // In a network namespace of its own: ends with the process.
    const program = `
      import { execFileSync } from 'node:child_process';
      import { pino } from 'pino';
      import { createDns } from './src/dns/index.ts';
      import { dig } from './test/support/cluster/dig.ts';
      import { instance, nameTable } from './test/support/fakes/literal-names.ts';
      const ip = (...args) => execFileSync('ip', args);
      const ask = async (how) => (await dig({ port: 53, address: '10.32.0.1' }, 'web.abc.service.consul', how)).answers.length;
      ip('link', 'set', 'lo', 'up');
      const dns = createDns({ upstream: [], log: pino({ level: 'silent' }), now: Date.now });
      dns.table(nameTable(instance('1.web.abc', { abc: '10.32.0.9' })));
      const add = () => { ip('link', 'add', 'br9', 'type', 'bridge'); ip('addr', 'add', '10.32.0.1/24', 'dev', 'br9'); ip('link', 'set', 'br9', 'up'); };
      const listening = dns.listen('10.32.0.1');
      setTimeout(add, 500);
      await listening;
      const counts = [await ask('+notcp'), await ask('+tcp')];
      ip('link', 'del', 'br9');
      add();
      await dns.listen('10.32.0.1');
      counts.push(await ask('+notcp'), await ask('+tcp'));
      await dns.close();
      console.log(JSON.stringify(counts));`;
    const args = ['-n', process.execPath, '--import', 'tsx', '--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)('unshare', args, { cwd: join(repository), timeout: 180_000 });
    assert.deepEqual(JSON.parse(stdout), [1, 1, 1, 1]);
  });
});
