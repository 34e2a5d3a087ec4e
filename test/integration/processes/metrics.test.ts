/** `/metrics` of a real scheduler, read by Prometheus' own promtool; the alert rules that are delivered, by their tests. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { repository, tools } from '../../support/cluster/paths.ts';
import { type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

function promtool(args: readonly string[], input?: string): string {
  const cwd = join(repository, 'examples', 'monitoring');
  const { status, stdout, stderr, error } = spawnSync(tools.prometheus('promtool'), args, { cwd, input, encoding: 'utf8' });
  assert.equal(status, 0, `promtool ${args.join(' ')}: ${error?.message ?? ''}${stdout}${stderr}`);
  return stdout + stderr;
}

describe('metrics', () => {
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-metrics-'));
  let scheduler: SmallScheduler;
  before(async () => {
    scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir });
    await scheduler.ready();
  });
  after(async () => {
    await scheduler?.[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true });
  });

  it('of a scheduler are what Prometheus takes, with names and units by its rules', async () => {
    await scheduler.call('GET', '/v1.41/containers/nobody/json');
    const answer = await fetch(`${scheduler.url}/metrics`);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    assert.equal(promtool(['check', 'metrics'], text).trim(), '');
    assert.match(text, /^arpanet_scheduler_leader 1$/m);
    assert.match(text, /^arpanet_store_up 1$/m);
    assert.match(text, /^arpanet_http_requests_total\{method="GET",route="\/containers\/\{id\}\/json",code="404"\} [1-9]/m);
    assert.match(text, /^arpanet_store_transactions_total\{outcome="committed"\} [1-9]/m);
  });

  it('have alert rules that fire when they should, and only then', () => {
    assert.match(promtool(['check', 'rules', 'alerts.yml']), /rules found/);
    assert.match(promtool(['check', 'config', 'prometheus.yml']), /SUCCESS/);
    assert.match(promtool(['test', 'rules', 'alerts.test.yml']), /SUCCESS/);
  });
});
