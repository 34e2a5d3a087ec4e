import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { writeDurably, writeDurablySync } from '../../../src/files/durable-file.ts';

for (const [name, write] of [
  ['writeDurably', writeDurably],
  ['writeDurablySync', async (file: string, text: string) => writeDurablySync(file, text)],
] as const) {
  describe(name, () => {
    it('replaces the text, leaves nothing else behind, and lets only the owner read it', async (t) => {
      const dir = mkdtempSync(join(tmpdir(), 'arpanet-files-'));
      t.after(() => rmSync(dir, { recursive: true }));
      const file = join(dir, 'a');
      await write(file, 'first, and longer');
      await write(file, 'second');
      assert.equal(readFileSync(file, 'utf8'), 'second');
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(dir), ['a']);
    });

    it('keeps the old text when the new one cannot be written', async (t) => {
      const dir = mkdtempSync(join(tmpdir(), 'arpanet-files-'));
      t.after(() => rmSync(dir, { recursive: true }));
      const file = join(dir, 'a');
      await write(file, 'old');
      mkdirSync(`${file}.new`);
      await assert.rejects(async () => write(file, 'new'), { code: 'EISDIR' });
      assert.equal(readFileSync(file, 'utf8'), 'old');
    });
  });
}
