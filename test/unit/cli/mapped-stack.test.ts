import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { mappedStack } from '../../../src/cli/mapped-stack.ts';

describe('the stack of a mistake in a command', () => {
  it('names the file of src that a built file was made from, and leaves what has no map', () => {
    const dir = mkdtempSync(join(tmpdir(), 'arpanet-maps-'));
    try {
      const built = join(dir, 'chunk.js');
      // line 1, column 1 is of line 3, column 5 of the source
      writeFileSync(`${built}.map`, JSON.stringify({ version: 3, sources: ['../src/cli/run.ts'], names: [], mappings: 'AAEI' }));
      const url = pathToFileURL(built).href;
      const other = pathToFileURL(join(dir, 'other.js')).href;
      assert.equal(
        mappedStack(`Error: no\n    at run (${url}:1:1)\n    at ${other}:7:9\n    at node:internal/x:1:1`),
        `Error: no\n    at run (${join(dir, '..', 'src/cli/run.ts')}:3:5)\n    at ${other}:7:9\n    at node:internal/x:1:1`,
      );
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
