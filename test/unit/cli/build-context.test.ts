import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import tar from 'tar-stream';
import { openContext } from '../../../src/cli/commands/deploy/build-context.ts';

describe('the files that a build is sent', () => {
  let root: string;
  let folder: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'arpanet-context-'));
  });
  after(() => rmSync(root, { recursive: true, force: true }));
  beforeEach(() => {
    folder = mkdtempSync(join(root, 'app-'));
  });
  const write = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { mode });
  };
  /** What the archive has: the text of files, the target of links, `/` for folders. */
  async function sent(...how: Parameters<typeof openContext> extends [string, ...infer How] ? How : never) {
    const context = await openContext(folder, ...how);
    const extract = tar.extract();
    const found: Record<string, string> = {};
    const owners = new Set<string>();
    extract.on('entry', ({ name, type, linkname, uid, gid, mode = 0 }, content, next) => {
      owners.add(`${uid}:${gid}`);
      const chunks: Buffer[] = [];
      content.on('data', (chunk: Buffer) => chunks.push(chunk));
      content.on('end', () => {
        const data = Buffer.concat(chunks);
        found[name] = type === 'directory' ? '/' : type === 'symlink' ? `-> ${linkname}` : `${data.toString()}${mode & 0o100 ? '*' : ''}`;
        next();
      });
    });
    context.archive.pipe(extract);
    await new Promise((resolve, reject) => extract.on('finish', resolve).on('error', reject));
    return { found, owners: [...owners], dockerfile: context.dockerfile };
  }

  it('are all of a folder, with modes and links, as root’s', async () => {
    write('Dockerfile', 'FROM a');
    write('run.sh', 'go', 0o755);
    write('sub/empty', '');
    symlinkSync('run.sh', join(folder, 'link'));
    const { found, owners, dockerfile } = await sent({ path: 'Dockerfile' });
    assert.deepEqual(found, { Dockerfile: 'FROM a', 'run.sh': 'go*', sub: '/', 'sub/empty': '', link: '-> run.sh' });
    assert.deepEqual([owners, dockerfile], [['0:0'], 'Dockerfile']);
  });

  it('may lie in a folder of their own, and their Dockerfile may be changed on the way', async () => {
    write('Dockerfile', 'FROM a');
    write('.dockerignore', 'left\n');
    write('left', 'x');
    write('kept', 'y');
    const moved = await sent({ text: 'FROM scratch' }, { below: 'files' });
    assert.deepEqual(moved.found, {
      '.dockerfile.arpanet': 'FROM scratch',
      files: '/',
      'files/.dockerignore': 'left\n',
      'files/Dockerfile': 'FROM a',
      'files/kept': 'y',
    });
    const changed = await sent({ path: 'Dockerfile' }, { edit: (text) => `${text} AS b` });
    assert.equal(changed.dockerfile, '.dockerfile.arpanet');
    assert.equal(changed.found['.dockerfile.arpanet'], 'FROM a AS b');
    assert.equal(changed.found['left'], undefined);
  });

  it('leave out what .dockerignore names, but for its exceptions and what the build needs', async () => {
    write('docker/Dockerfile', 'FROM a');
    write('.dockerignore', '*\n!kept\nkept/not\n');
    write('left', 'x');
    write('kept/yes', 'y');
    write('kept/not', 'n');
    const { found } = await sent({ path: 'docker/Dockerfile' });
    assert.deepEqual(Object.keys(found).sort(), ['.dockerignore', 'docker/Dockerfile', 'kept', 'kept/yes']);
  });

  it('leave out folders whole; a Dockerfile’s own rules go before', async () => {
    write('Dockerfile', 'FROM a');
    write('.dockerignore', 'kept\n');
    write('Dockerfile.dockerignore', 'node_modules\n');
    write('node_modules/a/b', 'x');
    write('kept', 'y');
    assert.deepEqual(Object.keys((await sent({ path: 'Dockerfile' })).found).sort(), [
      '.dockerignore',
      'Dockerfile',
      'Dockerfile.dockerignore',
      'kept',
    ]);
  });

  it('have a Dockerfile that is in the compose file, or elsewhere', async () => {
    write('a', 'x');
    assert.deepEqual(await sent({ text: 'FROM b' }), {
      found: { '.dockerfile.arpanet': 'FROM b', a: 'x' },
      owners: ['0:0'],
      dockerfile: '.dockerfile.arpanet',
    });
    writeFileSync(join(root, 'outer.docker'), 'FROM c');
    assert.deepEqual((await sent({ path: '../outer.docker' })).found, { '.dockerfile.arpanet': 'FROM c', a: 'x' });
  });

  it('must exist', async () => {
    await assert.rejects(openContext(join(folder, 'none'), { path: 'Dockerfile' }), /^ArpanetError: build: there is no folder .*none$/);
    await assert.rejects(openContext(folder, { path: 'Dockerfile' }), /^ArpanetError: build: there is no .*Dockerfile$/);
    await assert.rejects(openContext(folder, { path: '/nowhere/Dockerfile' }), /^ArpanetError: build: cannot read \/nowhere\/Dockerfile$/);
  });
});
