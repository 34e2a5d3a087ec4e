/** A host's certificate over the years: renewed while it counts, and after it has expired; and what the leader takes no more. */
import assert from 'node:assert/strict';
import { ENDPOINT_LIMITS } from '../../support/fakes/small-engine.ts';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { listenOn } from '../../../src/docker-api/listeners.ts';
import { createHostIdentity, type HostIdentity } from '../../../src/hostagent/identity/host-identity.ts';
import { ArpanetError, type CaRecord, keys, statusOf } from '../../../src/model/index.ts';
import { createMembership, type JoinRequest, type Membership } from '../../../src/processes/identity/membership.ts';
import {
  certificatesIn,
  type Credentials,
  identityIn,
  newAuthority,
  newKeyPair,
  openAuthority,
  requestPeer,
  SCHEDULER_NAME,
  writeJoinToken,
} from '../../../src/security/index.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

const DAY_MS = 86_400_000;
const signal = new AbortController().signal;

describe('the certificate of a host', { timeout: 300_000 }, () => {
  /** The cluster's clock, days from now; TLS itself has the machine's. */
  let days = 0;
  const now = (): number => Date.now() + days * DAY_MS;
  const ledger = new LiteralLedger();
  let dir: string;
  let url: string;
  let token: string;
  let cas: CaRecord;
  let membership: Membership;
  const connected = new Set<string>();
  let listeners: Awaited<ReturnType<typeof listenOn>>;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-certificates-'));
    cas = { authorities: [await newAuthority(Date.now() - 400 * DAY_MS)] };
    const ca = openAuthority(cas, now);
    membership = createMembership(ledger, ca, now, quietLog);
    const { publicKey, privateKey } = newKeyPair();
    const { certificate } = await ca.issue({ publicKey, commonName: 's1', kind: 'scheduler', names: [SCHEDULER_NAME], ttlMs: DAY_MS });
    const credentials: Credentials = { certificate, privateKey, bundle: ca.bundle };
    const cluster = { current: () => credentials, onChange: (take: (one: Credentials) => void) => take(credentials) };
    const answer = async (req: IncomingMessage): Promise<object> => {
      if (req.url === '/arpanet/v1/ca') return { bundle: ca.bundle };
      const asked = { token: undefined, ...((await json(req)) as Omit<JoinRequest, 'token'>) };
      return await membership.join(asked, requestPeer(req), {
        isToken: (shown) => shown === 'secret',
        isConnected: (name) => connected.has(name),
      });
    };
    listeners = await listenOn([{ host: '127.0.0.1', port: 0, isTls: true }], { cluster }, ENDPOINT_LIMITS.limits, {
      request: (req, res) => {
        answer(req).then(
          (said) => res.end(JSON.stringify(said)),
          (error: unknown) =>
            res.writeHead(error instanceof ArpanetError ? statusOf(error) : 500).end(JSON.stringify({ message: String(error) })),
        );
      },
      upgrade: (_door, _req, socket) => socket.destroy(),
      isUpload: () => false,
      newId: () => 'id',
    });
    url = `https://127.0.0.1:${listeners.addresses[0]?.port}`;
    token = writeJoinToken('secret', ca.fingerprint);
  });
  after(async () => {
    await listeners?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  async function host(name: string, shown = token): Promise<HostIdentity> {
    await mkdir(join(dir, name), { recursive: true });
    return createHostIdentity({ dataDir: join(dir, name), name, token: shown, now, log: quietLog });
  }
  const serialOf = (identity: HostIdentity): string | undefined => {
    const leaf = certificatesIn(identity.current()?.certificate ?? '')[0];
    return leaf && identityIn(leaf)?.serial;
  };
  const nobody = { isToken: () => false, isConnected: () => false };
  const serialsOf = (name: string) => ledger.get<{ readonly serials: readonly string[] }>(keys.certificate(name))?.serials;

  it('is renewed at two thirds of its life, with a key of its own each time, and not before', async () => {
    days = -61;
    const identity = await host('db-1');
    await identity.toScheduler(url, signal);
    const first = serialOf(identity);
    const key = identity.current()?.privateKey;
    days = -2;
    await identity.renewDue(signal);
    assert.equal(serialOf(identity), first, 'after 59 of 90 days');
    days = 0;
    await identity.renewDue(signal);
    assert.notEqual(serialOf(identity), first, 'after 61');
    assert.notEqual(identity.current()?.privateKey, key);
    assert.deepEqual(serialsOf('db-1'), [serialOf(identity), first]);
    assert.deepEqual(JSON.parse(readFileSync(join(dir, 'db-1', 'identity.json'), 'utf8')), { host: 'db-1', ...identity.current() });
  });

  it('a host that was off for longer than its certificate counts comes back by itself, without the token', async () => {
    days = -200;
    await (await host('web-1')).toScheduler(url, signal);
    days = 0;
    const back = await host('web-1', 'no token');
    const before = serialOf(back);
    await back.toScheduler(url, signal);
    assert.notEqual(serialOf(back), before);
    assert.equal(serialsOf('web-1')?.length, 2);
  });

  it('one that the leader does not know any more renews nothing: the host joins by its token', async () => {
    const identity = await host('db-1');
    ledger.apply([{ kind: 'delete', key: keys.certificate('db-1') }]);
    days = 70;
    await identity.toScheduler(url, signal);
    const before = serialOf(identity);
    assert.equal(serialsOf('db-1'), undefined, 'it was not renewed');
    identity.forget();
    await identity.toScheduler(url, signal);
    assert.notEqual(serialOf(identity), before);
    days = 0;
  });

  it("is not given to the holder of another host's", async () => {
    const request = { name: 'db-1', ...newKeyPair(), token: undefined, clockMs: now() };
    const peer = { kind: 'host' as const, name: 'web-1', serial: serialsOf('web-1')?.[0] ?? '', isExpired: false };
    await assert.rejects(membership.join(request, peer, nobody), /the certificate is of host web-1, and not of db-1/);
    const user = { ...peer, kind: 'client' as const, name: 'db-1' };
    await assert.rejects(membership.join(request, user, nobody), /the join token is missing or wrong/);
    assert.match(membership.refusal(user) ?? '', /the certificate of client db-1 is no host's/);
  });

  it("is not given by the token while the host of that name is connected: it is another's", async () => {
    const before = serialsOf('web-1');
    connected.add('web-1');
    const thief = await host('web-1');
    thief.forget();
    await assert.rejects(thief.toScheduler(url, signal), /host web-1 is connected, and who joins by the token under its name is another/);
    assert.deepEqual(serialsOf('web-1'), before);
    connected.clear();
  });

  it('a revoked host joins no more, by nothing that it has, until it is readmitted; what was taken from it stays refused', async () => {
    const identity = await host('db-2');
    await identity.toScheduler(url, signal);
    const before = serialOf(identity) ?? '';
    const peer = { kind: 'host' as const, name: 'db-2', serial: before, isExpired: false };
    assert.equal(membership.refusal(peer), undefined);
    await membership.revoke('db-2');
    const words = /host db-2 was revoked at 20.*Z: "arpanet hosts readmit db-2" lets it join again/;
    assert.match(membership.refusal(peer) ?? '', words);
    assert.match(membership.whyRevoked('db-2') ?? '', words);
    assert.equal(membership.isCertified('db-2'), true, 'nor does it come in without TLS');
    identity.forget();
    await assert.rejects(identity.toScheduler(url, signal), words);
    await assert.rejects(membership.revoke('db-2'), { kind: 'conflict', message: words });
    assert.deepEqual(membership.revokedSerials(), [before]);
    await membership.pardon('db-2');
    assert.match(membership.refusal(peer) ?? '', /not in use any more/, 'the certificate of before does not count again');
    assert.equal(membership.isCertified('db-2'), false);
    await identity.toScheduler(url, signal);
    assert.notEqual(serialOf(identity), before);
    assert.equal(membership.refusal({ ...peer, serial: serialOf(identity) ?? '' }), undefined);
    // the next leader knows it, too
    assert.deepEqual(createMembership(ledger, undefined, now, quietLog).revokedSerials(), [before]);
    await assert.rejects(membership.pardon('db-2'), { kind: 'conflict', message: /db-2 was not revoked/ });
  });

  it('is not given by a join that was under way when the host was revoked', async () => {
    await (await host('db-3')).toScheduler(url, signal);
    const request = { name: 'db-3', publicKey: newKeyPair().publicKey, token: 'secret', clockMs: now() };
    const joined = membership.join(request, undefined, { ...nobody, isToken: () => true });
    await membership.revoke('db-3');
    await joined;
    assert.match(membership.whyRevoked('db-3') ?? '', /was revoked/);
    assert.deepEqual(serialsOf('db-3'), []);
  });

  it('cannot be revoked of a host without one, nor of one that nobody knows: the nearest name is told', async () => {
    ledger.apply([{ kind: 'put', key: keys.host('plain-1'), value: { name: 'plain-1' } }]);
    await assert.rejects(membership.revoke('plain-1'), {
      kind: 'conflict',
      message: /no certificate .*"arpanet hosts rm plain-1 --force"/,
    });
    for (const act of [membership.revoke, membership.pardon])
      await assert.rejects(act('plain-2'), { kind: 'not-found', message: /no such host: plain-2; did you mean plain-1\?/ });
  });

  it('that has expired, or is of another CA, is refused in words, as is none', async () => {
    const asked = async (cas: CaRecord, ttlMs: number, nowMs: number): Promise<string> => {
      const { publicKey, privateKey } = newKeyPair();
      const by = openAuthority(cas, () => nowMs);
      const { certificate } = await by.issue({ publicKey, commonName: 'ada', kind: 'client', names: [], ttlMs });
      return await get({ cert: certificate, key: privateKey });
    };
    const get = async (shown: object): Promise<string> => {
      const call = https.get(`${url}/containers/json`, { ...shown, agent: false, rejectUnauthorized: false });
      try {
        const [answer] = (await once(call, 'response')) as [IncomingMessage];
        return `${answer.statusCode} ${await text(answer)}`;
      } catch (error) {
        return String(error);
      }
    };
    assert.match(await asked(cas, DAY_MS, Date.now() - 3 * DAY_MS), /^403 .*the certificate of ada has expired/);
    const foreign = { authorities: [await newAuthority(Date.now())] };
    assert.match(
      await asked(foreign, DAY_MS, Date.now()),
      /^403 .*a certificate of the cluster is needed: none was shown, or one of another CA/,
    );
    assert.match(await get({}), /^401 .*a client certificate is needed/);
  });

  it('a damaged file costs the host a join by its token, and nothing else', async () => {
    for (const damaged of ['', '{', '{}', JSON.stringify({ host: 'web-1', certificate: 'x', privateKey: 'y', bundle: 'z' })]) {
      await writeFile(join(dir, 'web-1', 'identity.json'), damaged);
      const identity = await host('web-1');
      assert.equal(identity.current(), undefined, damaged);
      await identity.toScheduler(url, signal);
      assert.equal(serialOf(identity), serialsOf('web-1')?.[0]);
    }
  });
});
