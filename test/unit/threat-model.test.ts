/** The threat model in docs/security.md: each row names the tests that hold it, and they exist. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repository } from '../support/cluster/paths.ts';

describe('the threat model', () => {
  const text = readFileSync(join(repository, 'docs/security.md'), 'utf8');
  const [, section = ''] = /^## Threat model\n(.*?)^## /ms.exec(text) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| who |'));

  it('has four cells in each row: who, what they reach, what stops them, which tests', () => {
    assert.ok(rows.length > 15, `${rows.length} rows`);
    for (const row of rows) {
      const cells = row.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '').trim());
      assert.deepEqual([cells.length, cells.filter((cell) => cell === '' || cell === '|')], [4, []], row);
    }
  });

  it('names a test in each row, and each is a file', () => {
    for (const row of rows) {
      const tests = [...(row.split(' | ')[3] ?? '').matchAll(/\]\(\.\.\/([^)#]+)\)/g)].map(([, path = '']) => path);
      assert.notDeepEqual(tests, [], row);
      for (const path of tests)
        assert.ok(path.startsWith('test/') && path.endsWith('.test.ts') && existsSync(join(repository, path)), path);
    }
  });
});
