import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repository } from '../support/cluster/paths.ts';
import { FAMILIES, metricsPage, metricsPagePath } from '../support/source/metrics-page.ts';

const all = FAMILIES.flatMap(([, families]) => families);
const monitoring = (file: string): string => readFileSync(join(repository, 'examples', 'monitoring', file), 'utf8');

describe('the metrics', () => {
  it('are listed in docs/metrics.md, which is made of the code (ARPANET_WRITE_PAGES=1 writes it)', () => {
    if (process.env['ARPANET_WRITE_PAGES'] === '1') writeFileSync(metricsPagePath, metricsPage());
    assert.equal(readFileSync(metricsPagePath, 'utf8'), metricsPage());
  });

  it('have names and units as Prometheus has them, and a help each', () => {
    const wrong = all.filter(
      ({ name, type, help }) =>
        !/^(?:arpanet|process)(?:_[a-z0-9]+)+$/.test(name) ||
        name.endsWith('_total') !== (type === 'counter') ||
        /_(?:ms|milliseconds|kb|mb|percent|minutes)\b/.test(name) ||
        (type === 'histogram' && !name.endsWith('_seconds')) ||
        !/^[A-Z0-9].*\.$/.test(help),
    );
    assert.deepEqual(
      wrong.map(({ name }) => name),
      [],
    );
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length, 'each name once');
  });

  it('are all that the alert rules and the dashboard of examples/monitoring ask for', () => {
    const known = new Set(
      all.flatMap(({ name, type }) => (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name])),
    );
    for (const file of ['alerts.yml', 'dashboard.json']) {
      const asked = [...new Set(monitoring(file).match(/\b(?:arpanet|process)_[a-z0-9_]+\b/g))];
      assert.ok(asked.length > 5, file);
      assert.deepEqual(
        asked.filter((name) => !known.has(name)),
        [],
        file,
      );
    }
  });
});
