/** Published ports at one address, over real sockets: opened, shared, half-closed, left to others, closed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import type { ContainerView } from '../../../src/model/index.ts';
import { startPublishing } from '../../../src/publish/index.ts';
import { until } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { literalContainer } from '../../support/fakes/literal-cluster.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';

describe('published ports at one address', () => {
  const servers = new Map<string, net.Server>();
  const end = new AbortController();
  let containers: readonly ContainerView[] = [];
  let changed: () => void = () => assert.fail('nobody listens for changes');
  let publishing: ReturnType<typeof startPublishing>;
  let refused = 0;

  const instance = (number: number, port: number): ContainerView => {
    const record = literalRecord(`abc_web_${number}`, { host: `h${number}` });
    const Ports = [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: port, Type: 'tcp' }];
    return literalContainer({ id: record.id, name: record.name, host: record.host, record, summary: { Ports } });
  };
  /** Says all that was said once the other side has ended. */
  const call = async (port: number, words: string): Promise<string> => {
    const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.end(words);
    let said = '';
    for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) said += chunk;
    return said;
  };

  before(async () => {
    for (const host of ['h1', 'h2']) {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        let heard = '';
        socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
        socket.on('end', () => socket.end(`${host} heard ${heard}`));
      });
      servers.set(host, server.listen(0, '127.0.0.1'));
      await once(server, 'listening');
    }
    publishing = startPublishing(
      {
        address: '127.0.0.1',
        containers: () => containers,
        open: async ({ host }) => {
          const server = servers.get(host);
          if (server === undefined) {
            refused++;
            throw new Error(`${host} is not there`);
          }
          const socket = net.connect({ port: (server.address() as net.AddressInfo).port, allowHalfOpen: true });
          await once(socket, 'connect');
          return socket;
        },
        onChange: (listener) => (changed = listener),
        log: pino({ level: 'silent' }),
      },
      end.signal,
    );
  });
  after(() => {
    end.abort();
    for (const server of servers.values()) server.close();
  });

  it('answers once it is settled, in turns, with half-close kept; a host that does not answer is passed over', async () => {
    const port = await freePort();
    containers = [instance(1, port), instance(2, port), instance(3, port)];
    await publishing.settled();
    const said = [await call(port, 'a'), await call(port, 'b'), await call(port, 'c'), await call(port, 'd')];
    assert.deepEqual(
      said.map((line) => line.slice(-7)),
      ['heard a', 'heard b', 'heard c', 'heard d'],
    );
    assert.deepEqual([...new Set(said.map((line) => line.slice(0, 2)))].toSorted(), ['h1', 'h2']);
    assert.ok(refused > 0);
  });

  it('tells an instance who called, where it wants that', async () => {
    const port = await freePort();
    const request = { Labels: { 'arpanet.ingress': `${port}:80`, 'arpanet.proxy-protocol': 'true' } };
    const record = literalRecord('abc_mesh_1', { host: 'h1', addresses: { n: '10.32.0.5' }, request });
    containers = [literalContainer({ id: record.id, name: record.name, host: 'h1', record })];
    await publishing.settled();
    assert.match(await call(port, 'x'), new RegExp(`^h1 heard PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 \\d+ ${port}\r\nx$`));
  });

  it('hangs up when no host answers', async () => {
    const port = await freePort();
    containers = [instance(3, port)];
    await publishing.settled();
    await assert.rejects(call(port, 'x'), { code: 'ECONNRESET' });
  });

  it('leaves a port that somebody has to them, and takes it up when it is free', async () => {
    const port = await freePort();
    const other = net.createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    containers = [instance(1, port)];
    await publishing.settled();
    other.close();
    await once(other, 'close');
    // nothing changes in the cluster: it tries by itself
    await until('it is answered', async () => (await call(port, 'x').catch(() => '')) === 'h1 heard x');
  });

  it('closes what is not published any more, and everything at its end', async () => {
    const port = await freePort();
    containers = [instance(1, port)];
    await publishing.settled();
    containers = [];
    changed();
    await until('it is closed', async () => (await call(port, 'x').catch((error: NodeJS.ErrnoException) => error.code)) === 'ECONNREFUSED');
    containers = [instance(1, port)];
    await publishing.settled();
    end.abort();
    await until('it is closed', async () => (await call(port, 'x').catch((error: NodeJS.ErrnoException) => error.code)) === 'ECONNREFUSED');
    await publishing.settled();
  });
});
