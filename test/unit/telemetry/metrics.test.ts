import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { counter, exposition, type Family, gauge, histogram, measured, MOST_SERIES } from '../../../src/telemetry/metrics.ts';
import { processFamilies } from '../../../src/telemetry/process-figures.ts';

const familyOf = (name: string): Family => measured().find((family) => family.name === name) ?? assert.fail(name);
const textOf = (name: string): readonly string[] =>
  exposition([familyOf(name)])
    .trimEnd()
    .split('\n');

describe('the metrics of a process', () => {
  it('are in the text format 0.0.4: help, type, then a line for each series', () => {
    const seen = counter({ name: 'test_seen_total', help: 'Seen.', labels: ['kind', 'name'] });
    seen.inc({ kind: 'a', name: 'quoted "x"\\\n' });
    seen.inc({ kind: 'a', name: 'b' }, 2);
    seen.inc({ kind: 'a', name: 'b' });
    assert.deepEqual(textOf('test_seen_total'), [
      '# HELP test_seen_total Seen.',
      '# TYPE test_seen_total counter',
      String.raw`test_seen_total{kind="a",name="quoted \"x\"\\\n"} 1`,
      'test_seen_total{kind="a",name="b"} 3',
    ]);
  });

  it('show a counter without labels from the start, as 0', () => {
    counter({ name: 'test_none_total', help: 'None.' });
    assert.equal(textOf('test_none_total')[2], 'test_none_total 0');
  });

  it('leave out a metric without a series: its help alone is an error for a strict reader', () => {
    counter({ name: 'test_empty_total', help: 'Empty.', labels: ['kind'] });
    assert.equal(exposition([familyOf('test_empty_total')]), '');
  });

  it('go up and down where they are a gauge', () => {
    const open = gauge({ name: 'test_open', help: 'Open.' });
    open.add(2);
    open.add(-1);
    assert.equal(textOf('test_open')[2], 'test_open 1');
  });

  it('count a duration into each bucket that it fits, and the sum in seconds', () => {
    const took = histogram({ name: 'test_duration_seconds', help: 'Took.', labels: ['stage'] });
    took.observe(0.02, { stage: 'x' });
    took.observe(100, { stage: 'x' });
    const lines = textOf('test_duration_seconds').slice(2);
    assert.deepEqual(
      lines.filter((line) => /le="(?:0.005|0.025|60|\+Inf)"|_sum|_count/.test(line)),
      [
        'test_duration_seconds_bucket{stage="x",le="0.005"} 0',
        'test_duration_seconds_bucket{stage="x",le="0.025"} 1',
        'test_duration_seconds_bucket{stage="x",le="60"} 1',
        'test_duration_seconds_bucket{stage="x",le="+Inf"} 2',
        'test_duration_seconds_sum{stage="x"} 100.02',
        'test_duration_seconds_count{stage="x"} 2',
      ],
    );
  });

  it('have a bound: what comes beyond it is counted together, and nothing is lost', () => {
    const busy = counter({ name: 'test_busy_total', help: 'Busy.', labels: ['who'] });
    for (let n = 0; n < MOST_SERIES + 500; n++) busy.inc({ who: `client-${n}` });
    const { samples } = familyOf('test_busy_total');
    assert.equal(samples.length, MOST_SERIES + 1);
    assert.equal(samples.at(-1)?.labels?.['who'], 'others');
    assert.equal(
      samples.reduce((sum, { value }) => sum + value, 0),
      MOST_SERIES + 500,
    );
  });

  it('say what the process uses, each as a number', () => {
    const families = processFamilies();
    assert.ok(families.some(({ name }) => name === 'process_cpu_seconds_total'));
    for (const { name, samples } of families) assert.ok(Number.isFinite(samples[0]?.value), name);
  });
});
