/** On a fresh clone the scripts run before any package is there: `setup` installs them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { auditReport } from '../../scripts/testing/audit-report.mjs';
import { repository } from '../support/cluster/paths.ts';

/** Loaded by processes of tests, which are started when the packages are there. */
const LATER = new Set(['typescript.mjs', 'testing/run-files.mjs', 'testing/reporter.mjs']);

describe('the scripts', () => {
  it('CI fails for a grave vulnerability of a locked dependency, and not where the registry cannot be asked', () => {
    const found = (severity: string) =>
      JSON.stringify({
        vulnerabilities: { ms: { name: 'ms', severity, range: '<2', via: [{ title: 'ReDoS', url: 'https://x' }, 'debug'] } },
      });
    assert.deepEqual(auditReport(found('high')), {
      ok: false,
      lines: ['dependencies: known vulnerabilities', '  high: ms <2: ReDoS https://x'],
    });
    assert.equal(auditReport(found('critical')).ok, false);
    assert.equal(auditReport(found('moderate')).ok, true);
    assert.deepEqual(auditReport('{"vulnerabilities": {}}'), {
      ok: true,
      lines: ['dependencies: no known vulnerability in what the lock file has'],
    });
    const silent = [
      '',
      '{"message": "405 Method Not Allowed - POST https://r/-/npm/v1/security/advisories/bulk", "statusCode": 405, "error": {"summary": ""}}',
      '{"error": {"code": "ENOTFOUND", "summary": "request to https://r failed"}}',
      'null',
    ];
    for (const said of silent) {
      const { ok, lines } = auditReport(said);
      assert.deepEqual([ok, lines.length], [true, 1]);
      assert.match(lines[0] ?? '', /^dependencies: not audited, /);
    }
  });

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
