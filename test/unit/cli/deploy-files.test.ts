/** Which files a deploy reads, and what lies beside them. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { diskFiles, projectOnDisk } from '../../../src/cli/commands/deploy/disk-files.ts';
import { type Environment, readEnvFiles, recorded, sentProject } from '../../../src/deployments/index.ts';

const readProject = (named: readonly string[] | undefined, env: Environment) => projectOnDisk(diskFiles(), named, env);

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

  it('are sent with all that the leader needs to read the same, and with no variable that they do not name', () => {
    write(
      'compose.yml',
      'include: [inner/compose.yml]\nservices:\n  web: {image: "web:${TAG}", env_file: [web.env], environment: [PASSED], volumes: ["./data:/data"]}\n',
    );
    write('inner/compose.yml', 'services:\n  inner: {image: "${OWN}", volumes: ["./data:/data"]}\n');
    write('inner/.env', 'OWN=inner\n');
    write('web.env', 'A=$B\n');
    const at = recorded(diskFiles());
    const env = { TAG: '2', B: 'two', PASSED: 'yes', HOME: '/home/ada', SECRET_OF_THE_SHELL: 'x' };
    const here = projectOnDisk(at, undefined, env);
    readEnvFiles(['web.env'], here);
    const sent = at.request(here);
    assert.deepEqual(sent.variables, { TAG: '2', B: 'two', PASSED: 'yes', HOME: '/home/ada' });
    const there = sentProject(JSON.parse(JSON.stringify(sent)) as typeof sent);
    assert.deepEqual(there.stack.services, here.stack.services);
    assert.deepEqual([there.folder, there.files], [here.folder, here.files]);
    assert.deepEqual(readEnvFiles(['web.env'], there), { A: 'two' });
  });

  it('that somebody sends by hand need no folder, until a path is relative; errors name their line', () => {
    const text = 'services:\n  web:\n    image: web\n    nonsense: 1\n';
    assert.throws(() => sentProject({ files: { 'compose.yml': text } }), /^ArpanetError: compose\.yml:4: services\.web\.nonsense/);
    assert.throws(() => sentProject({ files: { 'a.yml': '', 'b.yml': '' } }), /there are 2 files: say in "compose" which/);
    assert.throws(
      () => sentProject({ files: { 'a.yml': 'include: [b.yml]\n' } }),
      /a\.yml:1: include: \/b\.yml was not sent: put it into "files"/,
    );
    assert.throws(() => sentProject({ files: { 'a.yml': text }, folder: 'here' }), /folder is "here": it is a whole path/);
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
