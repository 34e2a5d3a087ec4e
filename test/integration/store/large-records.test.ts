/**
 * A create request over Consul's 512 KB, in both stores: it is taken, kept in pieces, and read again by the next leader, an audit, a backup and a
 * restore; what is damaged costs itself alone and can be discarded; records that an earlier release wrote whole are read.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ContainerRecord, type CreateRequest, keys } from '../../../src/model/index.ts';
import { backupText, readBackup } from '../../../src/recovery/index.ts';
import { openConsul, openEmbedded, openLedger, restoreStore, type StateStore } from '../../../src/store/index.ts';
import { openDb } from '../../../src/store/embedded/db.ts';
import { until as untilWithin } from '../../support/cluster/cluster.ts';
import { startConsul } from '../../support/servers/consul.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { type FakeAgent, startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { image } from '../../support/fakes/fake-engine.ts';
import { GOOD_SERVICE } from '../../support/fakes/good-records.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

interface Place {
  readonly settings: Parameters<typeof startSmallScheduler>[1];
  open(): Promise<StateStore>;
  /** The store's own texts by key, from outside of the program. */
  raw(prefix: string): Promise<ReadonlyMap<string, string>>;
  write(key: string, text: string | undefined): Promise<void>;
  close(): Promise<void>;
}

