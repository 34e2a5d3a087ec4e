import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { assert as forAll, property, string } from 'fast-check';
import { ArpanetError } from '../../../src/model/index.ts';
import { clusterKeys, ensureClusterKeys, isSealed, readClusterKeys } from '../../../src/security/index.ts';

const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

describe('a sealed value', () => {
  const keys = clusterKeys([first]);

  it('opens to what it was, at its own key, and shows nothing of it', () => {
    forAll(
      property(string({ minLength: 6 }), string(), (text, at) => {
        const sealed = keys.seal(at, JSON.stringify({ text }));
        assert(isSealed(JSON.parse(JSON.stringify(sealed))));
        assert.deepEqual(JSON.parse(keys.open(at, sealed) ?? ''), { text });
      }),
    );
    const sealed = keys.seal('a', JSON.stringify('correct horse'));
    assert.doesNotMatch(Buffer.from(sealed.data, 'base64').toString('latin1'), /correct|horse/);
  });

  it('is another one each time', () => {
    assert.notEqual(keys.seal('a', '1').data, keys.seal('a', '1').data);
  });

  it('does not open at another key, nor with one bit changed, nor cut short', () => {
    const sealed = keys.seal('arpanet/kept/secret/a', '"x"');
    assert.throws(() => keys.open('arpanet/kept/secret/b', sealed));
    const bytes = Buffer.from(sealed.data, 'base64');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(i) ^ 1, i);
      assert.throws(() => keys.open('arpanet/kept/secret/a', { ...sealed, data: changed.toString('base64') }), `byte ${i}`);
      assert.throws(() => keys.open('arpanet/kept/secret/a', { ...sealed, data: bytes.subarray(0, i).toString('base64') }), `${i} bytes`);
    }
  });

  it('opens with any of the keys, and is sealed with the first', () => {
    const old = keys.seal('a', '"x"');
    const both = clusterKeys([second, first]);
    assert.equal(both.open('a', old), '"x"');
    assert.equal(keys.open('a', both.seal('a', '"x"')), undefined);
    assert.equal(clusterKeys([second]).open('a', old), undefined);
  });

  it('is told from records of earlier releases', () => {
    for (const value of ['token', null, {}, { sealed: 1 }, { sealed: true, key: 'k', data: 'd' }, { sealed: 1, key: 'k' }, 7])
      assert.equal(isSealed(value), false);
  });
});

describe('the file of the cluster key', () => {
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-key-'));
  after(() => rmSync(dir, { recursive: true }));
  const refused = (message: RegExp) => (error: unknown) => {
    assert(error instanceof ArpanetError && error.kind === 'invalid', String(error));
    assert.match(error.message, message);
    return true;
  };

  it('is made once, for its owner alone, and no draft of it is left', () => {
    const path = join(dir, 'made', 'cluster.key');
    assert.equal(readClusterKeys(path), undefined);
    assert(!existsSync(path));
    const made = ensureClusterKeys(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(join(dir, 'made')), ['cluster.key']);
    assert.deepEqual(ensureClusterKeys(path).ids, made.ids);
    assert.equal(ensureClusterKeys(path).open('a', made.seal('a', '1')), '1');
    assert.ok(!made.ids.join().includes(readFileSync(path, 'utf8').trim().split('\n').at(-1)?.slice(0, 8) ?? '-'));
  });

  it('is refused with its path where others may read it, or where it is none', () => {
    const path = join(dir, 'wrong.key');
    for (const text of ['', '# nothing\n', 'secret\n', `${first.toString('base64')}\nhalf\n`, first.toString('hex')]) {
      writeFileSync(path, text, { mode: 0o600 });
      assert.throws(() => ensureClusterKeys(path), refused(/wrong\.key is no cluster key: .*32 bytes/), text);
      assert.equal(readFileSync(path, 'utf8'), text, 'it is left as it is');
    }
    writeFileSync(path, `${second.toString('base64')}\n${first.toString('base64')}\n`);
    assert.equal(ensureClusterKeys(path).ids.length, 2);
    chmodSync(path, 0o640);
    assert.throws(() => readClusterKeys(path), refused(/can be read by others: chmod 600/));
    assert.throws(() => ensureClusterKeys(dir), refused(/cannot read the cluster key .*EISDIR/));
    assert.throws(() => ensureClusterKeys(join(path, 'below')), refused(/cannot (read|write) the cluster key/));
  });
});
