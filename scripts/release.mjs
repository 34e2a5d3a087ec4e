#!/usr/bin/env node
// npm run release -- major|minor|patch|X.Y.Z [--dry-run]: makes a release of the repository in the current folder.
// Needs a clean tree and changes under [Unreleased]; runs `npm test`; sets the version in package.json and package-lock.json; dates the changelog's
// section; commits and tags. Pushes nothing. With --dry-run it checks all but the tests, prints what it would do, and changes nothing.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const fail = (text, code = 1) => {
  console.error(`release: ${text}`);
  process.exit(code);
};
const git = (...args) => {
  const { status, stdout, stderr } = spawnSync('git', args, { encoding: 'utf8' });
  if (status !== 0) fail(`git ${args[0]} failed: ${stderr.trim()}`);
  return stdout.trim();
};

const isDryRun = process.argv.includes('--dry-run');
const [wanted, ...more] = process.argv.slice(2).filter((arg) => arg !== '--dry-run');
const SEMVER = /^(\d+)\.(\d+)\.(\d+)$/;
if (more.length > 0 || wanted === undefined || !(['major', 'minor', 'patch'].includes(wanted) || SEMVER.test(wanted)))
  fail('usage: npm run release -- major|minor|patch|X.Y.Z [--dry-run]', 2);

const root = git('rev-parse', '--show-toplevel');
process.chdir(root);
const read = (file) => readFileSync(join(root, file), 'utf8');
const current = JSON.parse(read('package.json')).version;
const numbersOf = (version) => SEMVER.exec(version).slice(1).map(Number);
const [major, minor, patch] = numbersOf(current);
const version = { major: `${major + 1}.0.0`, minor: `${major}.${minor + 1}.0`, patch: `${major}.${minor}.${patch + 1}` }[wanted] ?? wanted;
const isNewer = numbersOf(version).reduce((sign, number, i) => (sign === 0 ? Math.sign(number - numbersOf(current)[i]) : sign), 0) > 0;
if (!isNewer) fail(`${version} is not newer than ${current}`);

if (git('status', '--porcelain') !== '') fail('the tree has uncommitted changes: commit or stash them first');
if (git('tag', '--list', `v${version}`) !== '') fail(`tag v${version} exists already`);
const date = new Date().toISOString().slice(0, 10);
const changelog = read('CHANGELOG.md');
const HEADING = '## [Unreleased]\n';
if (!changelog.includes(HEADING)) fail('CHANGELOG.md has no section "## [Unreleased]"');
const [before, after] = changelog.split(HEADING, 2);
const [notes = '', ...older] = after.split(/^(?=## )/m);
if (notes.trim() === '') fail('CHANGELOG.md has nothing under [Unreleased]');
const dated = `${before}${HEADING}\n## [${version}] - ${date}\n${notes}${older.join('')}`;

if (isDryRun) {
  console.log(
    `would run npm test, set version ${current} -> ${version}, commit and tag v${version} (${date}) with these notes:\n\n${notes.trim()}`,
  );
  process.exit(0);
}
if (spawnSync('npm', ['test'], { stdio: 'inherit' }).status !== 0) fail('npm test failed: nothing was changed');
const FIELD = `"version": "${current}"`;
// the first is the package's own; in the lock file it stands a second time, under the package ""
const withVersion = (text, times) => {
  let left = times;
  return text.replaceAll(FIELD, (found) => (left-- > 0 ? `"version": "${version}"` : found));
};
writeFileSync(join(root, 'package.json'), withVersion(read('package.json'), 1));
writeFileSync(join(root, 'package-lock.json'), withVersion(read('package-lock.json'), 2));
writeFileSync(join(root, 'CHANGELOG.md'), dated);
git('add', 'package.json', 'package-lock.json', 'CHANGELOG.md');
git('commit', '--quiet', '--message', `release: ${version}`);
git('tag', '--annotate', `v${version}`, '--message', `arpanet ${version}\n\n${notes.trim()}`);
console.log(`committed and tagged v${version}. Publish it with: git push --follow-tags`);
