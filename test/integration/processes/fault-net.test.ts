/** The net under a whole process, in a process of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { repository } from '../../support/cluster/paths.ts';

/** Runs a module's text under the net; its standard output, its log and its exit code. */
function run(text: string): { readonly said: string; readonly log: readonly Record<string, unknown>[]; readonly code: number | null } {
  const code = `
    import { pino } from 'pino';
    import { catchFaults } from './src/processes/fault-net.ts';
    import { processFaults } from './src/telemetry/faults.ts';
    catchFaults(pino({}, pino.destination({ dest: 2, sync: true })), (code) => process.exit(code));
    const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
    ${text}`;
  const args = ['--import', './scripts/typescript.mjs', '--input-type=module', '-e', code];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: repository, encoding: 'utf8', timeout: 60_000 });
  const log = stderr.split('\n').filter((line) => line.startsWith('{'));
  return { said: stdout.trim(), log: log.map((line) => JSON.parse(line) as Record<string, unknown>), code: status };
}

describe('an error that escapes all handlers', () => {
  it('is logged with its stack and counted for status, and the process goes on', () => {
    const { said, log, code } = run(`
      setTimeout(function inATimer() { throw new RangeError('no such packet'); }, 0);
      Promise.reject(new TypeError('nobody waits'));
      process.nextTick(() => { null.x; });
      await turn(); await turn();
      console.log(JSON.stringify(processFaults(0, Date.now())));
    `);
    assert.equal(code, 0);
    const { unexpectedErrors, lastPlace } = JSON.parse(said) as { unexpectedErrors: number; lastPlace: string };
    assert.equal(unexpectedErrors, 3);
    assert.match(lastPlace, /^an (uncaught exception|unhandled rejection)$/);
    const stacks = log.map(({ err }) => (err as { stack: string }).stack);
    assert.equal(stacks.length, 3);
    assert.ok(
      stacks.some((stack) => /RangeError: no such packet\n +at .*inATimer/.test(stack)),
      stacks.join('\n'),
    );
  });

  it('ends the process with code 70 when there is one after the other, and the log says why', () => {
    const { said, log, code } = run(`
      for (let n = 0; n < 100; n++) { Promise.reject(new Error('again')); await turn(); }
      console.log('still here');
    `);
    assert.deepEqual([code, said], [70, '']);
    assert.match(String(log.at(-1)?.['msg']), /cannot go on: 20 errors within 10 s/);
  });

  it('ends the process when it comes from the code that writes the store', () => {
    const { log, code } = run(`
      const error = new TypeError('x');
      error.stack = 'TypeError: x\\n    at drain (/opt/arpanet/dist/store/ledger/ledger.js:1:1)';
      Promise.reject(error);
      await turn(); await turn();
    `);
    assert.equal(code, 70);
    assert.match(String(log.at(-1)?.['msg']), /cannot go on: it came from the state store/);
  });
});
