import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openAuditLog } from '../../../src/processes/observability/audit-log.ts';
import type { AuditLine } from '../../../src/security/index.ts';
import { until } from '../../support/cluster/cluster.ts';
import { quietLog } from '../../support/cluster/lab.ts';

const line = (requestId: string): AuditLine => ({
  time: '2026-11-29T12:00:00.000Z',
  from: '127.0.0.1',
  method: 'POST',
  route: '/containers/create',
  result: 'done',
  requestId,
  scheduler: 's1',
});

describe('the audit log of a scheduler', () => {
  let dir: string;
  before(async () => (dir = await mkdtemp(join(tmpdir(), 'arpanet-audit-log-'))));
  after(async () => await rm(dir, { recursive: true, force: true }));

  const idsIn = async (file: string): Promise<readonly string[]> =>
    (await readFile(file, 'utf8').catch(() => ''))
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => (JSON.parse(text) as AuditLine).requestId);

  it('has each line once, in order, in a file for its owner alone; one that was moved away is made again', async () => {
    const file = join(dir, 'audit.jsonl');
    await using log = openAuditLog(file, quietLog, Date.now);
    const ids = Array.from({ length: 500 }, (_one, i) => `r${i}`);
    for (const id of ids) log.write(line(id));
    await until('all is written', async () => (await idsIn(file)).length === ids.length);
    assert.deepEqual(await idsIn(file), ids);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    await rename(file, `${file}.1`);
    log.write(line('later'));
    await until('it is written again', async () => (await idsIn(file)).length > 0);
    assert.deepEqual([await idsIn(file), log.trouble()], [['later'], undefined]);
  });

  it('that cannot be written says why before the first call, keeps a bounded rest, and writes it once it can', async () => {
    const file = join(dir, 'taken');
    await mkdir(file);
    let nowMs = 0;
    await using log = openAuditLog(file, quietLog, () => nowMs);
    await until('it says so', () => /cannot be written: EISDIR/.test(log.trouble() ?? ''));
    const long = 'x'.repeat(1000);
    for (let i = 0; i < 2_000; i += 1) log.write(line(`${i}-${long}`));
    const [, lost = '0'] = /lines are missing: (\d+)$/.exec(log.trouble() ?? '') ?? [];
    assert.ok(Number(lost) > 800 && Number(lost) < 1_600, log.trouble());
    await rmdir(file);
    await until('the rest is written', async () => (await idsIn(file)).length === 2_000 - Number(lost));
    await until('it is written', () => !/cannot/.test(log.trouble() ?? ''));
    assert.match(log.trouble() ?? '', /was not written for a while, and lines are missing/);
    nowMs += 3_600_000;
    assert.equal(log.trouble(), undefined, 'an hour later');
    log.write(line('last'));
    await until('it goes on', async () => (await idsIn(file)).at(-1) === 'last');
  });

  it('keeps the last thousand lines, and tells who listens', async () => {
    await using log = openAuditLog(undefined, quietLog, Date.now);
    const left = new AbortController();
    const heard: string[] = [];
    log.onLine(({ requestId }) => heard.push(requestId), left.signal);
    for (let i = 0; i < 1_500; i += 1) log.write(line(`r${i}`));
    left.abort();
    log.write(line('unheard'));
    assert.deepEqual([heard.length, log.recent().length, log.recent()[0]?.requestId], [1_500, 1_000, 'r501']);
    assert.equal(log.trouble(), undefined);
  });
});
