/** An agent's own files, harmed: it starts without them, and says which file, what is lost, and what brings it back. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import { openAgentFiles } from '../../../src/hostagent/agent-files.ts';
import { createFence } from '../../../src/hostagent/overlay/fence.ts';
import { MAX_EPOCH_STEP } from '../../../src/schemas/index.ts';

function folder(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-files-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const lines: { level: number; msg: string }[] = [];
  return { dir, lines, log: pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as never) }) };
}

describe('an agent with damaged files', () => {
  for (const [file, contents] of [
    ['epoch', ['', 'null', '{"epoch":"7"}', '{"epoch":1e300}', '\0\0\0', '[]']],
    ['names.json', ['', 'null', '{}', '{"version":1,"epoch":1,"atMs":1,"instances":[null]}']],
    ['plans.json', ['', 'null', '[null]', '[{"network":"x"}]']],
    ['kept.json', ['', 'null', '{"records":{}}']],
    ['fence.json', ['', 'null', '["-j ACCEPT"]', '{}']],
    ['checks.json', ['', 'null', '[null]', '[{"id":"a","startedAt":"","status":"starting"}]']],
  ] as const)
    it(`starts without ${file}, says so, and keeps the damaged one aside`, async (t) => {
      for (const content of contents) {
        const { dir, lines, log } = folder(t);
        const path = join(dir, file);
        writeFileSync(path, content);
        const files = openAgentFiles(dir, log);
        await createFence('none', files.fencePath, log).restore();
        assert.equal(files.epoch.current(), 0);
        assert.deepEqual([files.names.value(), files.plans.value(), files.replica.value()], [undefined, undefined, undefined]);
        const said = lines.filter(({ level, msg }) => level === 50 && msg.includes(path));
        assert.equal(said.length, 1, JSON.stringify([content, lines]));
        assert.match(said[0]?.msg ?? '', /is damaged and is ignored: .*until/);
        assert.equal(readFileSync(`${path}.unreadable`, 'utf8'), content);
        assert.equal(existsSync(path), false);
      }
    });

  it('reads what it has written', (t) => {
    const { dir, lines, log } = folder(t);
    const before = openAgentFiles(dir, log).epoch;
    before.belongTo('c1');
    assert.ok(before.admit(7));
    const after = openAgentFiles(dir, log).epoch;
    assert.deepEqual([after.current(), after.cluster()], [7, 'c1']);
    assert.deepEqual(lines, []);
  });
});

describe('an epoch', () => {
  it('is believed when an election can have reached it, and no other', (t) => {
    const { dir, lines, log } = folder(t);
    const { epoch } = openAgentFiles(dir, log);
    assert.ok(!epoch.admit(Number.MAX_SAFE_INTEGER));
    assert.ok(epoch.admit(5_000_000), 'a host that has just joined takes the epoch of its cluster');
    assert.ok(epoch.admit(5_000_000 + MAX_EPOCH_STEP));
    assert.ok(!epoch.admit(epoch.current() + MAX_EPOCH_STEP + 1));
    assert.ok(!epoch.admit(3));
    assert.equal(epoch.current(), 5_000_000 + MAX_EPOCH_STEP);
    assert.equal(lines.filter(({ msg }) => msg.includes('no election can have reached')).length, 2);
  });
});
