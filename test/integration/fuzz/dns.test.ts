/** DNS and damaged packets: whatever comes, the next client is answered. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Packet } from 'dns2';
import { pino } from 'pino';
import { createDns, type DnsService } from '../../../src/dns/index.ts';
import { createResponder } from '../../../src/dns/respond.ts';
import { faultTotal } from '../../../src/telemetry/faults.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { dig } from '../../support/cluster/dig.ts';
import { repository } from '../../support/cluster/paths.ts';
import { instance, nameTable } from '../../support/fakes/literal-names.ts';
import { fuzz } from '../../support/fuzz.ts';

const table = nameTable(
  instance('1.web.abc', { abc: '127.0.0.2' }, { links: { cache: 'db' } }),
  ...Array.from({ length: 60 }, (_, i) => instance(`${i + 1}.db.abc`, { abc: `10.32.0.${i + 1}` })),
);
const query = (name: string, type: number): Buffer => {
  const packet = new Packet();
  packet.header.id = 7;
  packet.header.rd = 1;
  packet.questions = [new Packet.Question({ name, type, class: 1 })];
  return packet.toBuffer();
};
const queries = ['web', 'db.abc.service.consul', '_db._tcp.abc.service.consul', '4.0.32.10.in-addr.arpa', '_age', 'example.com'].flatMap(
  (name) => [1, 5, 6, 12, 16, 28, 33, 255].map((type) => query(name, type)),
);

describe('damaged DNS packets', () => {
  it('are answered with a bounded packet, forwarded, or dropped', async () => {
    const responder = createResponder({ now: () => table.atMs, random: Math.random, hasConsul: true });
    responder.table(table);
    await fuzz((chance) => {
      const message = chance.random() < 0.1 ? chance.bytes(chance.below(600)) : chance.damaged(chance.pick(queries));
      const reply = responder.respond(
        message,
        chance.pick(['127.0.0.2', '10.32.0.1', '192.0.2.1', '']),
        chance.pick(['udp', 'tcp'] as const),
      );
      if (reply.kind === 'answer') assert.ok(reply.packet.length >= 12 && reply.packet.length <= 65_535);
    });
  });

  describe('at a server', () => {
    let dns: DnsService;
    let port: number;
    before(async () => {
      port = await freePort();
      dns = createDns({ port, upstream: [], log: pino({ level: 'silent' }), now: () => table.atMs });
      dns.table(table);
      await dns.listen('127.0.0.1');
    });
    after(() => dns.close());
    const answers = async (): Promise<void> =>
      assert.deepEqual((await dig({ port }, '-b', '127.0.0.2', 'web')).answers, ['A 127.0.0.2'], 'the next client is answered');

    it('cost nobody else anything, by UDP', async () => {
      const socket = createSocket('udp4');
      await fuzz(async (chance) => {
        for (let n = 0; n < 50; n++) socket.send(chance.damaged(chance.pick(queries)), port, '127.0.0.1');
        await new Promise((resolve) => setImmediate(resolve));
      });
      socket.close();
      await answers();
    });

    it('cost nobody else anything, by TCP, in pieces and with resets', async () => {
      await fuzz(async (chance) => {
        const socket = connect({ host: '127.0.0.1', port });
        socket.on('error', () => undefined).resume();
        const closed = once(socket, 'close');
        await once(socket, 'connect');
        for (let n = chance.below(5); n >= 0; n--) {
          const message = chance.damaged(chance.pick(queries));
          const length = chance.random() < 0.8 ? message.length : chance.below(65_536);
          socket.write(Buffer.concat([Buffer.from([length >>> 8, length & 255]), message]));
          if (chance.random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
        }
        if (chance.random() < 0.5) socket.resetAndDestroy();
        else socket.end();
        setTimeout(() => socket.destroy(), 200).unref();
        await closed;
      });
      await answers();
    });

    it('cost nobody else anything when their source port is 0, to which nothing can be sent', async () => {
      const sender = join(repository, 'test', 'support', 'cluster', 'port-zero.pl');
      // what earlier tests have sent is read
      let before = -1;
      for (; before !== dns.stats().queries; await sleep(200)) before = dns.stats().queries;
      for (const message of [query('web', 1), query('example.com', 1), Buffer.from([0])])
        await promisify(execFile)('perl', [sender, '127.0.0.1', String(port), message.toString('hex')]);
      await answers();
      assert.ok(dns.stats().queries - before <= 1, 'they are not even read');
    });

    it('are no unexpected errors', () => assert.equal(faultTotal(), 0));
  });
});
