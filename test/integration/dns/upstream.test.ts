/** Names that are not ours, sent on to real servers (dns2's own). */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createServer, Packet } from 'dns2';
import { pino } from 'pino';
import { createDns, type DnsService } from '../../../src/dns/index.ts';
import { createForwarder, hostResolvers, parseResolvConf } from '../../../src/dns/upstream.ts';
import { until } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { dig } from '../../support/cluster/dig.ts';
import { promisedMs } from '../../support/promised.ts';

const log = pino({ level: 'silent' });

interface Upstream {
  readonly at: string;
  /** `udp example.test` */
  readonly asked: string[];
  readonly close: () => Promise<void>;
}

/** Answers `*.test` with one address; cuts `big.test` over UDP; refuses `refused.test`; is silent about `silent.test` and bare `mute`. */
async function startUpstream(address: string): Promise<Upstream> {
  const asked: string[] = [];
  const port = await freePort();
  const server = createServer({
    udp: true,
    tcp: true,
    handle: (request, send, client) => {
      // the case of a question is random
      const name = (request.questions[0]?.name ?? '').toLowerCase();
      const isTcp = 'remoteAddress' in client;
      asked.push(`${isTcp ? 'tcp' : 'udp'} ${name}`);
      if (name === 'silent.test' || name === 'mute') return;
      const response = Packet.createResponseFromRequest(request);
      const isBig = name === 'big.test';
      if (name === 'refused.test') response.header.rcode = 5;
      else if (!name.endsWith('.test') && !name.endsWith('.consul')) response.header.rcode = 3;
      else if (isBig && !isTcp) response.header.tc = 1;
      else
        for (let i = 1; i <= (isBig ? 100 : 1); i++)
          response.answers.push(
            new Packet.Resource({ name, type: Packet.TYPE.A, class: Packet.CLASS.IN, ttl: 60, address: isBig ? `192.0.2.${i}` : address }),
          );
      void send(response);
    },
  });
  await server.listen({ udp: { port, address: '127.0.0.1' }, tcp: { port, address: '127.0.0.1' } });
  return { at: `127.0.0.1:${port}`, asked, close: () => server.close() };
}

