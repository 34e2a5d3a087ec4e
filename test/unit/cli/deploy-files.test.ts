/** Which files a deploy reads, and what lies beside them. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { readEnvFiles, readProject } from '../../../src/cli/commands/deploy/files.ts';

describe('the files of a deploy', () => {
  let root: string;
  let folder: string;
  const began = process.cwd();
  before(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'arpanet-files-')));
  });
  beforeEach(() => {
    folder = mkdtempSync(join(root, 'project-'));
    process.chdir(folder);
  });
  after(() => {
    process.chdir(began);
    rmSync(root, { recursive: true, force: true });
  });
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const web = (image: string) => `services:\n  web: {image: ${image}}\n`;
  const imageOf = ({ stack }: ReturnType<typeof readProject>) => stack.services.get('web')?.['image'];

  it('are those of this folder with the override beside them, or of the next folder above that has any', () => {
    write('fig.yml', 'web: {image: fig}\n');
    assert.equal(imageOf(readProject(undefined, {})), 'fig');
    write('docker-compose.yml', web('plain'));
    assert.equal(imageOf(readProject(undefined, {})), 'plain');
    write('compose.override.yml', web('override'));
    mkdirSync(join(folder, 'deep/er'), { recursive: true });
    process.chdir(join(folder, 'deep/er'));
    const found = readProject(undefined, {});
    assert.deepEqual([imageOf(found), found.folder], ['override', folder]);
    assert.deepEqual(found.files, [join(folder, 'docker-compose.yml'), join(folder, 'compose.override.yml')]);
    assert.equal(imageOf(readProject([join(folder, 'fig.yml')], {})), 'fig', 'what is named is taken, and nothing beside it');
  });

  it('are those of COMPOSE_FILE, from the environment or .env', () => {
    write('compose.yml', web('plain'));
    write('one.yml', web('one'));
    write('two.yml', web('"${WORD}"'));
    write('.env', 'COMPOSE_FILE=one.yml:two.yml\nWORD=two\n');
    assert.equal(imageOf(readProject(undefined, {})), 'two');
    assert.equal(imageOf(readProject(undefined, { COMPOSE_FILE: 'one.yml' })), 'one');
    assert.equal(imageOf(readProject(undefined, { WORD: 'outer' })), 'outer', 'the environment goes before .env');
  });

  it('must exist', () => {
    process.chdir('/');
    assert.throws(() => readProject(undefined, {}), /there is no compose\.yaml, .*fig\.yaml in this folder: name the file with -f/);
    assert.throws(() => readProject(['/nowhere.yml'], {}), /cannot read \/nowhere\.yml/);
  });

  it('of include bring the variables and paths of their own folder; those of the outer project go before', () => {
    write(
      'compose.yml',
      'include:\n  - inner/compose.yml\n  - {path: [two/a.yml, two/b.yml], project_directory: ., env_file: [two/x.env]}\n',
    );
    write('inner/compose.yml', 'services:\n  web: {image: "${A}-${B}", volumes: ["./data:/data"]}\n');
    write('inner/.env', 'A=inner\nB=inner\n');
    write('two/a.yml', 'services:\n  two: {image: "${C}"}\n');
    write('two/b.yml', 'services:\n  two: {volumes: ["./data:/data"]}\n');
    write('two/x.env', 'C=its\n');
    const { stack } = readProject(undefined, { A: 'outer' });
    assert.equal(stack.services.get('web')?.['image'], 'outer-inner');
    assert.deepEqual(stack.services.get('web')?.['volumes'], { '/data': `${folder}/inner/data:/data` });
    assert.deepEqual(stack.services.get('two'), { image: 'its', volumes: { '/data': `${folder}/data:/data` } });
    write('compose.yml', 'include: ["https://example.com/x.git"]\n');
    assert.throws(() => readProject(undefined, {}), /include: https:\/\/example\.com\/x\.git is not on this machine: fetch it first/);
  });

  it('of env_file may be missing where they are not required, and may be raw', () => {
    write('compose.yml', web('a'));
    write('a.env', 'A="one $B"\nB=two\n');
    write('raw.env', '# no\nA="one $B"\nC=x=y\n');
    const project = readProject(undefined, {});
    assert.deepEqual(readEnvFiles(['a.env', { path: 'none.env', required: false }], project), { A: 'one ', B: 'two' });
    assert.deepEqual(readEnvFiles(['a.env', { path: 'raw.env', format: 'raw' }], project), { A: '"one $B"', B: 'two', C: 'x=y' });
    assert.throws(() => readEnvFiles(['none.env'], project), /cannot read .*none\.env/);
    assert.throws(() => readEnvFiles([{ path: 'a.env', format: 'other' }], project), /the format of .*a\.env is "other"/);
  });
});
