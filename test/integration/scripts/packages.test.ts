/** What `npm run package` makes: the package for npm, installed without a registry, and the units. test/package installs the others into bare machines. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { repository } from '../../support/cluster/paths.ts';

const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };
const units = join(repository, 'scripts', 'packaging', 'systemd');

describe('the packages', () => {
  let scratch: string;
  let file: string;
  const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const { status, stdout, stderr, error } = spawnSync(command, args, {
      cwd: repository,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: scratch, ...env },
    });
    assert.equal(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? ''}${stdout}${stderr}`);
    return stdout;
  };
  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-packages-'));
    file = join(scratch, `arpanet-${version}.tgz`);
    const said = run(process.execPath, ['scripts/package.mjs', '--only', 'tgz', '--check', '--out', scratch], {
      SOURCE_DATE_EPOCH: '1700000000',
    });
    assert.match(said, /two builds are equal/);
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  it('have programs and texts only: no TypeScript, nothing of the tests, every file of one age and owned by root', () => {
    const lines = run('tar', ['-tvzf', file, '--numeric-owner', '--full-time'], { TZ: 'UTC' }).trim().split('\n');
    for (const name of ['index.html', 'app.js', 'worker.js', 'terminal.js'])
      assert.ok(
        lines.some((line) => line.endsWith(`package/dist/ui/${name}`)),
        `the dashboard's ${name}`,
      );
    for (const line of lines) {
      assert.match(line, /^(d|-)(rwxr-xr-x|rw-r--r--) 0\/0 +\d+ 2023-11-14 22:13:20 package\//);
      assert.ok(!/(?<!client\/[\w-]+\.d)\.tsx?$|tsconfig|\/test|biome|oxlint|\.map\.map|\/src\//.test(line), line);
    }
    for (const name of ['index.js', 'index.d.ts'])
      assert.ok(
        lines.some((line) => line.endsWith(`package/client/${name}`)),
        `arpanet/client's ${name}`,
      );
    const manifest = JSON.parse(run('tar', ['-xzOf', file, 'package/package.json'])) as Record<string, unknown>;
    assert.deepEqual(
      Object.keys(manifest).filter((key) => /dependencies|scripts|private/i.test(key)),
      [],
    );
  });

  it('npm installs without a registry: the command, its manual page and completion, and the embedded store', () => {
    const prefix = join(scratch, 'prefix');
    run('npm', ['install', '--global', '--offline', '--no-audit', '--no-fund', '--prefix', prefix, file]);
    const arpanet = join(prefix, 'bin', 'arpanet');
    assert.equal(run(arpanet, ['--version']).trim(), version);
    assert.ok(existsSync(join(prefix, 'share', 'man', 'man1', 'arpanet.1')));
    const top = join(prefix, 'lib', 'node_modules', 'arpanet');
    assert.match(readFileSync(join(top, 'share', 'completion', 'arpanet.bash'), 'utf8'), /complete -F _arpanet arpanet/);
    assert.match(readFileSync(join(top, 'share', 'config', 'agent.yaml'), 'utf8'), /^# join: /m);
    const opened = `const { open } = await import('lmdb'); const db = open({ path: process.argv[2] }); await db.put('a', 1); console.log(db.get('a')); await db.close();`;
    const at = join(top, 'dist', 'opened.mjs');
    writeFileSync(at, opened);
    assert.equal(run(process.execPath, [at, join(scratch, 'store')]).trim(), '1');
  });

  it('have units that systemd takes without a warning, and a scheduler and a boot server that are exposed to little', (t) => {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) return t.skip('no systemd-analyze here: it is in the package systemd');
    const dir = join(scratch, 'units');
    mkdirSync(dir);
    const program = join(dir, 'arpanet');
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o755);
    const paths = ['scheduler', 'boot', 'agent'].map((name) => {
      const to = join(dir, `arpanet-${name}.service`);
      writeFileSync(to, readFileSync(join(units, `arpanet-${name}.service`), 'utf8').replace('/usr/bin/arpanet', program));
      return to;
    });
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], { encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
    // The threshold is ten times the score.
    run('systemd-analyze', ['security', '--offline=true', '--no-pager', '--threshold=40', ...paths.slice(0, 2)]);
  });

  it('rotate the audit log, which the scheduler opens for each line, as the user who writes it', (t) => {
    const rules = readFileSync(join(repository, 'scripts', 'packaging', 'debian', 'logrotate'), 'utf8');
    assert.match(rules, /^\/var\/log\/arpanet\/\*\.jsonl \{\n\tsu arpanet arpanet\n[\s\S]*\tmissingok\n[\s\S]*\tnocreate\n\}\n$/m);
    if (spawnSync('logrotate', ['--version']).status !== 0) return t.skip('no logrotate here');
    const dir = join(scratch, 'logs');
    mkdirSync(dir);
    writeFileSync(join(dir, 'audit.jsonl'), 'first\n');
    const file = join(scratch, 'logrotate');
    writeFileSync(file, rules.replace('/var/log/arpanet', dir).replace(/\tsu .*\n/, ''), { mode: 0o644 });
    run('logrotate', ['--force', '--state', join(scratch, 'logrotate.state'), file]);
    assert.deepEqual(readdirSync(dir), ['audit.jsonl.1']);
  });

  it('have units that are restarted when their event loop is blocked, keep containers, and reload', () => {
    for (const name of ['scheduler', 'agent', 'boot']) {
      const unit = readFileSync(join(units, `arpanet-${name}.service`), 'utf8');
      for (const line of [
        'Type=notify',
        'NotifyAccess=all',
        'WatchdogSec=60',
        'KillMode=mixed',
        'Restart=always',
        // a boot server has nothing to read again
        ...(name === 'boot' ? [] : ['ExecReload=/bin/kill -HUP $MAINPID']),
      ])
        assert.ok(unit.includes(`\n${line}\n`), `${name}: ${line}`);
      assert.doesNotMatch(unit, /^MemoryDenyWriteExecute/m, 'V8 ends with a core dump under it');
    }
  });
});
