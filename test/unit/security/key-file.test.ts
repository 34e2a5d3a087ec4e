import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ensureClusterKeys, openClusterKeyFile } from '../../../src/security/index.ts';

describe('the file of the cluster key', () => {
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-key-'));
  const at = (name: string): string => join(dir, name);
  after(() => rmSync(dir, { recursive: true }));

  it('gets another key, which opens at first and seals when it is told to; the one before opens what it has sealed', () => {
    const file = openClusterKeyFile(at('a'));
    const [first] = file.ids;
    const old = file.seal('arpanet/x', '1');
    const made = file.prepare();
    assert.deepEqual(file.ids, [first, made]);
    assert.equal(file.seal('arpanet/x', '2').key, first);
    file.promote(made);
    assert.deepEqual(
      [file.ids, ensureClusterKeys(at('a')).ids],
      [
        [made, first],
        [made, first],
      ],
    );
    const fresh = file.seal('arpanet/x', '3');
    assert.deepEqual([fresh.key, file.open('arpanet/x', old), file.open('arpanet/x', fresh)], [made, '1', '3']);
    assert.equal(statSync(at('a')).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dir), ['a'], 'no draft is left');
    assert.throws(() => file.promote('none'), /has no key none any more/);
  });

  it('is read again where a key is met that it did not have: somebody has copied it there', () => {
    copyFileSync(at('a'), at('b'));
    const [one, other] = [openClusterKeyFile(at('a')), openClusterKeyFile(at('b'))];
    one.promote(one.prepare());
    const sealed = one.seal('arpanet/x', 'new');
    assert.equal(other.open('arpanet/x', sealed), undefined);
    copyFileSync(at('a'), at('b'));
    assert.equal(other.open('arpanet/x', sealed), 'new');
  });

  it('takes what the leader sends, in that order, and keeps what it has beside', () => {
    const [own, leader] = [openClusterKeyFile(at('c')), openClusterKeyFile(at('d'))];
    const [had] = own.ids;
    own.take(leader.secrets());
    assert.deepEqual(own.ids, [...leader.ids, had]);
    own.take(leader.secrets());
    assert.deepEqual(own.ids, [...leader.ids, had]);
    for (const bad of [[], ['AAAA'], ['']]) assert.throws(() => own.take(bad), /no cluster key/);
  });

  it('that is damaged meanwhile, or can be read by others, is refused with words', () => {
    const file = openClusterKeyFile(at('e'));
    const kept = readFileSync(at('e'), 'utf8');
    appendFileSync(at('e'), 'not a key\n');
    assert.throws(() => file.prepare(), { kind: 'invalid', message: /e is no cluster key: its lines are keys of 32 bytes in base64/ });
    writeFileSync(at('e'), kept);
    chmodSync(at('e'), 0o644);
    assert.throws(() => file.reload(), { kind: 'invalid', message: /can be read by others: chmod 600/ });
  });
});
