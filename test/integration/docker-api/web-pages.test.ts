/** What a web page can make a browser send, on every route: refused before the Engine, the operator's API or the leader hears of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { ROUTES } from '../../../src/docker-api/routes.ts';
import { type Small, startSmall, talk } from '../../support/fakes/small-engine.ts';

const routes = [
  ...ROUTES.map(({ method, path }) => ({ method, path: `/v1.41${path.replaceAll(/\{\w+\*?\}/g, 'web')}` })),
  { method: 'GET', path: '/_ping' },
  { method: 'HEAD', path: '/_ping' },
  { method: 'OPTIONS', path: '/containers/create' },
  { method: 'GET', path: '//containers/./json' },
  { method: 'GET', path: 'http://127.0.0.1/containers/json' },
  { method: 'GET', path: '/nowhere' },
  ...['status', 'token', 'backup', 'health', 'held'].map((leaf) => ({ method: 'GET', path: `/arpanet/v1/${leaf}` })),
  ...['audit/fix', 'hosts/h1/drain', 'schedulers'].map((leaf) => ({ method: 'POST', path: `/arpanet/v1/${leaf}` })),
];

const PAGES: Readonly<Record<string, http.OutgoingHttpHeaders>> = {
  'a name that somebody points here': { Host: 'evil.example:2375' },
  'such a name, and the headers of schedulers': { Host: 'evil.example', 'Arpanet-Forwarded': 's2', 'Arpanet-Retry': '1' },
  'a form of another site': { Origin: 'http://evil.example' },
  'a page of another port': { Origin: 'http://127.0.0.1:3000' },
  'an image of another site': { 'Sec-Fetch-Site': 'cross-site' },
};

describe('a web page', () => {
  const heard: string[] = [];
  let small: Small;
  let leader: http.Server;
  let follower: Small;
  before(async () => {
    const note: http.RequestListener = (req, res) => {
      heard.push(`${req.method} ${req.url}`);
      res.end('{}');
    };
    small = await startSmall({ listener: note, deps: { operator: note, hostNames: ['docker.corp.example'] } });
    leader = http.createServer(note).listen(0, '127.0.0.1');
    await once(leader, 'listening');
    follower = await startSmall({ leads: false, deps: { hostNames: ['docker.corp.example'] } });
    const address = leader.address();
    follower.endpoint.follow(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
  });
  after(async () => {
    await small[Symbol.asyncDispose]();
    await follower[Symbol.asyncDispose]();
    leader.closeAllConnections();
    leader.close();
  });

  async function ask(port: number, method: string, path: string, headers: http.OutgoingHttpHeaders): Promise<string> {
    const req = http.request({ host: '127.0.0.1', port, method, path, headers, agent: false }).end();
    const [answer] = (await once(req, 'response')) as [http.IncomingMessage];
    let body = '';
    for await (const chunk of answer) body += String(chunk);
    const isSaid = method === 'HEAD' ? body === '' : /^\{"message":".*refused|^\{"message":"the Host \\"/.test(body);
    return `${answer.statusCode} ${isSaid}`;
  }

  for (const [what, headers] of Object.entries(PAGES)) {
    it(`${what}: 403 on each of all routes, and nobody hears of it`, async () => {
      for (const { port } of [small, follower]) {
        const wrong: string[] = [];
        for (const { method, path } of routes) {
          const got = await ask(port, method, path, headers);
          if (got !== '403 true') wrong.push(`${method} ${path}: ${got}`);
        }
        assert.deepEqual(wrong, []);
      }
      assert.deepEqual([heard, small.asked], [[], []]);
    });
  }

  it('opens no stream and no WebSocket', async () => {
    const upgrade = (path: string, head: string): string =>
      `GET ${path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${head}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
    for (const { port } of [small, follower]) {
      for (const path of ['/containers/web/attach/ws?stream=1', '/session', '/grpc'])
        for (const head of ['Host: evil.example', `Host: 127.0.0.1:${port}\r\nOrigin: http://evil.example`])
          assert.match(await talk(port, upgrade(path, head)), /^HTTP\/1\.1 403 /, `${path} ${head}`);
      assert.match(await talk(port, upgrade('/arpanet/v1/agent', 'Host: d\r\nOrigin: http://evil.example')), /^HTTP\/1\.1 403 /);
    }
    assert.deepEqual(heard, []);
  });

  it('an agent joins by any name: it has the join token', async () => {
    const join = 'GET /arpanet/v1/agent HTTP/1.1\r\nHost: schedulers.corp.example\r\nConnection: Upgrade\r\nUpgrade: arpanet\r\n\r\n';
    assert.match(await talk(small.port, join), /^HTTP\/1\.1 101 /);
  });

  it('clients that name an address, localhost, a name without a dot or one that is allowed are served, by a follower too', async () => {
    for (const host of ['127.0.0.1:2375', 'localhost:2375', 'docker', 'docker.corp.example:2375', ''])
      for (const { port } of [small, follower])
        assert.match(await talk(port, `GET /v1.41/info HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 200 /, host);
    const own = { Host: 'docker:2375', Origin: 'http://docker:2375', 'Sec-Fetch-Site': 'same-origin' };
    for (const { port } of [small, follower]) assert.match(await ask(port, 'GET', '/v1.41/info', own), /^200 /);
  });
});
