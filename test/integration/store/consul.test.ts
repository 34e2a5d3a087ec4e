/** What only a real Consul can show: its outages, its sessions, its catalog and its DNS. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual, promisify } from 'node:util';
import { pino } from 'pino';
import { isKind, keys } from '../../../src/model/index.ts';
import { readConsulTls } from '../../../src/security/index.ts';
import { SMALLEST_POLICY } from '../../../src/store/consul/rights.ts';
import {
  type Catalog,
  type CatalogService,
  type Entry,
  openCatalog,
  openConsul,
  openLedger,
  type StateStore,
} from '../../../src/store/index.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { repository } from '../../support/cluster/paths.ts';
import { until as untilWithin } from '../../support/cluster/cluster.ts';
import { type RunningConsul, startConsul } from '../../support/servers/consul.ts';
import { promisedMs } from '../../support/promised.ts';

const log = pino({ level: 'silent' });
const run = promisify(execFile);
const isUnavailable = (error: unknown) => isKind(error, 'unavailable');
const lock = (store: StateStore, key: string) => store.lock(key, 'me', { ttlMs: 10_000, name: 'test' }, AbortSignal.timeout(60_000));
const set = (store: StateStore, key: string) => store.transact([{ op: 'set', key, value: Math.random() }]);

describe('Consul going away', { timeout: 600_000, concurrency: true }, () => {
  it('for less than the time to live costs no lock', async () => {
    await using at = await consulWithStore(true);
    for (let tries = 3; tries > 0; tries--) {
      const held = await lock(at.store, 'lock');
      const killedMs = performance.now();
      await at.consul.kill();
      await sleep(3000);
      await assert.rejects(set(at.store, 'k'), isUnavailable);
      await at.consul.revive();
      const awayMs = performance.now() - killedMs;
      await sleep(8000);
      // on a busy machine it may take as long until it is back: then the lock may go, and nothing is shown
      if (held.lost.aborted && awayMs > 9_000 && tries > 1) continue;
      assert.equal(held.lost.aborted, false, `it was away for ${awayMs} ms`);
      await at.store.transact([{ op: 'set', key: 'k', value: 1 }], held.fence);
      break;
    }
  });

  /** How long it took from its end until the lock was lost, in ms. */
  async function lostAfterMs(): Promise<number> {
    await using at = await consulWithStore(false);
    const held = await lock(at.store, 'lock');
    await at.consul.kill();
    const startedMs = performance.now();
    let refusedMs = Number.POSITIVE_INFINITY;
    for (let tries = 5; tries > 0 && refusedMs > promisedMs(500); tries--) {
      const askedMs = performance.now();
      await assert.rejects(at.store.get('k'), isUnavailable);
      refusedMs = performance.now() - askedMs;
    }
    assert.ok(refusedMs < promisedMs(500), `refused after ${refusedMs} ms`);
    while (!held.lost.aborted && performance.now() - startedMs < promisedMs(20_000)) await sleep(20);
    return performance.now() - startedMs;
  }

  it('for good costs the lock when its session has surely expired, and every call is refused at once', async () => {
    let tookMs = await lostAfterMs();
    // 19 s after it was renewed last, which is every 3.3 s, and more seldom on a busy machine
    for (let tries = 2; tries > 0 && tookMs <= 15_000; tries--) tookMs = await lostAfterMs();
    assert.ok(tookMs > 15_000 && tookMs < promisedMs(19_500), `${tookMs} ms`);
  });

  it('that is silent (stopped, not killed) is detected after five seconds, and a caller that cancels need not wait', async () => {
    await using at = await consulWithStore(false);
    process.kill(at.consul.pid, 'SIGSTOP');
    const startedMs = performance.now();
    await assert.rejects(at.store.get('k', AbortSignal.timeout(300)), { name: 'TimeoutError' });
    assert.ok(performance.now() - startedMs < promisedMs(2_000), 'and not after the five seconds');
    await assert.rejects(set(at.store, 'k'), isUnavailable);
    assert.ok(performance.now() - startedMs < promisedMs(7_000));
    process.kill(at.consul.pid, 'SIGCONT');
    await until(async () => {
      await set(at.store, 'k');
      return true;
    });
  });

  it('and comes back empty, with its index at the start again: a watch still sees every change', async () => {
    await using at = await consulWithStore(false);
    for (let i = 0; i < 50; i += 1) await set(at.store, `seen/${i}`);
    let last: readonly Entry[] = [];
    const ended = new AbortController();
    const watching = (async () => {
      for await (const entries of at.store.watch('seen/', ended.signal)) last = entries;
    })();
    await until(() => last.length === 50);
    await at.consul.kill();
    await at.consul.revive();
    await until(() => last.length === 0);
    await set(at.store, 'seen/again');
    await until(() => last.length === 1);
    ended.abort();
    await watching;
  });
});

