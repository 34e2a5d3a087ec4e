/** The rotation of the cluster key, over a real embedded store: what is sealed is sealed again, large records' parts included, and not before everybody has the key. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { keys } from '../../../src/model/index.ts';
import { createKeyRotation } from '../../../src/processes/identity/key-rotation.ts';
import { openClusterKeyFile } from '../../../src/security/index.ts';
import { openEmbedded, openLedger } from '../../../src/store/index.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';

describe('the rotation of the cluster key', { timeout: 120_000 }, () => {
  it('waits until every scheduler has the new one, seals everything again, and can be repeated', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'arpanet-keys-'));
    t.after(() => rm(dir, { recursive: true, force: true }));
    const file = openClusterKeyFile(join(dir, 'cluster.key'));
    const [before] = file.ids;
    let missing: readonly string[] = ['s2'];
    const large = { ...literalRecord('web'), request: { Image: 'app:1', Env: [`SECRET=${randomBytes(90_000).toString('base64')}`] } };
    {
      await using store = await openEmbedded(join(dir, 'store'), quietLog, () => file);
      const stop = new AbortController();
      const lock = await store.lock(keys.leader, { name: 's1', url: 'https://10.0.0.1:2376' }, { ttlMs: 10_000, name: 's1' }, stop.signal);
      const ledger = await openLedger(store, lock.fence, quietLog);
      await ledger.commit([
        { kind: 'put', key: keys.joinToken, value: 'join-me' },
        { kind: 'put', key: keys.container(large.name), value: large },
      ]);
      const sealedBy: (string | undefined)[] = [];
      const rotation = createKeyRotation({
        file,
        without: () => missing,
        ledger,
        store,
        fence: lock.fence,
        log: quietLog,
        spreadMs: 0,
        isSettled: () => true,
        sealsNow: () => void sealedBy.push(file.ids[0]),
      });
      await assert.rejects(rotation.rotate(), {
        kind: 'conflict',
        message:
          /is in .*cluster.key of the leader, and seals nothing yet: s2 cannot get it by TLS .* Copy the file there, and repeat "arpanet key rotate"/,
      });
      assert.deepEqual([file.ids.length, file.ids[0], sealedBy], [2, before, []]);
      missing = [];
      const { keys: ids } = await rotation.rotate();
      assert.deepEqual([ids.length, ids[1]], [2, before], 'the one that was made is the one that seals');
      assert.deepEqual(sealedBy, [ids[0]]);
      assert.deepEqual(rotation.report(), { keys: ids, missing: [] });
      await ledger.commit([{ kind: 'put', key: keys.joinToken, value: 'join-me-2' }]);
      await lock.release();
      await ledger[Symbol.asyncDispose]();
      stop.abort();
    }
    // a scheduler that was off has the file of before: it says which line to type, and after that it goes on by itself
    const off = openClusterKeyFile(join(dir, 'off.key'));
    {
      await using store = await openEmbedded(join(dir, 'store'), quietLog, () => off);
      const line = `scp 10.0.0.1:${off.path} ${off.path} && chmod 600 ${off.path}`;
      await assert.rejects(store.list(keys.root), (error: Error) => {
        assert.match(
          error.message,
          new RegExp(`sealed with the cluster key ${file.ids[0]}, and .*off.key has ${off.ids[0]}: it was rotated while`),
        );
        assert.ok(error.message.includes(line), error.message);
        return true;
      });
      await assert.rejects(store.get(keys.joinToken), (error: Error) => error.message.includes(line));
      copyFileSync(file.path, off.path);
      assert.equal((await store.get(keys.joinToken))?.value, 'join-me-2');
    }
    // the new key alone opens all of it
    const only = openClusterKeyFile(join(dir, 'only.key'));
    const [first] = file.secrets();
    only.take([first ?? '']);
    await using again = await openEmbedded(join(dir, 'store'), quietLog, () => ({ ...only, ids: only.ids.slice(0, 1) }));
    const found = new Map((await again.list(keys.root)).map(({ key, value }) => [key, value]));
    assert.equal(found.get(keys.joinToken), 'join-me-2');
    assert.deepEqual(found.get(keys.container(large.name)), large);
    assert.doesNotMatch(readFileSync(join(dir, 'store', 'data.mdb')).toString('latin1'), /join-me/);
  });
});
