import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { page, pagePath } from '../conformance/replay/page.ts';

describe('docs/divergence.md', () => {
  it('is made of the data that the conformance run goes by (npm run conformance -- --page)', () => {
    assert.equal(readFileSync(pagePath, 'utf8'), page());
  });
});
