/** A cluster with TLS: hosts join by the token, and are known by their certificates from then on. Real schedulers and agents, fake Engines. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { openUpgrade } from '../../../src/engine/index.ts';
import { startAgent } from '../../../src/hostagent/index.ts';
import { type HostRecord, keys } from '../../../src/model/index.ts';
import type { HostReport } from '../../../src/operator-api/index.ts';
import {
  contextOf,
  type Credentials,
  dialOptions,
  hostServerName,
  JOIN_NAME,
  newKeyPair,
  openAuthority,
  readJoinToken,
  SCHEDULER_NAME,
} from '../../../src/security/index.ts';
import { until as untilWithin } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { ENGINE_ANSWERS, NO_DNS } from '../../support/fakes/quiet-engine.ts';
import { type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

const until = (what: string, check: () => unknown) => untilWithin(what, check);
const FACTS = {
  name: 'db-1',
  address: '127.0.0.1',
  gateway: '127.0.0.1:1',
  hasTls: true,
  labels: {},
  overlay: 'none',
  agentVersion: 'x',
  version: {},
  info: {},
  apiVersion: '1.41',
  minApiVersion: '1.12',
  os: 'linux',
  arch: 'amd64',
  cpus: 1,
  memoryBytes: 1,
  routes: [],
};

interface Host {
  readonly dir: string;
  readonly agent: Awaited<ReturnType<typeof startAgent>>;
}

describe('a cluster with TLS', { timeout: 600_000 }, () => {
  let scheduler: SmallScheduler;
  let dir: string;
  let url: string;
  let port: number;
  let token: string;
  const hosts = new Map<string, Host>();
  const engine = http.createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*$/, '').replace(/^\/v1\.\d+/, '');
    const answer = ENGINE_ANSWERS[path];
    if (path === '/events') return response.writeHead(200).flushHeaders();
    if (answer === undefined) return void request.socket.destroy();
    return void response.setHeader('Api-Version', '1.41').end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });

  async function start(name: string, shown = token): Promise<Host> {
    const options = {
      name,
      address: '127.0.0.1',
      listen: '127.0.0.1:0',
      join: [url],
      token: shown,
      engine: `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`,
      labels: {},
      overlay: 'none' as const,
      dataDir: join(dir, name),
      version: 'test',
    };
    const agent = await startAgent(options, { log: quietLog, dns: NO_DNS, setLogLevel: () => undefined }, new AbortController().signal);
    const host = { dir: options.dataDir, agent };
    hosts.set(name, host);
    return host;
  }
  const report = async (): Promise<readonly HostReport[]> =>
    (await scheduler.call('GET', '/arpanet/v1/hosts')).body as readonly HostReport[];
  const alive = async (name: string): Promise<boolean> => (await report()).some((host) => host.name === name && host.state === 'alive');
  const credentialsOf = (name: string): Credentials => JSON.parse(readFileSync(join(dir, name, 'identity.json'), 'utf8')) as Credentials;

  /** Status and body, or the error's code. */
  async function ask(
    at: number,
    path: string,
    options: tls.ConnectionOptions & { readonly method?: string; readonly body?: object },
  ): Promise<string> {
    const { method = 'GET', body, ...how } = options;
    const request = https.request({
      host: '127.0.0.1',
      port: at,
      path,
      method,
      agent: false,
      ...how,
      headers: { 'Arpanet-Epoch': '9', ...(body && { 'Content-Length': JSON.stringify(body).length }) },
    });
    request.end(body && JSON.stringify(body));
    try {
      const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
      return `${answer.statusCode} ${await text(answer)}`;
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    }
  }
  const gatewayOf = (name: string): number => Number(hosts.get(name)?.agent.gateway.split(':')[1]);

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-tls-'));
    engine.listen(0, '127.0.0.1');
    await once(engine, 'listening');
    port = await freePort();
    url = `https://127.0.0.1:${port}`;
    const more = { alsoListen: [{ host: '127.0.0.1', port, isTls: true }], clusterKey: join(dir, 'cluster.key') };
    scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir: join(dir, 'store') }, more);
    await scheduler.ready();
    token = ((await scheduler.call('GET', '/arpanet/v1/token')).body as { readonly token: string }).token;
  });
  after(async () => {
    for (const { agent } of hosts.values()) await agent[Symbol.asyncDispose]();
    await scheduler?.[Symbol.asyncDispose]();
    engine.closeAllConnections();
    engine.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('hosts join by the token, which names the CA, and are reached by TLS 1.3', async () => {
    assert.match(token, /^ARPTKN-1-[0-9a-f]{64}-join-me$/);
    await Promise.all(['db-1', 'web-1'].map((name) => start(name)));
    for (const name of ['db-1', 'web-1']) await until(`${name} joins`, () => alive(name));
    await until('the leader reaches its Engine', async () => (await scheduler.call('GET', '/images/app:1/json')).status === 200);
    const socket = tls.connect({
      host: '127.0.0.1',
      port: gatewayOf('db-1'),
      ...dialOptions(credentialsOf('web-1'), hostServerName('db-1')),
    });
    await once(socket, 'secureConnect');
    assert.equal(socket.getProtocol(), 'TLSv1.3');
    socket.destroy();
  });

  it("a host's metrics are to be had from a scheduler, as its gateway gives them to schedulers alone", async () => {
    const { status, body } = await scheduler.call('GET', '/arpanet/v1/hosts/db-1/metrics');
    assert.equal(status, 200, String(body));
    assert.match(String(body), /^arpanet_agent_joined 1$/m);
    const { privateKey: key, certificate: cert, bundle: ca } = credentialsOf('web-1');
    assert.match(
      await ask(gatewayOf('db-1'), '/metrics', { key, cert, ca, servername: hostServerName('db-1') }),
      /^403 .*not good for \/metrics/,
    );
    assert.deepEqual(await scheduler.call('GET', '/arpanet/v1/hosts/db-9/metrics'), {
      status: 404,
      body: { message: 'no such host: db-9' },
    });
  });

  it('a certificate of the cluster counts for nothing below TLS 1.3, whatever name is asked for', async () => {
    const { certificate: cert, privateKey: key, bundle: ca } = credentialsOf('db-1');
    const at = { host: '127.0.0.1', port: Number(new URL(url).port), cert, key, ca, rejectUnauthorized: false };
    for (const servername of [SCHEDULER_NAME, JOIN_NAME, '']) {
      const socket = tls.connect({ ...at, servername, maxVersion: 'TLSv1.2' });
      const ended = new Promise((resolve) => socket.once('close', resolve));
      socket.on('error', () => undefined).write('GET /arpanet/v1/join HTTP/1.1\r\nHost: localhost\r\n\r\n');
      assert.equal((await text(socket).catch(() => '')).length, 0, servername);
      await ended;
    }
    const old = tls.connect({ ...at, servername: '', minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
    await assert.rejects(once(old, 'secureConnect'), /protocol version|disconnected before secure/);
  });

  it("another host gets images of a host's gateway, and nothing else; nobody else gets anything", async () => {
    const at = gatewayOf('db-1');
    const web = dialOptions(credentialsOf('web-1'), hostServerName('db-1'));
    const asked = { reference: 'app:1', without: [] };
    assert.equal(await ask(at, '/image', { ...web, method: 'POST', body: asked }), '200 the archive');
    assert.equal(await ask(at, '/layers', { ...web, method: 'POST', body: asked }), '200 {"layers":[]}');
    for (const path of ['/kept', '/leader', '/held', '/metrics'])
      assert.match(await ask(at, path, web), /^403 .*host web-1 is not good for/, path);
    const tunnel = { host: '127.0.0.1', port: at, path: '/engine', protocol: 'tunnel', headers: {}, what: 'gateway', tls: web };
    await assert.rejects(openUpgrade(tunnel), /host web-1 is not good for \/engine/);
    const { bundle } = credentialsOf('web-1');
    assert.match(await ask(at, '/leader', { ca: bundle, servername: hostServerName('db-1') }), /CERTIFICATE_REQUIRED|ECONNRESET|EPIPE/);
    const plain = await fetch(`http://127.0.0.1:${at}/metrics`, { headers: { Authorization: 'Bearer join-me' } }).catch(() => undefined);
    assert.equal(plain, undefined);
    // a gateway is who its certificate says it is
    assert.equal(
      await ask(at, '/image', { ...dialOptions(credentialsOf('web-1'), hostServerName('web-1')), method: 'POST', body: asked }),
      'ERR_TLS_CERT_ALTNAME_INVALID',
    );
  });

  it('an agent cannot speak for another host, and its certificate is good for nothing but its stream', async () => {
    const web = dialOptions(credentialsOf('web-1'), SCHEDULER_NAME);
    for (const path of ['/containers/json', '/arpanet/v1/token', '/arpanet/v1/backup', '/arpanet/v1/hosts'])
      assert.match(await ask(port, path, web), /^403 .*opens its agent's stream/, path);
    const socket = await openUpgrade({
      host: '127.0.0.1',
      port,
      path: '/arpanet/v1/agent',
      protocol: 'arpanet',
      headers: {},
      what: 's1',
      tls: web,
    });
    socket.write(`${JSON.stringify({ type: 'hello', facts: FACTS, epoch: 0 })}\n`);
    assert.match(await text(socket), /the certificate is of host web-1, and the agent says that it is db-1/);
    // with the token, without TLS: the name belongs to a certificate
    const at = Number(new URL(scheduler.url).port);
    const headers = { Authorization: 'Bearer join-me' };
    const plain = await openUpgrade({ host: '127.0.0.1', port: at, path: '/arpanet/v1/agent', protocol: 'arpanet', headers, what: 's1' });
    plain.write(`${JSON.stringify({ type: 'hello', facts: { ...FACTS, hasTls: undefined }, epoch: 0 })}\n`);
    assert.match(await text(plain), /host db-1 has a certificate, and this agent shows none/);
    assert.equal(await alive('db-1'), true);
  });

  it('without a certificate nothing can be asked but how to get one; a resumed session makes no difference', async () => {
    const { bundle } = credentialsOf('web-1');
    const joining = { ca: bundle, servername: JOIN_NAME, checkServerIdentity: () => undefined };
    assert.match(await ask(port, '/arpanet/v1/ca', joining), /^200 .*BEGIN CERTIFICATE/);
    for (const path of ['/containers/json', '/arpanet/v1/token', '/_ping', '/arpanet/v1/health'])
      assert.match(await ask(port, path, joining), /^403 /, path);
    // what a machine runs that joins: this scheduler listens on loopback alone, and says so
    assert.match(await ask(port, '/arpanet/v1/join.sh', joining), /^409 .*loopback/);
    assert.match(await ask(port, '/arpanet/v1/package', joining), /^404 .*no package to hand on/);
    assert.match(await ask(port, '/arpanet/v1/installer', joining), /^403 /);
    const newcomer = (shown: string) => ({ name: 'new-1', address: '127.0.0.9', token: shown, clockMs: Date.now() });
    const checked = async (shown: string) => ask(port, '/arpanet/v1/join/check', { ...joining, method: 'POST', body: newcomer(shown) });
    assert.match(await checked('wrong'), /^401 .*join token/);
    assert.match(await checked(token), /^200 ok\|the clock agrees.*ok\|the name new-1 is free/s);
    const tries = async (more: object) =>
      ask(port, '/arpanet/v1/join/paths', {
        ...joining,
        method: 'POST',
        body: { ...newcomer(token), clockMs: undefined, mtu: 1500, ...more },
      });
    assert.match(await tries({ token: 'wrong' }), /^401 .*join token/);
    assert.match(await tries({ address: 'db-1' }), /^400 .*IPv4 address/);
    assert.match(await tries({}), /^200 note\|UDP 4789 was not tried: there is no other host yet/, 'none has an overlay');
    assert.match(await ask(port, '/_ping', { ca: bundle, servername: 'localhost' }), /^401 .*a client certificate is needed/);
    const first = tls.connect({ host: '127.0.0.1', port, secureContext: contextOf(credentialsOf('web-1')), servername: SCHEDULER_NAME });
    let session: Buffer | undefined;
    first.on('session', (one) => (session = one));
    first.write('GET /containers/json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    assert.match(await text(first), /403/);
    if (session !== undefined)
      assert.match(await ask(port, '/_ping', { ca: bundle, servername: SCHEDULER_NAME, ...({ session } as object) }), /^403|ECONNRESET/);
  });

  it("a wrong token, and one of another CA, are refused with words; a user's certificate is no host's", async () => {
    const body = { name: 'x', ...newKeyPair(), privateKey: undefined, clockMs: Date.now() };
    const call = async (more: object) => await scheduler.call('POST', '/arpanet/v1/join', { ...body, ...more });
    assert.equal((await call({ token: 'wrong' })).status, 401);
    assert.equal((await call({})).status, 401);
    const { status, body: said } = await call({ token: 'join-me', clockMs: Date.now() - 2 * 3_600_000 });
    assert.equal(status, 400);
    assert.match(JSON.stringify(said), /the clock of host x is wrong.* it says 20..-.*and the scheduler's 20..-/);
    assert.equal((await call({ token: 'join-me', clockMs: Date.now() - 120_000 })).status, 200);
    assert.equal((await call({ token: 'join-me', publicKey: 'none' })).status, 400);
    assert.equal((await call({ token: 'join-me', name: '../x' })).status, 400);
    const other = token.replace(/-[0-9a-f]{64}-/, `-${'0'.repeat(64)}-`);
    const { secret } = readJoinToken(token);
    assert.equal(secret, 'join-me');
    const { createHostIdentity } = await import('../../../src/hostagent/identity/host-identity.ts');
    const signal = new AbortController().signal;
    for (const [shown, why] of [
      [other, /another CA than the join token names/],
      ['join-me', /the token must name the cluster's CA/],
    ] as const) {
      const identity = createHostIdentity({ dataDir: join(dir, 'nowhere'), name: 'y', token: shown, now: Date.now, log: quietLog });
      await assert.rejects(identity.toScheduler(url, signal), why);
    }
    const records = (await scheduler.call('GET', '/arpanet/v1/backup')).body as readonly (readonly [string, unknown])[];
    const record = records.find(([key]) => key === keys.ca)?.[1] as Parameters<typeof openAuthority>[0];
    const pair = newKeyPair();
    const user = await openAuthority(record, Date.now).issue({
      publicKey: pair.publicKey,
      commonName: 'ada',
      kind: 'client',
      names: [],
      ttlMs: 60_000,
    });
    const ada = dialOptions(
      { certificate: user.certificate, privateKey: pair.privateKey, bundle: credentialsOf('web-1').bundle },
      SCHEDULER_NAME,
    );
    await assert.rejects(
      openUpgrade({ host: '127.0.0.1', port, path: '/arpanet/v1/agent', protocol: 'arpanet', headers: {}, what: 's1', tls: ada }),
      /403|not in use|no host/,
    );
    assert.match(await ask(gatewayOf('db-1'), '/leader', { ...ada, servername: hostServerName('db-1') }), /^403 /);
  });

  it('a token of a single use joins the host that it was made for, once', async () => {
    const issue = async (body: object) => (await scheduler.call('POST', '/arpanet/v1/token', body)).body as { readonly token: string };
    assert.match(JSON.stringify(await issue({ singleUse: true, ttlMs: -1 })), /--ttl of a join token/);
    const { token: single } = await issue({ singleUse: true, ttlMs: 3_600_000, host: 'once-1' });
    await start('once-1', single);
    await until('once-1 joins', () => alive('once-1'));
    const { createHostIdentity } = await import('../../../src/hostagent/identity/host-identity.ts');
    const identity = createHostIdentity({ dataDir: join(dir, 'none'), name: 'once-2', token: single, now: Date.now, log: quietLog });
    await assert.rejects(
      identity.toScheduler(url, new AbortController().signal),
      /single use, and host once-1 used it at 20.*hosts add once-2/,
    );
    const newcomer = { name: 'once-2', address: '127.0.0.9', token: single, clockMs: Date.now() };
    const { status, body } = await scheduler.call('POST', '/arpanet/v1/join/check', newcomer);
    assert.equal(status, 401);
    assert.match(JSON.stringify(body), /single use, and host once-1 used it/);
    await hosts.get('once-1')?.agent[Symbol.asyncDispose]();
    hosts.delete('once-1');
  });

  it('a user gets in by its certificate of the cluster, as far as its role goes, and is out once it is removed', async () => {
    const { publicKey, privateKey } = newKeyPair();
    const user = { name: 'ada', role: 'deployer', deployments: ['abc'], publicKey };
    const { body } = await scheduler.call('POST', '/arpanet/v1/users', user);
    const { certificate, ca } = body as { readonly certificate: string; readonly ca: string };
    const bundle = { cert: certificate, key: privateKey, ca };
    assert.match(await ask(port, '/containers/json', bundle), /^200 \[\]/);
    assert.match(await ask(port, '/arpanet/v1/users', bundle), /^403 .*ada has the role deployer/);
    assert.match(await ask(port, '/containers/prune', { ...bundle, method: 'POST' }), /^403 .*needs the role operator/);
    // a host's certificate is nobody's, a user's opens no agent's stream
    assert.match(await ask(port, '/containers/json', dialOptions(credentialsOf('db-1'), SCHEDULER_NAME)), /^403 /);
    await scheduler.call('POST', '/arpanet/v1/users/ada/rm');
    assert.match(await ask(port, '/containers/json', bundle), /^401 .*was removed/);
  });

  it('a host comes back by its certificate, whatever its token is', async () => {
    const { agent } = hosts.get('web-1') as Host;
    await agent[Symbol.asyncDispose]();
    const again = await start('web-1', 'a token of before');
    await until('the leader knows its new gateway', async () => {
      const records = (await scheduler.call('GET', '/arpanet/v1/backup')).body as readonly (readonly [string, HostRecord])[];
      return records.some(([key, { gateway }]) => key === keys.host('web-1') && gateway === again.agent.gateway);
    });
  });

  it('a rotated join token: the old one joins nobody from then on, hosts that are in stay, also with the next leader', async () => {
    const joins = async (secret: string) => {
      const body = { name: 'x', ...newKeyPair(), privateKey: undefined, clockMs: Date.now(), token: secret };
      return (await scheduler.call('POST', '/arpanet/v1/join', body)).status;
    };
    const { publicKey, privateKey } = newKeyPair();
    const operator = { name: 'olga', role: 'operator', publicKey };
    const { body } = await scheduler.call('POST', '/arpanet/v1/users', operator);
    const { certificate, ca } = body as { readonly certificate: string; readonly ca: string };
    for (const path of ['/arpanet/v1/token/rotate', '/arpanet/v1/Token/rotate', '/arpanet/v1/token/rotate/'])
      assert.match(await ask(port, path, { cert: certificate, key: privateKey, ca, method: 'POST' }), /^40[34] /, path);
    assert.match(await ask(port, '/arpanet/v1/TOKEN', { cert: certificate, key: privateKey, ca }), /^404 /);
    assert.equal(await joins('join-me'), 200, 'nobody has rotated it yet');
    const rotated = await scheduler.call('POST', '/arpanet/v1/token/rotate');
    assert.equal(rotated.status, 200, JSON.stringify(rotated.body));
    const next = (rotated.body as { readonly token: string }).token;
    assert.deepEqual([readJoinToken(next).fingerprint, next === token], [readJoinToken(token).fingerprint, false]);
    assert.deepEqual((await scheduler.call('GET', '/arpanet/v1/token')).body, { token: next });
    assert.deepEqual([await joins('join-me'), await joins(readJoinToken(next).secret)], [401, 200]);
    for (const name of ['db-1', 'web-1']) await until(`${name} is in`, () => alive(name));
    await until('their Engines are reached as before', async () => (await scheduler.call('GET', '/images/app:1/json')).status === 200);
    // a scheduler that was started with the old one does not bring it back
    await scheduler[Symbol.asyncDispose]();
    const more = { alsoListen: [{ host: '127.0.0.1', port, isTls: true }], clusterKey: join(dir, 'cluster.key') };
    scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir: join(dir, 'store') }, more);
    await scheduler.ready();
    for (const name of ['db-1', 'web-1']) await until(`${name} is back`, () => alive(name));
    assert.deepEqual([await joins('join-me'), await joins(readJoinToken(next).secret)], [401, 200]);
  });

  it('a revoked host is cut off: its stream ends, and nobody takes its certificate any more; readmitted it joins as a new one', async () => {
    const { token: secret } = (await scheduler.call('GET', '/arpanet/v1/token')).body as { readonly token: string };
    const post = async (path: string, body?: object) => await scheduler.call('POST', `/arpanet/v1/${path}`, body);
    const join = async (name: string) => {
      const { publicKey, privateKey } = newKeyPair();
      const { status, body } = await post('join', { name, publicKey, clockMs: Date.now(), token: readJoinToken(secret).secret });
      return { status, said: JSON.stringify(body), credentials: { ...(body as { certificate: string; bundle: string }), privateKey } };
    };
    const { credentials: taken } = await join('raw-1');
    const dial = { host: '127.0.0.1', port, path: '/arpanet/v1/agent', protocol: 'arpanet', headers: {}, what: 's1' };
    const stream = await openUpgrade({ ...dial, tls: dialOptions(taken, SCHEDULER_NAME) });
    stream.on('error', () => stream.destroy());
    stream.write(`${JSON.stringify({ type: 'hello', facts: { ...FACTS, name: 'raw-1' }, epoch: 0 })}\n`);
    let heard = '';
    stream.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await until('it is welcome', () => heard.includes('"welcome"'));
    const layers = async (credentials: Credentials) => {
      const how = dialOptions(credentials, hostServerName('db-1'));
      return await ask(gatewayOf('db-1'), '/layers', { ...how, method: 'POST', body: { reference: 'app:1', without: [] } });
    };
    assert.match(await layers(taken), /^200 /);

    assert.match(JSON.stringify((await post('hosts/raw-2/revoke')).body), /no such host: raw-2; did you mean raw-1\?/);
    assert.deepEqual(await post('hosts/raw-1/revoke'), { status: 200, body: { host: 'raw-1' } });
    await until('its stream ends', () => stream.readableEnded || stream.closed);
    await until('other hosts hear of it', async () => /^403 .*host raw-1 was revoked/.test(await layers(taken)));
    await assert.rejects(openUpgrade({ ...dial, tls: dialOptions(taken, SCHEDULER_NAME) }), /host raw-1 was revoked at/);
    const refused = await join('raw-1');
    assert.equal(refused.status, 403);
    assert.match(refused.said, /"arpanet hosts readmit raw-1\\" lets it join again/);
    assert.equal(await alive('db-1'), true);

    // to be removed is no pardon
    assert.equal((await post('hosts/raw-1/rm', { force: true })).status, 200);
    await until('it is removed', async () => !(await report()).some(({ name }) => name === 'raw-1'));
    assert.equal((await join('raw-1')).status, 403);
    assert.deepEqual(await post('hosts/raw-1/readmit'), { status: 200, body: { host: 'raw-1' } });
    assert.equal((await post('hosts/raw-1/readmit')).status, 409);
    const { credentials: given } = await join('raw-1');
    assert.match(await layers(given), /^200 /);
    assert.match(await layers(taken), /^403 .*was revoked/);
  });

  it('a gateway that shows a revoked certificate is not spoken to', async () => {
    const web = credentialsOf('web-1');
    const { serialNumber } = new X509Certificate(credentialsOf('db-1').certificate);
    const layers = async (serial: string) => {
      const how = dialOptions(web, hostServerName('db-1'), (one) => one === serial);
      return await ask(gatewayOf('db-1'), '/layers', { ...how, method: 'POST', body: { reference: 'app:1', without: [] } });
    };
    assert.match(await layers('another'), /^200 /);
    assert.match(await layers(serialNumber), /the certificate of db-1.host.arpanet.internal was revoked/);
  });

  it('a host that was removed has no certificate any more, and may come back with another or without TLS', async () => {
    await scheduler.call('POST', '/arpanet/v1/hosts/web-1/rm', { force: true });
    await until('its certificate is gone', async () => {
      const records = (await scheduler.call('GET', '/arpanet/v1/backup')).body as readonly (readonly [string, unknown])[];
      return !records.some(([key]) => key === keys.certificate('web-1'));
    });
  });
});
