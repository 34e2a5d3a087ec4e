/** The names on an agent's disk: a table and the changes since, which together are the table of now. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHostNames } from '../../../src/hostagent/names/host-names.ts';
import { openLiveTable } from '../../../src/hostagent/names/live-table.ts';
import { openNamesFile } from '../../../src/hostagent/names/names-file.ts';
import type { NameChange } from '../../../src/model/index.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { instance, nameTable } from '../../support/fakes/literal-names.ts';

const change = (since: number, over: Partial<NameChange>): NameChange => ({
  since,
  version: since + 1,
  epoch: 1,
  atMs: 5,
  put: [],
  drop: [],
  ...over,
});
const web = (number: number) => instance(`${number}.web.abc`, { n1: `10.32.0.${number}` }, { container: `c${number}` });

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-names-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 10_000; !holds(); await sleep(10)) assert.ok(performance.now() < endMs, holds.toString());
}

const ids = (dir: string): readonly string[] | undefined =>
  openNamesFile(dir, quietLog)
    .value()
    ?.instances.map(({ id }) => id);

describe('names on the disk', () => {
  it('are the table and the changes since, of which each is written as what it is', async (t) => {
    const dir = folder(t);
    const file = openNamesFile(dir, quietLog);
    const live = openLiveTable(nameTable(web(1), web(2)));
    file.save(live.table());
    await until(() => existsSync(join(dir, 'names.json')));
    const whole = readFileSync(join(dir, 'names.json'), 'utf8');
    for (const next of [change(7, { put: [web(3)] }), change(8, { drop: ['c1'] })]) {
      live.change(next);
      file.append(next, live.table);
    }
    await until(() => ids(dir)?.join() === '2.web.abc,3.web.abc');
    assert.equal(readFileSync(join(dir, 'names.json'), 'utf8'), whole);
    assert.deepEqual(openNamesFile(dir, quietLog).value(), live.table());
  });

  it('lose no more than a change that was being written as the power went, and nothing is added behind it', async (t) => {
    const dir = folder(t);
    writeFileSync(join(dir, 'names.json'), JSON.stringify(nameTable(web(1))));
    writeFileSync(join(dir, 'names.changes'), `${JSON.stringify(change(7, { put: [web(2)] }))}\n{"since":8,"ver`);
    assert.equal(ids(dir)?.join(), '1.web.abc,2.web.abc');
    const file = openNamesFile(dir, quietLog);
    const live = openLiveTable(file.value() ?? nameTable());
    const next = change(8, { put: [web(3)] });
    live.change(next);
    file.append(next, live.table);
    await until(() => ids(dir)?.join() === '1.web.abc,2.web.abc,3.web.abc');
    await until(() => !existsSync(join(dir, 'names.changes')));
  });

  it('leave out changes of another table, and damaged ones with what follows them', (t) => {
    const dir = folder(t);
    writeFileSync(join(dir, 'names.json'), JSON.stringify(nameTable(web(1))));
    const lines = [change(3, { put: [web(2)] }), change(7, { epoch: 2, put: [web(3)] }), change(7, { put: [web(4)] })];
    writeFileSync(join(dir, 'names.changes'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    assert.equal(ids(dir)?.join(), '1.web.abc,4.web.abc');
    appendFileSync(join(dir, 'names.changes'), `{"since":8}\n${JSON.stringify(change(8, { put: [web(5)] }))}\n`);
    assert.equal(ids(dir)?.join(), '1.web.abc,4.web.abc');
  });

  it('are written whole when the changes have become as long, so that the file does not grow', async (t) => {
    const dir = folder(t);
    const file = openNamesFile(dir, quietLog);
    const live = openLiveTable(nameTable(web(1)));
    file.save(live.table());
    await until(() => existsSync(join(dir, 'names.json')));
    for (let since = 7; since < 307; since++) {
      const next = change(since, { put: [web(2)] });
      live.change(next);
      file.append(next, live.table);
    }
    await until(() => openNamesFile(dir, quietLog).value()?.version === 307);
    const changes = join(dir, 'names.changes');
    assert.ok(!existsSync(changes) || statSync(changes).size < 70_000);
    assert.equal(JSON.parse(readFileSync(join(dir, 'names.json'), 'utf8')).version, 307);
  });
});

describe('names that a host was sent', () => {
  it('are confirmed after a change of another table only when the table has come', async () => {
    const nothing = (): void => undefined;
    const names = createHostNames({
      file: { value: () => undefined, save: nothing, append: nothing },
      dns: { table: nothing, change: nothing, confirm: nothing },
      followers: [],
      heard: () => undefined,
      moved: nothing,
      now: () => 0,
    });
    await names.settle();
    assert.equal(names.change(change(6, {})), false);
    let isConfirmed = false;
    const confirmed = names.settle().then(() => (isConfirmed = true));
    await sleep(0);
    assert.equal(isConfirmed, false);
    names.table(nameTable(web(1)));
    await confirmed;
    assert.equal(names.change(change(7, {})), true);
    await names.settle();
  });
});
