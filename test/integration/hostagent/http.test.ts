/** HTTP by name with the real proxy, on addresses of the loopback: two hosts' agents, of which one answers clients. No Engines. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import tls from 'node:tls';
import { pino } from 'pino';
import { openAgentFiles } from '../../../src/hostagent/agent-files.ts';
import { createHttp, type Http } from '../../../src/hostagent/http/http.ts';
import { type HttpInstance, type HttpSite, shareWeights } from '../../../src/model/http.ts';
import { until } from '../../support/cluster/cluster.ts';
import { startPebble } from '../../support/servers/pebble.ts';

const log = pino({ level: 'silent' });
/** Others on this machine have other processes. */
const net = `127.${64 + (process.pid % 64)}.${Math.floor(process.pid / 64) % 250}`;
const [EDGE, OTHER] = [`${net}.1`, `${net}.2`];
const NAME = 'shop.example.com';
const APP_PORT = 9000;

const instance = (last: number, more: Partial<HttpInstance> = {}): HttpInstance => ({
  container: `c${last}`,
  host: 'h1',
  at: EDGE,
  address: `${net}.${last}`,
  port: APP_PORT,
  weight: 100,
  ...more,
});
const elsewhere = (last: number, more: Partial<HttpInstance> = {}): HttpInstance => instance(last, { host: 'h2', at: OTHER, ...more });
const site = (instances: readonly HttpInstance[], more: Partial<HttpSite> = {}): HttpSite => ({ site: `${NAME}/`, instances, ...more });

