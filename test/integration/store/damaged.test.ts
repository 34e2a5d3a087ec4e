/** A damaged embedded store is said to be one, with what is lost and what mends it, and nobody dies of it. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { keys } from '../../../src/model/index.ts';
import { openEmbedded, openLedger } from '../../../src/store/index.ts';
import { fuzz } from '../../support/fuzz.ts';

const log = pino({ level: 'silent' });

describe('a damaged embedded store', { timeout: 600_000 }, () => {
  let base: string;
  let sound: string;
  let copies = 0;
  before(async () => {
    base = mkdtempSync(join(tmpdir(), 'arpanet-damaged-'));
    sound = join(base, 'sound');
    await using store = await openEmbedded(sound, log);
    for (let at = 0; at < 40; at++)
      await store.transact(
        Array.from({ length: 20 }, (_, n) => ({ op: 'set', key: `${keys.root}x/${at}-${n}`, value: 'v'.repeat(300) }) as const),
      );
  });
  after(() => rmSync(base, { recursive: true, force: true }));

  const copy = (): { dir: string; file: string } => {
    const dir = join(base, `copy-${copies++}`);
    cpSync(sound, dir, { recursive: true });
    return { dir, file: join(dir, 'data.mdb') };
  };
  const refused = (dir: string) =>
    assert.rejects(openEmbedded(dir, log), (error: Error & { kind?: string }) => {
      assert.equal(error.kind, 'unavailable');
      assert.match(error.message, /data\.mdb is damaged .*arpanet restore BACKUP --store embedded:.*arpanet recover/);
      assert.ok(error.message.includes(dir));
      return true;
    });

  it('truncated to half, to a page, or to nothing is refused', async () => {
    for (const part of [0.5, 0.1, 0]) {
      const { dir, file } = copy();
      truncateSync(file, Math.floor(statSync(file).size * part));
      await refused(dir);
    }
  });

  it('with zeroed meta pages is refused', async () => {
    const { dir, file } = copy();
    const bytes = readFileSync(file);
    bytes.fill(0, 0, 2 * 4096);
    writeFileSync(file, bytes);
    await refused(dir);
  });

  it('with damaged pages is refused, or read but for the damaged entries', async () => {
    await fuzz(async (chance) => {
      const { dir, file } = copy();
      const bytes = readFileSync(file);
      const page = 2 + chance.below(bytes.length / 4096 - 2);
      chance.bytes(chance.pick([1, 64, 4096])).copy(bytes, page * 4096 + chance.below(64));
      writeFileSync(file, bytes);
      try {
        await using store = await openEmbedded(dir, log);
        assert.ok((await store.list(keys.root)).length <= 1_000);
      } catch (error) {
        assert.match(error instanceof Error ? error.message : '', /is damaged/);
      }
      rmSync(dir, { recursive: true });
    });
  });

  it('with a value of another shape is led on without it, and says so', async () => {
    const { dir } = copy();
    const lines: { msg: string; key?: string }[] = [];
    const told = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as never) });
    await using store = await openEmbedded(dir, told);
    await store.transact([
      { op: 'set', key: keys.container('web'), value: null },
      { op: 'set', key: keys.service('abc', 'web'), value: { desired: 'many' } },
      { op: 'set', key: keys.volume('data'), value: { name: 'data', driver: 'local', createdAtMs: 1 } },
    ]);
    const lock = await store.lock(keys.leader, {}, { ttlMs: 60_000, name: 'test' }, AbortSignal.timeout(60_000));
    await using ledger = await openLedger(store, lock.fence, told);
    assert.deepEqual(ledger.list(keys.containers), []);
    assert.equal(ledger.list(keys.volumes).length, 1);
    assert.deepEqual(
      ledger.unreadable().map(({ key }) => key),
      [keys.container('web'), keys.service('abc', 'web')],
    );
    assert.ok(lines.some(({ msg, key }) => msg.includes('cannot be read and is set aside') && key === keys.container('web')));
    await ledger.commit([{ kind: 'create', key: keys.volume('other'), value: { name: 'other', driver: 'local', createdAtMs: 1 } }]);
    await ledger.commit([{ kind: 'delete', key: keys.container('web') }]);
    assert.equal(await store.get(keys.container('web')), undefined);
    assert.equal(ledger.unreadable().length, 1);
    await assert.rejects(ledger.commit([{ kind: 'put', key: keys.service('abc', 'web'), value: { labels: 5 } }]), {
      kind: 'invalid',
      message: /cannot be kept/,
    });
  });
});