async function embedded(): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-large-'));
  const db = await openDb(dir);
  return {
    settings: { kind: 'embedded', dir },
    open: () => openEmbedded(dir, quietLog),
    raw: async (prefix) => new Map(db.list(prefix).map(({ key, value }) => [key, JSON.stringify(value)] as const)),
    write: async (key, text) => db.write((writer) => (text === undefined ? writer.remove(key) : writer.put(key, text))),
    async close() {
      await db.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function consulPlace(): Promise<Place> {
  const consul = await startConsul();
  const kv = `http://${consul.http}/v1/kv/`;
  return {
    settings: { kind: 'consul', address: consul.http },
    open: () => openConsul(consul.http, { log: quietLog }),
    async raw(prefix) {
      const answer = await fetch(`${kv}${prefix}?recurse`);
      const pairs = answer.status === 404 ? [] : ((await answer.json()) as { Key: string; Value: string | null }[]);
      return new Map(pairs.map(({ Key, Value }) => [Key, Buffer.from(Value ?? '', 'base64').toString()] as const));
    },
    async write(key, text) {
      await fetch(kv + key, text === undefined ? { method: 'DELETE' } : { method: 'PUT', body: text });
    },
    close: () => consul.stop(),
  };
}

const until = (what: string, check: () => unknown) => untilWithin(what, check);
const ports = Array.from({ length: 10_001 }, (_, i) => `${10_000 + i}/udp`);
const assertSame = (found: unknown, wanted: unknown, what: string): void =>
  assert.ok(JSON.stringify(found) === JSON.stringify(wanted), what);

for (const [name, start] of Object.entries({ 'the embedded store': embedded, Consul: consulPlace })) {
  describe(`a create request over 512 KB, in ${name}`, { timeout: 600_000 }, () => {
    let place: Place;
    let store: StateStore;
    let leader: SmallScheduler;
    let agent: FakeAgent;
    let terms = 0;

    const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const answer = await leader.call(method, path, body);
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
      return answer.body;
    };
    const nextLeader = async (): Promise<void> => {
      await leader?.[Symbol.asyncDispose]();
      leader = await startSmallScheduler(`s${++terms}`, place.settings);
      await until('a leader is known', async () => (await leader.call('GET', '/arpanet/v1/token')).status === 200);
      await agent.dial(leader.url);
      await leader.ready();
      await until('the host is alive', async () => {
        const [host] = (await call('GET', '/arpanet/v1/hosts')) as { state: string }[];
        return host?.state === 'alive';
      });
    };
    const recordOf = async (container: string) => (await store.get(keys.container(container)))?.value as ContainerRecord | undefined;

    // base64 of noise: nothing makes it much smaller
    const Env = [`SECRETS=${randomBytes(450_000).toString('base64')}`, 'A=1'];
    const request: CreateRequest = {
      Image: 'busybox',
      Env,
      ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])),
      HostConfig: { PortBindings: Object.fromEntries(ports.map((port) => [port, [{ HostPort: port.replace('/udp', '') }]])) },
    };
    const small: CreateRequest = { Image: 'busybox:latest', Env: Array.from({ length: 20 }, (_, i) => `SETTING_${i}=value`) };
    const plain = {
      ...GOOD_SERVICE,
      desired: 0,
      template: { ...GOOD_SERVICE.template, request: { Image: 'busybox', Env: [`A=${'x'.repeat(200_000)}`] } },
    };
    const old = keys.service(GOOD_SERVICE.deployment, GOOD_SERVICE.service);
    const isOldRead = async (): Promise<void> => {
      const record = (await store.get(old))?.value as typeof plain | undefined;
      assertSame(record?.template.request, plain.template.request, 'the old record');
      const service = (await call('GET', '/services/abc_web')) as { Spec: { TaskTemplate: { ContainerSpec: { Env: string[] } } } };
      assertSame(service.Spec.TaskTemplate.ContainerSpec.Env, plain.template.request.Env, 'the old service');
    };

    before(async () => {
      place = await start();
      store = await place.open();
      agent = await startFakeAgent({ name: 'm1', token: JOIN_TOKEN, address: '10.9.0.1' });
      agent.engine.images.push(image('busybox:latest'));
      await nextLeader();
    });
    after(async () => {
      await leader?.[Symbol.asyncDispose]();
      await agent?.[Symbol.asyncDispose]();
      await store?.[Symbol.asyncDispose]();
      await place?.close();
    });

    it('is taken, by a container and by a service, and kept in pieces that a transaction takes', async () => {
      assert.ok(JSON.stringify(request).length > 1_000_000);
      await call('POST', '/containers/create?name=big', request);
      await call('POST', '/services/create', {
        Name: 'shop_big',
        Mode: { Replicated: { Replicas: 0 } },
        TaskTemplate: { ContainerSpec: { Image: 'busybox', Env } },
      });
      const record = await recordOf('big');
      assertSame(record?.request.Env, Env, 'the environment');
      assert.equal(Object.keys(record?.request.HostConfig?.PortBindings ?? {}).length, 10_001);
      const raw = await place.raw('arpanet/');
      const [largest = 0] = [...raw.values()].map(({ length }) => length).sort((a, b) => b - a);
      assert.ok(largest <= 300_000, `a value of ${largest} bytes`);
      const total = [...raw.values()].reduce((sum, { length }) => sum + length, 0);
      assert.ok(total < 1_000_000, `${total} bytes: the container and the service have one environment between them`);
      await call('POST', '/containers/create?name=small', small);
      const stored = (await place.raw(keys.container('small'))).get(keys.container('small')) ?? '';
      assert.ok(stored.length > 0 && stored.length < 1024, `the record of an ordinary container: ${stored.length} bytes`);
      assert.ok(!stored.includes(small.Image ?? ''), 'its request is a template of its own');
      const shown = (await call('GET', '/containers/big/json')) as { Config: { Env: string[] }; HostConfig: CreateRequest['HostConfig'] };
      assertSame(shown.Config.Env, Env, 'inspect');
    });

    it('is read by the next leader, as is what an earlier release wrote whole; an audit finds nothing', async () => {
      await leader[Symbol.asyncDispose]();
      await place.write(old, JSON.stringify(plain));
      await nextLeader();
      assertSame((await recordOf('big'))?.request.Env, Env, 'the environment');
      assertSame((await recordOf('small'))?.request, small, 'an ordinary request');
      await isOldRead();
      const { warnings } = (await call('GET', '/arpanet/v1/status')) as { warnings: string[] };
      assert.deepEqual(
        warnings.filter((text) => /cannot be read/.test(text)),
        [],
      );
      const { findings } = (await call('GET', '/arpanet/v1/audit')) as { findings: { what: string }[] };
      assert.deepEqual(
        findings.filter(({ what }) => /arpanet\/(?:parts|containers\/big|services)/.test(what)),
        [],
      );
      const service = (await call('GET', '/services/shop_big')) as { Spec: { TaskTemplate: { ContainerSpec: { Env: string[] } } } };
      assertSame(service.Spec.TaskTemplate.ContainerSpec.Env, Env, 'the service');
    });

    it('is in a backup, whole, and in a store that is restored from it; a piece that is lost there is written again from the leader’s memory', async () => {
      const records = (await call('GET', '/arpanet/v1/backup')) as [string, unknown][];
      const backup = readBackup(backupText(records, 'now', 'test'));
      assert.ok(!backup.records.some(([key]) => key.startsWith(keys.parts)));
      const other = await (name === 'Consul' ? consulPlace() : embedded());
      try {
        await using empty = await other.open();
        await restoreStore(empty, backup.records, 'arpanet restore', false);
        assertSame(await empty.get(keys.container('big')).then((entry) => entry?.value), await recordOf('big'), 'the record');
        assert.ok((await other.raw(keys.parts)).size > 0);
        const lock = await empty.lock(keys.leader, {}, { ttlMs: 60_000, name: 't' }, AbortSignal.timeout(60_000));
        await using ledger = await openLedger(empty, lock.fence, quietLog);
        assertSame(ledger.get<ContainerRecord>(keys.container('big'))?.request.Env, Env, 'the ledger');
        const [lost = ''] = (await other.raw(keys.parts)).keys();
        await other.write(lost, undefined);
        assert.notEqual((await ledger.compare(true)).length, 0);
        assertSame(await empty.get(keys.container('big')).then((entry) => entry?.value), await recordOf('big'), 'the record');
        assert.ok((await other.raw(keys.parts)).has(lost));
        await lock.release();
      } finally {
        await other.close();
      }
    });

    it('that is damaged costs itself alone, is named, and can be discarded', async () => {
      await leader[Symbol.asyncDispose]();
      for (const key of (await place.raw(keys.parts)).keys()) await place.write(key, '"x"');
      await nextLeader();
      const unreadable = async () =>
        ((await call('GET', '/arpanet/v1/status')) as { warnings: string[] }).warnings.filter((text) => text.includes('cannot be read'));
      assert.match((await unreadable()).join('\n'), /arpanet\/containers\/big cannot be read.*missing or damaged/);
      await isOldRead();
      for (const key of [keys.container('big'), keys.container('small'), keys.service('default', 'shop_big')])
        await call('POST', '/arpanet/v1/audit/discard', { key });
      assert.deepEqual(await unreadable(), []);
      await nextLeader();
      await call('POST', '/containers/create?name=again', request);
      assertSame((await recordOf('again'))?.request.Env, Env, 'the environment');
    });

    it('leaves nothing behind when its container is removed', async () => {
      await call('DELETE', '/containers/again?force=1');
      await until('no part is left', async () => (await place.raw(keys.parts)).size === 0);
    });
  });
}