describe('forwarding', () => {
  let first: Upstream;
  let second: Upstream;
  let dns: DnsService;
  let port: number;
  const ask = (...args: string[]) => dig({ port }, ...args);
  before(async () => {
    [first, second] = await Promise.all([startUpstream('192.0.2.1'), startUpstream('192.0.2.2')]);
    port = await freePort();
    const dead = `127.0.0.1:${await freePort()}`;
    dns = createDns({ port, upstream: [dead, `127.0.0.1:${port}`, first.at, second.at], consulDns: second.at, log, now: Date.now });
    await dns.listen('127.0.0.1');
  });
  after(async () => {
    await Promise.all([dns.close(), first.close(), second.close()]);
  });

  it('takes the first server that answers, passing a dead one and itself', async () => {
    const { status, answers, flags } = await ask('www.test', '+noedns');
    assert.deepEqual([status, answers, flags.includes('aa')], ['NOERROR', ['A 192.0.2.1'], false]);
  });
  it('asks the next when one refuses', async () => {
    assert.equal((await ask('refused.test')).status, 'SERVFAIL');
    assert.deepEqual(second.asked.slice(-1), ['udp refused.test']);
  });
  it('passes a cut answer on, and goes by TCP for a client that came by TCP', async () => {
    first.asked.length = 0;
    assert.equal((await ask('big.test')).answers.length, 100);
    assert.deepEqual(first.asked, ['udp big.test', 'udp big.test', 'tcp big.test']);
  });
  it('asks upstream for bare names too; nobody answering means that there is no such name', async () => {
    assert.equal((await ask('nobody')).status, 'NXDOMAIN');
    assert.equal((await ask('mute', '+time=10')).status, 'NXDOMAIN');
  });
  it('waits two seconds for each server, then says SERVFAIL', async () => {
    const startMs = Date.now();
    assert.equal((await ask('silent.test', '+time=10')).status, 'SERVFAIL');
    const tookMs = Date.now() - startMs;
    assert.ok(tookMs > 3800 && tookMs < promisedMs(5500), `${tookMs} ms`);
  });
  it('asks Consul’s DNS for other .consul names', async () => {
    assert.deepEqual((await ask('n1.node.consul')).answers, ['A 192.0.2.2']);
    assert.equal((await ask('n1.abc.service.consul')).status, 'NXDOMAIN');
    assert.equal(first.asked.includes('udp n1.node.consul'), false);
  });
  it('asks upstream what an alias made by hand leads to, and answers with both, by UDP and TCP', async () => {
    const outside = [
      { name: 'api.abc', entries: [{ type: 'CNAME', value: 'www.test' }] },
      { name: 'big.abc', entries: [{ type: 'CNAME', value: 'big.test' }] },
      { name: 'gone.abc', entries: [{ type: 'CNAME', value: 'www.nowhere' }] },
      { name: 'mute.abc', entries: [{ type: 'CNAME', value: 'refused.test' }] },
    ] as const;
    dns.table({ version: 1, epoch: 1, atMs: 0, instances: [], outside });
    for (const more of ['+notcp', '+tcp'])
      assert.deepEqual((await ask('api.abc.service.consul', more)).answers, ['A 192.0.2.1', 'CNAME www.test.']);
    // on a busy machine the other server's turn may come before the first one has answered twice
    await until('all hundred and the alias', async () => (await ask('big.abc.service.consul', '+tcp')).answers.length === 101);
    const gone = await ask('gone.abc.service.consul');
    assert.deepEqual([gone.status, gone.answers], ['NXDOMAIN', ['CNAME www.nowhere.']]);
    assert.equal((await ask('mute.abc.service.consul')).status, 'SERVFAIL');
    dns.table({ version: 2, epoch: 1, atMs: 0, instances: [] });
  });
  it('forwards many at once', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, (_, i) => ask(`n${i}.test`)));
    assert.ok(all.every(({ answers }) => answers[0] === 'A 192.0.2.1'));
  });
});

describe('the forwarder', () => {
  const query = (name: string): Buffer => {
    const packet = new Packet(new Packet.Question(name, Packet.TYPE.A, Packet.CLASS.IN));
    Object.assign(packet.header, { id: 1 });
    return packet.toBuffer();
  };

  it('fails at once when it is closed', async () => {
    const forwarder = createForwarder();
    const silent = createSocket('udp4');
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const asking = forwarder.ask(query('www.test'), [{ host: '127.0.0.1', port: silent.address().port }], 'udp');
    await once(silent, 'message');
    forwarder.close();
    assert.equal(await asking, undefined);
    silent.close();
  });
  it('believes no answer with another id or another question', async () => {
    const forwarder = createForwarder({ timeoutMs: 30_000 });
    const liar = createSocket('udp4');
    liar.bind(0, '127.0.0.1');
    await once(liar, 'listening');
    liar.on('message', (message, { port }) => {
      const asWho = (id: number, name: string): Buffer => {
        const answer = query(name);
        answer.writeUInt16BE(id);
        answer.writeUInt8(0x80, 2);
        return answer;
      };
      const id = message.readUInt16BE();
      liar.send(asWho(id ^ 1, 'www.test'), port);
      liar.send(asWho(id, 'evil.test'), port);
      liar.send(Buffer.alloc(3), port);
      if (message.toString('latin1').toLowerCase().includes('honest')) liar.send(asWho(id, 'HONEST.test'), port);
    });
    const servers = [{ host: '127.0.0.1', port: liar.address().port }];
    assert.equal(await forwarder.ask(query('www.test'), servers, 'udp', 300), undefined);
    assert.equal((await forwarder.ask(query('honest.test'), servers, 'udp'))?.readUInt16BE(), 1);
    liar.close();
  });
  it('reads servers as people write them', () => {});
  it('reads resolv.conf, and has no server where there is none', async () => {
    const text = '# x\nsearch lan\nnameserver 10.0.0.2\n  nameserver\tfd00::1 \n#nameserver 1.1.1.1\noptions ndots:1\n';
    assert.deepEqual(parseResolvConf(text), [
      { host: '10.0.0.2', port: 53 },
      { host: 'fd00::1', port: 53 },
    ]);
    assert.deepEqual(await hostResolvers(Date.now, '/nowhere/resolv.conf')(), []);
  });
});

