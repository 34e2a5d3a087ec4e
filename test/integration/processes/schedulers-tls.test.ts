/** Two schedulers on Consul that reach each other by TLS alone, from their first start on: who leads, who follows, and hosts that join through a follower. Real schedulers and agents, a fake Engine. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { startAgent } from '../../../src/hostagent/index.ts';
import { type HostRecord, keys } from '../../../src/model/index.ts';
import { createHostIdentity } from '../../../src/hostagent/identity/host-identity.ts';
import type { CaReport, HostReport, KeyReport } from '../../../src/operator-api/index.ts';
import { createWitnesses } from '../../../src/processes/leader-witnesses.ts';
import {
  certificatesIn,
  type Credentials,
  ensureClusterKeys,
  fingerprintOf,
  isSealed,
  newKeyPair,
  readJoinToken,
} from '../../../src/security/index.ts';
import { until as untilWithin } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { ENGINE_ANSWERS, NO_DNS } from '../../support/fakes/quiet-engine.ts';
import { type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';
import { type RunningConsul, startConsul } from '../../support/servers/consul.ts';
import { openConsul } from '../../../src/store/index.ts';

const until = (what: string, check: () => unknown) => untilWithin(what, check);

interface Health {
  readonly role: string;
  readonly leader?: string;
}

describe('schedulers with TLS', { timeout: 300_000 }, () => {
  let dir: string;
  let consul: RunningConsul;
  const schedulers = new Map<string, SmallScheduler>();
  const urls = new Map<string, string>();
  const ended: AsyncDisposable[] = [];
  const engine = http.createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*$/, '').replace(/^\/v1\.\d+/, '');
    const answer = ENGINE_ANSWERS[path];
    if (path === '/events') return response.writeHead(200).flushHeaders();
    if (answer === undefined) return void request.socket.destroy();
    return void response.setHeader('Api-Version', '1.41').end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });

  async function startScheduler(name: string): Promise<void> {
    const port = await freePort();
    const advertise = `https://127.0.0.1:${port}`;
    const more = { advertise, alsoListen: [{ host: '127.0.0.1', port, isTls: true }], clusterKey: join(dir, `${name}.key`) };
    schedulers.set(name, await startSmallScheduler(name, { kind: 'consul', address: consul.http }, more));
    urls.set(name, advertise);
  }
  const at = (name: string): SmallScheduler => schedulers.get(name) as SmallScheduler;
  const health = async (name: string): Promise<Health> => (await at(name).call('GET', '/arpanet/v1/health')).body as Health;
  const host = async (name: string, by: string): Promise<HostReport | undefined> => {
    const { status, body } = await at(by).call('GET', '/arpanet/v1/hosts');
    return status === 200 ? (body as readonly HostReport[]).find((one) => one.name === name) : undefined;
  };
  let leader: string;
  let follower: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-schedulers-'));
    consul = await startConsul();
    engine.listen(0, '127.0.0.1');
    await once(engine, 'listening');
    // at the same time: one of them finds no CA yet
    ensureClusterKeys(join(dir, 'cluster.key'));
    for (const name of ['s1', 's2']) copyFileSync(join(dir, 'cluster.key'), join(dir, `${name}.key`));
    await Promise.all(['s1', 's2'].map(startScheduler));
    await until('one leads', async () => (await Promise.all(['s1', 's2'].map(health))).some(({ role }) => role === 'leading'));
    leader = (await health('s1')).role === 'leading' ? 's1' : 's2';
    follower = leader === 's1' ? 's2' : 's1';
  });
  after(async () => {
    for (const one of ended) await one[Symbol.asyncDispose]();
    for (const one of schedulers.values()) await one[Symbol.asyncDispose]();
    await consul?.stop();
    engine.closeAllConnections();
    engine.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('a follower answers for the leader by TLS, and the leader knows of it', async () => {
    await at(follower).ready();
    assert.deepEqual(await health(follower), { ...(await health(follower)), role: 'following', leader: urls.get(leader) });
    await until('the leader has heard from the follower', async () => {
      const { body } = await at(follower).call('GET', '/arpanet/v1/status');
      return JSON.stringify(body).includes(`"${urls.get(follower)}"`);
    });
  });

  it('a host that knows the follower alone joins through it, and is the one that its certificate is of', async () => {
    const { token } = (await at(follower).call('GET', '/arpanet/v1/token')).body as { readonly token: string };
    assert.match(token, /^ARPTKN-1-/);
    const options = {
      name: 'db-1',
      address: '127.0.0.1',
      listen: '127.0.0.1:0',
      join: [urls.get(follower) ?? ''],
      token,
      engine: `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`,
      labels: {},
      overlay: 'none' as const,
      dataDir: join(dir, 'db-1'),
      version: 'test',
    };
    ended.push(await startAgent(options, { log: quietLog, dns: NO_DNS, setLogLevel: () => undefined }, new AbortController().signal));
    await until('it is alive', async () => (await host('db-1', leader))?.state === 'alive');
    await until('the leader reaches its Engine', async () => (await at(follower).call('GET', '/images/app:1/json')).status === 200);
  });

  it('a host says by TLS whether it hears from the leader, to who has a certificate', async () => {
    const { body } = await at(leader).call('GET', '/arpanet/v1/backup');
    const records = new Map(body as readonly (readonly [string, unknown])[]);
    const { hasTls } = records.get(keys.host('db-1')) as HostRecord;
    assert.equal(hasTls, true);
    await using store = await openConsul(consul.http, { log: quietLog, cluster: ensureClusterKeys(join(dir, 'cluster.key')) });
    const { createSchedulerCertificate } = await import('../../../src/processes/identity/scheduler-certificate.ts');
    const deps = { store, name: 's3', servesTls: false, names: [], now: Date.now, log: quietLog };
    const stop = new AbortController();
    const certificate = createSchedulerCertificate(deps, stop.signal);
    const epoch = Number(records.get(keys.epoch) ?? 1);
    const ask = async (): Promise<string> => await createWitnesses(store, undefined, Math.random, 5_000, certificate.dial)(epoch);
    assert.equal(await ask(), 'unknown', 'without a certificate nobody answers');
    await certificate.await(true, stop.signal);
    await until('it hears from the leader', async () => (await ask()) === 'alive');
    stop.abort();
  });

  it('the CA and the join token are rotated and a host is revoked while clients ask, by both schedulers, and none of their requests fails', async () => {
    const bundleOf = (name: string): readonly string[] => {
      const { bundle } = JSON.parse(readFileSync(join(dir, name, 'identity.json'), 'utf8')) as Credentials;
      return certificatesIn(bundle).map(fingerprintOf);
    };
    const post = async (path: string, body: object = {}) => await at(follower).call('POST', `/arpanet/v1/${path}`, body);
    const certified = async (path: string): Promise<{ readonly cert: string; readonly key: string; readonly ca: string }> => {
      const { publicKey, privateKey } = newKeyPair();
      const { status, body } = await post(path, { name: 'ada', role: 'admin', publicKey });
      assert.equal(status, 200, JSON.stringify(body));
      const { certificate, ca } = body as { readonly certificate: string; readonly ca: string };
      return { cert: certificate, key: privateKey, ca };
    };
    let ada = await certified('users');
    const before = (await at(leader).call('GET', '/arpanet/v1/token')).body as { readonly token: string };
    const answers: string[] = [];
    const asking = new AbortController();
    const ask = async (name: string): Promise<void> => {
      while (!asking.signal.aborted) {
        const request = https.get({
          ...ada,
          host: '127.0.0.1',
          port: new URL(urls.get(name) ?? '').port,
          path: '/images/app:1/json',
          agent: false,
        });
        const status = await once(request, 'response').then(
          ([answer]) => (answer as http.IncomingMessage).resume().statusCode ?? 0,
          (error: unknown) => String(error),
        );
        answers.push(`${name} ${status}`);
        await sleep(100);
      }
    };
    const load = Promise.all([leader, follower].map(ask));
    await until('requests are answered', () => answers.length > 4);
    assert.equal((await post('cas/rotate')).status, 200);
    await until('the host has a certificate of the new CA', async () => {
      const { body } = await at(follower).call('GET', '/arpanet/v1/cas');
      return (body as CaReport).hosts.length === 0;
    });
    const refused = await post('cas/finish');
    assert.deepEqual([refused.status, JSON.stringify(refused.body).includes('users (\\"arpanet user renew NAME\\"): ada')], [409, true]);
    ada = await certified('users/ada/renew');
    const seen = answers.length;
    await until('the new certificate was used', () => answers.length > seen + 4);
    const { status, body } = await post('cas/finish');
    assert.equal(status, 200, JSON.stringify(body));
    const [own] = (body as CaReport).authorities;
    ada = { ...ada, ca: ((await at(follower).call('GET', '/arpanet/v1/ca')).body as { readonly bundle: string }).bundle };
    await until('the host trusts the new CA alone', () => bundleOf('db-1').join() === own?.fingerprint);
    const rotated = (await at(leader).call('GET', '/arpanet/v1/token')).body as { readonly token: string };
    const third = createHostIdentity({
      dataDir: await mkdtemp(join(dir, 'db-3-')),
      name: 'db-3',
      token: rotated.token,
      now: Date.now,
      log: quietLog,
    });
    await third.toScheduler(urls.get(follower) ?? '', new AbortController().signal);
    assert.equal((await post('hosts/db-3/revoke')).status, 200);
    assert.equal((await post('token/rotate')).status, 200);
    const end = answers.length;
    await until('requests are answered', () => answers.length > end + 4);
    asking.abort();
    await load;
    assert.deepEqual([...new Set(answers)].toSorted(), ['s1 200', 's2 200']);
    assert.equal((await host('db-1', leader))?.state, 'alive');
    // tokens name the CA: one from before joins nobody, and says why
    assert.deepEqual(
      [readJoinToken(rotated.token).fingerprint, readJoinToken(rotated.token).secret],
      [own?.fingerprint, readJoinToken(before.token).secret],
    );
    const identity = createHostIdentity({ dataDir: dir, name: 'db-2', token: before.token, now: Date.now, log: quietLog });
    await assert.rejects(identity.toScheduler(urls.get(leader) ?? '', new AbortController().signal), /its CA was rotated since/);
  });

  it('the cluster key is rotated: the follower gets it from the leader, and what Consul holds is sealed with it', async () => {
    const [before] = ensureClusterKeys(join(dir, 'cluster.key')).ids;
    const { status, body } = await at(follower).call('POST', '/arpanet/v1/keys/rotate');
    assert.equal(status, 200, JSON.stringify(body));
    const { keys: ids, missing } = body as KeyReport;
    assert.deepEqual([ids.length, ids[1], missing], [2, before, []]);
    await until('it seals at the follower, too', () => ensureClusterKeys(join(dir, `${follower}.key`)).ids.join() === ids.join());
    const raw: unknown = await (await fetch(`http://${consul.http}/v1/kv/arpanet/?recurse`)).json();
    const sealedWith = (raw as readonly { readonly Value: string | null }[]).flatMap(({ Value }) => {
      const value: unknown = JSON.parse(Buffer.from(Value ?? '', 'base64').toString() || 'null');
      return isSealed(value) ? [value.key] : [];
    });
    assert.deepEqual([...new Set(sealedWith)], [ids[0]]);
    assert.equal((await at(follower).call('GET', '/images/app:1/json')).status, 200);
    assert.deepEqual((await at(leader).call('GET', '/arpanet/v1/keys')).body, { keys: ids, missing: [] });
    const thief = { name: 'thief', url: 'http://127.0.0.1:1', keys: [] };
    for (const one of [leader, follower]) {
      const { body: sent } = await at(one).call('POST', '/arpanet/v1/schedulers', thief);
      assert.deepEqual(sent, {}, 'nobody without the certificate of a scheduler gets a key');
    }
    await at(leader).call('POST', '/arpanet/v1/schedulers', { ...thief, gone: true });
  });

  it('when the leader ends the other one leads, and the host goes over to it', async () => {
    const old = at(leader);
    schedulers.delete(leader);
    await old[Symbol.asyncDispose]();
    await until('the other one leads', async () => (await health(follower)).role === 'leading');
    await until('the host is alive there', async () => (await host('db-1', follower))?.state === 'alive');
    assert.deepEqual(at(follower).errors, []);
  });
});