/** Answers with its own name, and says back what a WebSocket says. */
async function app(last: number): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    response.setHeader('x-instance', `c${last}`);
    response.end(JSON.stringify(request.headers));
  });
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => socket.destroy()).pipe(socket);
  });
  await once(server.listen(APP_PORT, `${net}.${last}`), 'listening');
  return server;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe('HTTP by name', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'arpanet-http-'));
  const certificates = join(folder, 'certificates');
  const servers: http.Server[] = [];
  let port = 0;
  let tlsPort = 0;
  let running = new AbortController();
  let edge: Http;
  let other: Http;

  const agent = (host: string): Http =>
    createHttp(
      {
        host,
        address: host === 'h1' ? EDGE : OTHER,
        listen: host === 'h1' ? { port, tlsPort, certificates } : undefined,
        dataDir: join(folder, host),
        file: openAgentFiles(join(folder, host), log).http,
        log,
      },
      running.signal,
    );
  /** Both hosts have these names, and no others. Calls between addresses of the loopback come from 127.0.0.1. */
  async function tell(...sites: readonly HttpSite[]): Promise<void> {
    for (const one of [edge, other]) one.take({ type: 'http', isWhole: true, sites, hosts: [EDGE, OTHER, '127.0.0.1'] });
    for (const one of [edge, other]) await one.settle();
  }
  async function get(path = '/', headers: http.OutgoingHttpHeaders = {}): Promise<http.IncomingMessage & { text: string }> {
    const request = http.get({ host: EDGE, port, path, headers: { host: NAME, ...headers } });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks = (await response.toArray()) as Buffer[];
    return Object.assign(response, { text: Buffer.concat(chunks).toString() });
  }
  async function answers(count: number): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (let n = 0; n < count; n++) {
      const name = String((await get()).headers['x-instance']);
      found.set(name, (found.get(name) ?? 0) + 1);
    }
    return found;
  }
  async function webSocket(): Promise<{ readonly socket: Socket; readonly said: (text: string) => Promise<void> }> {
    const socket = connect(port, EDGE);
    let text = '';
    socket.setEncoding('latin1').on('data', (data: string) => (text += data));
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: ${NAME}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    await until('a WebSocket is open', () => text.includes('\r\n\r\n'));
    assert.match(text, /^HTTP\/1.1 101 /);
    const said = async (line: string): Promise<void> => {
      socket.write(line);
      await until(`"${line}" comes back`, () => text.endsWith(line));
    };
    return { socket, said };
  }
  /** Common name of who has issued the certificate that the proxy shows. */
  async function issuerAt(at: number): Promise<string> {
    const socket = tls.connect({ host: EDGE, port: at, servername: NAME, rejectUnauthorized: false });
    try {
      await once(socket, 'secureConnect');
      return String(socket.getPeerCertificate().issuer.CN);
    } finally {
      socket.destroy();
    }
  }
  const pid = (host: string): number => Number(readFileSync(join(folder, host, 'http', 'haproxy.pid'), 'utf8'));

  /** Of proxies with this host's configuration, those that another is not the parent of. */
  function masters(host: string): readonly number[] {
    const config = join(folder, host, 'http', 'haproxy.cfg');
    const words = (id: string | number): readonly string[] => {
      try {
        return readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0');
      } catch {
        return [];
      }
    };
    const parent = (id: string): string => /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? '';
    const own = readdirSync('/proc').filter((id) => /^\d+$/.test(id) && words(id).includes(config));
    return own.filter((id) => !words(parent(id)).includes(config)).map(Number);
  }

  before(async () => {
    mkdirSync(certificates);
    const key = join(certificates, 'key');
    const args = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${key} -days 2 -subj /CN=${NAME} -addext subjectAltName=DNS:${NAME}`;
    const certificate = execFileSync('openssl', args.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    writeFileSync(join(certificates, 'shop.pem'), `${certificate}${readFileSync(key, 'utf8')}`);
    rmSync(key);
    [port, tlsPort] = [await freePort(), await freePort()];
    servers.push(...(await Promise.all([11, 12, 13, 14].map(app))));
    [edge, other] = [agent('h1'), agent('h2')];
  });
  after(async () => {
    await tell();
    running.abort();
    for (const server of servers) server.close().closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  it('leads by name and path to instances of this host and of another, and says to them who called', async () => {
    await tell(site([instance(11)]), { site: `${NAME}/api/`, instances: [elsewhere(12)] });
    const ofRoot = await get('/x', { 'x-forwarded-for': '192.0.2.1' });
    assert.equal(ofRoot.headers['x-instance'], 'c11');
    assert.equal((JSON.parse(ofRoot.text) as Record<string, string>)['x-forwarded-for'], '127.0.0.1');
    for (const path of ['/api', '/api/', '/api/x?y=1']) assert.equal((await get(path)).headers['x-instance'], 'c12', path);
    assert.equal((await get('/apix')).headers['x-instance'], 'c11');
    assert.equal((await get('/', { host: `SHOP.example.com:${port}` })).headers['x-instance'], 'c11');
    assert.equal((await get('/', { host: 'other.example.com' })).statusCode, 404);
    await tell(site([]));
    assert.equal((await get()).statusCode, 503);
  });

  it('takes from other hosts alone what they pass on, for an instance that is here', async () => {
    await tell(site([elsewhere(12)]));
    const call = (localAddress: string, name: string) => {
      const request = http.get({ host: OTHER, port: 7378, localAddress, headers: { host: NAME, 'x-arpanet-instance': name } });
      return once(request, 'response').then(
        ([response]) => (response as http.IncomingMessage).resume().statusCode,
        (error: NodeJS.ErrnoException) => error.code,
      );
    };
    assert.equal(await call(`${net}.77`, 'i0'), 'ECONNRESET');
    assert.equal(await call('127.0.0.1', 'i000000000000'), 425);
  });

  it('asks another instance where one takes no connection, here or on another host; 503 where none does', async () => {
    await tell(site([instance(17), elsewhere(18), instance(11), elsewhere(12)]));
    assert.deepEqual([...(await answers(12)).keys()].sort(), ['c11', 'c12']);
    const errors = new Map((await edge.figures()).map((one) => [one.container, one.errors]));
    assert.ok((errors.get('c17') ?? 0) > 0 && (errors.get('c18') ?? 0) > 0, JSON.stringify([...errors]));
    assert.deepEqual([errors.get('c11'), errors.get('c12')], [0, 0]);
    await tell(site([elsewhere(18)]));
    const none = await get();
    assert.deepEqual([none.statusCode, none.headers['x-arpanet-unsent']], [503, undefined]);
  });

  it('keeps a WebSocket through 100 scalings, a new name, and a new agent', async () => {
    await tell(site([instance(11)]));
    const { socket, said } = await webSocket();
    await said('first');
    for (let n = 0; n < 100; n++) await tell(site(n % 2 === 0 ? [instance(11), instance(12), elsewhere(13)] : [instance(11)]));
    await said('scaled');
    await tell(site([instance(11)]), { site: 'new.example.com/', instances: [instance(14)] });
    assert.equal((await get('/', { host: 'new.example.com' })).headers['x-instance'], 'c14');
    await said('a new name');
    const before = pid('h1');
    running.abort();
    running = new AbortController();
    [edge, other] = [agent('h1'), agent('h2')];
    for (const one of [edge, other]) await one.reconcile();
    await tell(site([instance(11), elsewhere(13)]), { site: 'new.example.com/', instances: [instance(14)] });
    await said('a new agent');
    assert.equal(pid('h1'), before);
    assert.equal((await answers(20)).get('c13'), 10);
    socket.destroy();
  });

  it('gives a canary its tenth of the requests, wherever it runs, and all back', async () => {
    const { instance: weight, canary } = shareWeights(3, 1, 0.1);
    const base = [instance(11, { weight }), instance(12, { weight }), elsewhere(13, { weight })];
    await tell(site([...base, elsewhere(14, { weight: canary })]));
    const share = (await answers(300)).get('c14') ?? 0;
    assert.ok(share >= 21 && share <= 39, `${share} of 300`);
    const counted = (await edge.figures()).find(({ container }) => container === 'c14');
    assert.deepEqual([counted?.requests, counted?.errors], [share, 0]);
    await tell(site(base));
    assert.equal((await answers(60)).get('c14'), undefined);
  });

  it('leads a client back to its instance where that is asked for, and elsewhere when that has gone', async () => {
    await tell(site([instance(11), elsewhere(12), elsewhere(13)], { isSticky: true }));
    const first = await get();
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    assert.match(cookie, /^arpanet-b\w+=i\w+; Path=\/; HttpOnly; SameSite=Lax$/);
    const kept = { cookie: cookie.split(';')[0] };
    for (let n = 0; n < 6; n++) {
      const again = await get('/', kept);
      assert.equal(again.headers['x-instance'], first.headers['x-instance']);
      assert.equal(again.headers['set-cookie'], undefined);
    }
    const left = [instance(11), elsewhere(12), elsewhere(13)].filter(({ container }) => container !== first.headers['x-instance']);
    await tell(site(left, { isSticky: true }));
    const moved = await get('/', kept);
    assert.notEqual(moved.headers['x-instance'], first.headers['x-instance']);
    assert.equal(moved.headers['set-cookie']?.length, 1);
  });

  it('carries gRPC to a container that speaks HTTP/2 without TLS, on another host too', async () => {
    const grpc = http2.createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'application/grpc', trailer: 'grpc-status' });
      response.addTrailers({ 'grpc-status': '0' });
      request.pipe(response);
    });
    await once(grpc.listen(APP_PORT, `${net}.15`), 'listening');
    for (const one of [instance(15, { isH2c: true }), elsewhere(15, { isH2c: true })]) {
      await tell(site([one]));
      const session = http2.connect(`http://${EDGE}:${port}`);
      const stream = session.request({ ':method': 'POST', ':authority': NAME, ':path': '/shop.Cart/Add', te: 'trailers' });
      stream.end('a message');
      const trailed = once(stream, 'trailers') as Promise<[http2.IncomingHttpHeaders]>;
      const [body, [trailers]] = await Promise.all([stream.toArray(), trailed]);
      assert.equal(Buffer.concat(body as Buffer[]).toString(), 'a message');
      assert.equal(trailers['grpc-status'], '0');
      session.close();
    }
    grpc.close();
  });

  it('speaks TLS and HTTP/2 with the certificates of its folder', async () => {
    await tell(site([elsewhere(12)]));
    const session = http2.connect(`https://${EDGE}:${tlsPort}`, { servername: NAME, ca: readFileSync(join(certificates, 'shop.pem')) });
    const stream = session.request({ ':authority': NAME, ':path': '/' });
    const [body, [headers]] = await Promise.all([stream.toArray(), once(stream, 'response') as Promise<[http2.IncomingHttpHeaders]>]);
    assert.equal(headers['x-instance'], 'c12');
    assert.equal((JSON.parse(Buffer.concat(body as Buffer[]).toString()) as Record<string, string>)['x-forwarded-proto'], 'https');
    session.close();
  });

  it('answers without TLS while it has no certificates or cannot read one, so that an ACME client gets them; takes them, and new ones, while connections stay', async () => {
    const pem = join(certificates, 'shop.pem');
    const own = readFileSync(pem);
    await tell();
    rmSync(pem);
    await tell(site([instance(11)]), { site: `${NAME}/.well-known/acme-challenge/`, instances: [elsewhere(19)] });
    assert.equal((await get()).headers['x-instance'], 'c11');
    assert.match(String(edge.trouble()), /^HTTP by name is answered without TLS alone on this host: .*certificates has no certificates/);
    const { socket, said } = await webSocket();
    await said('before');

    // what a container with certbot, lego or the like does: it answers the challenge, whichever host is called
    const challenges = join(folder, 'challenges');
    mkdirSync(challenges);
    const answering = http.createServer((request, response) => {
      response.end(readFileSync(join(challenges, basename(request.url ?? ''))));
    });
    await once(answering.listen(APP_PORT, `${net}.19`), 'listening');
    await using ca = await startPebble(folder, `${net}.20`, { httpPort: port, addressOfAll: EDGE });
    writeFileSync(pem, await ca.issue(NAME, challenges));
    await until('it takes the certificate', async () => {
      await edge.reconcile();
      return (await issuerAt(tlsPort)).startsWith('Pebble Intermediate CA');
    });
    assert.deepEqual(edge.trouble(), []);
    await said('with a certificate');
    writeFileSync(pem, own);
    await until('it takes the next one', async () => {
      await edge.reconcile();
      return (await issuerAt(tlsPort)) === NAME;
    });
    await said('with another');
    socket.destroy();
    answering.close();

    await tell();
    writeFileSync(pem, 'none');
    await assert.rejects(tell(site([instance(11)])), /unable to load certificate|No certificate|no start line/i);
    assert.equal((await get()).headers['x-instance'], 'c11');
    writeFileSync(pem, own);
    await edge.reconcile();
    assert.equal(await issuerAt(tlsPort), NAME);
  });

  it('takes over the proxy that an agent before has left, and ends it with the last name, also where its files are gone', async () => {
    await tell(site([instance(11)]));
    const again = (): void => {
      running.abort();
      running = new AbortController();
      rmSync(join(folder, 'h1', 'http'), { recursive: true });
      [edge, other] = [agent('h1'), agent('h2')];
    };
    again();
    await tell(site([instance(12)]));
    assert.equal((await get()).headers['x-instance'], 'c12');
    assert.equal(masters('h1').length, 1);
    again();
    await tell();
    await assert.rejects(get(), /ECONNREFUSED/);
    assert.deepEqual(masters('h1'), []);
  });

  it('says which port is another program’s, also one that would share it', async () => {
    await tell();
    const taken = join(folder, 'taken.cfg');
    writeFileSync(taken, `defaults\n mode http\n timeout client 1s\nfrontend f\n bind *:${port}\n http-request return status 418\n`);
    const holder = spawn('/usr/sbin/haproxy', ['-db', '-f', taken], { stdio: 'ignore' });
    try {
      await until('the other program has the port', async () => (await get().catch(() => undefined))?.statusCode === 418);
      edge.take({ type: 'http', isWhole: true, sites: [site([instance(11)])], hosts: [] });
      await assert.rejects(edge.settle(), new RegExp(`^ArpanetError: another program has 0\\.0\\.0\\.0:${port}: end it, or`));
      assert.equal((await get()).statusCode, 418);
    } finally {
      holder.kill();
      await once(holder, 'exit');
    }
    await until('it answers once the port is free', async () => {
      await edge.reconcile();
      return (await get()).headers['x-instance'] === 'c11';
    });
  });

  it('is back when the proxy dies, and gone with the last name', async () => {
    await tell(site([instance(11)]));
    const was = pid('h1');
    process.kill(was, 'SIGKILL');
    await until('the proxy has been started again', () => pid('h1') !== was);
    await until('it answers', async () => (await get().catch(() => undefined))?.headers['x-instance'] === 'c11');
    await tell();
    await assert.rejects(get(), /ECONNREFUSED/);
    assert.deepEqual(await edge.differences(), []);
  });
});
