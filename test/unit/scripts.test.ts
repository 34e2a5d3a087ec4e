/** On a fresh clone the scripts run before any package is there: `setup` installs them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repository } from '../support/cluster/paths.ts';

/** Loaded by processes of tests, which are started when the packages are there. */
const LATER = new Set(['typescript.mjs', 'testing/run-files.mjs', 'testing/reporter.mjs']);

describe('the scripts', () => {
  it('load no package before they have set it up', () => {
    const folder = join(repository, 'scripts');
    const scripts = readdirSync(folder, { recursive: true })
      .map(String)
      .filter((leaf) => leaf.endsWith('.mjs') && !LATER.has(leaf));
    assert.ok(scripts.includes('start.mjs') && scripts.includes('build.mjs'));
    const packages = scripts.flatMap((leaf) =>
      [...readFileSync(join(folder, leaf), 'utf8').matchAll(/^(?:import|export) (?:[^'"\n]* from )?['"]([^'"]+)['"]/gm)]
        .filter(([, from = '']) => !/^(?:node:|\.)/.test(from))
        .map(([, from]) => `${leaf}: ${from}`),
    );
    assert.deepEqual(packages, []);
  });
});
