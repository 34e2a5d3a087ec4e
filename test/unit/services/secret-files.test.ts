import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { filesOf } from '../../../src/services/secret-files.ts';
import { tarOf } from '../../../src/engine/index.ts';

describe('files of secrets and configs', () => {
  it('travel in an archive that tar itself unpacks: data and paths of any length, owner, mode', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'arpanet-tar-'));
    try {
      const long = Buffer.alloc(1025, 7);
      const archive = await tarOf(
        [
          { path: 'run/secrets/key', data: Buffer.from('東方'), uid: 0, gid: 0, mode: 0o400 },
          { path: 'etc/empty', data: Buffer.alloc(0), uid: 0, gid: 0, mode: 0o444 },
          { path: `etc/${'directory/'.repeat(20)}東`, data: Buffer.from('deep'), uid: 5, gid: 6, mode: 0o444 },
          { path: 'etc/long', data: long, uid: 0, gid: 0, mode: 0o644 },
        ],
        1_700_000_000_000,
      );
      const listed = execFileSync('tar', ['-tvf', '-', '--numeric-owner'], { input: archive }).toString();
      assert.match(listed, /^-r-------- 0\/0 +6 2023-11-1\d \S+ run\/secrets\/key$/m);
      execFileSync('tar', ['-xf', '-', '-C', dir], { input: archive });
      assert.equal(readFileSync(join(dir, 'run/secrets/key'), 'utf8'), '東方');
      assert.equal(statSync(join(dir, 'etc/empty')).size, 0);
      assert.deepEqual(readFileSync(join(dir, 'etc/long')), long);
      assert.equal(readFileSync(join(dir, `etc/${'directory/'.repeat(20)}東`), 'utf8'), 'deep');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('are read from the label; a label that says nothing names none', () => {
    const file = { kind: 'secret', id: 'a', path: '/run/secrets/a', uid: 0, gid: 0, mode: 0o444 };
    assert.deepEqual(filesOf({ Labels: { 'arpanet.files': JSON.stringify([file]) } }), [file]);
    for (const Labels of [{}, { 'arpanet.files': '' }, { 'arpanet.files': '{' }, { 'arpanet.files': '{}' }])
      assert.deepEqual(filesOf({ Labels }), []);
  });
});
