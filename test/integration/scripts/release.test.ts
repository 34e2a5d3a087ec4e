import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { repository } from '../../support/cluster/paths.ts';

const script = join(repository, 'scripts', 'release.mjs');
const CHANGELOG =
  '# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- A fault.\n\n## [0.9.1] - 2026-01-02\n\n### Added\n\n- It is "version": "0.9.1".\n';

const dirs: string[] = [];
let dir = '';
const git = (...args: readonly string[]) => spawnSync('git', args, { cwd: dir, encoding: 'utf8' }).stdout.trim();
const read = (file: string) => readFileSync(join(dir, file), 'utf8');
const release = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { cwd: dir, encoding: 'utf8' });
  return { status, text: stdout + stderr };
};
const write = (file: string, content: string | object) =>
  writeFileSync(join(dir, file), typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`);

/** A repository of its own, at version 0.9.1, whose `npm test` is `test`. */
function repositoryWith(test: string): void {
  dir = mkdtempSync(join(tmpdir(), 'arpanet-release-'));
  dirs.push(dir);
  write('package.json', { name: 'x', version: '0.9.1', scripts: { test } });
  write('package-lock.json', {
    name: 'x',
    version: '0.9.1',
    packages: { '': { name: 'x', version: '0.9.1' }, 'node_modules/y': { version: '0.9.1' } },
  });
  write('CHANGELOG.md', CHANGELOG);
  git('init', '--quiet');
  git('config', 'user.name', 'a tester');
  git('config', 'user.email', 'tester@example.com');
  git('add', '.');
  git('commit', '--quiet', '--message', 'first');
}

describe('npm run release', () => {
  beforeEach(() => repositoryWith('node --version'));
  after(() => {
    for (const one of dirs) rmSync(one, { recursive: true, force: true });
  });

  it('sets the version, dates the changelog, commits and tags', () => {
    const { status, text } = release('minor');
    assert.equal(status, 0, text);
    assert.equal((JSON.parse(read('package.json')) as { version: string }).version, '0.10.0');
    assert.deepEqual(
      [...read('package-lock.json').matchAll(/"version": "([^"]+)"/g)].map((match) => match[1]),
      ['0.10.0', '0.10.0', '0.9.1'],
      'a dependency that has the same version keeps it',
    );
    const today = new Date().toISOString().slice(0, 10);
    assert.equal(read('CHANGELOG.md'), CHANGELOG.replace('## [Unreleased]\n', `## [Unreleased]\n\n## [0.10.0] - ${today}\n`));
    assert.equal(git('log', '-1', '--format=%s'), 'release: 0.10.0');
    assert.equal(git('tag', '--points-at', 'HEAD'), 'v0.10.0');
    assert.match(git('tag', '--list', '--format=%(contents)', 'v0.10.0'), /A fault\./);
    assert.equal(git('status', '--porcelain'), '');
  });

  it('changes nothing with --dry-run, and says what it would do', () => {
    const { status, text } = release('--dry-run', 'patch');
    assert.equal(status, 0, text);
    assert.match(text, /0\.9\.1 -> 0\.9\.2/);
    assert.match(text, /- A fault\./);
    assert.equal(read('CHANGELOG.md'), CHANGELOG);
    assert.equal(git('log', '--format=%s'), 'first');
    assert.equal(git('tag'), '');
  });

  it('changes nothing when the tests fail', () => {
    repositoryWith('exit 1');
    const { status, text } = release('1.0.0');
    assert.equal(status, 1, text);
    assert.match(text, /npm test failed/);
    assert.equal(git('status', '--porcelain'), '');
    assert.equal(git('tag'), '');
  });

  it('refuses an uncommitted change, a tag that exists, an old version, an empty section, and a missing argument', () => {
    git('tag', 'v0.9.2');
    assert.match(release('patch').text, /tag v0\.9\.2 exists already/);
    assert.match(release('0.9.0').text, /0\.9\.0 is not newer than 0\.9\.1/);
    assert.equal(release().status, 2);
    assert.equal(release('next').status, 2);
    write('new.txt', 'x');
    assert.match(release('minor').text, /uncommitted changes/);
    git('add', '.');
    write('CHANGELOG.md', '# Changelog\n\n## [Unreleased]\n\n## [0.9.1] - 2026-01-02\n');
    git('commit', '--quiet', '--all', '--message', 'second');
    assert.match(release('minor').text, /nothing under \[Unreleased\]/);
  });
});
