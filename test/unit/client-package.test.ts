import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repository } from '../support/cluster/paths.ts';
import { operationsFile, packageFiles, schemasFile } from '../support/source/client-package.ts';

const HOW = 'after a change of /arpanet/v1 run ARPANET_WRITE_PAGES=1 npm run test:unit -- client-package';
const isWriting = process.env['ARPANET_WRITE_PAGES'] === '1';

describe('the client of /arpanet/v1', () => {
  it('is made of the OpenAPI document (ARPANET_WRITE_PAGES=1 writes it)', () => {
    for (const [name, made] of Object.entries({ 'schemas.ts': schemasFile(), 'operations.ts': operationsFile() })) {
      const path = join(repository, 'src', 'client', name);
      if (isWriting) writeFileSync(path, made);
      assert.equal(readFileSync(path, 'utf8'), made, `src/client/${name}: ${HOW}`);
    }
  });

  it('is exported as arpanet/client, one file of JavaScript that imports nothing, and its types', () => {
    const folder = join(repository, 'client');
    const made = packageFiles();
    if (isWriting) mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(made)) {
      if (isWriting) writeFileSync(join(folder, name), text);
      assert.equal(readFileSync(join(folder, name), 'utf8'), text, `client/${name}: ${HOW}`);
    }
    assert.deepEqual(readdirSync(folder).toSorted(), ['README.md', ...Object.keys(made)].toSorted());
    assert.doesNotMatch(made['index.js'] ?? '', /\bimport\b[ ({]|\brequire\(/);
    const { exports, files } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      readonly exports: unknown;
      readonly files: readonly string[];
    };
    assert.deepEqual(exports, {
      './client': { types: './client/index.d.ts', default: './client/index.js' },
      './package.json': './package.json',
    });
    assert.ok(files.includes('client'));
  });
});