describe('a question is sent in random case', () => {
  const question = Buffer.from('abcd0100000100000000000003777777046c6f6e6707657861'.concat('6d706c65', '0474657374', '0000010001'), 'hex');
  const nameIn = (message: Buffer): string => message.toString('latin1', 12, message.indexOf(0, 12));

  /** Changes each query to its answer. */
  async function startServer(change: (answer: Buffer) => Buffer, tcp: boolean) {
    const asked: string[] = [];
    const reply = (query: Buffer, way: string): Buffer => {
      asked.push(`${way} ${nameIn(query)}`);
      const answer = Buffer.from(query);
      answer[2] = 0x81;
      return change(answer);
    };
    const port = await freePort();
    const udp = createSocket('udp4').on('message', (query, from) => udp.send(reply(query, 'udp'), from.port, from.address));
    udp.bind(port, '127.0.0.1');
    await once(udp, 'listening');
    const streams = createTcpServer((socket) => {
      socket.once('data', (data) => {
        const answer = reply(data.subarray(2), 'tcp');
        socket.end(Buffer.concat([Buffer.from([answer.length >>> 8, answer.length & 0xff]), answer]));
      });
    });
    if (tcp) {
      streams.listen(port, '127.0.0.1');
      await once(streams, 'listening');
    }
    return {
      asked,
      server: { host: '127.0.0.1', port },
      close: () => {
        udp.close();
        streams.close();
      },
    };
  }
  const lower = (answer: Buffer): Buffer => {
    const end = answer.indexOf(0, 12);
    return Buffer.concat([
      answer.subarray(0, 12),
      Buffer.from(answer.toString('latin1', 12, end).toLowerCase(), 'latin1'),
      answer.subarray(end),
    ]);
  };

  it('and the client gets its own back', async () => {
    const forwarder = createForwarder();
    const kept = await startServer((answer) => answer, false);
    const answer = await forwarder.ask(question, [kept.server], 'udp');
    assert.equal(answer && nameIn(answer), nameIn(question));
    for (let i = 0; i < 20; i++) await forwarder.ask(question, [kept.server], 'udp');
    assert.ok(new Set(kept.asked).size > 10, 'the case differs');
    kept.close();
    forwarder.close();
  });

  for (const [how, hasTcp, ways] of [
    ['by TCP it is the same', true, ['udp', 'tcp', 'udp']],
    ['it has no TCP', false, ['udp', 'udp']],
  ] as const)
    it(`of a server that does not keep it, and ${how}, the answer is taken, and it is asked as it likes from then on`, async () => {
      const forwarder = createForwarder();
      const careless = await startServer(lower, hasTcp);
      for (let i = 0; i < 2; i++) {
        const answer = await forwarder.ask(question, [careless.server], 'udp', 1_000);
        assert.equal(answer && nameIn(answer), nameIn(question));
      }
      assert.deepEqual(
        careless.asked.map((line) => line.split(' ')[0]),
        ways,
      );
      assert.equal(careless.asked.at(-1), `udp ${nameIn(question)}`);
      careless.close();
      forwarder.close();
    });

  it('and an answer by UDP in another case does not count where TCP says another', async () => {
    const forwarder = createForwarder();
    let isFirst = true;
    const server = await startServer((answer) => {
      const said = isFirst ? lower(answer) : answer;
      said[3] = isFirst ? 0x83 : 0x80;
      isFirst = false;
      return said;
    }, true);
    const answer = await forwarder.ask(question, [server.server], 'udp');
    assert.equal((answer?.[3] ?? 0) & 0x0f, 0, 'what TCP says');
    await forwarder.ask(question, [server.server], 'udp');
    assert.notEqual(server.asked.at(-1), `udp ${nameIn(question)}`, 'it is still asked in random case');
    server.close();
    forwarder.close();
  });
});