describe('Consul', { timeout: 600_000 }, () => {
  let consul: RunningConsul;
  let store: StateStore;
  let catalog: Catalog;
  before(async () => {
    consul = await startConsul();
    store = await openConsul(consul.http, { log });
    catalog = openCatalog(consul.http, { log });
  });
  after(async () => {
    catalog[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
    await consul.stop();
  });
  const put = (path: string, body: object) => fetch(`http://${consul.http}/v1${path}`, { method: 'PUT', body: JSON.stringify(body) });

  it('takes no lock away because the health check of its agent fails', async () => {
    const held = await lock(store, 'lock');
    // For comparison: a session as Consul makes it by default.
    // Consul refuses one for as long as it has not registered its own agent.
    let made = await put('/session/create', { TTL: '30s' });
    for (const endMs = Date.now() + 20_000; !made.ok && Date.now() < endMs; await sleep(100))
      made = await put('/session/create', { TTL: '30s' });
    const { ID } = (await made.json()) as { ID: string };
    const serfHealth = { CheckID: 'serfHealth', Name: 'Serf Health Status', Status: 'critical' };
    await put('/catalog/register', { Node: 'consul-server', Address: '127.0.0.1', Check: serfHealth });
    assert.deepEqual(await (await fetch(`http://${consul.http}/v1/session/info/${ID}`)).json(), []);
    assert.equal((await store.transact([{ op: 'set', key: 'k', value: 1 }], held.fence)).kind, 'committed');
    assert.equal(held.lost.aborted, false);
    await put('/catalog/register', { Node: 'consul-server', Address: '127.0.0.1', Check: { ...serfHealth, Status: 'passing' } });
    await held.release();
  });

  it('lists the other keys beside one that holds no JSON, and a leader leads without it until it is repaired or deleted', async () => {
    const bad = keys.container('bad');
    await fetch(`http://${consul.http}/v1/kv/${bad}`, { method: 'PUT', body: 'not json' });
    await store.transact([{ op: 'set', key: keys.volume('good'), value: { name: 'good', driver: 'local', createdAtMs: 1 } }]);
    const found = await store.list(keys.root);
    assert.match(found.find(({ key }) => key === bad)?.fault ?? '', /^not JSON: "not json"/);
    const lock = await store.lock(keys.leader, {}, { ttlMs: 10_000, name: 'test' }, AbortSignal.timeout(60_000));
    const ledger = await openLedger(store, lock.fence, log);
    assert.deepEqual([ledger.list(keys.containers), ledger.list(keys.volumes).length], [[], 1]);
    assert.deepEqual(
      ledger.unreadable().map(({ key }) => key),
      [bad],
    );
    await fetch(`http://${consul.http}/v1/kv/${keys.volume('good')}`, { method: 'PUT', body: '{' });
    assert.deepEqual(await ledger.compare(true), [keys.volume('good')], 'one that is damaged while the leader runs is restored');
    assert.deepEqual((await store.get(keys.volume('good')))?.value, { name: 'good', driver: 'local', createdAtMs: 1 });
    await ledger.commit([{ kind: 'delete', key: bad }]);
    assert.equal(await store.get(bad), undefined);
    await ledger[Symbol.asyncDispose]();
    await lock.release();
  });

  it('is guarded: what a hand has written is restored at once, and a change of the leader costs an answer as short with many records as with few', async (t) => {
    const lock = await store.lock(keys.leader, {}, { ttlMs: 10_000, name: 'test' }, AbortSignal.timeout(60_000));
    const ledger = await openLedger(store, lock.fence, log);
    const volume = (name: string) => ({ name, driver: 'local', createdAtMs: 1 });
    const put = (name: string): Promise<void> => ledger.commit([{ kind: 'put', key: keys.volume(name), value: volume(name) }]);
    const bytes = async (): Promise<number> =>
      (await (await fetch(`http://${consul.http}/v1/kv/${keys.root}?keys&separator=/`)).text()).length;
    await put('first');
    const few = await bytes();
    await Promise.all(Array.from({ length: 500 }, (_, i) => put(`many-${i}`)));
    assert.equal(await bytes(), few, 'the answer to its question');
    const [lists, looks] = [t.mock.method(store, 'list').mock, t.mock.method(store, 'indexes').mock];
    const asked = t.mock.method(store, 'changeIndex').mock;
    const over = new AbortController();
    const guarding = ledger.guard(over.signal);
    for (let i = 0; i < 3; i++) {
      const before = asked.callCount();
      await put(`own-${i}`);
      await until(() => asked.callCount() > before);
    }
    assert.deepEqual([lists.callCount(), looks.callCount()], [0, 0], 'nothing else was read');
    await fetch(`http://${consul.http}/v1/kv/${keys.volume('many-7')}`, { method: 'PUT', body: '{"name":"forged"}' });
    await until(async () => isDeepStrictEqual((await store.get(keys.volume('many-7')))?.value, volume('many-7')));
    await fetch(`http://${consul.http}/v1/kv/${keys.volume('many-8')}`, { method: 'DELETE' });
    await until(async () => isDeepStrictEqual((await store.get(keys.volume('many-8')))?.value, volume('many-8')));
    over.abort();
    await guarding;
    await ledger[Symbol.asyncDispose]();
    await lock.release();
  });

  it('is asked for by HOST:PORT and nothing else', async () => {
    await assert.rejects(openConsul('consul', { log }), (error) => isKind(error, 'invalid'));
  });

  describe('catalog', () => {
    const instance = (number: number, host = 'h1'): CatalogService => ({
      node: `arpanet-${host}`,
      nodeAddress: '10.9.0.1',
      id: `${number}.pricing.abc.dns`,
      service: 'abc',
      tags: ['pricing', `${number}.pricing`],
      address: `10.32.${Math.floor(number / 250)}.${(number % 250) + 1}`,
      meta: { deployment: 'abc' },
    });
    const dig = async (name: string, ...more: string[]) => {
      const { stdout } = await run('dig', ['@127.0.0.1', '-p', `${consul.dns}`, '+short', '+tcp', name, ...more]);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .sort();
    };

    it('resolves a service by the name of its deployment, under a fence, and lists it back', async () => {
      const held = await lock(store, 'lock');
      await catalog.apply(
        [
          { kind: 'register', service: instance(1) },
          { kind: 'register', service: { ...instance(2), port: 8080 } },
        ],
        held.fence,
      );
      assert.deepEqual(await dig('pricing.abc.service.consul'), ['10.32.0.2', '10.32.0.3']);
      assert.deepEqual(await dig('2.pricing.abc.service.consul'), ['10.32.0.3']);
      const listed = await catalog.list('arpanet-');
      assert.deepEqual(
        listed.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        [instance(1), { ...instance(2), port: 8080 }],
      );
      assert.deepEqual(await catalog.list('arpanet-h2'), []);
      const nodes = (await (await fetch(`http://${consul.http}/v1/catalog/node/arpanet-h1`)).json()) as { Node: { Meta: object } };
      assert.deepEqual(nodes.Node.Meta, { 'external-node': 'true' });
      await catalog.apply([{ kind: 'deregister', node: 'arpanet-h1', id: instance(1).id }], held.fence);
      assert.deepEqual(await dig('pricing.abc.service.consul'), ['10.32.0.3']);
      await catalog.apply(
        [
          { kind: 'deregister-node', node: 'arpanet-h1' },
          { kind: 'deregister-node', node: 'arpanet-none' },
          { kind: 'deregister', node: 'arpanet-none', id: 'none' },
        ],
        held.fence,
      );
      assert.deepEqual(await catalog.list('arpanet-'), []);
      await held.release();
    });

    // Consul takes 200 connections of one client
    it('takes hundreds of changes in one call, and reads hundreds of hosts', async () => {
      const held = await lock(store, 'lock');
      const services = Array.from({ length: 300 }, (_, i) => instance(i, `h${i}`));
      await catalog.apply(
        services.map((service) => ({ kind: 'register', service })),
        held.fence,
      );
      assert.equal((await catalog.list('arpanet-')).length, 300);
      assert.equal((await dig('pricing.abc.service.consul')).length, 300);
      await catalog.apply(
        services.map(({ node }) => ({ kind: 'deregister-node', node })),
        held.fence,
      );
      assert.deepEqual(await catalog.list('arpanet-'), []);
      await held.release();
    });

    it('refuses changes of one who no longer leads', async () => {
      const held = await lock(store, 'lock');
      await held.release();
      await assert.rejects(catalog.apply([{ kind: 'register', service: instance(1) }], held.fence), (error) => isKind(error, 'not-leader'));
      assert.deepEqual(await catalog.list('arpanet-'), []);
    });
  });
});

describe('Consul with ACLs, default deny, over TLS', { timeout: 600_000 }, () => {
  const MASTER = '11111111-2222-3333-4444-555555555555';
  let dir: string;
  let consul: RunningConsul;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'arpanet-consul-tls-'));
    makeCertificates(dir);
    consul = await startConsul({ masterToken: MASTER, certificates: dir });
  });
  after(async () => {
    await consul.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const files = () => ({ ca: join(dir, 'ca.pem'), cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') });
  const tls = () => readConsulTls(files());
  const acl = async (path: string, body: object) => {
    const headers = { 'X-Consul-Token': MASTER };
    const made = await fetch(`http://${consul.http}/v1/acl/${path}`, { method: 'PUT', headers, body: JSON.stringify(body) });
    return (await made.json()) as { readonly SecretID: string };
  };
  const tokenWith = async (rules: readonly string[]): Promise<string> => {
    const Name = `p${randomUUID()}`;
    await acl('policy', { Name, Rules: rules.join('\n') });
    return (await acl('token', { Policies: [{ Name }] })).SecretID;
  };
  const service = {
    node: 'arpanet-h1',
    nodeAddress: '10.0.0.1',
    id: 'arpanet:1',
    service: 'web',
    tags: [],
    address: '10.32.0.9',
    meta: {},
  };
  /** All that a scheduler does there. */
  async function work(token: string): Promise<void> {
    await using store = await openConsul(consul.https ?? '', { log, token, tls: tls() });
    using catalog = openCatalog(consul.https ?? '', { log, token, tls: tls() });
    // who waits for the lock hears of it there
    const over = new AbortController();
    const look = setInterval(() => store.trouble() !== undefined && over.abort(new Error(store.trouble())), 20);
    const held = await store.lock(keys.leader, {}, { ttlMs: 10_000, name: 'test' }, over.signal).finally(() => clearInterval(look));
    try {
      const set = [{ op: 'set', key: keys.volume('v'), value: { name: 'v', driver: 'local', createdAtMs: 1 } }] as const;
      assert.equal((await store.transact(set, held.fence)).kind, 'committed');
      assert.equal((await store.list(keys.volumes)).length, 1);
      await catalog.apply([{ kind: 'register', service }], held.fence);
      assert.equal((await catalog.list('arpanet-')).length, 1);
      await catalog.apply([{ kind: 'deregister', node: service.node, id: service.id }], held.fence);
    } finally {
      await held.release();
    }
  }

  it('is used with the smallest policy, which the documents have, and nothing less: an error names the right that is missing', async () => {
    await work(await tokenWith(SMALLEST_POLICY));
    const documented = readFileSync(join(repository, 'docs/security.md'), 'utf8');
    for (const right of SMALLEST_POLICY) {
      assert.ok(documented.includes(right), right);
      const token = await tokenWith(SMALLEST_POLICY.filter((one) => one !== right));
      await assert.rejects(work(token), (error: Error) => error.message.endsWith(`(the token lacks ${right})`), right);
    }
    const readOnly = await tokenWith(['key_prefix "arpanet/" { policy = "read" }', ...SMALLEST_POLICY.slice(1)]);
    await assert.rejects(work(readOnly), { message: /the token lacks key_prefix "arpanet\/" \{ policy = "write" \}\)$/ });
    await assert.rejects(work(randomUUID()), { message: /ACL not found \(is the token right\?\)$/ });
  });

  it('says what is wrong with its certificates, its address or its files', async () => {
    const asked = async (address: string | undefined, given: Parameters<typeof readConsulTls>[0]) => {
      await using store = await openConsul(address ?? '', { log, token: MASTER, tls: readConsulTls(given) });
      return await store.get('k');
    };
    const { ca, cert, key } = files();
    await assert.rejects(asked(consul.https, {}), { message: /Client sent an HTTP request to an HTTPS server/ });
    await assert.rejects(asked(consul.http, files()), { kind: 'unavailable', message: /it has no TLS at this address/ });
    await assert.rejects(asked(consul.https, { ca }), {
      kind: 'unavailable',
      message: /does not take the certificate of --consul-cert, or wants one/,
    });
    await assert.rejects(asked(consul.https, { cert, key }), { kind: 'unavailable', message: /is not of the CA in --consul-ca/ });
    assert.throws(() => readConsulTls({ ca: join(dir, 'nosuch') }), { kind: 'invalid', message: /^--consul-ca: cannot read .*ENOENT/ });
    assert.throws(() => readConsulTls({ ca: key }), { kind: 'invalid', message: /^--consul-ca: .* holds no certificate/ });
    assert.throws(() => readConsulTls({ ca, cert }), { kind: 'invalid', message: /--consul-cert and --consul-key/ });
    assert.throws(() => readConsulTls({ ca, cert, key: join(dir, 'server-key.pem') }), {
      message: /^--consul-key: .* is not the private key/,
    });
  });
});

async function consulWithStore(persistent: boolean) {
  const consul = await startConsul({ persistent });
  const store = await openConsul(consul.http, { log });
  return {
    consul,
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await consul.stop();
    },
  };
}

const until = (holds: () => boolean | Promise<boolean>) => untilWithin('it is so', holds);
