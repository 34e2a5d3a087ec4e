import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { createVersionOf } from '../../../src/docker-api/leader-version.ts';
import type { CreateContainer } from '../../../src/model/index.ts';
import { ArpanetError } from '../../../src/model/index.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { startSmall, talk } from '../../support/fakes/small-engine.ts';
import { promisedMs } from '../../support/promised.ts';

interface Stub extends AsyncDisposable {
  readonly url: string;
  readonly seen: string[];
  readonly server: http.Server;
}

/** Stands where a leader stands; notes `METHOD path id retry`. */
async function leader(listener: RequestListener): Promise<Stub> {
  const seen: string[] = [];
  const server = http.createServer((req, res) => {
    const { 'arpanet-request-id': id, 'arpanet-retry': retry } = req.headers;
    seen.push(`${req.method} ${req.url} ${String(id)}${retry === undefined ? '' : ' retry'}`);
    listener(req, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const dies: RequestListener = (req) => void req.resume().on('end', () => req.socket.resetAndDestroy());
const says =
  (text: string): RequestListener =>
  (req, res) =>
    void req.resume().on('end', () => res.end(text));
const id = (name: string): Record<string, string> => ({ 'Arpanet-Request-Id': `request-${name}` });
const json = { 'Content-Type': 'application/json' };

describe('a follower', () => {
  it('passes requests and answers on, and says which scheduler it is', async () => {
    let forwarded: string | undefined;
    await using first = await leader((req, res) => {
      forwarded = String(req.headers['arpanet-forwarded']);
      res.writeHead(201, { 'X-Own': 'yes' });
      req.pipe(res);
    });
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(first.url);
    const big = 'x'.repeat(300_000);
    const answer = await fetch(`${small.url}/build?t=a`, { method: 'POST', body: big });
    assert.deepEqual([answer.status, answer.headers.get('x-own'), (await answer.text()).length, forwarded], [201, 'yes', big.length, 's1']);
  });

  it('asks the leader once what API it speaks, however many clients ping at once', async () => {
    let connections = 0;
    await using first = await leader((_req, res) => void setTimeout(() => res.writeHead(200, { 'Api-Version': '1.44' }).end(), 50));
    first.server.on('connection', () => connections++);
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(first.url);
    assert.equal((await fetch(`${small.url}/_ping`)).headers.get('api-version'), '1.44');
    const ask = createVersionOf('s2', () => undefined);
    connections = 0;
    const said = await Promise.all(Array.from({ length: 20 }, () => ask(first.url, 'unknown')));
    assert.deepEqual(said, Array(20).fill('1.44'));
    assert.equal(connections, 1);
  });

  it('sends a read again to the next leader when the first died without an answer', async () => {
    await using old = await leader(dies);
    await using next = await leader(says('from the next'));
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(old.url);
    const waiting = fetch(`${small.url}/containers/json`, { headers: id('one') });
    await once(old.server, 'request');
    small.endpoint.follow(next.url);
    assert.equal(await (await waiting).text(), 'from the next');
    assert.equal(old.seen[0], 'GET /containers/json request-one');
    assert.equal(next.seen[0], 'GET /containers/json request-one retry');
  });

  it('sends a create again under the same request id, body and all', async () => {
    await using old = await leader(dies);
    await using next = await leader((req, res) => void req.pipe(res));
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(old.url);
    const body = JSON.stringify({ Image: 'busybox' });
    const waiting = fetch(`${small.url}/containers/create?name=web`, { method: 'POST', body, headers: { ...json, ...id('two') } });
    await once(old.server, 'request');
    small.endpoint.follow(next.url);
    assert.equal(await (await waiting).text(), body);
    assert.deepEqual(next.seen, ['POST /containers/create?name=web request-two retry']);
  });

  it('does not send again what might happen twice: one 503, and when to come again', async () => {
    await using old = await leader(dies);
    await using next = await leader(says('never'));
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(old.url);
    const waiting = fetch(`${small.url}/containers/web/exec`, { method: 'POST', body: '{}', headers: json });
    await once(old.server, 'request');
    small.endpoint.follow(next.url);
    const answer = await waiting;
    assert.deepEqual([answer.status, answer.headers.get('retry-after'), next.seen.length], [503, '1', 0]);
  });

  it('asks again, even so, when the one it asked did not lead and so did nothing', async () => {
    await using next = await leader(says('done once'));
    await using small = await startSmall({ leads: false });
    await using old = await leader((req, res) => {
      req.resume();
      res.writeHead(503, { 'Arpanet-Not-Leader': '1' }).end();
      small.endpoint.follow(next.url);
    });
    small.endpoint.follow(old.url);
    const answer = await fetch(`${small.url}/containers/web/exec`, { method: 'POST', body: '{}', headers: json });
    assert.deepEqual([answer.status, await answer.text(), next.seen.length], [200, 'done once', 1]);
  });

  it('asks again, and says that it does, when the one it asked lost the lead in the middle; not what might happen twice', async () => {
    await using next = await leader(says('done'));
    await using small = await startSmall({ leads: false });
    await using old = await startSmall({
      known: {
        containers: {
          one: () => {
            small.endpoint.follow(next.url);
            throw new ArpanetError('not-leader', 'the lock is no longer held');
          },
        },
      },
    });
    const ask = async (method: string, path: string): Promise<number> => {
      small.endpoint.follow(old.url);
      return (await fetch(`${small.url}${path}`, { method, headers: id('four') })).status;
    };
    assert.deepEqual([await ask('DELETE', '/containers/web'), await ask('POST', '/containers/web/rename?name=other')], [200, 503]);
    assert.deepEqual(next.seen, ['DELETE /containers/web request-four retry']);
  });

  it('a removal that is asked for again and finds nothing was done by the first try', async () => {
    const gone = () => {
      throw new ArpanetError('not-found', 'No such thing');
    };
    await using small = await startSmall({ known: { containers: { one: gone }, networks: { remove: gone }, volumes: { remove: gone } } });
    const ask = async (path: string, headers: Record<string, string>): Promise<number> =>
      (await fetch(`${small.url}${path}`, { method: 'DELETE', headers })).status;
    for (const path of ['/containers/web', '/networks/web', '/volumes/web']) {
      assert.deepEqual([await ask(path, { 'Arpanet-Retry': '1' }), await ask(path, {})], [204, 404]);
    }
  });

  it('waits for a leader that cannot be reached yet', async () => {
    const port = await freePort();
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(`http://127.0.0.1:${port}`);
    const waiting = fetch(`${small.url}/containers/web/restart`, { method: 'POST' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const late = http.createServer(says('at last')).listen(port, '127.0.0.1');
    assert.equal(await (await waiting).text(), 'at last');
    late.closeAllConnections();
    late.close();
  });

  it('that becomes the leader itself carries out what it held for the old one, once', async () => {
    const created: CreateContainer[] = [];
    await using small = await startSmall({ leads: false });
    await using old = await leader(dies);
    await using other = await startSmall({
      leads: false,
      known: {
        containers: {
          create: async (create) => {
            created.push(create);
            return { id: 'new', warnings: [] };
          },
        },
      },
    });
    other.endpoint.follow(old.url);
    const body = JSON.stringify({ Image: 'busybox' });
    const waiting = fetch(`${other.url}/containers/create?name=web`, { method: 'POST', body, headers: { ...json, ...id('three') } });
    await once(old.server, 'request');
    other.endpoint.lead(other.cluster);
    assert.deepEqual(await (await waiting).json(), { Id: 'new', Warnings: [] });
    assert.deepEqual(
      created.map((create) => [create.name, create.requestId, create.request.Image]),
      [['web', 'request-three', 'busybox']],
    );
    assert.deepEqual(small.asked, []);
  });

  it('answers what it had begun once only, and ends streams of a leader that leads no more', async () => {
    await using old = await leader((_req, res) => void res.writeHead(200).write('begun '));
    await using next = await leader(says('again'));
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(old.url);
    const [answer] = (await once(http.get(`${small.url}/events`), 'response')) as [http.IncomingMessage];
    let got = '';
    answer.on('data', (chunk) => (got += String(chunk))).on('error', () => undefined);
    await once(answer, 'data');
    const closed = new Promise((resolve) => answer.once('close', resolve));
    small.endpoint.follow(next.url);
    await closed;
    assert.deepEqual([got, next.seen.length], ['begun ', 0]);
  });

  it('lets go of a leader that hangs once another leads', async () => {
    await using old = await leader(() => undefined);
    await using next = await leader(says('from the next'));
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(old.url);
    const waiting = fetch(`${small.url}/info`);
    await once(old.server, 'request');
    small.endpoint.follow(next.url);
    assert.equal(await (await waiting).text(), 'from the next');
  });

  it('does not send a request round in circles', async () => {
    await using one = await startSmall({ leads: false });
    await using two = await startSmall({ leads: false });
    one.endpoint.follow(two.url);
    two.endpoint.follow(one.url);
    const begun = Date.now();
    const answer = await fetch(`${one.url}/containers/web/restart`, { method: 'POST' });
    assert.equal(answer.status, 503);
    assert.ok(Date.now() - begun < promisedMs(12_000));
    const forwarded = await fetch(`${one.url}/info`, { headers: { 'Arpanet-Forwarded': 's9' } });
    assert.deepEqual([forwarded.status, forwarded.headers.get('arpanet-not-leader')], [503, '1']);
  });

  it("splices agents' streams and hijacked connections to the leader", async () => {
    await using first = await startSmall({
      raw: (socket) => {
        socket.once('data', () => socket.end('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello'));
        socket.on('error', () => undefined);
      },
    });
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(first.url);
    const upgrade = 'Host: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
    assert.match(await talk(small.port, `POST /containers/web/attach HTTP/1.1\r\n${upgrade}`), /^HTTP\/1\.1 101 [^]*\r\n\r\nhello$/);
    assert.match(await talk(small.port, `GET /arpanet/v1/agent HTTP/1.1\r\n${upgrade}`), /^HTTP\/1\.1 101 [^]*\r\n\r\nagent$/);
    const refused = await talk(small.port, `GET /containers/none/logs HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n`);
    assert.match(refused, /^HTTP\/1\.1 404 [^]*No such container: none/);
  });

  it('pings in the version that the leader offers', async () => {
    await using first = await startSmall();
    await using small = await startSmall({ leads: false });
    small.endpoint.follow(first.url);
    assert.equal((await fetch(`${small.url}/_ping`, { method: 'HEAD' })).headers.get('api-version'), '1.41');
  });
});

describe('a leader that is asked again', () => {
  const again = { ...id('four'), 'Arpanet-Retry': '1' };

  it('takes "it is so already" for the first try having done it', async () => {
    await using small = await startSmall({ listener: (_req, res) => res.writeHead(304).end() });
    const post = async (action: string, headers: Record<string, string>): Promise<number> =>
      (await fetch(`${small.url}/containers/web/${action}`, { method: 'POST', headers })).status;
    assert.deepEqual([await post('start', {}), await post('start', again), await post('stop', again)], [304, 204, 204]);
    const remove = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${small.url}/containers/none`, { method: 'DELETE', headers })).status;
    assert.deepEqual([await remove({}), await remove(again)], [404, 204]);
  });

  it('says that it did nothing when it finds that it leads no more; and that it may have, when it finds it in the middle', async () => {
    const ask = async ({ url }: { readonly url: string }): Promise<unknown> => {
      const { status, headers } = await fetch(`${url}/networks/create`, { method: 'POST', body: '{"Name":"n"}', headers: json });
      return [status, headers.get('arpanet-not-leader'), headers.get('retry-after')];
    };
    await using frozen = await startSmall({ known: { leader: { frozen: () => 'another leads' } } });
    await using small = await startSmall({
      known: {
        networks: {
          create: async () => {
            throw new ArpanetError('not-leader', 'the fence is broken');
          },
        },
      },
    });
    assert.deepEqual(await ask(small), [503, 'begun', '1']);
    assert.deepEqual(await ask(frozen), [503, '1', '1']);
  });
});
