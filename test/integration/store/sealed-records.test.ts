/** What a copy of either store shows of secrets: nothing. And what becomes of stores of earlier releases, of a lost key, of records that were changed. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isKind, keys } from '../../../src/model/index.ts';
import { sealKept } from '../../../src/processes/identity/cluster-identity.ts';
import { type ClusterKeys, clusterKeys } from '../../../src/security/index.ts';
import { openConsul, openEmbedded, openLedger, type StateStore } from '../../../src/store/index.ts';
import { startConsul } from '../../support/servers/consul.ts';
import { quietLog } from '../../support/cluster/lab.ts';

interface Place {
  open(cluster: ClusterKeys | undefined): Promise<StateStore>;
  /** All that a copy of it has. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

async function embedded(): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'arpanet-sealed-'));
  return {
    open: (cluster) => openEmbedded(dir, quietLog, () => cluster),
    dump: async () =>
      readdirSync(dir)
        .map((leaf) => readFileSync(join(dir, leaf), 'latin1'))
        .join('\n'),
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

async function consulPlace(): Promise<Place> {
  const consul = await startConsul();
  return {
    open: (cluster) => openConsul(consul.http, { log: quietLog, cluster }),
    async dump() {
      const pairs = (await (await fetch(`http://${consul.http}/v1/kv/?recurse`)).json()) as { Key: string; Value: string }[];
      return pairs.map(({ Key, Value }) => `${Key} ${Buffer.from(Value, 'base64').toString()}`).join('\n');
    },
    close: () => consul.stop(),
  };
}

const PLANTED = 'hunter2-planted';
const cluster = clusterKeys([Buffer.alloc(32, 7)]);
const other = clusterKeys([Buffer.alloc(32, 8)]);
const RECORDS: Readonly<Record<string, unknown>> = {
  [keys.joinToken]: `${PLANTED}-token`,
  [keys.labelKey]: `${PLANTED}-label-key`,
  [keys.ca]: { authorities: [{ certificate: 'public', key: PLANTED }] },
  [keys.secret('secret', 's1')]: { data: PLANTED },
  [keys.secret('config', 'c1')]: { data: PLANTED },
  [keys.container('web')]: { request: { Env: [`PASSWORD=${PLANTED}`] } },
  [keys.lostContainer('x')]: { request: { Env: [`PASSWORD=${PLANTED}`] } },
  [keys.service('abc', 'web')]: { template: { request: { Env: [`PASSWORD=${PLANTED}`] } } },
  [keys.volume('share')]: { name: 'share', driver: 'local', options: { type: 'cifs', o: `username=ada,password=${PLANTED}` } },
  // kept in parts
  [keys.service('abc', 'large')]: { template: { request: { Env: Array.from({ length: 9_000 }, (_, i) => `E${i}=${PLANTED}`) } } },
};

for (const [name, start] of Object.entries({ 'the embedded store': embedded, Consul: consulPlace })) {
  describe(`secrets in ${name}`, () => {
    let place: Place;
    before(async () => {
      place = await start();
    });
    after(() => place.close());

    it('are read plain as an earlier release left them, and sealed by the next leader', async () => {
      {
        await using plain = await place.open(undefined);
        for (const key of [keys.joinToken, keys.labelKey]) await plain.transact([{ op: 'set', key, value: 'of-before' }]);
        const share = { name: 'old', driver: 'local', options: { type: 'cifs', o: 'password=of-before' }, createdAtMs: 1 };
        await plain.transact([{ op: 'set', key: keys.volume('old'), value: share }]);
      }
      assert.match(await place.dump(), /of-before/);
      await using store = await place.open(cluster);
      const lock = await store.lock(keys.leader, { name: 's1' }, { ttlMs: 10_000, name: 's1' }, new AbortController().signal);
      {
        await using ledger = await openLedger(store, lock.fence, quietLog);
        assert.deepEqual(store.unsealed?.().toSorted(), [keys.joinToken, keys.labelKey, keys.volume('old')]);
        await sealKept(store, ledger);
        assert.deepEqual(store.unsealed?.(), []);
        assert.equal(ledger.get(keys.joinToken), 'of-before');
      }
      await lock.release();
      assert.equal((await store.get(keys.labelKey))?.value, 'of-before');
      if (name === 'Consul') assert.doesNotMatch(await place.dump(), /of-before/);
    });

    it('are in no copy of it, and come back with the key', async () => {
      await using store = await place.open(cluster);
      for (const [key, value] of Object.entries(RECORDS)) await store.transact([{ op: 'set', key, value }]);
      for (const [key, value] of Object.entries(RECORDS)) assert.deepEqual((await store.get(key))?.value, value, key);
      const listed = new Map((await store.list(keys.root)).map(({ key, value }) => [key, value] as const));
      for (const [key, value] of Object.entries(RECORDS)) assert.deepEqual(listed.get(key), value, key);
      assert.doesNotMatch(await place.dump(), /hunter2|planted/);
    });

    it('nobody leads a store that another key has sealed, or none, and the reason names both', async () => {
      for (const wrong of [other, clusterKeys([])]) {
        await using store = await place.open(wrong);
        const why = (error: unknown): boolean =>
          isKind(error, 'unavailable') && error.message.includes(cluster.ids[0] ?? '-') && error.message.includes(wrong.ids[0] ?? '');
        await assert.rejects(store.get(keys.joinToken), why);
        await assert.rejects(store.list(keys.root), why);
      }
    });

    it('a sealed record that was moved to another key costs itself alone', async () => {
      await using store = await place.open(cluster);
      const moved = cluster.seal(keys.secret('secret', 's1'), JSON.stringify({ data: 'x' }));
      await using raw = await place.open(undefined);
      await raw.transact([{ op: 'set', key: keys.secret('secret', 's2'), value: moved }]);
      const found = await store.list(keys.secretsOf('secret'));
      assert.deepEqual(
        found.map(({ key, fault }) => [key, fault === undefined]),
        [
          [keys.secret('secret', 's1'), true],
          [keys.secret('secret', 's2'), false],
        ],
      );
    });
  });
}
