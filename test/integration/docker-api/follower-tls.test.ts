/** A follower and a leader that speak TLS with each other: certificates of the cluster's CA at both ends, and the leader knows whom the follower speaks for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { after, before, beforeEach, describe, it } from 'node:test';
import { connectToLeader } from '../../../src/docker-api/leader-connection.ts';
import { dialTls, openUpgrade } from '../../../src/engine/index.ts';
import { ArpanetError, type CaRecord } from '../../../src/model/index.ts';
import { operatorRoute } from '../../../src/operator-api/recorded-calls.ts';
import {
  type AuditLine,
  CLIENT_HEADER,
  type Client,
  type Credentials,
  dialOptions,
  type Identity,
  newAuthority,
  type Peer,
  requestPeer,
  SCHEDULER_NAME,
  signClient,
  toSchedulers,
} from '../../../src/security/index.ts';
import { credentialsFrom, fixedCertificate } from '../../support/certificates.ts';
import { literalContainer } from '../../support/fakes/literal-cluster.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';
import { type Small, startSmall } from '../../support/fakes/small-engine.ts';

const SECRET = 'of schedulers';
const ada: Identity = { name: 'ada', role: 'deployer', deployments: ['abc'] };
const containers = ['abc', 'xyz'].map((deployment, at) =>
  literalContainer({ id: String(at).repeat(64), name: `${deployment}_web`, record: { ...literalRecord(deployment), deployment } }),
);
const LISTEN = [
  { host: '127.0.0.1', port: 0 },
  { host: '127.0.0.1', port: 0, isTls: true },
];

describe('a follower and a leader with TLS', () => {
  let leader: Small;
  let follower: Small;
  let user: Credentials;
  let host: Credentials;
  let cas: CaRecord;
  let people: (client: Client) => Identity | undefined = () => ada;
  let changed: () => void = () => undefined;
  const seen: Client[] = [];
  const lines: AuditLine[] = [];
  const agents: (Peer | undefined)[] = [];

  const tlsPort = (small: Small): number => small.endpoint.addresses[1]?.port ?? 0;
  const leaderUrl = (): string => `https://127.0.0.1:${tlsPort(leader)}`;
  const start = async (name: string, credentials: Credentials | undefined, leads: boolean, more = {}): Promise<Small> =>
    await startSmall({
      leads,
      ...more,
      deps: {
        name,
        listen: LISTEN,
        tls: { cluster: fixedCertificate(credentials) },
        audit: { write: (line) => void lines.push(line), operatorRoute },
        operator: (req, res) => res.end(JSON.stringify(requestPeer(req) ?? 'nobody')),
        acceptAgent: (req, socket) => {
          agents.push(requestPeer(req));
          socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: arpanet\r\n\r\n');
        },
        doors: {
          people: () => ({
            identify(client: Client) {
              seen.push(client);
              return people(client);
            },
            policy: () => undefined,
            areLimited: () => false,
            onChange: (listen: () => void) => void (changed = listen),
          }),
          secret: async () => SECRET,
        },
      },
    });
  /** An Engine: attach echoes, logs go on, all else is `{}`. */
  const raw = (socket: Duplex): void => {
    socket
      .on('error', () => undefined)
      .once('data', (head: Buffer) => {
        if (head.includes('/logs')) {
          socket.resume().once('end', () => socket.end());
          return socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nline\n\r\n');
        }
        if (!head.includes('/attach')) return socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
        socket.write(
          'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
        );
        let heard = '';
        return socket.on('data', (chunk: Buffer) => (heard += chunk.toString())).once('end', () => socket.end(`heard ${heard}`));
      });
  };

  before(async () => {
    cas = { authorities: [await newAuthority(Date.now())] };
    user = await credentialsFrom(cas, 'client', 'ada');
    host = await credentialsFrom(cas, 'host', 'db-1');
    const known = { containers: { list: () => containers } };
    leader = await start('s1', await credentialsFrom(cas, 'scheduler', 's1', [SCHEDULER_NAME, '127.0.0.1']), true, { known, raw });
    follower = await start('s2', await credentialsFrom(cas, 'scheduler', 's2', [SCHEDULER_NAME, '127.0.0.1']), false);
    follower.endpoint.follow(leaderUrl());
  });
  after(async () => {
    await follower?.[Symbol.asyncDispose]();
    await leader?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    people = () => ada;
    seen.length = 0;
    lines.length = 0;
    agents.length = 0;
  });

  async function ask(at: Small, path: string, credentials: Credentials, headers: http.OutgoingHttpHeaders = {}, method = 'GET') {
    const to = dialOptions(credentials, SCHEDULER_NAME);
    const req = https.request({ ...to, agent: false, host: '127.0.0.1', port: tlsPort(at), path, method, headers });
    req.end();
    const [answer] = (await once(req, 'response')) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, said: await text(answer) };
  }

  it('a user is who the certificate says at the leader, too, and what it says of others is not heard', async () => {
    const { said } = await ask(follower, '/containers/json?all=1', user);
    assert.match(said, /abc_web/);
    assert.doesNotMatch(said, /xyz_web/);
    const root = { user: 'root', kind: 'client', fingerprint: '', issuer: '', from: '' };
    const forged = signClient('a guess', root, { method: 'GET', url: '/info', requestId: 'request-1' });
    for (const at of [follower, leader])
      await ask(at, '/info', user, { [CLIENT_HEADER]: forged, 'Arpanet-Forwarded': 's2', 'Arpanet-Request-Id': 'request-1' });
    assert.deepEqual([...new Set(seen.map((client) => client.user))], ['ada']);
  });

  it('a client without a certificate is an admin without a name there, as at the leader itself', async () => {
    const answer = await fetch(`${follower.url}/containers/json?all=1`);
    assert.match(await answer.text(), /abc_web.*xyz_web|xyz_web.*abc_web/s);
    assert.deepEqual(seen, []);
  });

  it('an attach goes on both ways, and after its client has said its last word; the audit log has one line of it', async () => {
    const lastLine = new Promise<void>((resolve) => (people = () => (resolve(), ada)));
    const socket = dialTls('127.0.0.1', tlsPort(follower), dialOptions(user, SCHEDULER_NAME));
    socket.write(`POST /containers/abc_web/attach?stream=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`);
    await once(socket, 'readable');
    assert.match(String(socket.read()), /^HTTP\/1\.1 101 /);
    await lastLine;
    socket.end('typed');
    assert.equal((await buffer(socket)).toString(), 'heard typed');
    assert.deepEqual(
      lines.map(({ user: name, route, scheduler, status, from }) => [name, route, scheduler, status, from.replace('::ffff:', '')]),
      [['ada', '/containers/{id}/attach', 's1', 101, '127.0.0.1']],
    );
  });

  it('who is removed is cut off at once, also in the middle of a stream', async () => {
    const to = { ...dialOptions(user, SCHEDULER_NAME), agent: false, host: '127.0.0.1', port: tlsPort(follower) };
    const [stream] = (await once(https.get({ ...to, path: '/containers/abc_web/logs?follow=1&stdout=1' }), 'response')) as [
      IncomingMessage,
    ];
    stream.on('error', () => undefined);
    await once(stream, 'data');
    const cut = new Promise((resolve) => stream.once('close', resolve));
    people = () => {
      throw new ArpanetError('unauthorized', 'ada was removed');
    };
    changed();
    await cut;
    assert.equal((await ask(follower, '/containers/json', user)).status, 401);
  });

  it('a host joins, renews and streams through a follower as the one that its certificate is of', async () => {
    assert.equal((await ask(follower, '/arpanet/v1/join', host, {}, 'POST')).said.includes('"name":"db-1"'), true);
    const joining = { ca: host.bundle, servername: SCHEDULER_NAME, agent: false, host: '127.0.0.1', port: tlsPort(follower) };
    const [answer] = (await once(https.get({ ...joining, path: '/arpanet/v1/ca' }), 'response')) as [IncomingMessage];
    assert.deepEqual([answer.statusCode, await text(answer)], [200, '"nobody"'], 'and not the scheduler that passes it on');
    const stream = await openUpgrade({
      host: '127.0.0.1',
      port: tlsPort(follower),
      path: '/arpanet/v1/agent',
      protocol: 'arpanet',
      headers: { [CLIENT_HEADER]: 'x.y', 'Arpanet-Forwarded': 's2' },
      what: 's2',
      tls: dialOptions(host, SCHEDULER_NAME),
    });
    stream.destroy();
    assert.deepEqual(
      agents.map((peer) => [peer?.kind, peer?.name]),
      [['host', 'db-1']],
    );
    assert.equal((await ask(follower, '/containers/json', host)).status, 403);
  });

  it('a follower without a certificate, or of another cluster, says why it does not reach the leader', async () => {
    const other = { authorities: [await newAuthority(Date.now())] };
    const foreign = await credentialsFrom(other, 'scheduler', 's3', [SCHEDULER_NAME]);
    const words = async (url: string, credentials: Credentials | undefined): Promise<string | undefined> => {
      const found = await connectToLeader(url, toSchedulers(credentials));
      if ('fault' in found) return found.fault;
      found.upstream.destroy();
      return 'connected';
    };
    const own = await credentialsFrom(cas, 'scheduler', 's3', [SCHEDULER_NAME]);
    assert.equal(await words(leaderUrl(), own), 'connected');
    assert.match(
      (await words(leaderUrl(), undefined)) ?? '',
      /the leader at https:.* cannot be reached: this scheduler has no certificate/,
    );
    assert.match((await words(leaderUrl(), foreign)) ?? '', /cannot be reached: its certificate is not of the CA of this cluster/);
    // and nobody but a scheduler is taken for the leader
    await using impostor = await start('s4', host, true);
    assert.match((await words(`https://127.0.0.1:${tlsPort(impostor)}`, own)) ?? '', /its certificate is for another name/);
  });
});
